"""What an office gives to a card: the boundary between issuing (`jlis`, `police`, …) and the chips (`cards`)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

__all__ = ["CardMaterial", "JpkiMaterial", "LicenceMaterial"]


@dataclass(frozen=True, slots=True)
class JpkiMaterial:
    """The content of one chip's JPKI application. Keys are PKCS#8 DER, certificates DER; None means not issued."""

    card_id: str
    signature_ca_certificate: bytes = field(repr=False)
    user_authentication_ca_certificate: bytes = field(repr=False)
    signature_certificate: bytes | None = field(repr=False)
    user_authentication_certificate: bytes | None = field(repr=False)
    signature_key: bytes | None = field(repr=False)
    user_authentication_key: bytes | None = field(repr=False)
    signature_pin: str = field(repr=False)
    user_authentication_pin: str = field(repr=False)
    signature_tries_used: int = 0
    user_authentication_tries_used: int = 0
    label: str = "JPKIAPICCTOKEN2"
    mobile: bool = False


@dataclass(frozen=True, slots=True)
class CardMaterial:
    """What a My Number Card holds beside its JPKI application, made when a file is first read; PINs by name."""

    contents: Mapping[str, Callable[[], bytes]] = field(repr=False)
    pins: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LicenceMaterial:
    """The content of one licence: whole files by the names of its layout; PINs, `****` where none was chosen."""

    card_id: str
    files: dict[str, bytes] = field(repr=False)
    pins: dict[str, str] = field(repr=False)
    tries_used: dict[str, int] = field(default_factory=dict)
