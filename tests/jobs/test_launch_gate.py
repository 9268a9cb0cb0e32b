"""Before the first cent: the cost by line, who pays, from which balance, and what forbids it."""

from __future__ import annotations

import pytest
from botocore.stub import Stubber
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from jobs import providers
from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, InvalidInput, ProviderError
from jobs.planning import launch_gate, planning
from jobs.planning.drafts import read_draft
from jobs.planning.launch_gate import Payer
from jobs.providers import _turk_identity as aws
from jobs.records import Identity
from jobs.settings import Settings
from jobs.specs.job_specs import parse_job_spec
from jobs.spending import limits
from jobs.tables import GoldAnswer, Item, Job
from webapp.marketplace import books
from webapp.marketplace.accounts import find_requester
from webapp.marketplace.store import write


def preview(bench, job_id):
    with reading(bench.sessions) as session:
        place = bench.resources
        return launch_gate.preview(session, job_id, place.venues, place.blobs, bench.dial())


def set_balance(bench, cents):
    def change(session):
        requester = find_requester(session, "local")
        books._shift(
            session,
            requester.id,
            available_cents=cents - requester.available_cents,
            held_cents=0,
        )

    write(bench.market.market.sessions, change)


def texts(found):
    return [line.text for line in found.estimate.lines]


def test_every_kind_of_cost_has_a_line_and_they_sum_to_the_worst_case(bench):
    masters = "{QualificationTypeId: 2F1QJWKUDD8XADTFD2Q0G6UTO95ALH, Comparator: Exists}"
    bench.create(n_items=4)
    with transaction(bench.sessions) as session:
        item = session.query(Item).first()
        session.add(
            GoldAnswer(item_id=item.id, kind="tags", value={"tags": {"colour": "red"}},
                       created_at=bench.dial())
        )  # fmt: skip
        text = f"""
name: everything
dataset: photos
schema: pets
budget: 100
bonuses: 5.00
seed: 3
routes:
  - provider: mturk
    kind: tags
    redundancy: 10
    reward: 0.10
    hit: {{qualification_requirements: [{masters}]}}
slicing: {{gold_rate: 0.25}}
quality: {{max_extra_answers: 2}}
"""
        job_id = planning.create_job(session, parse_job_spec(text, "job"), bench.dial()).id
    found = preview(bench, job_id)
    told = " | ".join(texts(found))
    for part in (
        "reward $0.10", "fee 20 %, at least $0.01", "fee from 10 assignments 20 %", "Masters 5 %",
        "questions are known pictures (golds)", "HITs × up to 2 more answers", "bonuses",
    ):  # fmt: skip
        assert part in told
    lines = found.estimate.lines
    assert sum(one.micros for one in lines if not one.is_part) == found.estimate.worst_micros
    assert [one.micros for one in lines if "bonuses" in one.text] == [5_000_000]
    (ceiling,) = [one for one in lines if "more answers" in one.text]
    assert ceiling.micros == found.estimate.n_hits * 2 * (100_000 + 50_000)


def test_the_ceiling_pays_for_whole_hits(bench):
    """A further answer to one task of a HIT is an answer to all of them, at the price of all."""
    job_id = bench.create(n_items=4, tasks_per_hit=2)
    with transaction(bench.sessions) as session:
        job = session.get_one(Job, job_id)
        job.policy = {**job.policy, "quality": {**job.policy["quality"], "max_extra_answers": 3}}
    found = preview(bench, job_id).estimate
    assert found.worst_micros == 2 * (2 + 3) * 60_000


def test_it_says_who_pays_and_from_which_balance(bench):
    set_balance(bench, 12_345)
    found = preview(bench, bench.create())
    (payer,) = found.payers
    assert payer.identity == Identity("local", bench.market.url, "local", 123_450_000)
    assert launch_gate.describe(payer).endswith("balance $123.45")
    assert (found.environment, found.refusals, found.warnings) == ("local", (), ())
    launch_gate.check(found)


def test_an_aws_identity_is_named_in_full():
    one = Identity(
        "production", "https://x", "123456789012", 5, "arn:aws:iam::123456789012:user/ada"
    )
    told = launch_gate.describe(Payer("mturk", one, 0, 0))
    assert "AWS account 123456789012 as arn:aws:iam::123456789012:user/ada" in told


