"""One check, judged: law first, then revocation data, then the signature, then what the law says of the outcome.

Nothing here writes; `verifying` records what came out. Outside services are asked here, before any transaction.
"""

import re
from datetime import date, datetime
from typing import Any

import msgspec

from honnin.errors import AccessError, InputError, StateError
from honnin.identity import DERIVED, FourItems, derive
from honnin.law import Decision, evaluate, methods, rule_table
from honnin.pki import Check, Report, verify
from honnin.pki.jpki import Purpose, claimed_purpose
from honnin.pki.rfc5280.certificate import Certificate
from honnin.platform.clock import japanese_day
from honnin.platform.evidence.custody import demands_custody
from honnin.platform.models import (
    Attribute,
    FourItemsAnswer,
    LawAnswer,
    RevocationSeen,
    SubstituteCharacters,
    Tenant,
    VerdictAnswer,
    VerificationRequest,
)
from honnin.platform.services import Mode, RevocationLearned, is_sandbox
from honnin.platform.submission import Submission
from honnin.platform.tenants import standing

__all__ = [
    "Gate",
    "Judged",
    "check",
    "check_kind",
    "four_items_answer",
    "law_answer",
    "learn",
    "open_gate",
    "seen_check",
    "without_times",
]

PASSED = "TOTAL-PASSED"
MOMENT = re.compile(r" (?:at|on|since|until|from|before|after) \d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d))?")
CODES_OF_A_PASSED_SIGNATURE = ("cert.jpki", "sig.tx", "revocation")


class Gate(msgspec.Struct, frozen=True):
    """What the law asks of a check before it is made; `law` None where no law asks for it."""

    law: str | None
    method: str | None
    on: date
    custody: bool = False


class Judged(msgspec.Struct, frozen=True):
    """A check that was made."""

    report: Report
    learned: RevocationLearned
    verdict: VerdictAnswer
    revocation: RevocationSeen | None
    law: Decision | None
    carrier: str | None
    purpose: str | None

    def __repr__(self) -> str:
        return f"Judged({self.verdict.indication})"

    @property
    def passed(self) -> bool:
        """Whether the signature, its certificate and its revocation are all good."""
        return self.report.indication == PASSED


def open_gate(tenant: Tenant, request: VerificationRequest, *, at: datetime, digest_only: bool) -> Gate:
    """Refuse a check that could not be lawful whatever the signature says.

    Raises InputError `law.unknown_method`, StateError `law.not_lawful` (not this method on this day, by this channel,
    for this tenant), InputError `law.document_required` (the law keeps what was signed, and only a digest came).
    """
    on = japanese_day(at)
    law = request.law or (request.method.partition(".")[0] if request.method else None)
    if law is None:
        return Gate(None, None, on)
    method = request.method or f"{law}.jpki_signature"
    if evaluate(law, method, (), on=on, tenant=standing(tenant)).status == "not_available":
        raise StateError(
            "law.not_lawful",
            f"{method} is not available on {on} for this tenant.",
            next="Check the tenant's verifier status and the method's dates.",
        )
    offered = {m.id: m for m in methods(law, on=on, channel=request.channel)}
    if method not in offered:
        raise StateError("law.not_lawful", f"{method} is not available by this channel.", next="Choose another method.")
    custody = demands_custody(offered[method].keep)
    if custody and digest_only:
        raise InputError(
            "law.document_required",
            f"{method} keeps the signed bytes; a digest is not enough.",
            next="Send `document`.",
        )
    return Gate(law, method, on, custody)


def learn(mode: Mode, certificate: Certificate | None, *, at: datetime, waits: bool = True) -> RevocationLearned:
    """Ask for revocation data now; waits: as `Mode.learn_revocation`.

    Raises AccessError `verification.sandbox_certificate`: a live tenant never judges a sandbox's certificate.
    """
    # the anchors already keep it from passing; the error says why, so that nobody hunts for a network fault
    if mode.livemode and certificate is not None and is_sandbox(certificate.issuer):
        raise AccessError(
            "verification.sandbox_certificate",
            "A live tenant was given a sandbox's certificate.",
            next="Use the tenant's test key for sandbox cards.",
        )
    if certificate is None:
        return RevocationLearned()
    return mode.learn_revocation(certificate, at=at, waits=waits)


