"""Kill the background in the middle, flush the queue: the same labels, the same money."""

import os
import signal

import redis

from jobs.formats import csv_tags, voc
from jobs.installation.queue_server import queue_url
from tests.journeys.test_routes import CROWD, MODEL, job_text

N_ITEMS = 10


def labels_of(town, job_id: int) -> list[tuple[str, dict]]:
    """Every exported label by item, without the confidence (who answered is chance)."""
    voc_records = voc.read(town.export(job_id, "voc")).records
    tag_records = csv_tags.read(town.export(job_id, "csv_tags")).records
    return [(record.item, record.value) for record in (*voc_records, *tag_records)]


def money_of(report) -> list[tuple[str, str, int, int]]:
    return [(r.provider, r.kind, r.reward_micros, r.fee_micros) for r in report.routes]


def test_a_killed_worker_and_a_flushed_queue_change_no_label_and_no_cent(town):
    drawn = town.prepare("shapes", N_ITEMS, n_gold=2)
    routes = [*MODEL, *CROWD]
    first = town.launch(job_text("shapes", routes))
    with town.robots(drawn, "shapes", crowd_of=4) as errors:
        calm = town.wait_for_labels(first, errors)

        again = job_text("shapes", routes).replace("name: shapes", "name: shapes again", 1)
        second = town.launch(again)
        for name, pid in list(town.stack.pids().items()):
            if name.startswith("background"):
                os.kill(pid, signal.SIGKILL)
        with redis.Redis.from_url(queue_url(town.settings)) as queue:
            queue.flushall()
        town.wait_until(lambda: town.report(second).summary.n_answers > 0, "the first answer")
        for name, pid in list(town.stack.pids().items()):
            if name.startswith("background"):
                os.kill(pid, signal.SIGKILL)
        stormy = town.wait_for_labels(second, errors)
    assert money_of(stormy) == money_of(calm)
    assert stormy.summary.n_answers == calm.summary.n_answers
    assert labels_of(town, second) == labels_of(town, first)
    town.check_books()
