"""The words that requests and resources share: laws, channels, attributes, and how long a text may be."""

from typing import Annotated, Literal

from msgspec import Meta

__all__ = [
    "Attribute",
    "CertificateKind",
    "Channel",
    "DerivedAttribute",
    "Item",
    "LawName",
    "ShortWord",
    "Url",
    "VerifierStatus",
    "Words",
]

LawName = Literal[
    "aml", "mobile_phone", "my_number", "second_hand", "micro_mobility", "dating", "alcohol_tobacco", "golf_tax"
]
Channel = Literal["remote", "in_person"]
Item = Literal["name", "address", "birth_date", "sex"]
DerivedAttribute = Literal["age_over_16", "age_over_18", "age_over_20", "age_over_70", "prefecture", "city"]
Attribute = Literal[Item, DerivedAttribute]
CertificateKind = Literal["signature", "user_authentication"]
VerifierStatus = Literal["certified", "deemed", "none"]

Words = Annotated[str, Meta(min_length=1, max_length=200)]
ShortWord = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9_.:-]+\Z")]
Url = Annotated[str, Meta(min_length=1, max_length=2000)]
