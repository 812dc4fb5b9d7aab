"""The assurance levels that a check reached, as its result states them (law-and-assurance §7)."""

from honnin.law.assurance import Mark, authenticators, kind_levels
from honnin.platform.models import AssuranceSeen, LevelSeen

__all__ = ["assured"]


def assured(certificate_kind: str | None, *, passed: bool) -> AssuranceSeen | None:
    """Return what a check with this kind of certificate proves; None unless it passed.

    A signature proves who signed; a login with the user authentication certificate, that the holder came back.
    """
    if not passed:
        return None
    if certificate_kind == "signature":
        ial, dadc, nist = (_seen(mark) for mark in kind_levels("jpki_signature"))
        return AssuranceSeen(ial_2019=ial, dadc_ial=dadc, nist_ial_4=nist)
    if certificate_kind == "user_authentication":
        known = authenticators()["jpki_user_authentication"]
        return AssuranceSeen(aal_2019=LevelSeen(level=known.aal_2019, confidence=known.confidence))
    return None


def _seen(mark: Mark) -> LevelSeen:
    return LevelSeen(level=mark.level, confidence=mark.confidence)
