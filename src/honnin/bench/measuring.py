"""The measurements: honnin's steps beside pyca's floor and OpenSSL's own figure, in one run on one core.

The floor is what any verification with pyca costs at least: load the certificate, verify its signature with the CA's
key and the document's signature with its own, over the same bytes. All steps are measured in every round, one after
the other, so that a machine that slows down slows all of them; a share of the floor is the median of the shares in the
rounds.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from honnin.bench.material import DOCUMENT, NOW, Holder, Office
from honnin.pki import Facts, judge, validate_path, verify
from honnin.pki.jpki import parse_jpki_certificate
from honnin.pki.rfc5280.certificate import parse_certificate

__all__ = ["Row", "measure"]

FLOOR = "floor: pyca load + 2 verifies"


class Row(msgspec.Struct, frozen=True):
    """One figure: microseconds of processor time an operation takes, in the best round and in the median one.

    per_second: in the best round. of_floor: its rate as a share of the floor's, the median over the rounds.
    rounds: microseconds in every round.
    """

    name: str
    microseconds: float
    median: float
    per_second: int
    of_floor: float | None = None
    rounds: tuple[float, ...] = ()


def measure(*, rounds: int = 7, each: int = 200) -> list[Row]:
    """Return the figures, peers first. rounds: how often, with new certificates; each: certificates a round."""
    office = Office()
    steps = _steps(office)
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            holders = office.holders(each, answers="OCSP" in name)
            taken[name].append(_timed(step, holders))
    floor = taken[FLOOR]
    rows = [_row(name, seconds, floor) for name, seconds in taken.items()]
    speed = openssl_verify_seconds()
    return rows if speed is None else [_row("openssl speed rsa2048, 2 verifies", [2 * speed], floor), *rows]


def _row(name: str, seconds: list[float], floor: list[float]) -> Row:
    if len(seconds) < len(floor):
        seconds = seconds * len(floor)
    best = min(seconds)
    share = median(peer / own for own, peer in zip(seconds, floor, strict=True))
    return Row(
        name,
        round(best * 1e6, 1),
        round(median(seconds) * 1e6, 1),
        int(1 / best),
        round(share, 3),
        tuple(round(one * 1e6, 1) for one in seconds),
    )


def _timed(step: Callable[[Holder], Any], holders: Sequence[Holder]) -> float:
    """Return the processor seconds that a step takes a holder, the collector's included."""
    start = time.process_time()
    for holder in holders:
        step(holder)
    return (time.process_time() - start) / len(holders)


def _steps(office: Office) -> dict[str, Callable[[Holder], Any]]:
    anchors, crls, key = [office.anchor], [office.crl], office.key
    pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()

    def floor(holder: Holder) -> None:
        loaded = x509.load_der_x509_certificate(holder.certificate)
        key.verify(loaded.signature, loaded.tbs_certificate_bytes, pkcs1, sha256)
        own = loaded.public_key()
        if isinstance(own, rsa.RSAPublicKey):
            own.verify(holder.signature, DOCUMENT, pkcs1, sha256)

    def path(holder: Holder) -> None:
        validate_path(holder.certificate, anchors=anchors, at=NOW, revocation="off")

    def full(holder: Holder, **revocation: Any) -> Facts:
        report = verify(
            holder.signature,
            content=DOCUMENT,
            certificate=holder.certificate,
            anchors=anchors,
            at=NOW,
            existed_at=NOW,
            policy="jpki_signature",
            **revocation,
        )
        if report.indication != "TOTAL-PASSED":
            raise AssertionError(f"what is measured must pass: {report.reason}")
        return report.facts

    (sample,) = office.holders(1)
    facts = full(sample, crls=crls)
    return {
        FLOOR: floor,
        "certificate parse": lambda holder: parse_certificate(holder.certificate),
        "certificate parse, typed (four items)": lambda holder: parse_jpki_certificate(holder.certificate),
        "path validation": path,
        "full verification, CRL": lambda holder: full(holder, crls=crls),
        "full verification, OCSP (3 verifies)": lambda holder: full(holder, ocsp=[holder.answer]),
        "judge recorded facts": lambda _: judge(facts, "jpki_signature"),
        "write facts as JSON": lambda _: facts.encode(),
    }


def openssl_verify_seconds() -> float | None:
    """Return what `openssl speed` says one RSA-2048 verification takes, None without openssl."""
    program = shutil.which("openssl")
    if program is None:
        return None
    done = subprocess.run(  # noqa: S603 - a fixed command
        [program, "speed", "-seconds", "1", "rsa2048"], capture_output=True, text=True, check=False, timeout=60
    )
    found = re.search(r"rsa 2048 bits\s+\S+\s+\S+\s+\S+\s+([0-9.]+)", done.stdout)
    return 1 / float(found[1]) if found else None
