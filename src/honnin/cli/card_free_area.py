"""`honnin card free-area USE`: an application in the card's free area, read and proved (docs/free-area.md)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from honnin.cli.card_opening import opened, reader_options
from honnin.cli.output import print_json, read_file
from honnin.cli.pin_entry import PinEntry, pin_options
from honnin.errors import InputError

if TYPE_CHECKING:
    from honnin.chip.my_number_card import FreeAreaValues, TerminalKey
    from honnin.chip.my_number_card.free_area import Use

__all__ = ["free_area"]

FILE = click.Path(dir_okay=False, path_type=Path)
USES = ("membership", "entry", "pc_login")


@click.command("free-area")
@click.argument("use", type=click.Choice(USES))
@click.option("--issuer", type=FILE, help="Public key (PEM) of the service that wrote the application.")
@click.option("--terminal-key", type=FILE, help="The terminal's private key (PEM, ECDSA P-384).")
@pin_options
@reader_options
def free_area(
    *,
    use: str,
    issuer: Path | None,
    terminal_key: Path | None,
    url: str,
    data: Path,
    as_json: bool,
    pin_file: Path | None,
    last_try: bool,
) -> None:
    """Read the user number of a card application, and let the card prove that it is no copy."""
    from honnin.chip import Challenge, Pin

    key = _terminal_key(terminal_key) if terminal_key else None
    with opened(url, data) as found:
        application = found.free_area(cast("Use", use))
        if key is not None:
            application.unlock(key)
        if application.tries():
            pin = PinEntry(pin_file).ask("PIN of the application")
            application.unlock(Pin(use, pin), allow_last_try=last_try)
        values = application.read().values
        proofs = application.prove(Challenge.fresh(f"free area {use}", "honnin card"), trust=_trust(issuer, values))
    results = {proof.result for proof in proofs}
    if as_json:
        rows = [{"kind": proof.kind, "result": proof.result, "reason": proof.reason} for proof in proofs]
        print_json({"use": use, "service": values.service, "user_number": values.user_number, "proofs": rows})
    else:
        click.echo(f"{values.service}\t{values.user_number}")
        for proof in proofs:
            click.echo(f"{proof.result}\t{proof.kind}\t{proof.reason}")
    raise click.exceptions.Exit(1 if "failed" in results else 0 if results == {"passed"} else 2)


def _terminal_key(path: Path) -> "TerminalKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    from honnin.chip.my_number_card import TerminalKey

    key = _key(path, private=True)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp384r1":
        raise _unusable(path)
    return TerminalKey(key)


def _trust(issuer: Path | None, values: "FreeAreaValues") -> Any:
    from datetime import UTC, datetime

    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    from honnin.chip import Trust
    from honnin.chip.document import TrustedKey

    if issuer is None:
        return None
    spki = _key(issuer, private=False).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Trust((), datetime.now(UTC), (TrustedKey("free_area", values.service.encode(), spki),))


def _key(path: Path, *, private: bool) -> Any:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    content = read_file(path)
    try:
        return load_pem_private_key(content, None) if private else load_pem_public_key(content)
    except (ValueError, TypeError) as error:
        raise _unusable(path) from error


def _unusable(path: Path) -> InputError:
    return InputError("card.key_file", f"{path.name} is no such key.", next="Give a PEM file (docs/free-area.md).")
