"""The drawing of a document: which fields stand on its front, in reading order; their places are `static/schema.css`'s.

After the arrangement of the real documents, so that a clerk compares place by place. What is not on the front stands on
the back, on the chip alone, or was added after issue, and goes below.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from honnin.chip import Proof
from honnin.web.counter.pictures import showable
from honnin.web.counter.saying import own_words, write_field
from honnin.web.counter.seen import Field, Mark, Seen
from honnin.words import Language

__all__ = ["FRONT", "Drawn", "Piece", "drawn", "picture_at"]

LINE_ENDS: Final = re.compile(r"(?<=[年月）])(?=[0-9])|(?=（)")
FRONT: Final[Mapping[str, tuple[str, ...]]] = {
    "my_number_card": (
        "portrait",
        "name_image",
        "address_image",
        "birth_date",
        "sex",
        "expiry_date",
        "security_code_image",
    ),
    "drivers_licence": (
        "portrait",
        "name",
        "birth_date",
        "address",
        "issue_date",
        "reference_number",
        "colour",
        "expiry_date",
        "conditions",
        "licence_number",
        "small_and_motorbike_since",
        "other_since",
        "second_class_since",
        "licence_classes",
        "issuing_authority",
    ),
    "residence_card": (
        "portrait",
        "face_image",
        "card_number",
        "name_image",
        "birth_date",
        "sex",
        "nationality",
        "address_image",
        "status_of_residence",
        "work_permission",
        "period_of_stay",
        "period_expires",
        "permission_type",
        "permission_date",
        "expiry_date",
    ),
    "passport": (
        "portrait",
        "document_type",
        "issuing_state",
        "document_number",
        "surname",
        "given_names",
        "nationality",
        "birth_date",
        "sex",
        "expiry_date",
    ),
}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text. address: of the picture of a character that no code has; neither: a gap."""

    text: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A field in the drawing.

    own: its text is the document's own, in Japanese. front: it has a place on the front. proof: number of the proof
    that it failed, from 1; 0 for none. address: of its picture; broken: the picture cannot be shown.
    """

    name: str
    mark: Mark
    front: bool
    proof: int = 0
    text: str = field(default="", repr=False)
    own: bool = False
    pieces: tuple[Piece, ...] = field(default=(), repr=False)
    address: str = ""
    broken: bool = False

    @property
    def parts(self) -> list[str]:
        """Its text where a line may end: a date not inside a number, 令和7年・（2025年）・10月・14日."""
        return LINE_ENDS.split(self.text)


def drawn(seen: Seen, address: str, language: Language) -> tuple[Drawn, ...]:
    """Return the drawing of what was seen. address: under which its pictures are shown."""
    placed: set[str] = set()
    shown = []
    for n, (one, mark) in enumerate(seen.marked()):
        front = one.name in FRONT[seen.document] and one.name not in placed
        placed.add(one.name)
        shown.append(
            Drawn(
                one.name,
                mark,
                front,
                proof=_failed(one.source, seen.all_proofs) if mark == "failed" else 0,
                text=write_field(one, language),
                own=own_words(one),
                pieces=tuple(_piece(piece, f"{address}/{n}/{k}") for k, piece in enumerate(one.pieces)),
                address=f"{address}/{n}" if one.image else "",
                broken=bool(one.image) and not showable(one.image),
            )
        )
    order = FRONT[seen.document]
    return tuple(sorted(shown, key=lambda one: order.index(one.name) if one.front else len(order)))


def picture_at(one: Field, piece: int | None) -> bytes:
    """Return a field's picture, or that of one piece of its text; empty where there is none."""
    if piece is None:
        return one.image
    found = one.pieces[piece] if piece < len(one.pieces) else b""
    return found if isinstance(found, bytes) else b""


def _failed(source: str, proofs: Sequence[Proof]) -> int:
    return next(n for n, proof in enumerate(proofs, 1) if proof.result == "failed" and source in proof.covers)


def _piece(piece: str | bytes, address: str) -> Piece:
    if isinstance(piece, str):
        return Piece(text=piece)
    return Piece(address=address) if showable(piece) else Piece()
