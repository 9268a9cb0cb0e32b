"""One marketplace for all tests of a process; accounts and workers are each test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.marketplace.bench import Account, Person, meet, open_account
from webapp.marketplace.options import Options
from webapp.marketplace.serving import Running, serve


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("marketplace")
    options = Options(login_attempts_per_minute=10_000)
    with serve(
        database_url=f"sqlite:///{folder / 'market.sqlite'}",
        secret_file=folder / "secrets.json",
        options=options,
    ) as running:
        yield running


@pytest.fixture
def running(shared: Running) -> Iterator[Running]:
    """The shared marketplace, well-behaved again after each test."""
    yield shared
    shared.market.faults.replace([])


@pytest.fixture
def account(running: Running) -> Account:
    return open_account(running)


@pytest.fixture
def worker(running: Running) -> Person:
    return meet(running)


@pytest.fixture
def workers(running: Running) -> Callable[[int], list[Person]]:
    return lambda n: [meet(running) for _ in range(n)]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Makes marketplaces of a test's own, with options."""
    with ExitStack() as stack:

        def make(*, folder: str = "own", **options: Any) -> Running:
            (tmp_path / folder).mkdir(exist_ok=True)
            return stack.enter_context(
                serve(
                    database_url=f"sqlite:///{tmp_path / folder / 'market.sqlite'}",
                    secret_file=tmp_path / folder / "secrets.json",
                    options=Options(**options),
                )
            )

        yield make
