"""What the signer brings along never decides for the signer: no revocation data, no second certificate, no wish."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from asn1crypto import cms
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.platform.test_sessions import key_of, signed
from tests.platform.test_sessions import request as session_request

from honnin.errors import InputError
from honnin.pki import der, ocsp_request
from honnin.platform import Platform
from honnin.platform.models import Caller, VerificationRequest
from honnin.sandbox.jlis import ocsp
from honnin.sandbox.life import happen
from honnin.sandbox.world import World

pytestmark = pytest.mark.parametrize("database_url", [None])  # nothing here depends on the engine
OCSP_IN_CMS = "1.3.6.1.5.5.7.16.2"  # RFC 5940 §2.2, id-ri-ocsp-response


def signed_file(card: Any, *, before: bytes | None = None, answer: bytes | None = None) -> bytes:
    """A CMS of the card over a contract, with another certificate before the card's, or with an OCSP answer."""
    certificate = asn1.Certificate.load(card.certificate)
    signer = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                    )
                }
            ),
            "digest_algorithm": {"algorithm": "sha256"},
            "signature_algorithm": {"algorithm": "rsassa_pkcs1v15"},
            "signature": card.sign(b"contract"),
        }
    )
    certificates = [asn1.Certificate.load(octets) for octets in (before, card.certificate) if octets]
    plain = cms.SignedData(
        {
            "version": "v1",
            "digest_algorithms": [{"algorithm": "sha256"}],
            "encap_content_info": {"content_type": "data", "content": b"contract"},
            "certificates": [cms.CertificateChoices(name="certificate", value=one) for one in certificates],
            "signer_infos": [signer],
        }
    ).dump()
    parts = []
    start, end = der.whole(plain, der.SEQUENCE)
    for tag, _, stop in der.children(plain, start, end):
        if tag == der.SET and stop == end and answer is not None:
            other = der.encode(0xA1, der.encode_oid(OCSP_IN_CMS), answer)
            parts.append(der.encode(0xA1, other))
        parts.append(plain[start:stop])
        start = stop
    content = der.encode(0xA0, der.encode(der.SEQUENCE, *parts))
    return der.encode(der.SEQUENCE, der.encode_oid("1.2.840.113549.1.7.2"), content)


def check(platform: Platform, caller: Caller, file: bytes) -> Any:
    return platform.verify(caller, VerificationRequest(purpose="account_opening", law="aml", cms=file))


def test_an_old_answer_in_the_file_is_not_asked_when_nobody_else_answers(
    platform: Platform,
    caller: Caller,
    card: Callable[[str], Any],
    world: World,
    jlis: Any,
    later: Callable[..., datetime],
) -> None:
    held = card("hanako")
    issuer = platform._modes[False].issuer_of(held_certificate(held))
    assert issuer is not None
    good = ocsp.answer(world, ocsp_request(held.certificate, issuer.raw), world.now()).der
    assert check(platform, caller, signed_file(held, answer=good)).verdict.indication == "TOTAL-PASSED"
    later(minutes=2)
    happen(world, "hanako", "lose")
    later(minutes=2)
    jlis.down = True
    answer = check(platform, caller, signed_file(held, answer=good))
    assert (answer.verdict.indication, answer.verdict.sub_indication) == ("INDETERMINATE", "TRY_LATER")
    assert answer.four_items is None


def held_certificate(card: Any) -> Any:
    from honnin.pki.rfc5280.certificate import parse_certificate

    return parse_certificate(card.certificate)


def test_a_second_certificate_of_the_signers_name_is_refused(
    platform: Platform, caller: Caller, card: Callable[[str], Any]
) -> None:
    """Else one would be judged and the other kept as the law's evidence."""
    held = card("hanako")
    real = x509.load_der_x509_certificate(held.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "SAMPLE FORGED")]))
        .issuer_name(real.issuer)
        .serial_number(real.serial_number)
        .not_valid_before(real.not_valid_before_utc)
        .not_valid_after(real.not_valid_after_utc)
        .public_key(key.public_key())
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    with pytest.raises(InputError) as caught:
        check(platform, caller, signed_file(held, before=forged))
    assert caught.value.code == "verification.one_certificate"


def test_who_asks_for_nothing_gets_nothing(platform: Platform, caller: Caller, card: Callable[[str], Any]) -> None:
    session = platform.sessions.create(caller, session_request(attributes=()))
    platform.sessions.complete(key_of(session), signed(platform, session, card("hanako")))
    items = platform.sessions.four_items(caller, session.id).four_items
    assert (items.name, items.address, items.birth_date, items.sex) == (None, None, None, None)
