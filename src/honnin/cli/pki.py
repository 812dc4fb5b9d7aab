"""`honnin pki path` and `honnin pki revocation`: certificates judged from files (CONTRACTS: Commands)."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from honnin.cli.output import json_option, print_json, read_der
from honnin.cli.times import moment_or_now
from honnin.errors import InputError

__all__ = ["pki"]

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def pki() -> None:
    """Certificates: validate a path, ask for revocation."""


def _all(paths: Iterable[Path]) -> list[bytes]:
    return [octets for path in paths for octets in read_der(path)]


def _one(path: Path) -> bytes:
    found = read_der(path)
    if len(found) != 1:
        raise InputError("input.not_one", f"{path} holds {len(found)} objects.", next="Give a file with one.")
    return found[0]


def _sources(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--crl", "crls", type=FILE, multiple=True, help="A CRL."),
        click.option("--ocsp", type=FILE, multiple=True, help="An OCSP answer."),
        click.option("--at", metavar="TIME", help="The moment to judge (RFC 3339 with zone); now when not given."),
        click.option("--max-age", type=float, metavar="SECONDS", help="How old revocation data may be."),
    ):
        function = option(function)
    return function


@pki.command()
@click.argument("cert", type=FILE)
@click.option("--anchor", "anchors", type=FILE, multiple=True, required=True, help="A certificate that is trusted.")
@click.option("--intermediate", "intermediates", type=FILE, multiple=True, help="A CA certificate to build with.")
@_sources
@click.option("--revocation", type=click.Choice(["require", "if_present", "off"]), default="require", show_default=True)
@click.option("--policy", "policies", multiple=True, metavar="OID", help="An acceptable policy; any without this.")
@click.option("--explicit-policy", is_flag=True, help="The path must be valid for an acceptable policy.")
@click.option("--inhibit-mapping", is_flag=True, help="Policies may not be mapped.")
@click.option("--inhibit-any", is_flag=True, help="anyPolicy counts for nothing.")
@click.option("--purpose", help="signature, user_authentication, or the OID of an extended key usage.")
@json_option
def path(cert: Path, *, as_json: bool, **options: Any) -> None:
    """Validate the certification path of CERT (PEM or DER)."""
    from honnin.pki import validate_path

    verdict = validate_path(
        _one(cert),
        anchors=_all(options["anchors"]),
        intermediates=_all(options["intermediates"]),
        crls=_all(options["crls"]),
        ocsp=_all(options["ocsp"]),
        at=moment_or_now(options["at"]),
        revocation=options["revocation"],
        max_age=options["max_age"],
        policies=frozenset(options["policies"]) or frozenset({"2.5.29.32.0"}),
        explicit_policy=options["explicit_policy"],
        inhibit_mapping=options["inhibit_mapping"],
        inhibit_any=options["inhibit_any"],
        purpose=options["purpose"],
    )
    if as_json:
        print_json(verdict.to_json() | {"policies": sorted(verdict.policies)})
    else:
        sub = f" / {verdict.sub_indication}" if verdict.sub_indication else ""
        click.echo(f"{verdict.indication}{sub}: {verdict.reason}")
        for check in verdict.checks:
            click.echo(f"  {check.result:<12} {check.id} {check.reason}".rstrip())
    click.get_current_context().exit(verdict.exit_code)


@pki.command()
@click.argument("cert", type=FILE)
@click.option("--issuer", type=FILE, required=True, help="The certificate of the CA that issued CERT; it is trusted.")
@_sources
@json_option
def revocation(cert: Path, *, issuer: Path, as_json: bool, **options: Any) -> None:
    """Say what CRLs and OCSP answers tell of CERT: good, revoked or unknown (exit status 0, 1, 2)."""
    from honnin.pki import check_revocation

    status = check_revocation(
        _one(cert),
        _one(issuer),
        crls=_all(options["crls"]),
        ocsp=_all(options["ocsp"]),
        at=moment_or_now(options["at"]),
        max_age=options["max_age"],
    )
    if as_json:
        import msgspec

        print_json(msgspec.to_builtins(status))
    else:
        click.echo(" ".join(str(part) for part in (status.state, status.reason, status.revoked_at) if part))
    click.get_current_context().exit({"good": 0, "revoked": 1, "unknown": 2}[status.state])