@pytest.mark.parametrize(
    ("cents", "refusals", "warnings"), [(23, 1, 0), (24, 0, 1), (35, 0, 1), (36, 0, 0)]
)
def test_a_balance_under_the_first_post_refuses_and_under_the_worst_case_warns(
    bench, cents, refusals, warnings
):
    job_id = bench.create(n_items=2)
    with transaction(bench.sessions) as session:
        job = session.get_one(Job, job_id)
        job.policy = {**job.policy, "quality": {**job.policy["quality"], "max_extra_answers": 1}}
    set_balance(bench, cents)
    found = preview(bench, job_id)
    assert (len(found.refusals), len(found.warnings)) == (refusals, warnings)
    if refusals:
        with pytest.raises(
            BudgetExceeded, match=r"balance is \$0\.23: \$0\.01 is missing"
        ) as refused:
            launch_gate.check(found)
        assert refused.value.missing_micros == 10_000


def test_a_budget_or_cap_too_small_refuses_with_what_is_missing(bench):
    job_id = bench.create(n_items=2, budget="0.23")
    with pytest.raises(BudgetExceeded, match=r"budget is \$0\.23: \$0\.01 is missing"):
        launch_gate.check(preview(bench, job_id))
    enough = bench.create(name="enough")
    with transaction(bench.sessions) as session:
        limits.set_limits(
            session, "local", cap_micros=200_000, hourly_micros=None, actor="ada", now=bench.dial()
        )
    with pytest.raises(BudgetExceeded, match=r"left under the cap .* \$0\.04 is missing"):
        launch_gate.check(preview(bench, enough))
    with pytest.raises(BudgetExceeded, match=r"left under the cap .* \$0\.04 is missing"):
        bench.launch_draft(enough)
    assert bench.job(enough).state == "draft"


def test_a_venue_that_does_not_answer_is_a_warning_here_and_a_refusal_in_production(bench):
    job_id, real = bench.create(), bench.create(name="real", more="environment: production")

    closed = Settings(mturk_local_url="http://127.0.0.1:9")
    place = bench.resources

    def unreachable(name, _environment, options):
        return providers.connect(
            name, "local", options, settings=closed, blobs=place.blobs, now=bench.dial
        )

    with reading(bench.sessions) as session:
        for number, what in ((job_id, "warnings"), (real, "refusals")):
            found = launch_gate.preview(session, number, unreachable, place.blobs, bench.dial())
            assert ["Could not connect" in line for line in getattr(found, what)] == [True]


def test_aws_says_whose_credentials_these_are(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://evil.example")
    client = aws.open_identity_client()
    assert client.meta.endpoint_url == aws.ENDPOINT
    with Stubber(client) as stub:
        reply = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ada"}
        stub.add_response("get_caller_identity", reply)
        stub.add_client_error("get_caller_identity", "ExpiredToken", "too old", 403)
        assert aws.caller(client) == ("123456789012", "arn:aws:iam::123456789012:user/ada")
        with pytest.raises(ProviderError, match="too old"):
            aws.caller(client)


def test_the_environment_of_a_job_is_fixed_by_the_database(bench):
    job_id = bench.create()
    with pytest.raises(DBAPIError, match="is fixed"), transaction(bench.sessions) as session:
        session.execute(
            text("UPDATE job SET environment = 'production' WHERE id = :id"), {"id": job_id}
        )
    assert bench.job(job_id).environment == "local"


def test_what_is_kept_for_bonuses_comes_back_with_the_draft(bench):
    job_id = bench.create(more="bonuses: 2.50")
    with reading(bench.sessions) as session:
        assert read_draft(session, job_id).bonuses == 2_500_000
    with pytest.raises(InvalidInput, match="bonuses: expected US dollars"):
        bench.create(name="wrong", more="bonuses: -1")


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        ("provider: mturk, kind: boxes", "provider: mturk, kind: boxes", True),
        ("provider: mturk, kind: tags", "provider: mturk, kind: tags, attributes: [colour]", True),
        ("provider: mturk, kind: boxes", "provider: mturk, kind: boxes, when: unsure", False),
        ("provider: mturk, kind: boxes", "provider: inhouse, kind: boxes", False),
        ("provider: mturk, kind: boxes", "provider: mturk, kind: tags", False),
    ],
)
def test_one_crowd_is_not_asked_the_same_twice_at_once(bench, first, second, is_refused):
    bench.create()
    spec = parse_job_spec(
        "name: two\ndataset: photos\nschema: pets\nbudget: 9\nroutes:\n"
        f"  - {{{first}, reward: 0.05}}\n  - {{{second}, reward: 0.05}}\n",
        "job",
    )
    with transaction(bench.sessions) as session:
        if is_refused:
            with pytest.raises(InvalidInput, match=r"routes.1: expected another question"):
                planning.create_job(session, spec, bench.dial())
        else:
            planning.create_job(session, spec, bench.dial())
