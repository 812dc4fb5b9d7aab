"""`honnin crl`: the revocation index on the command line (CONTRACTS: Commands)."""

import re
from pathlib import Path
from typing import Any

import click

from honnin.cli.output import json_option, print_json, read_der
from honnin.cli.times import moment_or_now

__all__ = ["crl"]

FILE = click.Path(path_type=Path)
SERIAL = re.compile(r"(?:0[xX])?([0-9a-fA-F]{1,128})\Z")
MEANING = {
    "ended": "revoked since",
    "changed": "revoked before, now for another reason",
    "released": "on hold before, no longer listed",
    "removed": "revoked before, no longer listed (expired)",
}


@click.group()
def crl() -> None:
    """Revocation lists of any length: take them in, ask them, compare them."""


def _serial(text: str) -> int:
    """Read a serial number in hex: plain, with 0x, or in octets with colons. Raises InputError `index.serial`."""
    from honnin.errors import InputError

    plain = text.replace(":", "") if re.fullmatch(r"[0-9a-fA-F]{2}(:[0-9a-fA-F]{2})+", text) else text
    found = SERIAL.match(plain)
    if found is None:
        raise InputError("index.serial", "A serial number is not hex.", next="Write 5678, 0x5678 or 56:78.")
    return int(found[1], 16)


def _require_serial(wanted: list[int], serial: int) -> None:
    """Raise InputError `index.serial_differs` where a serial number is not the certificate's."""
    from honnin.errors import InputError

    if any(one != serial for one in wanted):
        raise InputError(
            "index.serial_differs",
            "A serial number given is not the one of the certificate given.",
            next=f"Ask for {serial:x}, the certificate's own, or leave --certificate out.",
        )


@crl.command()
@click.argument("folder", metavar="DIR", type=FILE)
@click.argument("lists", metavar="CRL...", nargs=-1, required=True, type=FILE)
@click.option("--issuer", "issuers", multiple=True, required=True, type=FILE, help="Certificate of a CRL issuer.")
@click.option("--at", help="The moment to judge freshness (RFC 3339); now when not given.")
@json_option
def build(folder: Path, lists: tuple[Path, ...], issuers: tuple[Path, ...], at: str | None, as_json: bool) -> None:
    """Take CRLs into the index in DIR. Ends with 1 when one was refused."""
    from honnin.pki.index import RevocationIndex

    certificates = [octets for path in issuers for octets in read_der(path)]
    report = RevocationIndex.build(folder, lists, certificates, at=moment_or_now(at))
    if as_json:
        print_json(report.to_json())
    else:
        for title in ("accepted", "unchanged", "refused"):
            for line in getattr(report, title):
                what = line.get("reason") or f"{line['entries']:,} entries, number {line['number']}"
                click.echo(f"{title:9}  {line['source']}  {what}")
    if report.refused:
        raise SystemExit(1)


@crl.command()
@click.argument("folder", metavar="DIR", type=FILE)
@click.argument("serials", metavar="SERIAL...", nargs=-1, required=True)
@click.option("--issuer", required=True, type=FILE, help="Certificate of the certificates' issuer.")
@click.option("--point", "points", multiple=True, help="URI of a distribution point of the certificates.")
@click.option(
    "--certificate", type=FILE, help="The certificate with SERIAL: proved to be the issuer's; its points are asked for."
)
@click.option("--at", help="The moment to judge (RFC 3339); now when not given.")
@json_option
def lookup(
    folder: Path,
    serials: tuple[str, ...],
    issuer: Path,
    points: tuple[str, ...],
    certificate: Path | None,
    at: str | None,
    as_json: bool,
) -> None:
    """Tell the state of serial numbers in hex (5678, 0x5678 or 56:78).

    Ends with 0 all good, 1 one revoked, 2 one that cannot be told, as when --certificate is of another issuer.
    """
    from honnin.pki.index import RevocationIndex
    from honnin.pki.index.checking import issuer_key_id
    from honnin.pki.revocation import NOT_ISSUED, issued
    from honnin.pki.rfc5280.certificate import parse_certificate
    from honnin.pki.verdict import Status

    index = RevocationIndex.open(folder)
    authority = read_der(issuer)[0]
    key_id = issuer_key_id(authority)
    named: bytes | tuple[str, ...] | None = points or None
    wanted = [_serial(text) for text in serials]
    foreign = False
    if certificate is not None:
        target = parse_certificate(read_der(certificate)[0])
        _require_serial(wanted, target.serial_number)
        foreign = not issued(parse_certificate(authority), target)
        extension = target.extensions.get("2.5.29.31")
        named = extension.value if extension else None
    moment = moment_or_now(at)
    answers: list[dict[str, Any]] = []
    for serial in wanted:
        if foreign:
            status = Status(state="unknown", reason=NOT_ISSUED)
        else:
            status = index.lookup(key_id, serial, distribution_points=named, at=moment)
        answers.append(
            {
                "serial": f"{serial:x}",
                "state": status.state,
                "reason": status.reason,
                "revoked_at": status.revoked_at and status.revoked_at.isoformat().replace("+00:00", "Z"),
                "proof": status.proof,
            }
        )
    if as_json:
        print_json({"results": answers})
    else:
        for answer in answers:
            click.echo(
                "  ".join(str(answer[name]) for name in ("serial", "state", "reason", "revoked_at") if answer[name])
            )
    states = {answer["state"] for answer in answers}
    raise SystemExit(1 if "revoked" in states else 2 if "unknown" in states else 0)


@crl.command()
@click.argument("old", metavar="DIR1", type=FILE)
@click.argument("new", metavar="DIR2", type=FILE)
@json_option
def diff(old: Path, new: Path, as_json: bool) -> None:
    """Tell what changed from the index in DIR1 to the one in DIR2."""
    from honnin.pki.index import RevocationIndex

    changes = RevocationIndex.open(old).diff(RevocationIndex.open(new))
    if as_json:
        print_json(changes.to_json())
        return
    for name, count in changes.counts.items():
        click.echo(f"{name:9}{count:>12,}  {MEANING[name]}")


@crl.command()
@click.argument("folder", metavar="DIR", type=FILE)
@click.option("--at", help="The moment to judge freshness (RFC 3339); now when not given.")
@json_option
def stats(folder: Path, at: str | None, as_json: bool) -> None:
    """Tell what the index in DIR holds, after checking every segment's checksum."""
    from honnin.pki.index import RevocationIndex

    moment = moment_or_now(at)
    index = RevocationIndex.open(folder)
    rows: list[dict[str, Any]] = []
    for key_id in index.issuers():
        sources = index.sources(key_id)
        rows.append(
            {
                "issuer_key_id": key_id.hex(),
                "segments": len(sources),
                "entries": sum(len(source.segment) for source in sources),
                "octets": sum(source.scope.length for source in sources),
                "stale": sum(not source.fresh(moment) for source in sources),
                "damaged": sum(not source.intact() for source in sources),
            }
        )
    if as_json:
        print_json({"issuers": rows, "entries": sum(row["entries"] for row in rows)})
        return
    for row in rows:
        click.echo(
            f"{row['issuer_key_id']}  {row['entries']:,} entries in {row['segments']:,} segments, "
            f"{row['octets']:,} octets, {row['stale']:,} stale, {row['damaged']:,} damaged"
        )
