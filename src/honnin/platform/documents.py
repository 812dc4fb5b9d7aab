"""Who may receive a signed file, and what everyone else gets in its place (DESIGN: Evidence, "What an SP sees").

A file that embeds certificate or revocation data leaves the platform only for a certified verifier with its legal
ground configured, for the signer, and for sandbox tenants. Others get a rendition: what the file shows, without any
certificate data, and a page that says how its signatures were judged; the check's receipt proves that page.
"""

from datetime import datetime
from typing import Literal

import msgspec

from honnin.pki.report import Report
from honnin.platform.clock import japanese_day
from honnin.platform.models import Tenant
from honnin.platform.rendition import rendition
from honnin.platform.tenants import standing

__all__ = ["MEDIA_TYPES", "Ground", "Released", "ground_for", "release"]

MEDIA_TYPES = {
    "pdf": "application/pdf",
    "xml": "application/xml",
    "cms": "application/pkcs7-mime",
    "time_stamp": "application/timestamp-reply",
}
Ground = Literal["sandbox", "signer", "certified_verifier"]


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What was given out. ground: why the file itself may be; None for a rendition. Its repr shows nothing of it."""

    content: bytes
    ground: Ground | None
    media_type: str

    @property
    def given(self) -> Literal["document", "rendition"]:
        """Whether it is the file itself."""
        return "document" if self.ground else "rendition"

    def __repr__(self) -> str:
        return f"Released({self.ground or self.given})"


def ground_for(tenant: Tenant, *, at: datetime, to_signer: bool = False) -> Ground | None:
    """Return on which ground a file with certificate data may go to a tenant, None where it may not.

    to_signer: the file goes to the person who signed it, and to nobody else.
    """
    if not tenant.livemode:
        return "sandbox"
    if to_signer:
        return "signer"
    certified = standing(tenant).status_on(japanese_day(at)) == "certified"
    return "certified_verifier" if certified and tenant.certificate_ground else None


def release(
    document: bytes,
    report: Report,
    tenant: Tenant,
    *,
    at: datetime,
    to_signer: bool = False,
    receipt: str | None = None,
) -> Released:
    """Return the file itself, or its rendition (PDF).

    report: the judgement of this very file. receipt: the id under which the receipt can be had, printed on the
    rendition. Raises `font.missing`; a PDF whose pages cannot be drawn is rendered as the closing page alone.
    """
    ground = ground_for(tenant, at=at, to_signer=to_signer)
    if ground is None:
        return Released(content=rendition(document, report, receipt), ground=None, media_type="application/pdf")
    return Released(
        content=document, ground=ground, media_type=MEDIA_TYPES.get(report.facts.kind, "application/octet-stream")
    )
