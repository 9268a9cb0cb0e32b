"""Questions that were begun: kept, gone on with, dropped, and nobody else's."""

import pytest
from sqlalchemy import func, select

from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.planning import drafts, sketches
from jobs.specs.label_schemas import parse_schema, save_schema
from jobs.tables import Dataset, Job, JobSketch, Route
from tests.factories import NOW


@pytest.fixture
def dataset_id(sessions):
    with transaction(sessions) as session:
        row = Dataset(name="d", created_at=NOW)
        session.add(row)
        session.flush()
        return row.id


def test_a_sketch_is_kept_overwritten_and_dropped(sessions, dataset_id):
    with transaction(sessions) as session:
        first = sketches.keep(session, 0, "ada", dataset_id, {"title": "Mugs"}, NOW)
        assert sketches.keep(session, first, "ada", dataset_id, {"title": "Cups"}, NOW) == first
        (row,) = sketches.begun_by(session, "ada")
        assert (row.title, row.dataset) == ("Cups", "d")
        assert sketches.form_of(session, first, "ada") == {"title": "Cups"}
        for _ in range(2):
            sketches.drop(session, first, "ada")
        assert not sketches.begun_by(session, "ada")


def test_a_sketch_is_its_owners_alone(sessions, dataset_id):
    with transaction(sessions) as session:
        own = sketches.keep(session, 0, "ada", dataset_id, {"title": "Mugs"}, NOW)
        sketches.drop(session, own, "eve")
        assert not sketches.begun_by(session, "eve")
        for act in (
            lambda: sketches.form_of(session, own, "eve"),
            lambda: sketches.keep(session, own, "eve", dataset_id, {}, NOW),
        ):
            with pytest.raises(NotFound):
                act()
        assert sketches.form_of(session, own, "ada") == {"title": "Mugs"}


def test_sketches_do_not_pile_up_nor_grow_without_end(sessions, dataset_id):
    with transaction(sessions) as session:
        ids = [sketches.keep(session, 0, "ada", dataset_id, {}, NOW) for _ in range(25)]
        left = session.scalar(select(func.count()).select_from(JobSketch))
        assert left == sketches.MOST_SKETCHES
        assert sketches.form_of(session, ids[-1], "ada") == {}
        with pytest.raises(InvalidInput, match="at most"):
            sketches.keep(session, 0, "ada", dataset_id, {"yaml": "x" * 300_000}, NOW)


def test_a_draft_asks_another_version_and_drops_what_is_no_longer_asked(bench):
    job_id = bench.create(n_items=2)
    tags_only = parse_schema(
        "name: pets\nattributes: [{name: size, kind: one, options: [small, large]}]", "s"
    )
    boxes_only = parse_schema("name: pets\nclasses: [cat]", "s")
    with transaction(bench.sessions) as session:
        version = save_schema(session, tags_only, bench.dial()).id
        drafts.ask(session, job_id, version, bench.dial(), "ada")
    with reading(bench.sessions) as session:
        assert session.get_one(Job, job_id).schema_id == version
        assert [route.attributes for route in session.scalars(select(Route))] == [["size"]]
    with transaction(bench.sessions) as session:
        other = save_schema(session, boxes_only, bench.dial()).id
    none_left = pytest.raises(InvalidInput, match="expected 1 to 20 routes")
    with none_left, transaction(bench.sessions) as session:
        drafts.ask(session, job_id, other, bench.dial(), "ada")
    bench.launch_draft(job_id)
    with pytest.raises(Conflict), transaction(bench.sessions) as session:
        drafts.ask(session, job_id, version, bench.dial(), "ada")
