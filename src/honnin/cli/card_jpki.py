"""`honnin card read` for the JPKI application: what its certificates say, by whom, and the three answers."""

from base64 import b64encode
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import click

from honnin.cli.card_documents import answers_of, echo_answers, echo_proofs, end_by, proof_json
from honnin.cli.card_output import echo_four_items, four_items
from honnin.cli.output import print_json

if TYPE_CHECKING:
    from datetime import date

    from honnin.chip import Reading, Trust
    from honnin.chip.my_number_card import JpkiValues

__all__ = ["KINDS", "show_jpki"]

KINDS: Final = ("signature", "user_authentication", "signature_ca", "user_authentication_ca")


def show_jpki(reading: "Reading[JpkiValues]", trust: "Trust", *, as_json: bool) -> None:
    """Print what was read, what its issuer signed, and the three answers; ends by them (`end_by`)."""
    from honnin.chip.answers import OVER_DATA
    from honnin.chip.my_number_card.proving import judge_certificates

    values, proofs = reading.values, judge_certificates(reading, trust)
    # Each certificate stands for itself: one without its issuer at hand is not answered for by the other.
    over_data = [proof for proof in proofs if proof.kind in OVER_DATA]
    apart = [(reading, tuple(over_data[at : at + 1])) for at in range(max(1, len(over_data)))]
    answers = {**answers_of(apart, _last_day(values), trust.at), "read": [reading.application]}
    certificates = {file.name: file.content for file in reading.files if file.name in KINDS}
    items = four_items(values.signature)
    if as_json:
        body: dict[str, Any] = {
            "document": reading.document,
            "application": reading.application,
            "token": asdict(values.token) if values.token else None,
            "issued": asdict(values.issued) if values.issued else None,
            "certificates": {kind: b64encode(der).decode() for kind, der in certificates.items()},
            "four_items": items,
            "proofs": [proof_json(proof) for proof in proofs],
            "answers": answers,
        }
        print_json(body)
    else:
        if values.token:
            click.echo(f"token: {values.token.label} ({values.token.carrier})")
        for kind, der in certificates.items():
            click.echo(f"{kind} certificate: {len(der)} bytes")
        echo_four_items(items)
        echo_proofs(proofs)
        echo_answers(answers)
    end_by(answers)


def _last_day(values: "JpkiValues") -> "date | None":
    """Return the last day, in Japan, on which all certificates that were read are valid."""
    from honnin.identity.dates import jst_day

    found = [one for one in (values.signature, values.user_authentication) if one is not None]
    return min((jst_day(one.not_after) for one in found), default=None)
