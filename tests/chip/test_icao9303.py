"""The computations of ICAO Doc 9303 against its worked examples, and against themselves where it has none."""

import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from honnin.chip import icao9303
from honnin.chip.icao9303.ciphers import pad, suite, unpad
from honnin.chip.icao9303.domains import DhDomain, EcDomain, domain_parameters, random_private
from honnin.chip.icao9303.mrz import full_date
from honnin.chip.icao9303.secure_messaging import SecureMessagingError, parse_command
from honnin.errors import FormatError, HonninError, InputError

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "icao-9303.json").read_text(encoding="utf-8")
)
BAC = VECTORS["bac"]
GM = VECTORS["pace_gm"]
CIPHERS = ("3des", "aes-128", "aes-192", "aes-256")
DOMAINS = (0, 1, 2, *range(8, 19))


def h(text: str) -> bytes:
    return bytes.fromhex(text)


def test_every_name_is_exported() -> None:
    for name in icao9303.__all__:
        assert callable(getattr(icao9303, name)), name
    with pytest.raises(AttributeError):
        icao9303.nothing  # noqa: B018


@pytest.mark.parametrize(("text", "digit"), VECTORS["check_digits"].items())
def test_check_digits(text: str, digit: int) -> None:
    assert icao9303.check_digit(text) == digit
    assert icao9303.check_digit(text.encode()) == digit


@pytest.mark.parametrize("text", ["a", "１", "A B", "é", "\x00"])
def test_no_check_digit_of_other_characters(text: str) -> None:
    with pytest.raises(InputError):
        icao9303.check_digit(text)


@pytest.mark.parametrize("layout", VECTORS["zones"])
def test_specimen_zones(layout: str) -> None:
    zone = icao9303.parse_mrz(VECTORS["zones"][layout])
    assert (zone.format, zone.surname, zone.given_names) == (layout, "ERIKSSON", "ANNA MARIA")
    assert (zone.birth_date, zone.expiry_date, zone.sex, zone.wrong) == ("740812", "120415", "F", ())
    assert zone.document_number == ("L898902C3" if layout == "TD3" else "D23145890")
    assert "ERIKSSON" not in repr(zone)


@pytest.mark.parametrize("layout", VECTORS["zones"])
def test_one_misread_digit_is_found(layout: str) -> None:
    zone = VECTORS["zones"][layout]
    at = zone.index("740812")
    misread = zone[:at] + "1" + zone[at + 1 :]
    assert icao9303.parse_mrz(misread).wrong == ("birth_date", "composite")


def test_zone_in_lines() -> None:
    zone = VECTORS["zones"]["TD3"]
    assert icao9303.parse_mrz(f"{zone[:44]}\n{zone[44:]}\n") == icao9303.parse_mrz(zone)


def test_long_document_number() -> None:
    """Doc 9303-5 §4.2.4: a number of more than nine characters goes on in the optional field."""
    number = "D23145890734"
    check = icao9303.check_digit(number)
    first = f"I<UTO{number[:9]}<{number[9:]}{check}<".ljust(30, "<")
    second = "7408122F1204159UTO<<<<<<<<<<<"
    composite = icao9303.check_digit(first[5:] + second[:7] + second[8:15] + second[18:29])
    zone = icao9303.parse_mrz(f"{first}{second}{composite}{'ERIKSSON<<ANNA<MARIA':<<30}")
    assert (zone.document_number, zone.wrong) == (number, ())
    assert zone.information == f"{number}{check}74081221204159"
    assert len(zone.information) == 27


@pytest.mark.parametrize(
    ("six", "kind", "day"),
    [
        ("740812", "birth", date(1974, 8, 12)),
        ("261121", "birth", date(2026, 11, 21)),
        ("261122", "birth", date(1926, 11, 22)),
        ("350101", "expiry", date(2035, 1, 1)),
        ("991231", "expiry", date(1999, 12, 31)),
        ("000229", "birth", date(2000, 2, 29)),
        ("7408<<", "birth", None),
        ("740800", "birth", None),
        ("741301", "birth", None),
    ],
)
def test_two_digit_years(six: str, kind: Any, day: date | None) -> None:
    assert full_date(six, today=date(2026, 11, 21), kind=kind) == day


