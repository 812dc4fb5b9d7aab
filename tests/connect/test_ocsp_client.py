"""The OCSP client against the sandbox's J-LIS over a real socket: what is asked, kept, joined, gathered and refused."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.waiting import LONG

from honnin.connect import jlis
from honnin.connect.gateway import Address, Answer, Gateway
from honnin.connect.jlis.asking import AskingPolicy, BreakerRules, HedgeRules, named_asking
from honnin.connect.jlis.breaker import Breaker
from honnin.connect.jlis.hedging import Hedge
from honnin.connect.jlis.ocsp import responder
from honnin.connect.jlis.ocsp_client import MOST_RESPONDERS
from honnin.errors import InputError, ServiceError
from honnin.pki import check_revocation
from honnin.pki.rfc6960 import parse_ocsp_response
from honnin.sandbox.jlis.switches import set_switch
from honnin.sandbox.people import card_material
from honnin.sandbox.world import World

AT = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)
STATUS, EVIDENCE = named_asking("status"), named_asking("evidence")
PEOPLE = ("hanako", "kyoko", "keita", "saku")


class Counting(Gateway):
    """A gateway that notes what it sends, and lets a test hold answers back."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.sent: list[bytes] = []
        self.hold: Callable[[int], None] = lambda _: None
        self._order = threading.Lock()

    def post(self, address: Address, content: bytes, media_type: str, *, limit: int, accept: str) -> Answer:
        with self._order:
            self.sent.append(content)
            number = len(self.sent)
        self.hold(number)
        return super().post(address, content, media_type, limit=limit, accept=accept)


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def counting(base: str, world: World) -> Iterator[Counting]:
    opened = Counting(base, hosts=world.hosts(), timeout=LONG, deadline=LONG)
    yield opened
    opened.close()


@pytest.fixture
def switch(world: World) -> Iterator[Callable[[str], None]]:
    yield lambda state: set_switch(world, "ocsp", state)
    set_switch(world, "ocsp", "up")


def parts(world: World, person: str, purpose: str = "signature") -> tuple[bytes, bytes]:
    material = card_material(world, person)
    return getattr(material, f"{purpose}_certificate"), getattr(material, f"{purpose}_ca_certificate")


def of_one_issuer(world: World) -> list[tuple[bytes, bytes]]:
    """Return two persons' certificates under the same CA key."""
    pairs = [parts(world, person) for person in PEOPLE]
    return next(found for _, issuer in pairs if len(found := [p for p in pairs if p[1] == issuer][:2]) == 2)


def policy(based_on: AskingPolicy = STATUS, **members: Any) -> AskingPolicy:
    return msgspec.structs.replace(based_on, **members)


def asked_for(client: jlis.OcspClient, which: list[tuple[bytes, bytes]], at: datetime = AT) -> list[Any]:
    """Ask from many threads at once; failures are given back."""
    together = threading.Barrier(len(which))

    def ask(pair: tuple[bytes, bytes]) -> Any:
        together.wait(LONG)
        try:
            return client.fetch(*pair, at=at)
        except ServiceError as error:
            return error

    with ThreadPoolExecutor(len(which)) as pool:
        return list(pool.map(ask, which))


class TestNonce:
    def test_every_check_has_an_answer_of_its_own(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, "evidence")
        told = [client.fetch(*parts(world, "hanako"), at=AT) for _ in range(3)]
        assert len(counting.sent) == 3
        assert len({one.ocsp for one in told}) == 3
        assert len({parse_ocsp_response(one.ocsp[0]).nonce for one in told}) == 3

    def test_checks_at_once_share_nothing_and_name_nobody_else(self, counting: Counting, world: World) -> None:
        pairs = [parts(world, person) for person in (*PEOPLE, "hanako")]
        told = asked_for(jlis.OcspClient(counting, "evidence"), pairs)
        assert len(counting.sent) == len(pairs)
        assert all(len(parse_ocsp_response(one.ocsp[0]).responses) == 1 for one in told)

    def test_a_batch_shares_its_nonce_among_those_in_it(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(EVIDENCE, batch=8, gather_seconds=1.0))
        pairs = [parts(world, "hanako")] * 8  # the same certificate: one question, and each was asked before sending
        told = asked_for(client, pairs)
        assert len({one.ocsp for one in told}) == len(counting.sent)
        client.fetch(*parts(world, "hanako"), at=AT)  # a later asker has a request of its own
        assert len({*told, client.fetch(*parts(world, "hanako"), at=AT)}) == len(counting.sent) - 1

    def test_wrong_nonce(self, counting: Counting, world: World, switch: Callable[[str], None]) -> None:
        switch("wrong_nonce")
        with pytest.raises(ServiceError) as caught:
            jlis.OcspClient(counting, "evidence").fetch(*parts(world, "hanako"), at=AT)
        assert caught.value.code == "jlis.nonce_mismatch"

    def test_no_policy_keeps_answers_with_a_nonce(self) -> None:
        assert not EVIDENCE.keeps
        assert not policy(nonce=True).keeps
        with pytest.raises(InputError) as caught:
            named_asking("by_guess")
        assert caught.value.code == "jlis.asking_policy"


