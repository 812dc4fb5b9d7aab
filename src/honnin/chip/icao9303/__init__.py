"""ICAO Doc 9303 (parts 3 to 6, 10, 11, 12) as plain computations: bytes in, bytes out, every random value an argument.

    mrz                     check_digit, parse_mrz, mrz_information
    keys                    bac_keys, session_keys, pace_password_key, derive_key
    bac                     bac_command, bac_response, bac_session
    secure_messaging        protect, unprotect
    pace                    pace_decrypt_nonce, pace_map_generic, pace_map_integrated, pace_public_key,
                            pace_shared_secret, pace_token, pace_chip_authentication_data, pace_cam_verified
    security_infos          parse_security_infos, read_public_key
    domains                 domain_parameters
    lds, security_object    data groups, EF.COM, EF.SOD
    passive, active         passive_authentication, master_list, active_authentication
    chip_agreement          chip_authentication

Nothing here talks to a chip: that is `honnin.chip.passport`. Arguments are described in docs/icao9303.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.chip.icao9303.active import active_authentication as active_authentication
    from honnin.chip.icao9303.active import recover_iso9796_2 as recover_iso9796_2
    from honnin.chip.icao9303.bac import bac_command as bac_command
    from honnin.chip.icao9303.bac import bac_response as bac_response
    from honnin.chip.icao9303.bac import bac_session as bac_session
    from honnin.chip.icao9303.chip_agreement import chip_authentication as chip_authentication
    from honnin.chip.icao9303.domains import domain_parameters as domain_parameters
    from honnin.chip.icao9303.keys import Keys as Keys
    from honnin.chip.icao9303.keys import bac_keys as bac_keys
    from honnin.chip.icao9303.keys import bac_seed as bac_seed
    from honnin.chip.icao9303.keys import derive_key as derive_key
    from honnin.chip.icao9303.keys import pace_password_key as pace_password_key
    from honnin.chip.icao9303.keys import session_keys as session_keys
    from honnin.chip.icao9303.mrz import Mrz as Mrz
    from honnin.chip.icao9303.mrz import check_digit as check_digit
    from honnin.chip.icao9303.mrz import mrz_information as mrz_information
    from honnin.chip.icao9303.mrz import parse_mrz as parse_mrz
    from honnin.chip.icao9303.pace import pace_cam_verified as pace_cam_verified
    from honnin.chip.icao9303.pace import pace_chip_authentication_data as pace_chip_authentication_data
    from honnin.chip.icao9303.pace import pace_decrypt_nonce as pace_decrypt_nonce
    from honnin.chip.icao9303.pace import pace_map_generic as pace_map_generic
    from honnin.chip.icao9303.pace import pace_map_integrated as pace_map_integrated
    from honnin.chip.icao9303.pace import pace_pseudo_random as pace_pseudo_random
    from honnin.chip.icao9303.pace import pace_public_key as pace_public_key
    from honnin.chip.icao9303.pace import pace_shared_secret as pace_shared_secret
    from honnin.chip.icao9303.pace import pace_token as pace_token
    from honnin.chip.icao9303.passive import master_list as master_list
    from honnin.chip.icao9303.passive import passive_authentication as passive_authentication
    from honnin.chip.icao9303.secure_messaging import protect as protect
    from honnin.chip.icao9303.secure_messaging import unprotect as unprotect
    from honnin.chip.icao9303.security_infos import parse_security_infos as parse_security_infos
    from honnin.chip.icao9303.security_infos import read_public_key as read_public_key
    from honnin.chip.icao9303.security_object import parse_security_object as parse_security_object

_HOME = {
    "Keys": "keys",
    "Mrz": "mrz",
    "active_authentication": "active",
    "bac_command": "bac",
    "bac_keys": "keys",
    "bac_response": "bac",
    "bac_seed": "keys",
    "bac_session": "bac",
    "check_digit": "mrz",
    "chip_authentication": "chip_agreement",
    "derive_key": "keys",
    "domain_parameters": "domains",
    "master_list": "passive",
    "mrz_information": "mrz",
    "pace_cam_verified": "pace",
    "pace_chip_authentication_data": "pace",
    "pace_decrypt_nonce": "pace",
    "pace_map_generic": "pace",
    "pace_map_integrated": "pace",
    "pace_password_key": "keys",
    "pace_pseudo_random": "pace",
    "pace_public_key": "pace",
    "pace_shared_secret": "pace",
    "pace_token": "pace",
    "parse_mrz": "mrz",
    "parse_security_infos": "security_infos",
    "parse_security_object": "security_object",
    "passive_authentication": "passive",
    "protect": "secure_messaging",
    "read_public_key": "security_infos",
    "recover_iso9796_2": "active",
    "session_keys": "keys",
    "unprotect": "secure_messaging",
}
__all__ = tuple(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
