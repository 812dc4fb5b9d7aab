"""The Ministry of Foreign Affairs as the sandbox plays it: country signing CAs, document signers, passports.

Written from ICAO Doc 9303-10 and -12; shares no logic with `honnin.chip`, which reads what is issued here.
"""

from honnin.sandbox.foreign_ministry.authorities import csca_certificates

__all__ = ["csca_certificates"]