class TestKeeping:
    def test_one_question_serves_while_the_answer_is_current(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, "status")
        first = client.fetch(*parts(world, "hanako"), at=AT)
        assert client.fetch(*parts(world, "hanako"), at=AT + timedelta(seconds=299)) is first
        assert first.fetched_at == AT
        assert len(counting.sent) == 1
        client.fetch(*parts(world, "hanako"), at=AT + timedelta(seconds=301))
        assert len(counting.sent) == 2

    def test_never_past_its_next_update(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(max_age_seconds=86_400, stale_seconds=86_400))
        client.fetch(*parts(world, "hanako"), at=AT)
        client.fetch(*parts(world, "hanako"), at=AT + timedelta(minutes=10))
        assert len(counting.sent) == 1
        client.fetch(*parts(world, "hanako"), at=AT + timedelta(minutes=10, seconds=1))
        assert len(counting.sent) == 2

    def test_nor_before_its_this_update(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, "status")
        client.fetch(*parts(world, "hanako"), at=AT)
        client.fetch(*parts(world, "hanako"), at=AT - timedelta(days=1))
        assert len(counting.sent) == 2

    @pytest.mark.parametrize("state", ["stale", "forged"])
    def test_what_is_not_believed_is_not_kept(
        self, counting: Counting, world: World, switch: Callable[[str], None], state: str
    ) -> None:
        client = jlis.OcspClient(counting, "status")
        switch(state)
        certificate, issuer = parts(world, "hanako")
        bad = client.fetch(certificate, issuer, at=AT)
        assert check_revocation(certificate, issuer, ocsp=bad.ocsp, at=AT).state == "unknown"
        switch("up")
        good = client.fetch(certificate, issuer, at=AT)
        assert check_revocation(certificate, issuer, ocsp=good.ocsp, at=AT).state == "good"

    @pytest.mark.parametrize(
        ("state", "code"),
        [
            ("down", "gateway.unavailable"),
            ("try_later", "jlis.try_later"),
            ("malformed", "jlis.answer_malformed"),
        ],
    )
    def test_a_failure_is_the_answer_for_a_moment(
        self, counting: Counting, world: World, switch: Callable[[str], None], state: str, code: str
    ) -> None:
        clock = Clock()
        client = jlis.OcspClient(counting, "status", clock=clock)
        switch(state)
        for _ in range(3):
            with pytest.raises(ServiceError) as caught:
                client.fetch(*parts(world, "hanako"), at=AT)
            assert caught.value.code == code
        assert len(counting.sent) == 1
        switch("up")
        clock.seconds += STATUS.negative_seconds[code]
        assert client.fetch(*parts(world, "hanako"), at=AT).ocsp
        assert len(counting.sent) == 2

    def test_a_kept_answer_stands_in_as_long_as_the_policy_says(
        self, counting: Counting, world: World, switch: Callable[[str], None]
    ) -> None:
        client = jlis.OcspClient(counting, policy(max_age_seconds=60, stale_seconds=300, negative_seconds={}))
        first = client.fetch(*parts(world, "hanako"), at=AT)
        switch("down")
        assert client.fetch(*parts(world, "hanako"), at=AT + timedelta(seconds=300)) is first
        with pytest.raises(ServiceError):
            client.fetch(*parts(world, "hanako"), at=AT + timedelta(seconds=301))

    def test_no_stand_in_where_the_policy_has_none(
        self, counting: Counting, world: World, switch: Callable[[str], None]
    ) -> None:
        client = jlis.OcspClient(counting, policy(max_age_seconds=60, stale_seconds=0))
        client.fetch(*parts(world, "hanako"), at=AT)
        switch("down")
        with pytest.raises(ServiceError):
            client.fetch(*parts(world, "hanako"), at=AT + timedelta(seconds=61))


