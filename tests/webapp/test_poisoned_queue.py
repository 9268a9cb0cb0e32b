"""Whoever writes to the queue's server gets no code run by the pages that tell of the queue."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import redis

from jobs import background
from tests.webapp.browsing import close, open_app, sign_in
from tests.webapp.test_api import Program


class _Bomb:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self._path,)


@pytest.mark.parametrize("place", ["data", "result", "meta", "exc_info", "success_callback_name"])
def test_no_page_about_the_queue_opens_what_lies_in_it(
    seeded_folder: Path, tmp_path: Path, queue_url: str, place: str
) -> None:
    canary = tmp_path / "canary"
    bomb = pickle.dumps(("os.getpid", None, (_Bomb(canary),), {}))
    pickle.loads(bomb)
    assert canary.exists()  # it works where it is opened
    canary.unlink()
    with redis.Redis.from_url(queue_url) as queue:
        told = {"data": bomb, "origin": background.QUEUE, "status": "failed", place: bomb}
        queue.hset("rq:job:bomb", mapping=told)  # type: ignore[arg-type]
        queue.rpush(f"rq:queue:{background.QUEUE}", "bomb")
        queue.sadd("rq:queues", f"rq:queue:{background.QUEUE}")
        queue.zadd(f"rq:failed:{background.QUEUE}", {"bomb": 1})
    shutil.copytree(seeded_folder, tmp_path / "data")
    app = open_app(tmp_path / "data", redis_url=queue_url)
    program, client = Program(app, "admin"), sign_in(app, "admin")
    for address in ("/", "/health", "/settings", "/findings", "/jobs/1"):
        assert client.get(address).status_code == 200
    assert program.get("/installation").status_code == 200
    assert program.client.get("/metrics", headers=program.headers).status_code == 200
    close(app)
    assert not canary.exists()
