"""Job files are refused with the reason; an estimate is told before anything is held."""

from __future__ import annotations

import pytest

from jobs.db import reading, transaction
from jobs.errors import BudgetExceeded, Conflict, HitworksError, InvalidInput
from jobs.planning import planning
from jobs.specs.job_specs import parse_job_spec
from jobs.tables import Batch, Hit, HitTask, Job, Task, Work

GOOD = """
name: pets
dataset: photos
schema: pets
budget: 10
routes:
  - {provider: mturk, kind: boxes, redundancy: 3, reward: 0.05}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("reward: 0.05", "reward: -0.05", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: 0.001", "routes.0.reward: expected whole cents"),
        ("reward: 0.05", "reward: '0,05'", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: '٠.٠٥'", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: .nan", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: 1e9", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: true", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: -1", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: Infinity", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: 1_0", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", f"reward: {'9' * 400}", "routes.0.reward: expected US dollars"),
        ("reward: 0.05", "reward: 10000.01", "routes.0.reward: expected at most $10,000.00"),
        ("reward: 0.05", "reward: 1000000000", "routes.0.reward: expected at most $10,000.00"),
        (
            "reward: 0.05",
            "reward: 0}\nenvironment: production  #",
            "routes.0.reward: expected at least $0.01",
        ),
        ("redundancy: 3", "redundancy: -1", "routes.0.redundancy: expected at least 1, got -1"),
        ("redundancy: 3", "redundancy: 0", "routes.0.redundancy: expected at least 1, got 0"),
        ("redundancy: 3", "redundancy: 9.5", "routes.0.redundancy: "),
        ("redundancy: 3", "redundancy: true", "routes.0.redundancy: expected a whole number"),
        ("redundancy: 3", "redundancy: 1000000000", "routes.0.redundancy: "),
        ("kind: boxes", "kind: polygons", "routes.0.kind: "),
        ("budget: 10", "budget: lots", "budget: expected US dollars"),
        ("budget: 10", "", "budget: expected a value, got none"),
        (
            "name: pets",
            "name: pets\ncolour: red",
            "colour: no such key: expected one of name, dataset, schema",
        ),
        ("budget: 10", "budget: 10\nenvironment: moon", "environment: "),
    ],
)
def test_a_wrong_field_is_named_with_what_was_expected(old, new, told):
    with pytest.raises(InvalidInput) as refused:
        parse_job_spec(GOOD.replace(old, new, 1), "job.yaml")
    assert f"job.yaml: {told}" in str(refused.value)


def test_decimal_numbers_are_read_exactly():
    spec = parse_job_spec(GOOD.replace("budget: 10", "budget: 0.29"), "job.yaml")
    assert (spec.budget, spec.routes[0].reward) == (290_000, 50_000)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("dataset: photos", "dataset: films", "dataset 'films'"),
        ("schema: pets", "schema: cars", "schema 'cars'"),
        ("schema: pets", "schema: pets@7", "schema 'pets@7'"),
        ("provider: mturk", "provider: fiverr", "expected one of inhouse, model, mturk"),
        ("kind: boxes", "kind: boxes, attributes: [colour]", "take no attributes"),
        ("kind: boxes", "kind: tags, attributes: [size]", "expected some of colour, got 'size'"),
    ],
)
def test_what_does_not_exist_is_refused_and_nothing_is_half_written(bench, old, new, told):
    bench.create()
    spec = parse_job_spec(GOOD.replace("name: pets", "name: other").replace(old, new, 1), "job")
    with pytest.raises(HitworksError, match=told), transaction(bench.sessions) as session:
        planning.create_job(session, spec, bench.dial())
    assert bench.count(Job) == 1


def test_a_name_is_taken_once(bench):
    bench.create()
    with pytest.raises(Conflict, match="exists already"):
        bench.create()


def estimate(bench, job_id):
    with reading(bench.sessions) as session:
        return planning.estimate(session, job_id, bench.resources.venues, bench.resources.blobs)


def test_the_estimate_has_a_line_for_each_cost_and_is_what_is_then_held(bench):
    job_id = bench.create(n_items=4, redundancy=10, reward="0.10")
    cost = estimate(bench, job_id)
    assert (cost.n_hits, cost.n_tasks) == (4, 4)
    assert cost.worst_micros == 4 * 10 * (100_000 + 40_000)
    assert cost.likely_micros == cost.worst_micros
    text = " ".join(line.text for line in cost.lines)
    assert "reward $0.10" in text
    assert "fee from 10 assignments 20 %" in text
    with transaction(bench.sessions) as session:
        planning.launch(
            session, job_id, bench.resources.venues, bench.resources.blobs, bench.dial(), "ada"
        )
    bench.drain()
    assert bench.job(job_id).held_micros == cost.worst_micros


def test_the_adaptive_ceiling_is_part_of_the_worst_case(bench):
    plain = estimate(bench, bench.create(n_items=4))
    more = "review: {mode: approve}"
    job_id = bench.create(name="second", more=more)
    with transaction(bench.sessions) as session:
        job = session.get_one(Job, job_id)
        quality = {**job.policy["quality"], "max_extra_answers": 2}
        job.policy = {**job.policy, "quality": quality}
    assert estimate(bench, job_id).worst_micros == plain.worst_micros + 4 * 2 * 60_000


def test_a_budget_under_the_worst_case_is_refused_with_what_is_missing(bench):
    with pytest.raises(BudgetExceeded) as refused:
        bench.launch(n_items=2, budget="0.23")
    assert refused.value.missing_micros == 10_000
    assert "$0.01 is missing" in str(refused.value)
    assert [job.state for job in bench.ours(Job)] == ["draft"]
    assert [bench.count(table) for table in (Task, Batch, Hit, Work)] == [0, 0, 0, 0]


def test_a_second_launch_is_refused_and_plans_nothing_more(bench):
    job_id = bench.launch(n_items=2)
    with pytest.raises(Conflict, match="expected a draft"), transaction(bench.sessions) as session:
        planning.launch(
            session, job_id, bench.resources.venues, bench.resources.blobs, bench.dial(), "ada"
        )
    assert bench.count(Hit) == 2


def test_a_page_too_large_is_refused_before_anything_is_posted(bench):
    with pytest.raises(InvalidInput, match="65,535"):
        bench.launch(n_items=100, tasks_per_hit=100, budget="500")
    assert [bench.count(table) for table in (Task, Batch, Hit)] == [0, 0, 0]


def test_routes_that_ask_the_same_share_their_tasks(bench):
    route = "  - {provider: inhouse, kind: tags, redundancy: 1, options: {wage: 18.00}}"
    job_id = bench.create(n_items=3, more="")
    text = GOOD.replace("name: pets", "name: two").replace("kind: boxes", "kind: tags") + route
    with transaction(bench.sessions) as session:
        spec = parse_job_spec(text + "\nslicing: {gold_rate: 0}", "job")
        job_id = planning.create_job(session, spec, bench.dial()).id
        planning.launch(
            session, job_id, bench.resources.venues, bench.resources.blobs, bench.dial(), "ada"
        )
    assert bench.count(Task, job_id=job_id) == 3
    with reading(bench.sessions) as session:
        assert session.query(HitTask).count() == 6
