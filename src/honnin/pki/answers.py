"""What the processes of `verify_many` say of a chunk of items, encoded for the way between them.

Facts of one chunk are nearly alike: the CA's certificate, its extensions, revocation and moments are the same. They go
once, and with every item what is its own. A report is a function of facts, policy and the four items
(`judging.report_on`), so it is made where it is looked at, and only then.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from msgspec.structs import replace

from honnin.errors import HonninError
from honnin.identity.four_items import FourItems
from honnin.pki.facts import ExtensionFacts, Facts
from honnin.pki.judging import report_on
from honnin.pki.policy import Policy
from honnin.pki.report import Report

__all__ = ["Answer", "Refusal", "Told", "decoded", "encoded", "refusal", "refused", "told"]


class Refusal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An error on its way between processes: its class and what it was made of."""

    kind: str
    code: str
    message: str
    next: str
    retryable: bool


class Own(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What of the facts is one certificate's own; `extensions`: the last one, the holder's key identifier."""

    serial: str
    not_before: datetime
    not_after: datetime
    attributes: str
    extensions: tuple[ExtensionFacts, ...]


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is said of one item beside its indication and common facts: its own, and each signer's four items."""

    own: Own | None = None
    four_items: tuple[FourItems | None, ...] = ()
    refusal: Refusal | None = None


class _Chunk(msgspec.Struct, frozen=True, array_like=True):
    common: list[Facts]
    answers: list[tuple[str | None, int, Told]]


class _Received(msgspec.Struct, frozen=True, array_like=True):
    common: list[msgspec.Raw]
    answers: list[tuple[str | None, int, msgspec.Raw]]


_NIL = msgspec.Raw(b"\xc0")


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What was said of one item: its indication, and the rest still encoded."""

    indication: str | None
    said: msgspec.Raw
    common: msgspec.Raw = _NIL

    @property
    def told(self) -> Told:
        """What was said of the item alone."""
        return _TOLD.decode(self.said)

    def report(self, policy: Policy) -> Report:
        """Return the report that `verify` gave in the other process."""
        facts, told = _FACTS.decode(self.common), self.told
        if told.own is not None:
            facts = _whole(facts, told.own)
        return report_on(facts, policy, lambda position: told.four_items[position])


_ENCODER = msgspec.msgpack.Encoder()
_CHUNK = msgspec.msgpack.Decoder(_Received)
_TOLD = msgspec.msgpack.Decoder(Told)
_FACTS = msgspec.msgpack.Decoder(Facts)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def refusal(error: HonninError) -> Refusal:
    """Return an error as it travels."""
    return Refusal(type(error).__name__, error.code, error.message, error.next, error.retryable)


def told(report: Report, common: list[Facts]) -> tuple[str | None, int, Told]:
    """Return what is said of an item: its indication, where its common facts stand in `common`, and the rest.

    The facts are added to `common` where the last ones there are others.
    """
    facts = report.facts
    own: Own | None = None
    if len(facts.signers) == 1 and (certificate := facts.signers[0].certificate) is not None:
        extensions = certificate.extensions
        own = Own(
            certificate.serial,
            certificate.not_before,
            certificate.not_after,
            certificate.attributes,
            extensions[-1:],
        )
        shared = replace(
            certificate,
            serial="",
            not_before=_NEVER,
            not_after=_NEVER,
            attributes="absent",
            extensions=extensions[:-1],
        )
        facts = replace(facts, signers=(replace(facts.signers[0], certificate=shared),))
    if not common or common[-1] != facts:
        common.append(facts)
    return report.indication, len(common) - 1, Told(own, tuple([one.four_items for one in report.signers]))


def _whole(facts: Facts, own: Own) -> Facts:
    (signer,) = facts.signers
    if signer.certificate is None:
        raise ValueError("facts of a certificate without one")
    certificate = replace(
        signer.certificate,
        serial=own.serial,
        not_before=own.not_before,
        not_after=own.not_after,
        attributes=own.attributes,
        extensions=signer.certificate.extensions + own.extensions,
    )
    return replace(facts, signers=(replace(signer, certificate=certificate),))


def encoded(answers: list[tuple[str | None, int, Told]], common: list[Facts]) -> bytes:
    """Return a chunk's answers as octets. answers: indication, place of the common facts in `common`, the rest."""
    return _ENCODER.encode(_Chunk(common, answers))


def decoded(octets: bytes) -> Iterable[Answer]:
    """Return a chunk's answers, in order."""
    chunk = _CHUNK.decode(octets)
    common = [raw.copy() for raw in chunk.common] or [_NIL]  # a view would keep the whole chunk
    return [Answer(indication, rest.copy(), common[place]) for indication, place, rest in chunk.answers]


def refused(refusal: Refusal) -> Answer:
    """Return the answer to an item that got an error."""
    return Answer(None, msgspec.Raw(_ENCODER.encode(Told(refusal=refusal))))