@given(st.text(max_size=120))
def test_zones_are_read_or_refused(text: str) -> None:
    with suppress(FormatError):
        icao9303.parse_mrz(text)


@given(st.sampled_from([72, 88, 90]).flatmap(lambda n: st.text("ABZ019<", min_size=n, max_size=n)))
def test_zones_of_the_right_length_are_read(text: str) -> None:
    zone = icao9303.parse_mrz(text)
    assert set(zone.wrong) <= {"document_number", "birth_date", "expiry_date", "optional", "composite"}


def test_access_keys() -> None:
    assert icao9303.bac_seed(BAC["information"]) == h(BAC["seed"])
    expected = (h(BAC["k_enc"]), h(BAC["k_mac"]))
    assert icao9303.bac_keys(BAC["information"]) == expected
    assert icao9303.bac_keys(BAC["document_number"], BAC["birth_date"], BAC["expiry_date"]) == expected
    assert icao9303.bac_keys("l898902c", date(1969, 8, 6), date(1994, 6, 23)) == expected
    assert BAC["k_enc"].lower() not in repr(icao9303.bac_keys(BAC["information"]))


@pytest.mark.parametrize("number", ["L898902é", b"\xff", "L 898"])
def test_access_keys_of_what_is_no_zone(number: Any) -> None:
    with pytest.raises(InputError):
        icao9303.bac_keys(number, "690806", "940623")


def test_mutual_authentication() -> None:
    keys = icao9303.bac_keys(BAC["information"])
    rnd_ic, rnd_ifd, k_ifd = h(BAC["rnd_ic"]), h(BAC["rnd_ifd"]), h(BAC["k_ifd"])
    assert icao9303.bac_command(keys, rnd_ic, rnd_ifd, k_ifd) == h(BAC["command"])
    k_ic = icao9303.bac_response(keys, h(BAC["answer"]), rnd_ic, rnd_ifd)
    session, ssc = icao9303.bac_session(rnd_ic, rnd_ifd, k_ifd, k_ic)
    assert session == (h(BAC["session_k_enc"]), h(BAC["session_k_mac"]))
    assert ssc == h(BAC["ssc"])


def test_mutual_authentication_refuses_every_changed_byte() -> None:
    keys = icao9303.bac_keys(BAC["information"])
    answer = h(BAC["answer"])
    for at in range(len(answer)):
        changed = answer[:at] + bytes((answer[at] ^ 1,)) + answer[at + 1 :]
        with pytest.raises(HonninError, match="chip_not_authentic"):
            icao9303.bac_response(keys, changed, h(BAC["rnd_ic"]), h(BAC["rnd_ifd"]))
    with pytest.raises(HonninError, match="chip_not_authentic"):
        icao9303.bac_response(keys, answer, h(BAC["rnd_ifd"]), h(BAC["rnd_ic"]))


def test_secure_messaging_as_in_the_example() -> None:
    keys, ssc = (h(BAC["session_k_enc"]), h(BAC["session_k_mac"])), h(BAC["ssc"])
    for message in BAC["messages"]:
        protected, ssc = icao9303.protect(h(message["plain"]), keys, ssc)
        assert protected == h(message["protected"])
        opened, sw, ssc = icao9303.unprotect(h(message["answer"]), keys, ssc)
        assert (opened, sw) == (h(message["opened"]), 0x9000)


