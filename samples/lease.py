"""A lease that two parties sign one after the other, each with their own card: one PDF, level LT, stamps in Japanese.

`make run` (or `honnin up`) first, then `python samples/lease.py lease.pdf`; `HONNIN_URL` is for another port than 8600.
Beside the PDF lie the anchors to verify it against; the command for that is printed. All persons are invented.
"""

import os
import ssl
import sys
from pathlib import Path
from shlex import join
from urllib.parse import urlsplit

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

import honnin
from honnin.chip import MyNumberCard, Pin, open_reader
from honnin.cli.sign_services import Services
from honnin.connect.worlds import open_world
from honnin.folders import default_data
from honnin.identity.dates import JST
from honnin.pki.signing import Stamp, assemble, prepare
from honnin.words.fonts import japanese_font

HONNIN = os.environ.get("HONNIN_URL", "http://127.0.0.1:8600").rstrip("/")
PORT = urlsplit(HONNIN).port or 80
PARTIES = (("貸主", "hanako", "HANAKO2468"), ("借主", "taro", "TARO97531"))
LEASE = (
    "建物賃貸借契約書（見本）",
    "貸主と借主は、次のとおり建物の賃貸借契約を結ぶ。",
    "第1条　物件　東京都千代田区見本町一丁目2番3号　見本荘201号室",
    "第2条　賃料　月額100,000円",
    "第3条　期間　2027年4月1日から2年間",
)


def draft(path: Path) -> None:
    """Write the contract that both parties read before they sign."""
    registerFont(TTFont("lease", str(japanese_font())))
    canvas = Canvas(str(path), pagesize=(595, 842))
    canvas.setFont("lease", 12)
    for number, line in enumerate(LEASE):
        canvas.drawString(60, 760 - 28 * number, line)
    canvas.save()


def sign(path: Path, role: str, person: str, pin: str) -> None:
    """Let one party sign the PDF as it stands."""
    data = default_data()
    world = open_world(data)
    tsa = Services(f"http://tsa.localhost:{PORT}/", data, world.now)
    with open_reader(f"emulated:{person}", data=data) as reader, MyNumberCard(reader) as card:
        card.jpki.unlock(Pin("signature", pin))
        certificate = card.jpki.certificate("signature")
        stamp = Stamp(lines=(f"{role}　電子署名", f"{world.now().astimezone(JST):%Y-%m-%d}"))
        prepared = prepare(path.read_bytes(), "pdf", at=world.now(), certificate=certificate, stamp=stamp, reason=role)
        value = card.jpki.sign("signature", prepared.digest, algorithm=prepared.hash).value
    path.write_bytes(assemble(prepared, value, certificate, stamp=tsa.stamp, kept=tsa.kept(certificate)))


def main(path: Path) -> int:
    """Draft, sign twice, verify as whoever receives the file would."""
    draft(path)
    for party in PARTIES:
        sign(path, *party)
    world = open_world(default_data())
    anchors = [*world.anchors()["signature"], *world.time_stamping_anchors()]
    report = honnin.verify(path.read_bytes(), anchors=anchors, at=world.now())
    for (role, _, _), signer in zip(PARTIES, report.signers, strict=True):
        name = signer.four_items.name if signer.four_items else ""
        signed = f"{signer.existed_at.astimezone(JST):%Y-%m-%d %H:%M:%S} JST" if signer.existed_at else ""
        print(role, signer.indication, name, signed)
    kept = path.with_suffix(".anchors.pem")
    kept.write_text("".join(ssl.DER_cert_to_PEM_cert(anchor) for anchor in anchors))
    print(join(("honnin", "verify", str(path), "--anchor", str(kept))))
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "lease.pdf")))
