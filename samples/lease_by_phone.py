"""A lease that two parties sign on their phones: each sees its words there, and the proof of that is in the evidence.

`make run` (or `honnin up`) first, then `python samples/lease_by_phone.py FOLDER`. FOLDER then holds the signed PDF and
all that proves offline what was shown; the commands are printed. All persons are invented.
"""

import json
import sys
import time
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from lease import HONNIN, LEASE, PORT, draft

from honnin.connect.digital_auth import DigitalAuth, KeyFile, Service, SignResult
from honnin.folders import default_data

PARTIES = (("lessor", "貸主", "hanako"), ("lessee", "借主", "taro"))
WORDS = "\n".join(LEASE)
CLIENT_ID, BACK = "RPLEASES01", f"http://localhost:{PORT}/return"
SERVICE = f"digital-auth.localhost:{PORT}"


def relying_party(keys: Path) -> DigitalAuth:
    """Register with the sandbox's service; results are encrypted for the platform (in production: by the agency)."""
    file = KeyFile(keys, "sign")
    file.held() or file.new("ES256", at=datetime.now(UTC))
    body = {"client_id": CLIENT_ID, "name": "見本不動産", "redirect_uris": [BACK], "jwks": file.jwks()}
    body["verifier"] = "honnin-platform"
    httpx.post(f"{HONNIN}/registrations", json=body, headers={"Host": SERVICE}).raise_for_status()
    return DigitalAuth(Service.at(f"http://{SERVICE}/api"), client_id=CLIENT_ID, redirect_uri=BACK, keys=keys)


def on_phone(client: DigitalAuth, content: bytes, person: str) -> SignResult:
    """Let a party read the words on the phone and sign; here the sandbox plays the person, with the person's card."""
    attempt = client.start_signing(content, words=WORDS)
    to = urlsplit(attempt.url)
    headers = {"Host": to.netloc, "Honnin-Sandbox-Person": person}
    back = httpx.get(f"{HONNIN}{to.path}?{to.query}", headers=headers)
    return client.finish_signing(attempt, back.headers["location"]).result


def sign(api: httpx.Client, client: DigitalAuth, folder: Path, party: tuple[str, str, str]) -> None:
    """Have one party sign the PDF as it stands, and keep what proves it."""
    english, role, person = party
    pdf = folder / "lease.pdf"
    body = {"purpose": "lease", "level": "LT", "words": WORDS, "stamp": [f"{role}　電子署名"]}
    body["file"] = b64encode(pdf.read_bytes()).decode()
    prepared = api.post("/v1/documents/prepare", json=body).raise_for_status().json()
    result = on_phone(client, b64decode(prepared["to_be_signed"]["content"]), person)
    signing_result = {"jwe": result.jwe, "submitted": result.submitted, "transaction": result.transaction}
    where = f"/v1/documents/{prepared['id']}"
    done = api.post(f"{where}/complete", json={"signing_result": signing_result}).raise_for_status().json()
    pdf.write_bytes(api.get(f"{where}/file").raise_for_status().content)
    (folder / f"shown-{english}.json").write_text(json.dumps(done["shown"]))
    receipt = api.get(f"{where}/receipt")
    while receipt.status_code == 404:  # until the log's next signed head
        time.sleep(0.2)
        receipt = api.get(f"{where}/receipt")
    (folder / f"receipt-{english}.json").write_bytes(receipt.content)
    print(role, done["report"]["signers"][-1]["indication"], done["shown"]["what"])


def main(folder: Path) -> int:
    """Draft, sign twice, and say how anybody proves it."""
    folder.mkdir(parents=True, exist_ok=True)
    draft(folder / "lease.pdf")
    (folder / "words.txt").write_text(WORDS, encoding="utf-8", newline="")
    key = json.loads((default_data() / "keys.json").read_text())["api_key"]
    with (
        httpx.Client(base_url=HONNIN, headers={"Authorization": f"Bearer {key}"}, timeout=30) as api,
        relying_party(folder / "sp-keys") as client,
    ):
        for party in PARTIES:
            sign(api, client, folder, party)
        (folder / "log.pub.pem").write_bytes(api.get("/v1/log/key").content)
        certs = urlsplit(client.service.jwks).path
        (folder / "service.json").write_bytes(httpx.get(f"{HONNIN}{certs}", headers={"Host": SERVICE}).content)
    for english, _, _ in PARTIES:
        print(
            f"honnin evidence verify receipt-{english}.json --log-key log.pub.pem --shown shown-{english}.json"
            " --words words.txt --document lease.pdf --service-keys service.json"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "lease")))