def test_every_changed_byte_of_an_answer_is_refused() -> None:
    keys, ssc = (h(BAC["session_k_enc"]), h(BAC["session_k_mac"])), h("887022120C06C229")
    answer = h(BAC["messages"][1]["answer"])
    assert icao9303.unprotect(answer, keys, ssc).data == h("60145F01")
    for at in range(len(answer)):
        changed = answer[:at] + bytes((answer[at] ^ 4,)) + answer[at + 1 :]
        with pytest.raises(SecureMessagingError):
            icao9303.unprotect(changed, keys, ssc)
    for length in range(len(answer)):
        with pytest.raises(SecureMessagingError):
            icao9303.unprotect(answer[:length], keys, ssc)
    with pytest.raises(SecureMessagingError):
        icao9303.unprotect(answer, keys, h("887022120C06C22A"))


@pytest.mark.parametrize("cipher", CIPHERS)
@pytest.mark.parametrize(
    "plain", ["00A4040C07A0000002471001", "00B0000000", "00B00000000400", "00B1000004540200FF00", "00200000"]
)
def test_protected_commands_carry_what_they_were(cipher: str, plain: str) -> None:
    """Opened again by the rules of §9.8.4, written down here anew."""
    chosen = suite(cipher)
    keys = icao9303.session_keys(b"secret", cipher)
    before = bytes(chosen.block)
    apdu, ssc = icao9303.protect(h(plain), keys, before)
    assert ssc == (1).to_bytes(chosen.block, "big")
    command, original = parse_command(apdu), parse_command(h(plain))
    assert command.header == bytes((original.cla | 0x0C, original.ins, original.p1, original.p2))
    body, mac = command.data[:-10], command.data[-8:]
    assert command.data[-10:-8] == h("8E08")
    signed = ssc + pad(command.header, chosen.block)
    assert chosen.mac(keys.k_mac, pad(signed + body, chosen.block) if body else signed) == mac
    if original.data:
        assert body[0] == (0x85 if original.ins & 1 else 0x87)
        start = 2 + (not original.ins & 1)
        length = body[1] - (not original.ins & 1)
        opened = unpad(chosen.decrypt(keys.k_enc, body[start : start + length], chosen.iv(keys.k_enc, ssc)))
        assert opened == original.data
    le = {0: b"", 256: h("970100")}.get(original.le, h("97020400"))
    assert body.endswith(le)


def test_long_commands_become_extended() -> None:
    keys = icao9303.session_keys(b"secret", "aes-256")
    apdu, _ = icao9303.protect(h("00D6000000012C") + bytes(300), keys, bytes(16))
    assert apdu[4] == 0
    assert apdu[-2:] == b"\0\0"
    assert len(parse_command(apdu).data) == 4 + 1 + 304 + 10


@given(st.binary(max_size=80), st.sampled_from(CIPHERS))
def test_answers_are_refused_unless_protected(answer: bytes, cipher: str) -> None:
    with pytest.raises(SecureMessagingError):
        icao9303.unprotect(answer, icao9303.session_keys(b"secret", cipher), bytes(suite(cipher).block))


def test_keys_and_counter_must_belong_together() -> None:
    with pytest.raises(InputError):
        icao9303.protect(h("00B0000004"), (bytes(24), bytes(24)), bytes(8))
    with pytest.raises(InputError):
        icao9303.unprotect(h("9000"), (bytes(16), bytes(16)), bytes(12))


def test_pace_generic_mapping_as_in_the_example() -> None:
    key = icao9303.pace_password_key(GM["information"], cipher=GM["cipher"])
    assert key == h(GM["password_key"])
    nonce = icao9303.pace_decrypt_nonce(key, h(GM["encrypted_nonce"]), GM["cipher"])
    assert nonce == h(GM["nonce"])
    assert icao9303.pace_public_key(13, h(GM["map_private"])) == h(GM["map_public"])
    mapped = icao9303.pace_map_generic(13, nonce, h(GM["map_private"]), h(GM["chip_map_public"]))
    assert mapped == icao9303.pace_map_generic(13, nonce, h(GM["chip_map_private"]), h(GM["map_public"]))
    assert isinstance(mapped, EcDomain)
    assert mapped.generator == tuple(int(c, 16) for c in GM["generator"])
    assert icao9303.pace_public_key(mapped, h(GM["private"])) == h(GM["public"])
    assert icao9303.pace_public_key(mapped, h(GM["chip_private"])) == h(GM["chip_public"])
    secret = icao9303.pace_shared_secret(mapped, h(GM["private"]), h(GM["chip_public"]))
    assert secret == h(GM["shared"])
    keys = icao9303.session_keys(secret, GM["cipher"])
    assert keys == (h(GM["k_enc"]), h(GM["k_mac"]))
    assert icao9303.pace_token(keys.k_mac, GM["oid"], h(GM["chip_public"]), GM["cipher"]) == h(GM["token"])
    assert icao9303.pace_token(keys.k_mac, GM["oid"], h(GM["public"]), GM["cipher"]) == h(GM["chip_token"])


