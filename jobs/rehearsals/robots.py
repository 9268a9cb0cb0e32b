"""Robot workers on the marketplace's own pages, to learn what a batch would cost and yield.

A robot signs in, lists the HIT groups, accepts, reads the rendered HIT and submits the form
over HTTP, as docs/marketplace.md says; nothing tells the marketplace that it is no person.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import numpy as np
import requests

from jobs.errors import InvalidInput, ProviderError
from jobs.marketplace_accounts import add_worker
from jobs.rehearsals.answers import Truth, answer, elements, read_questions, seconds_for
from quality.simulate import WorkerProfile

TIMEOUT_SECONDS = 30
_ASSIGNMENT = "data-assignment-id"
LOOK_SECONDS = 1.0  # between two looks at an empty list
NOTHING_LEFT = (403, 404, 409)  # gone, not for this worker, or too many in hand


@dataclass(frozen=True)
class Robot:
    """One robot's account and habits.

    ``hurry`` divides the seconds a person would take; ``search`` narrows the HITs it looks for.
    """

    name: str
    password: str
    profile: WorkerProfile
    seed: int
    is_staff: bool = False
    hurry: float = float("inf")
    search: str = ""


@dataclass(frozen=True)
class Ground:
    """A marketplace to rehearse on: its addresses, and the token that makes accounts there."""

    url: str
    content_url: str
    admin_token: str


@dataclass(frozen=True)
class Done:
    """One HIT that a robot submitted."""

    robot: str
    assignment_id: str
    fields: Mapping[str, Any]


def open_account(url: str, admin_token: str, robot: Robot) -> str:
    """The worker id of the robot's account, made now."""
    return add_worker(url, admin_token, robot.name, robot.password, is_staff=robot.is_staff)


class WorkerPages:
    """The marketplace's pages as one signed-in worker sees them."""

    def __init__(self, url: str, robot: Robot) -> None:
        self._url = url
        self._robot = robot
        self._session = requests.Session()
        self._token = ""

    def __enter__(self) -> WorkerPages:
        self._token = _csrf(self._page("GET", "/worker/sign-in"))
        robot = self._robot
        page = self._page("POST", "/worker/sign-in", name=robot.name, password=robot.password)
        self._token = _csrf(page)
        return self

    def __exit__(self, *_unused: object) -> None:
        self._session.close()

    def groups(self) -> list[str]:
        """Ids of the HIT types this worker may find now, the newest first."""
        page = self._page("GET", f"/worker?{urlencode({'search': self._robot.search})}").text
        given = (attributes for tag, attributes in elements(page) if tag == "li")
        return [one["data-hit-type-id"] for one in given if "data-hit-type-id" in one]

    def accept(self, hit_type_id: str) -> tuple[str, str] | None:
        """Assignment id and the HIT's page, or None where nothing is left for this worker."""
        response = self._send("POST", f"/projects/{hit_type_id}/accept")
        if response.status_code in NOTHING_LEFT:
            return None
        given = [attributes for _tag, attributes in elements(_checked(response).text)]
        frame = next(one["src"] for one in given if one.get("id") == "hit-frame")
        assignment_id = next(one[_ASSIGNMENT] for one in given if _ASSIGNMENT in one)
        # The frame is another site: the worker's cookie must not go there.
        return assignment_id, _checked(requests.get(frame, timeout=TIMEOUT_SECONDS)).text

    def submit(self, assignment_id: str, fields: Mapping[str, Any]) -> None:
        """Post the form as the page's crowd-form would."""
        form = {"assignmentId": assignment_id, "taskAnswers": json.dumps([fields])}
        _checked(self._send("POST", "/mturk/externalSubmit", **form))

    def give_back(self, assignment_id: str) -> None:
        """Return the HIT unanswered."""
        self._page("POST", f"/worker/tasks/{assignment_id}/return")

    def _page(self, method: str, path: str, **form: str) -> requests.Response:
        return _checked(self._send(method, path, **form))

    def _send(self, method: str, path: str, **form: str) -> requests.Response:
        data = {**form, "csrf_token": self._token} if method == "POST" else None
        return self._session.request(method, self._url + path, data=data, timeout=TIMEOUT_SECONDS)


def work(
    url: str,
    robot: Robot,
    truths: Mapping[str, Truth],
    should_stop: Callable[[float], bool],
    tell: Callable[[Done], None],
) -> None:
    """Do every HIT the robot may do, until ``should_stop(seconds)``, which also waits.

    Raises:
        InvalidInput: for a picture or attribute the robot was not told about.
        ProviderError: when a page does not answer as documented.

    """
    rng = np.random.default_rng(robot.seed)
    with WorkerPages(url, robot) as pages:
        while not should_stop(0):
            done = [
                _do_one(pages, hit_type_id, robot, truths, rng, should_stop, tell)
                for hit_type_id in pages.groups()
            ]
            if not any(done):
                should_stop(LOOK_SECONDS)


@contextmanager
def crowd(
    url: str,
    robots: Sequence[Robot],
    truths: Mapping[str, Truth],
    tell: Callable[[Done], None] = lambda _done: None,
) -> Iterator[list[Exception]]:
    """Robots at work, each in a thread, until the block ends; what went wrong is listed."""
    stop = threading.Event()
    errors: list[Exception] = []

    def live(robot: Robot) -> None:
        try:
            work(url, robot, truths, stop.wait, tell)
        except (InvalidInput, ProviderError, requests.RequestException) as error:
            errors.append(error)

    threads = [threading.Thread(target=live, args=(robot,), name=robot.name) for robot in robots]
    for thread in threads:
        thread.start()
    try:
        yield errors
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _do_one(
    pages: WorkerPages,
    hit_type_id: str,
    robot: Robot,
    truths: Mapping[str, Truth],
    rng: np.random.Generator,
    should_stop: Callable[[float], bool],
    tell: Callable[[Done], None],
) -> bool:
    """Whether a HIT of the group was done."""
    accepted = pages.accept(hit_type_id)
    if accepted is None:
        return False
    assignment_id, page = accepted
    fields = answer(read_questions(page), truths, robot.profile, rng)
    if should_stop(seconds_for(fields, robot.profile, rng) / robot.hurry):
        pages.give_back(assignment_id)
        return False
    pages.submit(assignment_id, fields)
    tell(Done(robot.name, assignment_id, fields))
    return True


def _checked(response: requests.Response) -> requests.Response:
    if not response.ok:
        raise ProviderError(
            f"marketplace: {response.request.method} {response.url} answered "
            f"{response.status_code}: {response.text[-300:]}",
            permanent=False,
            code=str(response.status_code),
        )
    return response


def _csrf(response: requests.Response) -> str:
    for tag, attributes in elements(response.text):
        if tag == "meta" and attributes.get("name") == "csrf-token":
            return attributes.get("content", "")
    raise ProviderError(f"marketplace: {response.url} carries no csrf-token", permanent=False)
