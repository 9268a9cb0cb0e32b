"""Robot workers on the real pages: sign in, list, accept, look, submit, go on, at times return."""

from __future__ import annotations

import asyncio
import html
import json
import random
import re
import time
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import dataclass, field

from scripts.bench.load_http import Answer, Visitor

PASSWORD = "robots work hard"  # noqa: S105 - of accounts that live as long as a measurement
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
_GROUP = re.compile(r'data-hit-type-id="([^"]+)" data-hits="(\d+)"')
_FRAME = re.compile(r'id="hit-frame"[^>]* src="([^"]+)"')
_NEXT = re.compile(r'id="next" href="([^"]+)"')
_LIST_EVERY, _RETURN_EVERY, _TWICE_EVERY = 10, 40, 50


@dataclass
class Log:
    """What the robots saw: seconds of each kind of request, and what they were told is stored."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    submitted: dict[str, tuple[str, str]] = field(default_factory=dict)
    n_returned: int = 0
    n_repeats_refused: int = 0
    surprises: list[str] = field(default_factory=list)


@dataclass
class Robot:
    """One worker; ``pages`` is the worker origin, ``frames`` the content origin."""

    name: str
    worker_id: str
    pages: Visitor
    frames: Visitor
    log: Log
    chance: random.Random
    think_seconds: float = 0.0
    token: str = ""
    n_done: int = 0

    async def sign_in(self) -> None:
        """Open a session and have the next HIT accepted automatically."""
        page = await self.pages.get("/worker/sign-in")
        fields = {"name": self.name, "password": PASSWORD, "csrf_token": self._found(_TOKEN, page)}
        self._expect(await self.pages.post("/worker/sign-in", **fields), 303)
        self.token = self._found(_TOKEN, await self.pages.get("/worker/messages"))
        yes = {"accepts_next": "yes", "csrf_token": self.token}
        self._expect(await self.pages.post("/worker/accept-next", **yes), 303)

    async def work(self) -> None:
        """Do HITs until the list holds none for this worker."""
        while path := await self._first_task():
            while path.startswith("/worker/tasks/"):
                path = await self._do(path)
        self.pages.close()
        self.frames.close()

    async def _first_task(self) -> str:
        """The work page of a HIT accepted from the list; empty when the list is."""
        while groups := await self._groups():
            chosen = self.chance.choice(groups)
            answer = await self._timed(
                "accept", self.pages.post(f"/projects/{chosen}/accept", csrf_token=self.token)
            )
            if answer.status == 303:
                return answer.location
            self._expect(answer, 404)  # others were faster
        return ""

    async def _groups(self) -> list[str]:
        page = await self._timed("list", self.pages.get("/worker"))
        self._expect(page, 200)
        return [type_id for type_id, _ in _GROUP.findall(page.text)]

    async def _do(self, path: str) -> str:
        """Where to go on after the HIT at ``path``."""
        assignment_id = path.rpartition("/")[2]
        page = await self._timed("task", self.pages.get(path))
        if self._expect(page, 200):
            return ""
        address = html.unescape(self._found(_FRAME, page))
        frame = await self._timed("frame", self.frames.get(address[len(self.frames.origin) :]))
        self._expect(frame, 200)
        if self.think_seconds:
            await asyncio.sleep(self.chance.expovariate(1 / self.think_seconds))
        self.n_done += 1
        if self.chance.randrange(_RETURN_EVERY) == 0:
            self.log.n_returned += 1
            answer = await self.pages.post(f"{path}/return", csrf_token=self.token)
            self._expect(answer, 303)
            return ""
        if self.n_done % _LIST_EVERY == 0:
            await self._groups()
        return await self._submit(assignment_id)

    async def _submit(self, assignment_id: str) -> str:
        word = f"{self.name}-{self.n_done}"
        fields = {"assignmentId": assignment_id, "word": word}
        sends = [self._timed("submit", self.pages.post("/mturk/externalSubmit", **fields))]
        twin = self.pages.twin()
        if self.chance.randrange(_TWICE_EVERY) == 0:
            sends.append(twin.post("/mturk/externalSubmit", **fields))
        answers = await asyncio.gather(*sends)
        twin.close()
        taken = [answer for answer in answers if answer.status == 200]
        self.log.n_repeats_refused += sum(answer.status == 409 for answer in answers)
        if len(taken) != 1:
            told = [answer.status for answer in answers]
            self.log.surprises.append(f"{self.name}: submitting {assignment_id} answered {told}")
            return ""
        if assignment_id in self.log.submitted:
            self.log.surprises.append(f"{assignment_id} was taken from two workers")
        self.log.submitted[assignment_id] = (self.worker_id, word)
        return self._found(_NEXT, taken[0])

    async def _timed(self, kind: str, asking: Awaitable[Answer]) -> Answer:
        start = time.perf_counter()
        answer = await asking
        self.log.seconds[kind].append(time.perf_counter() - start)
        return answer

    def _expect(self, answer: Answer, status: int) -> bool:
        """Whether something else came; it is written down."""
        if answer.status != status:
            self.log.surprises.append(
                f"{self.name}: {answer.status} instead of {status}: {answer.text[:300]}"
            )
        return answer.status != status

    def _found(self, pattern: re.Pattern[str], page: Answer) -> str:
        found = pattern.search(page.text)
        if not found:
            raise AssertionError(f"{self.name}: no {pattern.pattern} in {page}")
        return found[1]


def make_robots(
    url: str, content_url: str, admin_token: str, n: int, think_seconds: float
) -> tuple[list[Robot], Log]:
    """Robots with accounts of their own, not signed in yet, and the log they share."""
    log = Log()
    robots = []
    for number in range(n):
        name = f"robot{number}"
        request = urllib.request.Request(  # noqa: S310 - a server of our own
            f"{url}/admin/workers",
            json.dumps({"name": name, "password": PASSWORD}).encode(),
            {"Authorization": f"Bearer {admin_token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            worker_id = json.load(answer)["worker_id"]
        robots.append(
            Robot(
                name, worker_id, Visitor(url), Visitor(content_url), log,
                random.Random(number), think_seconds,  # noqa: S311 - chance, not a secret
            )
        )  # fmt: skip
    return robots, log


async def sign_all_in(robots: list[Robot]) -> None:
    await asyncio.gather(*(robot.sign_in() for robot in robots))


async def work_all(robots: list[Robot]) -> None:
    await asyncio.gather(*(robot.work() for robot in robots))
