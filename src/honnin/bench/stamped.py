"""PDFs signed at levels B-T and B-LT beside pyHanko, stamped by the sandbox's authority, which runs in this process.

Both sides sign the same page with the same loaded keys, ask the same authority, and put the same OCSP answer into the
file; the authority's work (a signature of its own, its store) is in both figures, and stands alone in the first row.
"""

import asyncio
import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509

from honnin.bench.figures import Figure
from honnin.bench.material import Holder, Office
from honnin.bench.pyhanko_peer import PyHankoSigner
from honnin.bench.side_by_side import PKCS1, SHA256, figure
from honnin.connect.gateway import Gateway
from honnin.connect.timestamping import TimeStampClient
from honnin.connect.worlds import World, installed, open_world
from honnin.pki import verify
from honnin.pki.signing import Kept, assemble, prepare

__all__ = ["measure_stamped"]

LABEL = "tsa"
QUERY = {"content-type": "application/timestamp-query", "host": f"{LABEL}.localhost"}


def measure_stamped(page: bytes, *, rounds: int, each: int) -> list[Figure]:
    """Measure a stamp, and signing at both levels; nothing where no sandbox is installed."""
    if not installed():
        return []
    with tempfile.TemporaryDirectory(prefix="honnin-bench-") as name:
        world = open_world(Path(name))
        with _authority(world) as ask:
            return _figures(world, ask, page, rounds, each)


def _figures(world: World, ask: Callable[[bytes], bytes], page: bytes, rounds: int, each: int) -> list[Figure]:
    now = world.now()
    office = Office(now=now)
    gateway = Gateway(transport=_Transport(ask))
    client = TimeStampClient(gateway, gateway.at(LABEL, "/"), clock=world.now)
    peer = _Peer(world, office, page, ask)

    def signed(level: str) -> Callable[[Holder], bytes]:
        def sign(holder: Holder) -> bytes:
            prepared = prepare(page, "pdf", at=now, certificate=holder.certificate)
            value = office.key_of(holder).sign(prepared.to_be_signed, PKCS1, SHA256)
            carried = (office.anchor, *world.time_stamping_anchors())
            kept = Kept(certificates=carried, ocsp=(holder.answer,)) if level == "LT" else None
            return assemble(prepared, value, holder.certificate, kept=kept, stamp=client.stamp)

        return sign

    def holders() -> Sequence[Holder]:
        return office.holders(each, answers=True)

    _check_level(signed("LT")(holders()[0]), office, world)
    _check_level(peer.signed("LT")(holders()[0]), office, world)
    digests = [hashlib.sha256(bytes([number])).digest() for number in range(each)]
    return [
        figure(
            "time stamp asked and checked", client.stamp, "pyHanko TimeStamper", peer.stamp, lambda: digests, rounds
        ),
        figure("PDF signed, PAdES B-T", signed("T"), "pyHanko sign_pdf", peer.signed("T"), holders, rounds),
        figure("PDF signed, PAdES B-LT, OCSP", signed("LT"), "pyHanko sign_pdf", peer.signed("LT"), holders, rounds),
    ]


def _check_level(file: bytes, office: Office, world: World) -> None:
    """Refuse to measure a file that is not what its row says: stamped, and complete without any outside source."""
    anchors = [office.anchor, *world.time_stamping_anchors()]
    report = verify(file, anchors=anchors, at=world.now(), policy="jpki_documents")
    if report.indication != "TOTAL-PASSED" or b"/DSS" not in file:
        raise AssertionError(f"what is measured must pass: {report.reason}")


class _Peer:
    """pyHanko at both levels, called as its documentation calls it."""

    def __init__(self, world: World, office: Office, page: bytes, ask: Callable[[bytes], bytes]) -> None:
        from asn1crypto import tsp
        from pyhanko.sign.timestamps import TimeStamper

        class Stamper(TimeStamper):
            """Asks the same authority in the same way."""

            async def async_request_tsa_response(self, req: Any) -> Any:
                return tsp.TimeStampResp.load(ask(req.dump()))

        self._world = world
        self._office = office
        self._page = page
        self._stamper = Stamper()  # type: ignore[no-untyped-call]
        self._roots = [asn1_x509.Certificate.load(one) for one in (office.anchor, *world.time_stamping_anchors())]

    def stamp(self, digest: bytes) -> None:
        """Ask for one token."""
        asyncio.run(self._stamper.async_timestamp(digest, "sha256"))

    def signed(self, level: str) -> Callable[[Holder], bytes]:
        """Return what signs the page at a level."""
        from pyhanko_certvalidator import ValidationContext

        def sign(holder: Holder) -> bytes:
            more: dict[str, Any] = {}
            if level == "LT":
                context = ValidationContext(
                    trust_roots=self._roots,
                    ocsps=[asn1_ocsp.OCSPResponse.load(holder.answer)],
                    moment=self._world.now(),
                    revocation_mode="soft-fail",
                    allow_fetching=False,
                )
                more = {"embed_validation_info": True, "validation_context": context}
            signer = PyHankoSigner(self._office, self._page)
            out: BytesIO = signer.sign(holder, timestamper=self._stamper, **more)
            return out.getvalue()

        return sign


class _Transport(httpx.BaseTransport):
    """Carries our client's questions to the authority."""

    def __init__(self, ask: Callable[[bytes], bytes]) -> None:
        self._ask = ask

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask."""
        reply = httpx.ByteStream(self._ask(request.read()))
        return httpx.Response(200, headers={"content-type": "application/timestamp-reply"}, stream=reply)


@contextmanager
def _authority(world: World) -> Iterator[Callable[[bytes], bytes]]:
    """Run the world's authority in a thread of its own; give what asks it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    client = httpx.AsyncClient(transport=httpx.ASGITransport(world.origins()[LABEL]), base_url="http://tsa.localhost")

    def ask(question: bytes) -> bytes:
        answered = asyncio.run_coroutine_threadsafe(client.post("/", content=question, headers=QUERY), loop)
        return answered.result().raise_for_status().content

    try:
        yield ask
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