def check(
    mode: Mode,
    tenant: Tenant,
    gate: Gate,
    request: VerificationRequest,
    brought: Submission,
    certificate: Certificate | None,
    learned: RevocationLearned,
    *,
    at: datetime,
) -> Judged:
    """Judge what was brought, its certificate (None where it is missing or malformed) and what was learned of it.

    1. The signature is judged; it exists since we received it.
    2. The law is asked again, with what is now known.
    """
    # 1.
    purpose = _purpose(gate, request, certificate)
    report = verify(
        brought.signed,
        content=brought.content,
        certificate=(certificate or brought.certificate) if brought.kind == "raw" else None,
        digest=brought.digest,
        anchors=mode.anchors(purpose),
        crls=learned.crls,
        ocsp=learned.ocsp,
        at=at,
        existed_at=at,
        policy=f"jpki_{purpose}",
    )
    signer = report.signers[0] if report.signers else None
    seen = signer.revocation if signer else None
    # 2.
    decision = _decide(tenant, gate, request, report, signer)
    return Judged(
        report=report,
        learned=learned,
        verdict=_verdict(report),
        revocation=_revocation(seen, learned),
        law=decision,
        carrier=signer.carrier if signer else None,
        purpose=signer.purpose if signer else None,
    )


def _purpose(gate: Gate, request: VerificationRequest, certificate: Certificate | None) -> Purpose:
    """Return which kind of certificate is judged: the signature one where a law asks, else the one asked for or used.

    What a certificate claims only chooses the anchors and the policy that it is held to.
    """
    if gate.law is not None:
        return "signature"
    return (
        request.certificate_kind or (claimed_purpose(certificate) if certificate is not None else None) or "signature"
    )


def check_kind(request: VerificationRequest, gate: Gate, certificate: Certificate | None) -> None:
    """Refuse a certificate of another kind than the one asked for; what is no JPKI certificate gets its verdict.

    Raises InputError `verification.certificate_kind`.
    """
    wanted = request.certificate_kind
    kind = None if certificate is None else claimed_purpose(certificate)
    if wanted is not None and ((gate.law is not None and wanted != "signature") or kind not in {None, wanted}):
        raise InputError(
            "verification.certificate_kind",
            "The certificate is not of the kind that was asked for.",
            next="Use the card's other key: the user authentication key logs in, the signature key signs documents.",
        )


def _decide(tenant: Tenant, gate: Gate, request: VerificationRequest, report: Report, signer: Any) -> Decision | None:
    if gate.law is None or gate.method is None:
        return None
    held: set[str] = set()
    if report.indication == PASSED and signer is not None and signer.purpose == "signature":
        held.update(CODES_OF_A_PASSED_SIGNATURE)
        held.update(f"signed_item.{name}" for name in request.signed_items)
    row = rule_table().row(gate.method, gate.on)
    born = report.four_items.birth_date if report.four_items is not None else None
    by_age = row is not None and row.age is not None and held and born is not None and born.whole is not None
    person = {"birth_date": born} if by_age else None
    return evaluate(gate.law, gate.method, held, on=gate.on, tenant=standing(tenant), person=person)


def _verdict(report: Report) -> VerdictAnswer:
    return VerdictAnswer(
        indication=report.indication,
        sub_indication=report.sub_indication,
        reason=without_times(report.reason),
        at=report.at,
        checks=tuple(seen_check(check) for check in report.checks),
    )


def seen_check(check: Check) -> dict[str, Any]:
    """Return a check as the service provider sees it."""
    shown = {"id": check.id, "result": check.result, "reason": without_times(check.reason)}
    return shown if check.source is None else {**shown, "source": check.source}


def without_times(reason: str) -> str:
    """Return a reason without the moments in it: a certificate ends on its holder's birthday, one of the four items."""
    return MOMENT.sub("", reason) if "-" in reason else reason


def _revocation(seen: Any, learned: RevocationLearned) -> RevocationSeen | None:
    if seen is None:
        return None
    told = seen.state in {"good", "revoked"}
    source: Any = learned.source if told else None
    return RevocationSeen(status=seen.state, source=source, checked_at=learned.fetched_at if told else None)


def law_answer(decision: Decision | None) -> LawAnswer | None:
    """Return a decision as the service provider sees it."""
    if decision is None:
        return None
    law: Any = decision.law
    return LawAnswer(
        law=law,
        method=decision.method,
        label=decision.label or "",
        revision=decision.revision,
        on=decision.on,
        status=decision.status,
        missing=decision.missing,
        source=decision.source,
    )


def four_items_answer(items: FourItems | None, allowed: tuple[Attribute, ...], *, on: date) -> FourItemsAnswer | None:
    """Return the four items, and what follows from them on a day, as far as they may be given; None without items."""
    if items is None:
        return None
    derived: dict[str, Any] = {name: derive(name, items, on) for name in allowed if name in DERIVED}
    return FourItemsAnswer(
        name=items.name if "name" in allowed else None,
        address=items.address if "address" in allowed else None,
        birth_date=items.birth_date.iso() if items.birth_date is not None and "birth_date" in allowed else None,
        sex=items.sex if "sex" in allowed else None,
        substitute_characters=SubstituteCharacters(
            name=items.name_substituted if "name" in allowed else (),
            address=items.address_substituted if "address" in allowed else (),
        ),
        **derived,
    )