class TestTogether:
    def test_many_threads_ask_once(self, counting: Counting, world: World) -> None:
        told = asked_for(jlis.OcspClient(counting, "status"), [parts(world, "hanako")] * 16)
        assert len(counting.sent) == 1
        assert len({one.ocsp for one in told}) == 1

    def test_a_late_asker_joins_the_question_on_its_way(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(batch=1))
        sent, go = threading.Event(), threading.Event()

        def hold(_: int) -> None:
            sent.set()
            go.wait(LONG)

        counting.hold = hold
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(client.fetch, *parts(world, "hanako"), at=AT)
            assert sent.wait(LONG)
            second = pool.submit(client.fetch, *parts(world, "hanako"), at=AT)
            go.set()
            assert first.result(LONG) == second.result(LONG)
        assert len(counting.sent) == 1

    def test_certificates_of_one_issuer_travel_together(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(batch=2, gather_seconds=LONG))
        pairs = [parts(world, person) for person in ("hanako", "kyoko", "misaki", "saku")]
        lines = [(responder(certificate), issuer) for certificate, issuer in pairs]
        assert sorted(map(lines.count, lines)) == [2, 2, 2, 2]
        told = asked_for(client, pairs)
        assert len(counting.sent) == 2
        for (certificate, issuer), one in zip(pairs, told, strict=True):
            assert check_revocation(certificate, issuer, ocsp=one.ocsp, at=AT).state == "good"
        for pair, one in zip(pairs, told, strict=True):
            assert client.fetch(*pair, at=AT) == one

    def test_a_full_batch_leaves_at_once(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(batch=2, gather_seconds=30.0))
        same = of_one_issuer(world)
        asked_for(client, same)
        assert len(counting.sent) == 1

    def test_a_failure_reaches_everyone_who_waits(
        self, counting: Counting, world: World, switch: Callable[[str], None]
    ) -> None:
        switch("down")
        told = asked_for(jlis.OcspClient(counting, "status"), [parts(world, "hanako")] * 8)
        assert {one.code for one in told} == {"gateway.unavailable"}
        assert len({id(one) for one in told}) == 8

    def test_a_request_refused_for_all_is_asked_one_by_one(self, counting: Counting, world: World) -> None:
        class Strict(Counting):
            def post(self, address: Address, content: bytes, media_type: str, *, limit: int, accept: str) -> Answer:
                if len(content) > 100:  # more than one certificate
                    return Answer(200, "application/ocsp-response", b"\x30\x03\x0a\x01\x06")
                return super().post(address, content, media_type, limit=limit, accept=accept)

        strict = Strict(counting._base, hosts=world.hosts())
        pairs = of_one_issuer(world)
        told = asked_for(jlis.OcspClient(strict, policy(gather_seconds=0.5)), pairs)
        assert len(strict.sent) == len(pairs)
        for pair, one in zip(pairs, told, strict=True):
            assert check_revocation(*pair, ocsp=one.ocsp, at=AT).state == "good"
        strict.close()


