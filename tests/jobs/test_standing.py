"""A worker is kept out by a qualification, let in again, blocked only on purpose; each once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from jobs import exclusions, reports
from jobs.combining import consensus
from jobs.db import reading, transaction
from jobs.errors import Conflict, InvalidInput, NotFound
from jobs.tables import Assignment, Consensus, Finding, Intent, OwnQualification, StandingChange
from jobs.tables import Worker as OurWorker
from jobs.workers import standing
from webapp.marketplace.faults import Fault
from webapp.marketplace.store import reading as market_reading
from webapp.marketplace.store import write as market_write
from webapp.marketplace.tables.people import Worker, WorkerBlock, WorkerMessage
from webapp.marketplace.tables.qualifications import Qualification, QualificationType

WHY = {"reason": "Draws one box everywhere", "actor": "ada"}


@pytest.fixture
def worked(bench):
    """A job that Ben and Cho have answered in full; its id and our id of Ben."""
    job_id = bench.launch(n_items=1, redundancy=2)
    bench.drain()
    for name in ("ben", "cho"):
        assert bench.submit_raw(name, RED)
    bench.settle_down(2)
    (ben,) = bench.ours(OurWorker, id=1)
    return bench, job_id, ben.id


RED = (
    '<?xml version="1.0" encoding="UTF-8"?><QuestionFormAnswers xmlns="http://mechanicalturk.'
    'amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd"><Answer>'
    "<QuestionIdentifier>taskAnswers</QuestionIdentifier><FreeText>"
    '[{"t0-colour": {"red": true, "green": false, "blue": false, "cannot tell": false}}]'
    "</FreeText></Answer></QuestionFormAnswers>"
)


def change(bench, verb, *arguments, **more):
    with transaction(bench.sessions) as session:
        return verb(session, *arguments, now=bench.dial(), **WHY, **more)


def preview(bench, job_id, worker_id):
    with reading(bench.sessions) as session:
        return standing.preview_exclusion(session, job_id, worker_id)


def held(bench, name=exclusions.EXCLUSION):
    """(the worker's name, score) of everybody who holds the qualification at the venue."""
    with market_reading(bench.market.market.sessions) as session:
        rows = session.execute(
            select(Worker.name, Qualification.value)
            .join(Qualification, Qualification.worker_id == Worker.id)
            .join(QualificationType, QualificationType.id == Qualification.type_id)
            .where(QualificationType.living_name == name, Qualification.status == "Granted")
        )
        return sorted(tuple(row) for row in rows)


def launch_another(bench, name="more", **settings):
    bench.launch(name=name, redundancy=2, **settings)
    bench.drain()


def n_calls(bench, operation):
    return [one["operation"] for one in bench.market.market.faults.calls()].count(operation)


def test_an_excluded_worker_gets_no_hit_posted_from_then_on_and_a_readmitted_one_does(worked):
    bench, job_id, ben = worked
    change(bench, standing.exclude, job_id, ben)
    bench.drain()
    assert held(bench) == [("ben", 1)]
    launch_another(bench)
    assert not bench.submit_raw("ben", RED)
    assert bench.submit_raw("dan", RED)
    change(bench, standing.readmit, job_id, ben)
    bench.drain()
    assert held(bench) == []
    assert bench.submit_raw("ben", RED)


def test_excluding_twice_is_as_once_and_so_is_readmitting(worked):
    bench, job_id, ben = worked
    for _ in range(2):
        change(bench, standing.exclude, job_id, ben)
        bench.drain()
    assert n_calls(bench, "AssociateQualificationWithWorker") == 1
    for _ in range(2):
        change(bench, standing.readmit, job_id, ben)
        bench.drain()
    assert n_calls(bench, "DisassociateQualificationFromWorker") == 1
    assert [row.state for row in bench.ours(StandingChange)] == ["done", "done"]
    with reading(bench.sessions) as session:
        newest_first = [(one.value, one.actor) for one in standing.standings(session, ben)]
    assert newest_first == [(None, "ada"), (1, "ada")]


def test_only_the_last_of_changes_made_in_a_row_goes_to_the_venue(worked):
    bench, job_id, ben = worked
    change(bench, standing.exclude, job_id, ben)
    change(bench, standing.readmit, job_id, ben)
    bench.drain()
    assert [row.state for row in bench.ours(StandingChange)] == ["superseded", "done"]
    assert held(bench) == []
    assert n_calls(bench, "AssociateQualificationWithWorker") == 0


@pytest.mark.parametrize(
    "operation", ["CreateQualificationType", "AssociateQualificationWithWorker"]
)
@pytest.mark.parametrize("effect", ["drop_before", "drop_after", "fault_after", "throttle"])
def test_a_lost_reply_leaves_nobody_half_excluded(worked, operation, effect):
    bench, job_id, ben = worked
    bench.market.market.faults.replace([Fault(operation, effect, 1, 2)])
    change(bench, standing.exclude, job_id, ben)
    bench.settle_down(5)
    assert held(bench) == [("ben", 1)]
    assert bench.count(OwnQualification) == 1
    assert [row.state for row in bench.ours(StandingChange)] == ["done"]
    assert bench.count(Intent, operation="AssociateQualification", state="done") == 1
    assert bench.ours(Finding) == []


def test_the_preview_counts_votes_and_hits_that_are_out_already(worked):
    bench, job_id, ben = worked
    launch_another(bench)
    seen = preview(bench, job_id, ben)
    assert (seen.is_excluded, seen.n_approved, seen.n_waiting) == (False, 1, 0)
    assert [(one.job_id, one.n_answers) for one in seen.votes_lost] == [(job_id, 1)]
    assert (seen.n_open_hits, seen.n_hits_still_open_to_them) == (1, 1)
    assert bench.ours(StandingChange) == []
    change(bench, standing.exclude, job_id, ben)
    bench.drain()
    bench.dial.turn(seconds=1)
    launch_another(bench, "third")
    seen = preview(bench, job_id, ben)
    assert seen.is_excluded
    assert (seen.n_open_hits, seen.n_hits_still_open_to_them) == (2, 1)


def test_answers_of_the_excluded_do_not_vote_and_vote_again_after_readmission(worked):
    bench, job_id, ben = worked

    def n_voters():
        with transaction(bench.sessions) as session:
            consensus.combine_job(session, job_id, bench.dial())
        return [row.n_answers for row in bench.ours(Consensus)]

    assert n_voters() == [2]
    change(bench, standing.exclude, job_id, ben)
    assert n_voters() == [1]
    change(bench, standing.readmit, job_id, ben)
    assert n_voters() == [2]
    bench.settle_down(2)
    assert {row.state for row in bench.ours(Assignment)} == {"Approved"}


def test_the_excluded_stay_in_the_list_of_workers_from_which_they_can_be_readmitted(worked):
    bench, job_id, ben = worked
    change(bench, standing.exclude, job_id, ben)
    with transaction(bench.sessions) as session:
        consensus.combine_job(session, job_id, bench.dial())
    with reading(bench.sessions) as session:
        rows = {row.worker_id: row for row in reports.worker_page(session, job_id).rows}
    assert (rows[ben].state, rows[ben].n_answers, rows[ben].kind) == ("excluded", 1, "tags")
    assert rows[ben].consensus_accuracy is None
    assert [row.state for row in rows.values()] == ["active", "excluded"]


def test_nobody_is_blocked_unless_that_is_asked_for(worked):
    bench, job_id, ben = worked

    def blocked():
        with market_reading(bench.market.market.sessions) as session:
            return session.query(WorkerBlock).count()

    change(bench, standing.exclude, job_id, ben)
    bench.drain()
    assert blocked() == 0
    for _ in range(2):
        change(bench, standing.exclude, job_id, ben, by="block")
        bench.drain()
    assert blocked() == 1
    assert n_calls(bench, "CreateWorkerBlock") == 1
    change(bench, standing.readmit, job_id, ben)
    bench.drain()
    assert (blocked(), held(bench)) == (0, [])


def test_a_qualification_of_our_own_is_granted_scored_and_taken_away_silently(worked):
    bench, job_id, ben = worked
    for value in (3, 3, 7):
        change(bench, standing.grant, job_id, ben, "Careful boxes", value)
        bench.drain()
    assert held(bench, "Careful boxes") == [("ben", 7)]
    assert n_calls(bench, "AssociateQualificationWithWorker") == 2
    change(bench, standing.grant, job_id, ben, "Careful boxes", None)
    bench.drain()
    assert held(bench, "Careful boxes") == []
    with market_reading(bench.market.market.sessions) as session:
        assert session.query(WorkerMessage).count() == 0


def test_staff_are_kept_out_of_in_house_work_alike(bench):
    job_id = bench.launch(n_items=1, redundancy=1, provider="inhouse", reward="0.00")
    bench.drain()
    assert bench.submit_raw("staff1", RED)
    bench.settle_down(2)
    (who,) = bench.ours(OurWorker)
    change(bench, standing.exclude, job_id, who.id)
    bench.drain()
    launch_another(bench, provider="inhouse", reward="0.00")
    assert not bench.submit_raw("staff1", RED)
    assert bench.submit_raw("staff2", RED)


def test_a_refused_change_is_a_finding_and_can_be_asked_for_again(worked):
    bench, job_id, ben = worked
    with transaction(bench.sessions) as session:
        session.get_one(OurWorker, ben).provider_worker_id = "ANOBODY00000"
    change(bench, standing.exclude, job_id, ben)
    bench.settle_down(2)
    (row,) = bench.ours(StandingChange)
    assert (row.state, "WorkerId" in row.error) == ("failed", True)
    (told,) = bench.ours(Finding, state="open")
    assert "ANOBODY00000" in told.message
    change(bench, standing.exclude, job_id, ben)
    assert [row.state for row in bench.ours(StandingChange)] == ["failed", "asked"]


def test_a_list_that_the_venue_dropped_is_made_anew_with_everybody_on_it(worked):
    bench, job_id, ben = worked
    change(bench, standing.exclude, job_id, ben)
    bench.drain()
    (first,) = bench.ours(OwnQualification)
    market_write(
        bench.market.market.sessions,
        lambda session: (
            session.query(QualificationType)
            .filter_by(living_name=exclusions.EXCLUSION)
            .update({"status": "Deleted", "living_name": None})
        ),
    )
    bench.dial.turn(days=31)
    launch_another(bench)
    (again,) = bench.ours(OwnQualification)
    assert again.provider_type_id != first.provider_type_id
    assert held(bench) == [("ben", 1)]
    assert not bench.submit_raw("ben", RED)
    assert bench.submit_raw("dan", RED)


@pytest.mark.parametrize(
    ("verb", "arguments", "error", "told"),
    [
        (standing.exclude, (77, 1), NotFound, "job 77"),
        (standing.exclude, (1, 77), NotFound, "worker 77"),
        (standing.readmit, (1, 1), Conflict, "not excluded"),
        (standing.grant, (1, 1, " ", 1), InvalidInput, "name"),
        (standing.grant, (1, 1, exclusions.EXCLUSION, 1), InvalidInput, "other than"),
        (standing.grant, (1, 1, "Good", -1), InvalidInput, "score"),
    ],
)
def test_what_cannot_be_changed_is_refused(worked, verb, arguments, error, told):
    bench = worked[0]
    with pytest.raises(error, match=told):
        change(bench, verb, *arguments)
    with pytest.raises(InvalidInput, match="by"):
        change(bench, standing.exclude, 1, 1, by="magic")
    assert bench.ours(StandingChange) == []
