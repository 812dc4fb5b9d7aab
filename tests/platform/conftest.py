"""A platform on SQLite or on a real PostgreSQL cluster, in front of a sandbox world's own J-LIS, without a network."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from honnin.bench.cluster import POSTGRESQL, Cluster, running_cluster
from honnin.errors import ServiceError
from honnin.pki import ocsp_request
from honnin.platform import Platform, Settings
from honnin.platform.models import Caller, VerificationRequest
from honnin.platform.settings import Services
from honnin.sandbox import people
from honnin.sandbox.jlis import linking, ocsp
from honnin.sandbox.opening import Sandbox, open_world
from honnin.sandbox.world import World

PEOPLE = ("hanako", "kyoko", "saku")
BORN = datetime(2026, 11, 21, 0, 0, 0, tzinfo=UTC)  # 09:00 in Japan; the law changes on 2027-04-01


@dataclass
class Jlis:
    """The sandbox's J-LIS asked in process: its responder and its register answer, no transport between."""

    world: World
    down: bool = False
    asked: int = 0

    def fetch(self, certificate: bytes, issuer: bytes, *, at: datetime) -> Any:
        self.asked += 1
        if self.down:
            raise ServiceError("jlis.down", "J-LIS does not answer.", retryable=True)
        answer = ocsp.answer(self.world, ocsp_request(certificate, issuer), at)
        return SimpleNamespace(crls=(), ocsp=(answer.der,), source="ocsp", fetched_at=at)

    def link(self, issuer_key_id: bytes, serial: int, *, at: datetime) -> Any:
        if self.down:
            raise ServiceError("jlis.down", "J-LIS does not answer.", retryable=True)
        entry = linking.find(self.world, issuer_key_id.hex(), f"{serial:x}")
        answer = linking.link(self.world, entry, at)
        return SimpleNamespace(state=answer.state, previous=_key(answer.previous), counterpart=_key(answer.counterpart))


def _key(key: Any) -> Any:
    if key is None:
        return None
    return SimpleNamespace(issuer_key_id=bytes.fromhex(key.issuer_key_id), serial=int(key.serial, 16))


@dataclass
class Card:
    """What one chip would give: certificate, and signatures by its own key."""

    certificate: bytes
    key: bytes

    def sign(self, document: bytes) -> bytes:
        key: Any = serialization.load_der_private_key(self.key, None)
        return key.sign(document, padding.PKCS1v15(), hashes.SHA256())

    def request(self, document: bytes = "口座開設の申込み".encode(), **members: Any) -> VerificationRequest:
        members = {"purpose": "account_opening", "document": document, "certificate": self.certificate, **members}
        members.setdefault("signature", self.sign(document))
        return VerificationRequest(**members)


@pytest.fixture(scope="session")
def world_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose CAs and ordinary persons have their keys already; tests copy it. Its day is of today's law."""
    folder = tmp_path_factory.mktemp("world")
    world = Sandbox(folder, born=BORN)
    world.set_clock(world.born, frozen=True)
    world.anchors()
    for person in PEOPLE:
        people.card_material(world, person)
    world.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


@pytest.fixture
def world(world_template: Path, data: Path) -> Iterator[World]:
    """A world of this test's own, its clock standing still at its birth."""
    shutil.copy(world_template / "world.sqlite3", data / "world.sqlite3")
    world = open_world(data)
    yield world
    world.connection().close()


@pytest.fixture
def card(world: World) -> Callable[[str], Card]:
    """A person's signature certificate and key."""

    def of(person: str) -> Card:
        material = people.card_material(world, person)
        assert material.signature_certificate is not None
        assert material.signature_key is not None
        return Card(material.signature_certificate, material.signature_key)

    return of


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for all tests of a session."""
    with running_cluster() as made:
        yield made


@pytest.fixture(scope="session")
def empty_database(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A migrated database that others are copied from."""
    from honnin.platform.store import Store

    name = cluster.create()
    Store(tmp_path_factory.mktemp("pg"), cluster.url(name)).close()
    return name


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer(str(POSTGRESQL / "initdb")))]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the store is: None for SQLite in the data folder, or a fresh PostgreSQL database, gone after the test."""
    if request.param == "sqlite":
        yield None
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create(request.getfixturevalue("empty_database"))
    yield cluster.url(name)
    cluster.drop(name)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite store that others are copied from."""
    from honnin.platform.store import Store

    folder = tmp_path_factory.mktemp("store")
    Store(folder).close()
    return folder / "honnin.sqlite3"


@pytest.fixture
def jlis(world: World) -> Jlis:
    return Jlis(world)


@pytest.fixture
def settings(data: Path, world: World, jlis: Jlis, database_url: str | None, empty_store: Path) -> Settings:
    if database_url is None:
        shutil.copy(empty_store, data)
    anchors = world.anchors()
    services = Services(jlis, jlis, anchors["signature"], anchors["user_authentication"])
    return Settings(data, database_url, test=services)


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    """A platform on each engine."""
    platform = Platform(settings)
    yield platform
    platform.close()


@pytest.fixture
def caller(platform: Platform) -> Caller:
    """A test tenant that calls."""
    return platform.authenticate(platform.create_tenant("試験銀行").api_key)


@pytest.fixture
def later(world: World) -> Callable[..., None]:
    """Move the world's clock on."""

    def move(**by: float) -> None:
        world.advance(timedelta(**by))

    return move
