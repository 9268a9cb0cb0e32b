"""What seeds share within a process: two databases in memory, the marketplace's app, clients.

Each seed starts from the same bytes: the template of a migrated database is put back, which
takes less than a millisecond where migrating takes a second.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, StaticPool, create_engine, event, select
from sqlalchemy.orm import Session, sessionmaker

from jobs.db import open_engine, transaction
from jobs.installation.migrating import upgrade
from jobs.providers import mturk
from jobs.resources import Resources, open_resources
from jobs.settings import Settings
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.tables import Dataset, GoldAnswer, Item
from tests.factories import NOW, SCHEMA
from tests.jobs.lifecycle import Dial
from tests.jobs.pictures import picture
from tests.simulation.wire import Wire
from webapp.marketplace import identifiers, notices, rpc, store
from webapp.marketplace.accounts import seed_accounts
from webapp.marketplace.apps import worker_app
from webapp.marketplace.dial import Dial as MarketDial
from webapp.marketplace.faults import FaultPlan
from webapp.marketplace.market import Market, open_market
from webapp.marketplace.options import Options
from webapp.marketplace.secrets_file import Secrets
from webapp.marketplace.store import write

ADDRESS = "http://127.0.0.1:5081"
LEASE_SECONDS, POLL_SECONDS = 120.0, 60.0
MOST_ITEMS = 3
_OPEN_CLIENT = mturk.open_client
WAGE_MICROS = 18_000_000
"""What an hour of the staff's time costs."""


class SteppedSessions(sessionmaker[Session]):
    """Sessions that let other processes run, or the process die, around each transaction."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, expire_on_commit=False)
        self.before_begin: Callable[[], None] = _nothing
        self.before_commit: Callable[[], None] = _nothing
        self.after_commit: Callable[[], None] = _nothing
        event.listen(self, "before_commit", lambda _: self.before_commit())
        event.listen(self, "after_commit", lambda _: self.after_commit())

    def __call__(self, **local: Any) -> Session:
        self.before_begin()
        return super().__call__(**local)

    def be_plain(self) -> None:
        """Nothing happens around transactions from now on."""
        self.before_begin = self.before_commit = self.after_commit = _nothing


class _Lots:
    """Stands for ``secrets`` and ``uuid`` in the marketplace: ids drawn from the seed."""

    def __init__(self) -> None:
        self._rng = Random(0)

    def begin(self, seed: int) -> None:
        self._rng.seed(f"ids {seed}")

    def choice(self, letters: str) -> str:
        return self._rng.choice(letters)

    def token_hex(self, n_bytes: int) -> str:
        return self._rng.randbytes(n_bytes).hex()

    def uuid4(self) -> UUID:
        return UUID(int=self._rng.getrandbits(128), version=4)


class Stage:
    """One process's place for seeds, one after the other."""

    def __init__(self, folder: Path, lots: _Lots) -> None:
        self.dial = Dial()
        self.wire = Wire(self.dial)
        self._lots = lots
        self._settings = Settings(
            data_dir=folder / "data",
            mturk_local_url=ADDRESS,
            poll_seconds=POLL_SECONDS,
            lease_seconds=LEASE_SECONDS,
        )
        (folder / "data").mkdir()
        (folder / "data" / "media.key").write_bytes(b"the same in each process")
        engine = open_engine("sqlite://")
        upgrade(engine, NOW)
        self.sessions = SteppedSessions(engine)
        self._furnish()
        first = open_market(
            database_url="sqlite://",
            worker_origin=ADDRESS,
            content_origin="http://127.0.0.1:5082",
            clock=self.dial,
        )
        self._market_sessions = first.sessions
        self.ours = _driver(engine)
        self.theirs = _driver(first.sessions.kw["bind"])
        self._templates = [(one, _copy(one)) for one in (self.ours, self.theirs)]
        self._apps: dict[Options, tuple[Market, Flask]] = {}
        self.market = first

    def begin(self, seed: int, options: Options) -> None:
        """Put everything back to where each seed starts."""
        self.dial.now = NOW
        self.wire.clear()
        self.sessions.be_plain()
        self._lots.begin(seed)
        for database, template in self._templates:
            template.backup(database)
        name = hashlib.sha256(f"installation {seed}".encode()).hexdigest()[:12]
        self.ours.execute("UPDATE installation SET key = ?", (name,))
        self.market, self.wire.app = self._opened(options)
        self.wire.plan = self.market.faults
        now = self.market.dial.now()
        write(self.market.sessions, lambda session: seed_accounts(session, options, now))

    def resources(self) -> Resources:
        """What a process that has just started works with."""
        return open_resources(self._settings, self.sessions, self.dial)

    def digest(self) -> str:
        """A fingerprint of every row of both databases."""
        found = hashlib.sha256()
        for database in (self.ours, self.theirs):
            for line in database.iterdump():
                if line.startswith("INSERT"):
                    found.update(line.encode())
        return found.hexdigest()

    def close(self) -> None:
        """Give the databases back."""
        for _, template in self._templates:
            template.close()
        self.sessions.kw["bind"].dispose()
        self._market_sessions.kw["bind"].dispose()

    def _opened(self, options: Options) -> tuple[Market, Flask]:
        if options not in self._apps:
            market = Market(
                self._market_sessions,
                MarketDial(self.dial),
                options,
                FaultPlan(),
                Secrets("the key of the simulation", ""),
                ADDRESS,
                "http://127.0.0.1:5082",
            )
            self._apps[options] = market, worker_app(market)
        return self._apps[options]

    def _furnish(self) -> None:
        """Datasets of one, two and three photos; the first photo's answers are known."""
        blobs = self.resources().blobs
        with transaction(self.sessions) as session:
            save_schema(session, parse_schema(SCHEMA, "schema"), NOW)
            for n_items in range(1, MOST_ITEMS + 1):
                dataset = Dataset(name=f"photos{n_items}", created_at=NOW)
                session.add(dataset)
                session.flush()
                for number in range(n_items):
                    data = picture(40 + number, 30)
                    key = blobs.put(data, "image/jpeg")
                    session.add(
                        Item(
                            dataset_id=dataset.id, sha256=key[3:67], name=f"{number}.jpg",
                            blob_key=key, media_type="image/jpeg", width=40 + number, height=30,
                            licence="CC0-1.0", source="made for tests", attributes={},
                            created_at=NOW,
                        )
                    )  # fmt: skip
            session.flush()
            for item_id in session.scalars(select(Item.id).where(Item.name == "0.jpg")):
                for kind, value in KNOWN.items():
                    session.add(GoldAnswer(item_id=item_id, kind=kind, value=value, created_at=NOW))


