"""`honnin verify`: the report on a signature on the command line (CONTRACTS: Commands, Verdicts)."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.card_output import echo_four_items
from honnin.cli.output import json_option, print_json, read_der, read_file
from honnin.cli.times import moment

if TYPE_CHECKING:
    from honnin.pki.report import Report

__all__ = ["verify"]

FILE = click.Path(path_type=Path)
MARKS = {"passed": "✓", "failed": "✗", "not_checked": "–"}


@click.command()
@click.argument("file", type=FILE)
@click.option("--content", type=FILE, help="What was signed, where FILE does not hold it.")
@click.option("--certificate", type=FILE, help="The signer's certificate, where FILE does not carry it.")
@click.option("--digest", metavar="HEX", help="SHA-256, SHA-384 or SHA-512 of what was signed, in place of --content.")
@click.option("--anchor", "anchors", type=FILE, multiple=True, help="A certificate to trust. None trusts nothing.")
@click.option("--intermediate", "intermediates", type=FILE, multiple=True, help="Material for the path.")
@click.option("--crl", "crls", type=FILE, multiple=True, help="A certificate revocation list.")
@click.option("--ocsp", "answers", type=FILE, multiple=True, help="An OCSP answer.")
@click.option("--at", help="The moment of judgement (RFC 3339); now when not given.")
@click.option("--existed-at", help="The moment at which the signature is proved to have existed (RFC 3339).")
@click.option("--policy", help="Which policy to judge by (documents, jpki_signature, jpki_user_authentication).")
@click.option("--four-items", "show_items", is_flag=True, help="Print the four items of a signer that passed.")
@json_option
def verify(
    file: Path,
    content: Path | None,
    certificate: Path | None,
    digest: str | None,
    anchors: tuple[Path, ...],
    intermediates: tuple[Path, ...],
    crls: tuple[Path, ...],
    answers: tuple[Path, ...],
    at: str | None,
    existed_at: str | None,
    policy: str | None,
    show_items: bool,
    as_json: bool,
) -> None:
    """Verify a signed PDF or XML, CMS, a time stamp, or a raw signature. Exit: 0 passed, 1 failed, 2 could not tell."""
    from honnin.pki import verify as verify_signature

    report = verify_signature(
        read_file(file),
        content=read_file(content) if content else None,
        certificate=read_der(certificate)[0] if certificate else None,
        digest=digest,
        anchors=_all(anchors),
        intermediates=_all(intermediates),
        crls=_all(crls),
        ocsp=_all(answers),
        at=None if at is None else moment(at),
        existed_at=None if existed_at is None else moment(existed_at),
        policy=policy,
    )
    if as_json:
        shown = report.to_json()
        if show_items:
            shown["four_items"] = _items(report)
        print_json(shown)
    else:
        trusts_nobody = not anchors and report.sub_indication == "NO_CERTIFICATE_CHAIN_FOUND"
        _print(report, _words(report, trusts_nobody=trusts_nobody), show_items=show_items)
    raise SystemExit(report.exit_code)


def _all(paths: tuple[Path, ...]) -> list[bytes]:
    return [octets for path in paths for octets in read_der(path)]


def _items(report: "Report") -> dict[str, Any] | None:
    items = report.four_items
    if items is None:
        return None
    return {
        "name": items.name,
        "address": items.address,
        "birth_date": items.birth_date.iso() if items.birth_date else None,
        "sex": items.sex,
        "substitute_characters": {"name": items.name_substituted, "address": items.address_substituted},
    }


def _words(report: "Report", *, trusts_nobody: bool) -> dict[str, str]:
    """Return what to do next, by language: where nobody is trusted, to give an anchor, not to sign again."""
    from honnin.words import in_all

    return in_all("signature.no_anchor") if trusts_nobody else report.words()


def _print(report: "Report", next_words: dict[str, str], *, show_items: bool) -> None:
    outcome = report.indication + (f" / {report.sub_indication}" if report.sub_indication else "")
    click.echo(outcome)
    click.echo(report.reason)
    for number, signer in enumerate(report.signers, start=1):
        click.echo()
        built = " ".join(filter(None, (signer.algorithm, signer.hash, signer.shape)))
        click.echo(f"signature {number}: {signer.indication}  {built}".rstrip())
        for check in signer.checks:
            source = f"[{check.source}]" if check.source else ""
            click.echo(f"  {MARKS[check.result]} {check.id:20} {check.reason} {source}".rstrip())
        for stamp in signer.time_stamps:
            mark = "✓" if stamp.indication == "TOTAL-PASSED" else "✗"
            moment = stamp.time.isoformat() if stamp.time else "unreadable"
            click.echo(f"  {mark} {'time stamp':20} {moment} over the {stamp.over}: {stamp.reason}")
        if signer.signing_time:
            click.echo(f"    claimed signing time {signer.signing_time.isoformat()} (proof of nothing)")
    click.echo()
    for words in next_words.values():
        click.echo(words)
    if show_items and (items := _items(report)) is not None:
        click.echo()
        echo_four_items(items)
