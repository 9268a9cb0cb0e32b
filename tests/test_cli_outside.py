"""Links for an outside crowd from the command line, used as a visitor would."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result

from jobs.db import open_engine, open_sessions, transaction
from jobs.installation.migrating import upgrade
from jobs.settings import Settings
from jobs.specs.job_specs import Policy
from jobs.tables import Route
from tests.factories import NOW, make_dataset, make_hits, make_job, make_route
from tests.marketplace.bench import open_account
from webapp import cli
from webapp.marketplace.serving import Running, serve


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Running]:
    with serve(
        database_url=f"sqlite:///{tmp_path / 'market.sqlite'}",
        secret_file=tmp_path / "marketplace-secrets.json",
    ) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, market: Running) -> Settings:
    return Settings(data_dir=tmp_path, mturk_local_url=market.url)


def ran(settings: Settings, *arguments: object) -> Result:
    return CliRunner().invoke(cli.hitworks, [str(one) for one in arguments], obj=settings)


def link(settings: Settings, *arguments: object) -> str:
    result = ran(settings, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["url"])


def test_an_invited_person_makes_an_account(settings: Settings, market: Running) -> None:
    url = link(settings, "worker", "invite", "--uses", 1, "--days", 2)
    assert url.startswith(f"{market.url}/join/")
    visitor = requests.Session()
    token = re.search(r'name="csrf-token" content="([^"]+)"', visitor.get(url, timeout=30).text)
    assert token
    fields = {"csrf_token": token[1], "name": "ann", "password": "long enough"}
    assert visitor.post(url, data=fields, timeout=30).url == f"{market.url}/worker"
    assert requests.post(url, data=fields, timeout=30).status_code == 400


def test_a_study_leads_to_the_hits_of_its_batch(settings: Settings, market: Running) -> None:
    account = open_account(market)
    hit = account.hit(account.hit_type(Title="Which colour is it?"))
    engine = open_engine(settings.database())
    upgrade(engine, NOW)
    with transaction(open_sessions(engine)) as session:
        items = make_dataset(session)
        route = make_route(session, make_job(session, items, policy=Policy()))
        batch_id, route_id = make_hits(session, route, items)[0].batch_id, route.id
    refused = ran(settings, "worker", "study", batch_id)
    assert "nothing of it is posted yet" in str(refused.exception)
    with transaction(open_sessions(engine)) as session:
        session.get_one(Route, route_id).provider_hit_type_id = hit["HITTypeId"]
    url = link(settings, "worker", "study", batch_id, "--hits", 2, "--code", "DONE7")
    engine.dispose()
    page = requests.get(url + "5f2a", timeout=30)
    assert page.status_code == 200
    assert "Which colour is it?" in page.text
    assert "2 tasks" in page.text


def test_what_the_marketplace_refuses_is_said(settings: Settings) -> None:
    refused = ran(settings, "worker", "invite", "--qualification", "3NOSUCH")
    assert "There is no qualification type '3NOSUCH'" in str(refused.exception)
