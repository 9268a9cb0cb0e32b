"""What every venue must keep, tried on each file in the folder; and MTurk's own traps."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse
from sqlalchemy import create_engine

from jobs import providers
from jobs.blobs import open_blobs
from jobs.db import open_sessions
from jobs.errors import InvalidInput, ProviderError
from jobs.pages import hit_page
from jobs.providers._turk_question import question_xml
from jobs.providers.model import answer_xml
from jobs.providers.mturk import ENDPOINTS, open_client
from jobs.records import HitSpec, ImageRef, TaskSpec
from jobs.settings import Settings
from jobs.specs.label_schemas import parse_schema
from tests.factories import SCHEMA
from tests.jobs.lifecycle import Dial, open_bench
from tests.jobs.pictures import picture
from webapp.marketplace.faults import Fault
from webapp.marketplace.serving import serve

BRIGHTNESS = {
    "inhouse": {"wage": "18.00"},
    "model": {"tagger": "photometry"},
    "mturk": {},
}
QUESTION = """
name: light
attributes:
  - {name: brightness, kind: one, options: [dark, normal, bright]}
"""


@pytest.fixture
def market(tmp_path):
    with serve(database_url=f"sqlite:///{tmp_path / 'market.sqlite'}", clock=Dial()) as running:
        yield running


@pytest.fixture
def settings(tmp_path, market):
    return Settings(data_dir=tmp_path / "data", mturk_local_url=market.url)


def connect(name, settings, options=None):
    return providers.connect(
        name,
        "local",
        BRIGHTNESS[name] if options is None else options,
        settings=settings,
        blobs=open_blobs(settings),
        now=Dial(),
    )


def make_spec(settings, **changes):
    blobs = open_blobs(settings)
    key = blobs.put(picture(), "image/jpeg")
    tasks = tuple(
        TaskSpec(number, number, ImageRef(1, key, blobs.url(key), 40, 20)) for number in range(2)
    )
    schema = parse_schema(QUESTION, "question")
    spec = HitSpec(
        marker="hitworks:test:hit:1",
        token="T" * 52,
        kind="tags",
        schema=schema,
        attributes=("brightness",),
        tasks=tasks,
        html=hit_page.render("tags", schema, ("brightness",), tasks),
        title="How bright?",
        description="Say how bright the pictures are",
        keywords="photos",
        reward_micros=120_000,
        max_assignments=2,
        lifetime_seconds=3600,
        assignment_duration_seconds=600,
        auto_approval_delay_seconds=3600,
    )
    return replace(spec, **changes)


@pytest.fixture(params=providers.names())
def venue(request, settings):
    return connect(request.param, settings)


def test_publishing_twice_makes_one_hit(venue, settings, market):
    spec = make_spec(settings)
    first, again = venue.publish(spec), venue.publish(spec)
    assert first.provider_hit_id == again.provider_hit_id
    assert first.marker == again.marker == spec.marker
    found = venue.find(spec.marker)
    assert found is not None
    assert found.provider_hit_id == first.provider_hit_id
    assert len(list(venue.hits())) == (1 if venue.has_pages else 0)


def answer_as_worker(bench_market, tmp_path, settings, venue):
    bench = open_bench(tmp_path, open_sessions(create_engine("sqlite://")), bench_market, Dial())
    fields = answer_xml({"a": 1})
    name = "staff1" if venue.name == "inhouse" else "ben"
    assert bench.submit_raw(name, fields)


def test_fetching_twice_gives_the_same_submissions(venue, settings, market, tmp_path):
    spec = make_spec(settings)
    posted = venue.publish(spec)
    if venue.has_pages:
        answer_as_worker(market, tmp_path, settings, venue)
    first = list(venue.fetch(posted, spec))
    assert len(first) == 1
    assert list(venue.fetch(posted, spec)) == first


def test_a_quote_is_never_under_the_charge(venue, settings, market, tmp_path):
    spec = make_spec(settings)
    quote = venue.quote(spec)
    assert quote.worst_micros >= quote.reward_micros + quote.fee_micros
    assert sum(micros for _, micros in quote.lines) == quote.worst_micros
    posted = venue.publish(spec)
    if venue.has_pages:
        answer_as_worker(market, tmp_path, settings, venue)
    (submission,) = venue.fetch(posted, spec)
    late = replace(submission, submitted_at=submission.accepted_at.replace(year=2030))
    n = spec.max_assignments if venue.has_pages else 1
    for one in (submission, late):
        cost = venue.cost_of_work(spec, one)
        assert (cost + venue.fee_of(spec, cost)) * n <= quote.worst_micros


def test_deciding_twice_gives_the_state_the_venue_holds(venue, settings, market, tmp_path):
    spec = make_spec(settings)
    posted = venue.publish(spec)
    if venue.has_pages:
        answer_as_worker(market, tmp_path, settings, venue)
    (submission,) = venue.fetch(posted, spec)
    assignment = submission.provider_assignment_id
    assert venue.approve(assignment, "") == "Approved"
    assert venue.approve(assignment, "") == "Approved"
    if venue.has_pages:
        assert venue.reject(assignment, "Too late") == "Approved"


def test_expiring_and_deleting_twice_is_as_once(venue, settings):
    posted = venue.publish(make_spec(settings))
    for _ in range(2):
        assert venue.expire(posted.provider_hit_id).state in ("Reviewable", "Unassignable")
    for _ in range(2):
        venue.delete(posted.provider_hit_id)


def test_extending_to_a_target_twice_extends_once(settings):
    venue = connect("mturk", settings)
    posted = venue.publish(make_spec(settings))
    for _ in range(2):
        assert venue.extend(posted.provider_hit_id, 5, "E" * 52).max_assignments == 5


def test_a_bonus_is_paid_once_for_a_token(settings, market, tmp_path):
    venue = connect("mturk", settings)
    spec = make_spec(settings)
    posted = venue.publish(spec)
    answer_as_worker(market, tmp_path, settings, venue)
    (one,) = venue.fetch(posted, spec)
    for _ in range(2):
        venue.bonus(one.provider_worker_id, one.provider_assignment_id, 70_000, "Thanks", "B" * 52)
    assert [bonus.amount_micros for bonus in venue.bonuses(one.provider_assignment_id)] == [70_000]


def test_staff_alone_see_in_house_work_and_cost_the_time_they_worked(settings, market, tmp_path):
    venue = connect("inhouse", settings)
    spec = make_spec(settings)
    posted = venue.publish(spec)
    bench = open_bench(tmp_path, open_sessions(create_engine("sqlite://")), market, Dial())
    assert not bench.submit_raw("ben", "<a/>")
    assert bench.submit_raw("staff1", "<a/>")
    (submission,) = venue.fetch(posted, spec)
    assert venue.cost_of_work(spec, submission) == 8 * 18_000_000 // 3600


def test_every_page_of_a_list_is_read(settings):
    venue = connect("mturk", settings)
    for number in range(120):
        venue.publish(
            make_spec(settings, marker=f"hitworks:test:hit:{number}", token=f"T{number}" * 4)
        )
    assert len({hit.marker for hit in venue.hits()}) == 120


@pytest.mark.parametrize(
    ("effect", "is_unknown"),
    [("drop_before", True), ("drop_after", True), ("fault_after", True), ("throttle", False)],
)
def test_an_error_says_whether_the_effect_may_have_been_made(settings, market, effect, is_unknown):
    market.market.faults.replace([Fault("CreateHITWithHITType", effect)])
    with pytest.raises(ProviderError) as failed:
        connect("mturk", settings).publish(make_spec(settings))
    assert (failed.value.outcome_unknown, failed.value.permanent) == (is_unknown, False)
    calls = [call["operation"] for call in market.market.faults.calls()]
    assert calls.count("CreateHITWithHITType") == 1


def test_a_venue_that_is_not_there_has_no_effect(settings):
    nowhere = settings.model_copy(update={"mturk_local_url": "http://127.0.0.1:9"})
    with pytest.raises(ProviderError) as failed:
        connect("mturk", nowhere).publish(make_spec(settings))
    assert (failed.value.outcome_unknown, failed.value.permanent) == (False, False)


@pytest.mark.parametrize(
    "content", [b"<html>The proxy is sorry.</html>", b'{"NumResults": 1, "Assi', b""]
)
@pytest.mark.parametrize(
    "ask",
    [
        lambda venue: list(venue.hits()),
        lambda venue: list(venue.bonuses("3ASSIGNMENT")),
        lambda venue: venue.find("a marker"),
    ],
)
def test_a_success_that_is_no_reply_is_no_empty_list(settings, content, ask):
    venue = connect("mturk", settings)
    answer_with(venue, content)
    with pytest.raises(ProviderError) as caught:
        ask(venue)
    assert (caught.value.permanent, caught.value.outcome_unknown) == (False, True)


@pytest.mark.parametrize("content", [b"<html>The proxy is sorry.</html>", b'{"half'])
def test_a_success_that_is_no_reply_decides_nothing(settings, content):
    venue = connect("mturk", settings)
    answer_with(venue, content)
    with pytest.raises(ProviderError) as caught:
        venue.approve("3ASSIGNMENT", "")
    assert (caught.value.permanent, caught.value.outcome_unknown) == (False, True)


@pytest.mark.parametrize("content", [b"{}", b""])
def test_a_success_without_members_is_one_where_none_are_due(settings, content):
    venue = connect("mturk", settings)
    answer_with(venue, content)
    assert venue.approve("3ASSIGNMENT", "") == "Approved"


def answer_with(venue, content):
    """botocore takes what a ``before-send`` hook gives for what came over the wire."""
    reply = SimpleNamespace(stream=lambda: iter([content]))
    venue._client.meta.events.register(
        "before-send.mturk.*", lambda request, **_: AWSResponse(request.url, 200, {}, reply)
    )


def test_a_refusal_keeps_the_code_that_botocore_drops(settings):
    spec = make_spec(settings, html="<p>no form</p>" + "x" * 66_000)
    with pytest.raises(InvalidInput, match="65,535"):
        connect("mturk", settings).publish(spec)
    with pytest.raises(ProviderError) as failed:
        connect("mturk", settings).publish(make_spec(settings, title=""))
    assert failed.value.permanent
    with pytest.raises(ProviderError) as failed:
        connect("mturk", settings).get("3" + "A" * 29)
    assert failed.value.code == "AWS.MechanicalTurk.HITDoesNotExist"


def test_the_client_never_sends_a_call_again_by_itself(settings, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "7")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    config = open_client("local", settings, "local").meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.retries["mode"] == "standard"
    assert (config.connect_timeout, config.read_timeout) == (5, 30)


def test_production_and_sandbox_are_two_fixed_addresses(settings, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_MTURK", "http://evil.example")
    for environment, endpoint in ENDPOINTS.items():
        assert open_client(environment, settings, "x").meta.endpoint_url == endpoint
    assert set(ENDPOINTS) == {"production", "sandbox"}


def test_our_own_marketplace_never_sees_amazons_credentials(settings, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    client = open_client("local", settings, "ours")
    used = client._request_signer._credentials.get_frozen_credentials()
    assert (used.access_key, used.token) == ("ours", None)
    assert used.secret_key != "real"
    assert client.meta.endpoint_url == settings.local_mturk()


def test_nothing_else_makes_a_client():
    makers = {"client": [], "make_client": []}
    for path in (Path(__file__).parents[2] / "jobs").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = node.func if isinstance(node, ast.Call) else None
            name = getattr(called, "attr", None) or getattr(called, "id", None)
            if name in makers:
                makers[name].append(path.name)
    assert sorted(makers["client"]) == ["_turk_session.py", "blobs.py"]
    ours = ["_turk_identity.py", "_turk_notifications.py", "mturk.py"]
    assert sorted(makers["make_client"]) == ours


@pytest.mark.parametrize(
    ("name", "options", "told"),
    [
        ("mturk", {"colour": "red"}, "expected no options, got colour"),
        ("inhouse", {"wage": "-1"}, "wage: expected US dollars"),
        ("inhouse", {"salary": "1"}, "wage"),
        ("model", {"tagger": "crystal_ball"}, "crystal_ball"),
        ("model", {}, "tagger"),
        ("nowhere", {}, "expected one of"),
    ],
)
def test_options_a_venue_does_not_take_are_refused(settings, name, options, told):
    with pytest.raises(InvalidInput, match=told):
        connect(name, settings, options)


def test_a_page_cannot_break_out_of_its_envelope():
    xml = question_xml("<p>]]></HTMLContent><FrameHeight>9</FrameHeight>")
    assert xml.count("<FrameHeight>0</FrameHeight>") == 1
    assert "]]></HTMLContent><FrameHeight>9" not in xml
    assert parse_schema(SCHEMA, "schema").classes
