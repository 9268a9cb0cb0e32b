"""Whatever a stranger sends, no server error: generated calls of the API, odd forms on pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs import accounts
from tests.webapp.browsing import close, open_app, seed, sign_in
from tests.webapp.test_api import Program
from tests.webapp.test_auth import MEMBERS, addresses
from webapp.auth import limiter

QUICK = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
FIELDS = (
    "name", "email", "password", "role", "token", "old", "new", "scopes", "to", "pause", "reason",
    "format", "boxes", "version", "budget", "confirm", "environment", "use-mturk-boxes", "classes",
    "reward-mturk-boxes", "redundancy-mturk-boxes", "attribute-name-0", "attribute-kind-0", "yaml",
    "attribute-options-0", "asked-colour", "tag-colour", "appearance", "files", "next", "sure_at",
    "act", "note", "sources", "job", "only", "state", "about", "after",
    "with", "class", "tag", "min_confidence", "kind", "only_decided",
)  # fmt: skip
ARGUMENTS = (
    "after", "state", "kind", "job", "confidence", "agreement", "worker", "dataset", "schema",
    "next", "more", "mode", "only", "about", "format", "with", "class", "tag", "min_confidence",
)  # fmt: skip
ODD = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "0", "-1", "9" * 30, "NaN", "1e999", "{{7*7}}", "../../etc/passwd", "[]", "{}", "yes",
         "running", "boxes", "coco", "colour", "1", "scale", "a: &a [*a]", "\u202e", "<script>"]
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def played(seeded_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """One installation that takes every blow of this file."""
    folder = tmp_path_factory.mktemp("played") / "data"
    shutil.copytree(seeded_folder, folder)
    app = open_app(folder)
    yield app
    close(app)


@pytest.fixture(autouse=True)
def unlimited() -> Iterator[None]:
    """Call as often as it takes."""
    limiter.enabled = False
    yield
    limiter.enabled = True


ROLES = ("", *accounts.ROLES)  # "" carries no token
N_EXAMPLES = int(os.environ.get("HITWORKS_FUZZ_EXAMPLES", "0"))  # of each call; 0: a few


def calls(n_examples: int) -> settings:
    """So many examples of each call, the same ones at every run."""
    return settings(QUICK, max_examples=N_EXAMPLES or n_examples)


@pytest.mark.parametrize("role", ROLES)
def test_no_call_of_the_api_makes_a_server_error(
    tmp_path: Path, database_url: str, role: str
) -> None:
    seed(tmp_path / "data", database_url=database_url)
    app = open_app(tmp_path / "data", database_url=database_url)
    furnish(app)
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    headers = Program(app, role).headers if role else {}
    seen, statuses = set(), set()

    def call(case: schemathesis.Case, is_known: bool) -> None:
        if is_known:
            case.path_parameters = {name: MEMBERS[name] for name in case.path_parameters or {}}
        answer = case.call(headers=headers)
        seen.add(case.operation.label)
        statuses.add(answer.status_code)
        assert answer.status_code < 500, (case.operation.label, case.as_curl_command(), answer.text)

    may_much = role in ("manager", "admin")
    for operation in document.get_all_operations():
        case = operation.ok().as_strategy()
        calls(6 if may_much else 2)(given(case=case, is_known=st.booleans())(call))()
    assert len(seen) == document.statistic.operations.total > 25
    assert {"POST /api/v1/templates/{name}/versions", "POST /api/v1/hooks"} <= seen
    assert (200 in statuses) is (role in ("adjudicator", "manager", "admin"))
    close(app)


def furnish(app: Flask) -> None:
    """Give every address something to find: an export, a template, a hook, a delivery."""
    program = Program(app, "admin")
    page = {"source": "<p>${image_url}</p>", "language": "fields"}
    hook = {"url": "https://example.org/hear"}
    for path, body in (
        ("/jobs/1/exports", {"format": "jsonl"}),
        ("/templates/cats/versions", page),
        ("/hooks", hook),
        ("/jobs/1/pause", {}),
        ("/jobs/1/resume", {}),
    ):
        assert program.send(path, body).status_code in (200, 201, 202), path


@QUICK
@given(form=st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=12))
def test_no_form_makes_a_server_error(played: Flask, form: dict[str, str]) -> None:
    client = sign_in(played, "admin")
    for method, address, endpoint in addresses(played):
        if method != "POST" or endpoint.startswith(("api.", "auth.sign_out")):
            continue
        with client.post(address, data=form) as answer:
            assert answer.status_code < 500, (address, form)


@QUICK
@given(query=st.dictionaries(st.sampled_from(ARGUMENTS), ODD, max_size=6))
def test_no_query_makes_a_server_error_or_is_computed(played: Flask, query: dict[str, str]) -> None:
    client = sign_in(played, "admin")
    for method, address, endpoint in addresses(played):
        if method != "GET" or endpoint.startswith("api."):
            continue
        with client.get(address, query_string=query) as answer:
            assert answer.status_code < 500, (address, query)
