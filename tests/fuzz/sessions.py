"""One whole use of every emulated document: unlock, read, prove. What was shown, and under which answer."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from tests.chip.opened_documents import CHALLENGE, SESSIONS, address, held

from honnin.chip import CanKey, MrzKey, MyNumberCard, Passport, Pin, Reader, Trust, open_reader
from honnin.chip.answers import authenticity, covered
from honnin.chip.document import Proof, TrustedKey
from honnin.chip.my_number_card import TerminalKey
from honnin.chip.my_number_card.free_area import USES
from honnin.connect.worlds import open_world
from honnin.pki.rfc5280.certificate import parse_certificate
from honnin.sandbox.card_applications import keys_of, uses
from honnin.sandbox.foreign_ministry import csca_certificates
from honnin.sandbox.foreign_ministry.passports import issue
from honnin.sandbox.opening import open_world as open_sandbox

__all__ = ["EVERY", "NUMBER_CARD_URL", "PASSPORTS", "Shown", "Use"]

NUMBER_CARD_URL = "emulated:hanako"
PASSPORTS = (
    "jp-bac-rsa",
    "jp-bac-ec",
    "bac-chip",
    "pace-gm",
    "pace-im",
    "pace-cam",
    "pace-3des",
    "pace-only",
    "old-chip",
)


@dataclass(frozen=True)
class Shown:
    """What a session ended with. signed: values that a signature stands for; files: bytes shown as covered by one."""

    answer: str
    signed: Any
    files: dict[str, bytes]
    results: tuple[tuple[str, str], ...]


Around = Callable[[Reader], Reader]


@dataclass(frozen=True)
class Use:
    """One use of a document. pins: how many commands with a PIN it may send."""

    url: str
    run: Callable[[Path, Around], Shown]
    pins: int


def _shown(proofs: tuple[Proof, ...], signed: Any, files: dict[str, bytes]) -> Shown:
    answer = authenticity(proofs)
    under = {name: content for name, content in files.items() if covered(name, proofs)}
    return Shown(answer, signed, under, tuple((proof.kind, proof.result) for proof in proofs))


def _held(name: str, data: Path, around: Around) -> Shown:
    with held(name, data, around) as document:
        proofs = document.proofs()
        files = {part: content for part, content in document.files().items() if part in document.strict}
        return _shown(proofs, document.signed(document.values(dict(document.files()))), files)


def _jpki(data: Path, around: Around) -> Shown:
    """Signing and possession; the path of the certificate is judged elsewhere, so the key alone counts as shown."""
    own = _keys(data, "my_number_card")
    with around(open_reader(NUMBER_CARD_URL, data=data)) as reader, MyNumberCard(reader) as card:
        card.jpki.tries()
        card.jpki.read()
        card.jpki.unlock(Pin("user_authentication", own["user_authentication"]))
        possession, *_ = card.jpki.prove(CHALLENGE)
        card.jpki.unlock(Pin("signature", own["signature"]))
        card.jpki.sign("signature", sha256(b"fuzz").digest())
    passed = possession.result == "passed" and possession.certificate is not None
    key = parse_certificate(possession.certificate or b"").spki if passed else None
    return Shown("verified" if passed else possession.result, key, {}, ((possession.kind, possession.result),))


def _free_area(use: Any, data: Path, around: Around) -> Shown:
    world = open_sandbox(data)
    keys = keys_of(world, use)
    trust = Trust((), world.now(), (TrustedKey("free_area", uses()[use].service.encode(), keys.issuer),))
    with around(open_reader(NUMBER_CARD_URL, data=data)) as reader, MyNumberCard(reader) as card:
        application = card.free_area(use)
        if use != "membership":
            terminal = load_der_private_key(keys.terminal, None)
            assert isinstance(terminal, ec.EllipticCurvePrivateKey)
            application.unlock(TerminalKey(terminal))
        if use == "pc_login":
            application.unlock(Pin("pc_login", "2468"))
        values = application.read().values
        return _shown(application.prove(CHALLENGE, trust=trust), values, {})


def _passport(kind: str, by_number: bool, data: Path, around: Around) -> Shown:
    world = open_sandbox(data)
    issued = issue(world, "hanako", kind)
    key = CanKey(issued.can) if by_number else MrzKey.of(issued.number, issued.birth, issued.expiry)
    with around(open_reader(f"{NUMBER_CARD_URL}/passport:{kind}", data=data)) as reader, Passport(reader) as passport:
        passport.detect()
        passport.lds1.unlock(key)
        files = {file.name: file.content for file in passport.lds1.read().files}
        proofs = passport.lds1.prove(CHALLENGE, trust=Trust(csca_certificates(world), world.now()))
        return _shown(proofs, None, files)


def _keys(data: Path, document: str) -> dict[str, str]:
    found: dict[str, str] = next(
        p["document_keys"] | p["pins"] for p in open_world(data).people() if p["id"] == "hanako"
    )
    keys: Any = found.get(document)
    return {**keys, "user_authentication": found["user_authentication"], "signature": found["signature"]}


PIN_COMMANDS = {"licence": 2, "card_face": 1, "age": 1, "number_image": 1, "input_support": 1, "card_licence": 1}
EVERY: dict[str, Use] = {
    **{name: Use(address(name), partial(_held, name), PIN_COMMANDS.get(name, 1)) for name in SESSIONS},
    "jpki": Use(NUMBER_CARD_URL, _jpki, 2),
    **{f"free_area_{use}": Use(NUMBER_CARD_URL, partial(_free_area, use), 1) for use in USES},
    **{f"passport_{k}": Use(f"{NUMBER_CARD_URL}/passport:{k}", partial(_passport, k, False), 0) for k in PASSPORTS},
    "passport_pace-im_can": Use(f"{NUMBER_CARD_URL}/passport:pace-im", partial(_passport, "pace-im", True), 0),
}
