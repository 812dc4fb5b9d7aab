"""Two at once, in threads over one world: a code, an assertion and a transaction are used once, whoever is faster."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.waiting import LONG

from honnin.sandbox.digital_auth import grants
from honnin.sandbox.digital_auth.assertions import authenticate
from honnin.sandbox.digital_auth.keys import signing_key
from honnin.sandbox.digital_auth.refusals import OAuthRefusal
from honnin.sandbox.digital_auth.transactions import finish

from .conftest import ASSERTION_TYPE, OIDC, Party
from .test_signing import PLAIN

NewParty = Callable[..., Party]
MANY = 8


def at_once(step: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(MANY) as pool:
        return [done.result(LONG) for done in [pool.submit(step) for _ in range(MANY)]]


def test_code(party: Party) -> None:
    code = party.back()["code"]
    spent = at_once(lambda: grants.spend(party.world, "code", code, party.client_id))
    assert sum(found is not None for found in spent) == 1


def test_assertion(party: Party) -> None:
    form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": party.assertion()}

    def try_it() -> bool:
        try:
            authenticate(party.world, form, OIDC, f"{OIDC}/token")
        except OAuthRefusal:
            return False
        return True

    assert sum(at_once(try_it)) == 1


def test_transaction(party: Party) -> None:
    transaction = party.start({"data": PLAIN}).json()["sign_transaction_id"]
    assert sum(at_once(lambda: finish(party.world, transaction, b"s", b"c", "j"))) == 1


def test_first_key(new_party: NewParty) -> None:
    party = new_party()
    assert len({key.kid for key in at_once(lambda: signing_key(party.world, "id_token"))}) == 1