KNOWN: dict[str, dict[str, Any]] = {
    "tags": {"tags": {"colour": "red"}},
    "boxes": {"boxes": [{"label": "cat", "left": 5, "top": 5, "right": 25, "bottom": 20}]},
}


@contextmanager
def open_stage() -> Iterator[Stage]:
    """A stage; while it is open, this process's chance and time-outs belong to it.

    The marketplace's ids come from the seed and its delays turn the dial. Clients of boto3
    are the real ones, made once a process, with the wire in the place of their sockets.
    """
    lots = _Lots()
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifiers, "secrets", lots)
        patch.setattr(notices, "secrets", lots)
        patch.setattr(rpc, "uuid", lots)
        patch.setattr(store, "create_engine", _in_memory)
        stage = Stage(Path(folder), lots)
        patch.setattr(rpc, "time", SimpleNamespace(sleep=lambda s: stage.dial.turn(seconds=s)))
        patch.setattr(mturk, "open_client", _wired(stage.wire))
        yield stage
        stage.close()


def _wired(wire: Wire) -> Callable[..., Any]:
    clients: dict[tuple[Any, ...], Any] = {}

    def open_client(environment: Any, settings: Settings, local_account: str) -> Any:
        key = (environment, local_account)
        if key not in clients:
            client = _OPEN_CLIENT(environment, settings, local_account)
            client._endpoint.http_session = wire
            clients[key] = client
        return clients[key]

    return open_client


def _driver(engine: Engine) -> sqlite3.Connection:
    """The one connection of ``engine``, below SQLAlchemy."""
    with engine.connect() as connection:
        found = connection.connection.driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


def _copy(database: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:")
    database.backup(copy)
    return copy


def _in_memory(_url: str, **_options: Any) -> Engine:
    """An engine on one connection: whoever begins while another writes is refused, loudly."""
    return create_engine(
        "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
    )


def _nothing() -> None:
    """Nothing happens here."""
