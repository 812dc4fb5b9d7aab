"""Whatever a service provider sends is a verdict with its evidence, or a coded error that leaves nothing."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from honnin.errors import HonninError
from honnin.platform import Platform, Settings
from honnin.platform.models import Caller, DigestInput, VerificationRequest
from honnin.platform.settings import Services
from honnin.sandbox import people
from honnin.sandbox.opening import open_world

_path = Path(__file__).parents[1] / "platform" / "conftest.py"
_spec = importlib.util.spec_from_file_location("honnin_platform_fixtures_of_properties", _path)
assert _spec is not None
assert _spec.loader is not None
fixtures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixtures)


class Bench:
    """One platform, one tenant, one genuine request."""

    def __init__(self, data: Path) -> None:
        world = open_world(data)
        material = people.card_material(world, "hanako")
        anchors, jlis = world.anchors(), fixtures.Jlis(world)
        services = Services(jlis, jlis, anchors["signature"], anchors["user_authentication"])
        self.platform = Platform(Settings(data, test=services))
        self.caller: Caller = self.platform.authenticate(self.platform.create_tenant("試験銀行").api_key)
        self.genuine: VerificationRequest = fixtures.Card(
            material.signature_certificate, material.signature_key
        ).request(b"document")

    def try_(self, request: VerificationRequest) -> str:
        before = self._count()
        try:
            answer = self.platform.verify(self.caller, request)
        except HonninError as error:
            assert self._count() == before
            return error.code
        assert self._count() == before + 1
        if answer.verdict.indication != "TOTAL-PASSED":
            assert answer.four_items is None
        return answer.verdict.indication

    def _count(self) -> int:
        with self.platform.store.read() as db:
            return int(db.exec_driver_sql("SELECT count(*) FROM evidence").scalar_one())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(tmp_path_factory.mktemp("hostile"))
    yield bench
    bench.platform.close()


MEMBERS = st.fixed_dictionaries(
    {},
    optional={
        "document": st.none() | st.binary(max_size=60),
        "signature": st.none() | st.binary(max_size=300),
        "certificate": st.none() | st.binary(max_size=300),
        "cms": st.none() | st.binary(max_size=300),
        "digest": st.none()
        | st.builds(
            DigestInput, alg=st.sampled_from(["sha256", "sha384", "sha512"]), value=st.text("0af", min_size=64)
        ),
        "law": st.sampled_from([None, "aml", "mobile_phone", "my_number", "second_hand"]),
        "method": st.none() | st.text(max_size=20),
        "purpose": st.text(max_size=20),
        "signed_items": st.lists(st.text(max_size=8), max_size=3).map(tuple),
    },
)


@given(members=MEMBERS)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_members(bench: Bench, members: dict[str, Any]) -> None:
    assert bench.try_(msgspec.structs.replace(bench.genuine, **members))


@given(data=st.data(), member=st.sampled_from(["certificate", "signature", "document"]))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_bent_members_never_pass(bench: Bench, data: st.DataObject, member: str) -> None:
    content: bytes = getattr(bench.genuine, member)
    at = data.draw(st.integers(0, len(content) - 1))
    cut = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    bent = {
        "flip": content[:at] + bytes([content[at] ^ (1 << data.draw(st.integers(0, 7)))]) + content[at + 1 :],
        "cut": content[:at],
        "insert": content[:at] + data.draw(st.binary(min_size=1, max_size=4)) + content[at:],
    }[cut]
    if bent != content:
        assert bench.try_(msgspec.structs.replace(bench.genuine, **{member: bent})) != "TOTAL-PASSED"


def test_genuine_request_passes(bench: Bench) -> None:
    assert bench.try_(bench.genuine) == "TOTAL-PASSED"


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_json_is_a_request_or_an_error_of_the_decoder(content: bytes) -> None:
    try:
        msgspec.json.decode(content, type=VerificationRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
    pytest.fail("random bytes made a request")
