"""Robots against the real marketplace: over HTTP, and with a mouse in a real browser."""

from __future__ import annotations

import http.server
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from PIL import Image

from jobs.errors import Conflict, ProviderError
from jobs.pages.hit_page import render
from jobs.records import Attribute, Box, ImageRef, LabelSchema, TaskSpec
from jobs.rehearsals import robots as rehearsal
from jobs.rehearsals.answers import Truth
from jobs.rehearsals.robots import Robot
from quality.simulate import WorkerProfile, profile
from webapp.marketplace.serving import Running, serve

SCHEMA = LabelSchema("photo", ("cat", "cup"), (Attribute("kind", "one", "Kind", ("a", "b")),))
PERFECT = WorkerProfile(
    "perfect", 1.0, 0.0, (0.0, 0.0, 0.0, 0.0), 0.0, 0.0, tag_accuracy=1.0, wrongly_empty=0.0
)
TRUTHS = {
    "one.png": Truth(
        640, 480, (Box("cup", 60, 50, 260, 300), Box("cat", 100, 80, 200, 250)), {"kind": "b"}
    ),
    "two.png": Truth(640, 480, (), {"kind": "a"}),
}
PASSWORD = "no secret at all"


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Running]:
    with serve(
        database_url=f"sqlite:///{tmp_path / 'marketplace.sqlite'}",
        secret_file=tmp_path / "marketplace-secrets.json",
    ) as running:
        yield running


@pytest.fixture
def pictures(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, truth in TRUTHS.items():
        Image.new("RGB", (truth.width, truth.height), "grey").save(folder / name)
    handler = partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


def post(market: Running, kind: str, address: str, n: int = 1, assignments: int = 1) -> Any:
    client = boto3.client(
        "mturk",
        endpoint_url=market.url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="x",
    )
    for _ in range(n):
        images = [
            ImageRef(k, name, f"{address}/{name}", t.width, t.height)
            for k, (name, t) in enumerate(TRUTHS.items())
        ]
        tasks = [TaskSpec(k, k, image) for k, image in enumerate(images)]
        html = render(kind, SCHEMA, ("kind",) if kind == "tags" else (), tasks)
        client.create_hit(
            Title=f"Do {kind}",
            Description="x",
            Reward="0.05",
            MaxAssignments=assignments,
            LifetimeInSeconds=600,
            AssignmentDurationInSeconds=60,
            Question=(
                '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/'
                'AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
                f"<HTMLContent><![CDATA[{html}]]></HTMLContent>"
                "<FrameHeight>0</FrameHeight></HTMLQuestion>"
            ),
        )
    return client


def robot(market: Running, name: str, habits: WorkerProfile = PERFECT) -> Robot:
    made = Robot(name, PASSWORD, habits, seed=1)
    token = market.market.secrets.admin_token
    rehearsal.open_account(market.url, token, made)
    return made


def submitted(client: Any) -> list[dict[str, Any]]:
    """The crowd-form values of everything submitted."""
    found = []
    for hit in client.list_hits()["HITs"]:
        for one in client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]:
            root = ElementTree.fromstring(one["Answer"])
            texts = [element.text for element in root.iter() if element.tag.endswith("FreeText")]
            found.append(json.loads(texts[0] or "")[0])
    return found


def test_robots_do_every_hit_once_each_over_http(market: Running) -> None:
    client = post(market, "tags", "http://pictures.invalid", n=2, assignments=2)
    robots = [robot(market, "r1"), robot(market, "r2"), robot(market, "r3", profile("sloppy"))]
    done: list[rehearsal.Done] = []
    with rehearsal.crowd(market.url, robots, TRUTHS, done.append) as errors:
        deadline = time.monotonic() + 60
        while len(done) < 4 and not errors and time.monotonic() < deadline:
            time.sleep(0.05)
    assert errors == []
    assert len({one.assignment_id for one in done}) == 4
    assert len(submitted(client)) == 4


def test_a_perfect_robot_submits_what_the_pictures_show(market: Running) -> None:
    client = post(market, "tags", "http://pictures.invalid")
    stop = threading.Event()
    rehearsal.work(market.url, robot(market, "r1"), TRUTHS, stop.wait, lambda _done: stop.set())
    assert submitted(client) == [
        {"t0-kind": {"a": False, "b": True}, "t1-kind": {"a": True, "b": False}}
    ]


def test_a_robot_that_is_stopped_while_working_returns_its_hit(market: Running) -> None:
    client = post(market, "tags", "http://pictures.invalid")
    slow = Robot("slow", PASSWORD, PERFECT, seed=1, hurry=1.0)
    rehearsal.open_account(market.url, market.market.secrets.admin_token, slow)
    stop = threading.Event()

    def stops_at_work(seconds: float) -> bool:
        if seconds > rehearsal.LOOK_SECONDS:
            stop.set()
        return stop.is_set()

    rehearsal.work(market.url, slow, TRUTHS, stops_at_work, lambda _done: None)
    (hit,) = client.list_hits()["HITs"]
    assert (hit["NumberOfAssignmentsAvailable"], hit["NumberOfAssignmentsPending"]) == (1, 0)


def test_an_account_is_not_made_twice_and_a_wrong_password_is_an_error(market: Running) -> None:
    made = robot(market, "r1")
    with pytest.raises(Conflict, match="r1"):
        rehearsal.open_account(market.url, market.market.secrets.admin_token, made)
    wrong = Robot("r1", "another", PERFECT, seed=1)
    with pytest.raises(ProviderError, match="422"), rehearsal.WorkerPages(market.url, wrong):
        pass
