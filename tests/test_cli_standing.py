"""Workers kept out, let in, qualified and written to by commands: seen before, made once."""

from __future__ import annotations

import pytest

from jobs.tables import Assignment, Letter, StandingChange, Worker
from tests.test_cli_decisions import (  # noqa: F401 (fixtures are found by name)
    at_venue,
    bench,
    ran,
    refused,
    sessions,
    settings,
    told,
)

WHY = ("--reason", "Draws one box everywhere")


@pytest.fixture
def worked(bench, settings):  # noqa: F811
    """Two workers who were paid; the settings, the job's id and the venue's ids of the workers."""
    job_id = bench.launch(n_items=1, redundancy=2)
    bench.drain()
    bench.answer_all()
    bench.settle_down(2)
    names = [worker.provider_worker_id for worker in bench.ours(Worker)]
    return bench, at_venue(bench, settings), job_id, names


def test_excluding_is_seen_before_asked_for_and_made_once(worked):
    bench, given, job_id, (ben, _) = worked  # noqa: F811
    exclude = ("worker", "exclude", job_id, ben, *WHY)
    seen = told(given, *exclude, "--preview")
    assert (seen["n_approved"], seen["votes_lost"][0]["n_answers"]) == (1, 1)
    assert ran(given, *exclude, input="n\n").exit_code != 0
    assert bench.count(StandingChange) == 0
    for _ in range(2):
        assert told(given, *exclude, "--yes")["state"] in ("asked", "done")
        bench.drain()
    assert bench.count(StandingChange) == 1
    (row,) = told(given, "worker", "standing", job_id, ben)
    assert (row["value"], row["state"], row["reason"]) == (1, "done", WHY[1])
    assert row["provider_type_id"].startswith("3")
    assert "is excluded" in ran(given, "worker", "readmit", job_id, ben, *WHY, "--preview").output
    told(given, "worker", "readmit", job_id, 1, *WHY, "--yes")
    bench.drain()
    assert [one["value"] for one in told(given, "worker", "standing", job_id, ben)] == [None, 1]


def test_a_block_says_that_it_counts(worked):
    _, given, job_id, (ben, _) = worked
    block = ("worker", "exclude", job_id, ben, *WHY, "--block")
    assert "counts against both" in ran(given, *block, "--preview").output
    assert told(given, *block, "--yes")["kind"] == "block"


def test_a_qualification_is_granted_and_taken_away(worked):
    bench, given, job_id, (ben, _) = worked  # noqa: F811
    grant = ("worker", "grant", job_id, ben, "Careful", *WHY)
    assert told(given, *grant, "--value", 5, "--preview")["value"] == 5
    assert told(given, *grant, "--value", 5, "--yes")["value"] == 5
    bench.drain()
    assert told(given, *grant, "--take-away", "--yes")["value"] is None


def test_a_letter_goes_to_each_worker_once(worked):
    bench, given, job_id, names = worked  # noqa: F811
    warn = ("worker", "warn", job_id, *names, "--subject", "Boxes", "--text", "Please be careful.")
    assert [one["state"] for one in told(given, *warn, "--preview")] == ["", ""]
    assert bench.count(Letter) == 0
    for _ in range(2):
        letter = told(given, *warn, "--yes")
        bench.drain()
    assert bench.count(Letter) == 1
    states = [one["state"] for one in told(given, "worker", "letter", letter["id"])["recipients"]]
    assert states == ["sent", "sent"]


def test_a_bonus_is_seen_before(worked):
    bench, given, _, (ben, _) = worked  # noqa: F811
    (first, _) = bench.ours(Assignment)
    seen = told(given, "worker", "bonus", first.id, "0.10", "--reason", "Good", "--preview")
    assert (seen["provider_worker_id"], seen["fee_micros"]) == (ben, 20_000)
    assert seen["granted_before"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("exclude", 1, "ANOBODY", *WHY, "--yes"), "ANOBODY"),
        (("exclude", 77, 1, *WHY, "--yes"), "77"),
        (("exclude", 1, 1, "--reason", " ", "--yes"), "reason"),
        (("readmit", 1, 1, *WHY, "--yes"), "not excluded"),
        (("grant", 1, 1, "", *WHY, "--yes"), "name"),
        (("grant", 1, 1, "Good", "--value", "٣", *WHY, "--yes"), "whole number"),
        (("warn", 1, 1, "--subject", "", "--text", "x", "--yes"), "subject"),
        (("letter", 77), "77"),
        (("standing", 1, 77), "77"),
    ],
)
def test_what_cannot_be_done_is_refused(worked, capsys, arguments, message):
    bench, given = worked[:2]  # noqa: F811
    assert message in refused(given, capsys, "worker", *arguments)
    assert bench.count(StandingChange) == bench.count(Letter) == 0


def test_the_list_of_workers_says_how_to_go_on(worked):
    _, given, job_id, names = worked
    result = ran(given, "worker", "list", job_id, "--limit", 1)
    assert result.exit_code == 0
    after = result.stderr.strip().rpartition(" ")[2]
    first = told(given, "worker", "list", job_id, "--limit", 1)
    rest = told(given, "worker", "list", job_id, "--after", after)
    assert str(first[0]["worker_id"]) == after
    assert {row["provider_worker_id"] for row in [*first, *rest]} == set(names)
