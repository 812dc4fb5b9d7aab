"""What the demo bank remembers, in memory and not for long: applications under way, accounts opened."""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from honnin.web.bank.service import FourItems

__all__ = ["Account", "Application", "Goal", "Ledger"]

Goal = Literal["open", "recover", "login"]
MOST = 1000  # of each kind; the oldest are forgotten first


@dataclass(slots=True)
class Application:
    """An application and its identity check.

    page: where the person goes on with the check; goal: what it is for; account: its kind, where one is opened.
    secret: the customer's, once the account is open to them.
    code: brought with the return and sent to honnin; returned: honnin took it.
    turn: held while the account is being opened, so that two clicks open one.
    """

    session: str
    page: str
    goal: Goal
    account: str = ""
    secret: str | None = None
    code: str = ""
    returned: bool = False
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account with the verified items of its holder; person is the id at this bank, None while it is pending."""

    account: str
    number: str
    items: FourItems
    person: str | None
    verification: str

    def __repr__(self) -> str:
        return "Account(…)"


class Ledger:
    """Applications by their `state`, accounts by the secret in the customer's cookie."""

    def __init__(self) -> None:
        self._applications: OrderedDict[str, Application] = OrderedDict()
        self._accounts: OrderedDict[str, Account] = OrderedDict()

    def keep(self, state: str, application: Application) -> None:
        """Keep an application under the state that comes back with the person."""
        self._applications[state] = application
        if len(self._applications) > MOST:
            self._applications.popitem(last=False)

    def application(self, state: str) -> Application | None:
        """Return the application of a state."""
        return self._applications.get(state)

    def open(self, application: Application, account: Account) -> str:
        """Open the account of an application; return the customer's secret."""
        application.secret = secret = secrets.token_urlsafe(32)
        self._accounts[secret] = account
        if len(self._accounts) > MOST:
            self._accounts.popitem(last=False)
        return secret

    def recover(self, application: Application, person: str) -> bool:
        """Open a person's latest account to them again, under a new secret alone; False where there is none."""
        held = [secret for secret, account in self._accounts.items() if account.person == person]
        if not held:
            return False
        self.open(application, self._accounts.pop(held[-1]))
        return True

    def account(self, secret: str) -> Account | None:
        """Return the account of a customer."""
        return self._accounts.get(secret)


def new_number() -> str:
    """Return an account number: seven digits that begin with 9."""
    return f"9{secrets.randbelow(1_000_000):06d}"
