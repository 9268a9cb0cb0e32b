"""Every route of the app, every role, own and foreign objects: from the route table itself."""

from __future__ import annotations

import pytest
from flask import Flask

from jobs import accounts
from jobs.db import reading, transaction
from jobs.reports import worker_page
from tests.webapp import campaign
from tests.webapp.browsing import sign_in
from tests.webapp.test_api import Program, code
from tests.webapp.test_auth import MEMBERS, addresses
from webapp.auth import PUBLIC, Rule, rule_of

WITHIN_A_JOB = {"item_id", "export_id", "worker_id"}
WITHIN_A_HOOK = {"delivery_id"}  # tests/webapp/test_hooks.py
OF_A_PERSON = {"token_id"}  # tests/webapp/test_auth.py
FOR_ALL_MANAGERS = {
    "job_id", "dataset_id", "person_id", "assignment_id", "finding_id", "trial_id", "hook_id",
    "batch_id", "rehearsal_id", "environment", "name",
    "kind", "width", "key", "signature", "filename",
    "intake_id", "sketch_id", "number",
}  # fmt: skip
PAGE_ROLES = {PUBLIC, *accounts.ROLES}


def programs(app: Flask) -> list[tuple[str, str, str, Rule]]:
    """The routes that take a token: (method, address, endpoint, rule)."""
    ruled = [(*route, rule_of(app, route[2])) for route in addresses(app)]
    return [(m, a, e, rule) for m, a, e, rule in ruled if rule is not None and rule.scope]


def test_every_rule_is_one_that_the_app_knows(app: Flask) -> None:
    for _, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        assert rule is not None, address
        assert rule.role in PAGE_ROLES, address
        assert rule.scope in ("", *accounts.SCOPES), address
        is_api = endpoint.startswith("api.") and rule.role != PUBLIC
        assert bool(rule.scope) or not is_api, f"{address}: a token needs no scope"


def test_every_object_in_an_address_is_somebodys(app: Flask) -> None:
    known = WITHIN_A_JOB | WITHIN_A_HOOK | OF_A_PERSON | FOR_ALL_MANAGERS
    named = {name for rule in app.url_map.iter_rules() for name in rule.arguments}
    assert named <= known & set(MEMBERS) | {"filename"}


@pytest.mark.parametrize("role", accounts.ROLES)
def test_a_token_reaches_what_its_role_and_its_scopes_both_allow(app: Flask, role: str) -> None:
    for scopes in (accounts.SCOPES, *((scope,) for scope in accounts.SCOPES)):
        program = Program(app, role, scopes)
        for method, address, _, rule in programs(app):
            with program.client.open(address, method=method, headers=program.headers) as answer:
                status = answer.status_code
            is_high = accounts.ROLES.index(role) >= accounts.ROLES.index(rule.role)
            is_allowed = is_high and rule.scope in scopes
            assert (status != 403) is is_allowed, (method, address, scopes, status)
            assert status not in (401, 500), (method, address, status)


def test_a_token_opens_no_page_and_a_cookie_no_call(app: Flask) -> None:
    program, browser = Program(app, "admin"), sign_in(app, "admin")
    for method, address, endpoint in addresses(app):
        rule = rule_of(app, endpoint)
        if rule is None or rule.role == PUBLIC:
            continue
        if rule.scope:
            with browser.open(address, method=method) as answer:
                assert answer.status_code == 401, address
        else:
            with program.client.open(address, method=method, headers=program.headers) as answer:
                assert answer.status_code in (302, 401), address


@pytest.mark.parametrize("by", ["page", "api"])
def test_what_belongs_to_another_job_is_not_found(app: Flask, by: str) -> None:
    place = app.extensions["hitworks"]
    program, browser = Program(app), sign_in(app)
    assert program.send("/jobs/1/exports", {"format": "jsonl"}).json["id"] == 1  # type: ignore[index]
    with transaction(place.sessions) as session:
        photos = place.settings.data_dir / "others"
        campaign.add_dataset(session, place, photos, "Others")
        foreign = campaign.draft_job(session, dataset="Others", name="Foreign")
    with reading(place.sessions) as session:
        workers = [row.worker_id for row in worker_page(session, 1).rows]
    adapter = app.url_map.bind("localhost")
    members = {**MEMBERS, "worker_id": workers[0], "job_id": foreign}
    for rule in app.url_map.iter_rules():
        is_ours = bool((rule_of(app, rule.endpoint) or Rule("")).scope) is (by == "api")
        if not is_ours or not rule.arguments & WITHIN_A_JOB or "job_id" not in rule.arguments:
            continue
        address = adapter.build(rule.endpoint, {name: members[name] for name in rule.arguments})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            client = program.client if by == "api" else browser
            headers = program.headers if by == "api" else {}
            with client.open(address, method=method, headers=headers) as answer:
                refused = (404,) if method == "GET" else (404, 409, 422)
                assert answer.status_code in refused, (method, address, answer.status_code)


def test_without_a_token_every_call_says_so_in_the_one_envelope(app: Flask) -> None:
    for method, address, endpoint, _ in programs(app):
        answer = app.test_client().open(address, method=method)
        assert answer.status_code == 401, address
        if endpoint.startswith("api."):
            assert code(answer) == "unauthorized"
