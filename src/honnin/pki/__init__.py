"""Certificate profiles, path validation, revocation, signatures, reports.

Public names are loaded from their modules when first asked for, so that a raw verification loads neither CMS nor PDF.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from honnin.pki.batch import Outcome as Outcome
    from honnin.pki.batch import Submission as Submission
    from honnin.pki.batch import verify_many as verify_many
    from honnin.pki.collecting import collect as collect
    from honnin.pki.facts import Facts as Facts
    from honnin.pki.index import RevocationIndex as RevocationIndex
    from honnin.pki.judging import judge as judge
    from honnin.pki.policy import Policy as Policy
    from honnin.pki.report import Report as Report
    from honnin.pki.revocation import check_revocation as check_revocation
    from honnin.pki.rfc5280.path import validate_path as validate_path
    from honnin.pki.rfc6960 import ocsp_request as ocsp_request
    from honnin.pki.verdict import Check as Check
    from honnin.pki.verdict import Status as Status
    from honnin.pki.verdict import Verdict as Verdict
    from honnin.pki.verifying import verify as verify

_HOME = {
    "RevocationIndex": "index",
    "Check": "verdict",
    "Facts": "facts",
    "Outcome": "batch",
    "Policy": "policy",
    "Report": "report",
    "Status": "verdict",
    "Submission": "batch",
    "Verdict": "verdict",
    "check_revocation": "revocation",
    "collect": "collecting",
    "judge": "judging",
    "ocsp_request": "rfc6960",
    "validate_path": "rfc5280.path",
    "verify": "verifying",
    "verify_many": "batch",
}
__all__ = tuple(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