class TestBreaker:
    RULES = BreakerRules(failures=3, open_seconds=10.0)

    def test_states(self) -> None:
        clock = Clock()
        breaker = Breaker(self.RULES, clock)
        for _ in range(2):
            breaker.enter()
            breaker.failed()
        breaker.enter()
        breaker.succeeded()  # a success starts the count anew
        for _ in range(3):
            assert breaker.state == "closed"
            breaker.enter()
            breaker.failed()
        assert breaker.state == "open"
        with pytest.raises(ServiceError) as caught:
            breaker.enter()
        assert (caught.value.code, caught.value.retryable) == ("jlis.resting", True)
        clock.seconds += 10
        assert breaker.state == "half_open"
        breaker.enter()  # one tries
        with pytest.raises(ServiceError):
            breaker.enter()
        breaker.failed()
        assert breaker.state == "open"
        clock.seconds += 10
        breaker.enter()
        breaker.withdrawn()  # its outcome told nothing: the next one tries
        breaker.enter()
        breaker.succeeded()
        assert breaker.state == "closed"
        breaker.enter()

    def test_a_responder_that_fails_is_left_in_peace(
        self, counting: Counting, world: World, switch: Callable[[str], None]
    ) -> None:
        clock = Clock()
        client = jlis.OcspClient(counting, policy(EVIDENCE, breaker=self.RULES), clock=clock)
        pair = parts(world, "hanako")
        switch("down")
        codes = []
        for _ in range(5):
            with pytest.raises(ServiceError) as caught:
                client.fetch(*pair, at=AT)
            codes.append(caught.value.code)
        assert codes == ["gateway.unavailable"] * 3 + ["jlis.resting"] * 2
        assert len(counting.sent) == 3
        assert client.breaker(responder(pair[0])).state == "open"
        switch("up")
        clock.seconds += 10
        assert client.fetch(*pair, at=AT).ocsp
        assert client.breaker(responder(pair[0])).state == "closed"

    def test_a_path_makes_no_other_responder(self, counting: Counting, world: World) -> None:
        """Else every certificate with a path of its own would be asked about however often the responder failed."""
        client = jlis.OcspClient(counting, policy(EVIDENCE, breaker=self.RULES))
        url = responder(parts(world, "hanako")[0])
        assert len({id(client.breaker(f"{url}/{number}?{number}")) for number in range(100)}) == 1
        assert len(client._responders) == 1

    def test_the_responders_whose_state_is_kept_are_bounded(self) -> None:
        gateway = Gateway(hosts={f"{n}.example": f"https://{n}.operator.example" for n in range(MOST_RESPONDERS + 9)})
        client = jlis.OcspClient(gateway, EVIDENCE)
        first = client.breaker("http://0.example/")
        for number in range(1, MOST_RESPONDERS + 9):
            client.breaker(f"http://{number}.example/")
            assert client.breaker("http://0.example/") is first  # one in use is not forgotten
        assert len(client._responders) == MOST_RESPONDERS
        gateway.close()

    def test_a_refusal_is_an_answer(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(EVIDENCE, breaker=self.RULES))
        certificate, _ = parts(world, "hanako")
        for _ in range(5):
            with pytest.raises(ServiceError) as caught:
                client.fetch(certificate, certificate, at=AT)
            assert caught.value.code == "jlis.refused"

    def test_the_list_answers_while_the_responder_rests(
        self, counting: Counting, world: World, switch: Callable[[str], None]
    ) -> None:
        client = jlis.OcspClient(counting, policy(EVIDENCE, breaker=self.RULES), clock=Clock())
        both = jlis.Fallback(client, jlis.HttpCrlSource(counting))
        switch("down")
        sources = [both.fetch(*parts(world, "hanako"), at=AT).source for _ in range(5)]
        assert sources == ["crl_http"] * 5
        assert len(counting.sent) == 3
        reverse = jlis.Fallback(jlis.HttpCrlSource(counting), client)
        assert reverse.fetch(*parts(world, "hanako"), at=AT).source == "crl_http"

    def test_and_the_responder_while_the_list_is_away(self, counting: Counting, world: World) -> None:
        set_switch(world, "crl", "down")
        try:
            reverse = jlis.Fallback(jlis.HttpCrlSource(counting), jlis.OcspClient(counting, "evidence"))
            assert reverse.fetch(*parts(world, "hanako"), at=AT).source == "ocsp"
        finally:
            set_switch(world, "crl", "up")


class TestHedge:
    RULES = HedgeRules(percentile=90, at_least_seconds=0.02, samples=5, share=0.05)

    def test_a_slow_question_is_asked_a_second_time(self, counting: Counting, world: World) -> None:
        client = jlis.OcspClient(counting, policy(EVIDENCE, hedge=self.RULES))
        pair = parts(world, "hanako")
        for _ in range(5):
            client.fetch(*pair, at=AT)
        url, late = responder(pair[0]), threading.Event()
        slow = len(counting.sent) + 1
        counting.hold = lambda number: late.wait(LONG) and None if number == slow else None
        told = client.fetch(*pair, at=AT)  # answered by the second while the first still waits
        late.set()
        assert check_revocation(*pair, ocsp=told.ocsp, at=AT).state == "good"
        assert client.second_tries(url) == 1
        assert len(counting.sent) == slow + 1

    def test_no_second_try_before_the_percentile_is_known(self) -> None:
        hedge = Hedge(self.RULES, Clock())
        assert hedge.delay() is None
        assert [hedge.ask(lambda: 7) for _ in range(5)] == [7] * 5
        assert hedge.delay() == pytest.approx(0.02)

    def test_second_tries_are_a_share(self) -> None:
        hedge = Hedge(self.RULES)
        for _ in range(5):
            hedge.ask(lambda: None)
        for _ in range(10):
            hedge.ask(lambda: threading.Event().wait(0.06))
        assert hedge.second_tries <= 2

    def test_a_failure_is_raised_and_a_second_try_may_save_it(self) -> None:
        hedge = Hedge(self.RULES)
        for _ in range(5):
            hedge.ask(lambda: None)

        def fails() -> None:
            raise ServiceError("jlis.try_later", "Later.")

        with pytest.raises(ServiceError):
            hedge.ask(fails)
        turns, second = iter([True, False]), threading.Event()

        def slow_then_good() -> str:
            if next(turns):
                assert second.wait(LONG)
                fails()
            second.set()
            return "good"

        assert hedge.ask(slow_then_good) == "good"