@pytest.mark.parametrize("name", ["pace_im_ec", "pace_im_dh"])
def test_pace_integrated_mapping_as_in_the_example(name: str) -> None:
    vector = VECTORS[name]
    nonce = icao9303.pace_decrypt_nonce(h(vector["password_key"]), h(vector["encrypted_nonce"]), vector["cipher"])
    assert nonce == h(vector["nonce"])
    domain = domain_parameters(vector["parameter_id"])
    prime = domain.p if isinstance(domain, DhDomain) else domain.curve.p
    number = icao9303.pace_pseudo_random(nonce, h(vector["nonce_t"]), prime, vector["cipher"])
    assert number == int(vector["random"], 16) % prime
    mapped = icao9303.pace_map_integrated(domain, nonce, h(vector["nonce_t"]), vector["cipher"])
    if isinstance(mapped, EcDomain):
        assert mapped.generator == tuple(int(c, 16) for c in vector["generator"])
    else:
        assert mapped.generator == pow(number, (mapped.p - 1) // mapped.q, mapped.p)


@pytest.mark.parametrize("which", DOMAINS)
def test_both_sides_agree_on_every_domain(which: int) -> None:
    domain = domain_parameters(which)
    assert domain_parameters(domain.name) is domain
    ours, theirs = random_private(domain, bytes_of(1)), random_private(domain, bytes_of(2))
    nonce = bytes(range(16))
    mapped = icao9303.pace_map_generic(domain, nonce, ours, domain.public_key(theirs))
    assert mapped == icao9303.pace_map_generic(domain, nonce, theirs, domain.public_key(ours))
    assert mapped != domain
    secret = icao9303.pace_shared_secret(mapped, ours, mapped.public_key(theirs))
    assert secret == icao9303.pace_shared_secret(mapped, theirs, mapped.public_key(ours))
    assert len(secret) == domain.field_length


@pytest.mark.parametrize("which", DOMAINS)
@pytest.mark.parametrize("cipher", CIPHERS)
def test_integrated_mapping_gives_a_generator(which: int, cipher: str) -> None:
    domain, chosen = domain_parameters(which), suite(cipher)
    nonces = bytes(range(chosen.nonce_length)), bytes(range(chosen.key_length))
    if domain.name == "P-224":  # p is 1 modulo 4
        with pytest.raises(InputError):
            icao9303.pace_map_integrated(domain, *nonces, cipher)
        return
    mapped = icao9303.pace_map_integrated(domain, *nonces, cipher)
    if isinstance(mapped, EcDomain):
        assert mapped.curve.contains(mapped.generator)
    else:
        assert pow(mapped.generator, mapped.q, mapped.p) == 1 < mapped.generator


def bytes_of(start: int) -> Any:
    return lambda count: bytes((start + 7 * n) % 256 for n in range(count))


LIBRARY: dict[int, ec.EllipticCurve] = {
    10: ec.SECP224R1(),
    12: ec.SECP256R1(),
    13: ec.BrainpoolP256R1(),
    15: ec.SECP384R1(),
    16: ec.BrainpoolP384R1(),
    17: ec.BrainpoolP512R1(),
    18: ec.SECP521R1(),
}


@pytest.mark.parametrize("which", LIBRARY)
def test_points_agree_with_a_library(which: int) -> None:
    """An implementation by others: the same public key and the same shared secret, on every curve that it knows."""
    domain = domain_parameters(which)
    private, other = random_private(domain, bytes_of(3)), random_private(domain, bytes_of(4))
    theirs = ec.derive_private_key(other, LIBRARY[which])
    numbers = ec.derive_private_key(private, LIBRARY[which]).public_key().public_numbers()
    assert isinstance(domain, EcDomain)
    assert domain.decode(domain.public_key(private)) == (numbers.x, numbers.y)
    public = ec.EllipticCurvePublicKey.from_encoded_point(LIBRARY[which], domain.public_key(private))
    assert domain.shared_secret(private, domain.public_key(other)) == theirs.exchange(ec.ECDH(), public)


@pytest.mark.parametrize("which", DOMAINS)
def test_keys_outside_the_group_are_refused(which: int) -> None:
    domain = domain_parameters(which)
    public = domain.public_key(5)
    bad = [b"", b"\x00", b"\x04", public[:-1], public + b"\0", b"\x02" + public[1:], bytes(len(public))]
    bad.append(public[:-1] + bytes((public[-1] ^ 1,)))
    if isinstance(domain, DhDomain):
        bad = [
            b"",
            b"\x00",
            b"\x01",
            domain.encode(domain.p - 1),
            domain.p.to_bytes(domain.field_length, "big"),
            bad[-1],
        ]
    for key in bad:
        with pytest.raises(FormatError):
            domain.shared_secret(7, key)


@pytest.mark.parametrize("which", [8, 13, 18])
def test_chip_authentication_mapping(which: int) -> None:
    """CA_IC is the mapping key over the static key, modulo the order (§4.4.3.5)."""
    domain = domain_parameters(which)
    static, mapping = random_private(domain, bytes_of(5)), random_private(domain, bytes_of(6))
    data = (pow(static, -1, domain.order) * mapping % domain.order).to_bytes(domain.field_length + 1, "big")
    k_enc = bytes(range(16))
    chosen = suite("aes-128")
    encrypted = chosen.encrypt(k_enc, pad(data, 16), chosen.iv(k_enc, b"\xff" * 16))
    opened = icao9303.pace_chip_authentication_data(k_enc, encrypted, "aes-128")
    assert opened == data
    arguments = (domain, domain.public_key(mapping))
    assert icao9303.pace_cam_verified(*arguments, opened, domain.public_key(static))
    assert not icao9303.pace_cam_verified(*arguments, opened, domain.public_key(static + 1))
    assert not icao9303.pace_cam_verified(*arguments, b"", domain.public_key(static))
    assert not icao9303.pace_cam_verified(*arguments, domain.order.to_bytes(80, "big"), domain.public_key(static))


@given(st.binary(max_size=200))
def test_security_infos_are_read_or_refused(octets: bytes) -> None:
    for given_ in (octets, b"\x31" + bytes((min(len(octets), 127),)) + octets[:127]):
        with suppress(FormatError):
            icao9303.parse_security_infos(given_)


def test_security_infos() -> None:
    infos = icao9303.parse_security_infos(h("31143012060A04007F0007020204020202010202010D") + bytes(9))
    (pace,) = infos.pace
    assert (pace.mapping, pace.agreement, pace.cipher, pace.parameter_id) == ("gm", "ecdh", "aes-128", 13)
    assert pace.oid == GM["oid"]


@given(st.binary(max_size=300))
def test_public_keys_are_read_or_refused(octets: bytes) -> None:
    with pytest.raises(FormatError):
        icao9303.read_public_key(octets)


@pytest.mark.parametrize("which", LIBRARY)
def test_public_key_of_a_certificate(which: int) -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = ec.derive_private_key(77, LIBRARY[which]).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    domain, public = icao9303.read_public_key(spki)
    assert domain is domain_parameters(which)
    assert public == key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
