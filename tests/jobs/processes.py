"""Background workers as processes of their own, and waiting for what they do."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from jobs.tables import Label, RawSubmission, Work

PROGRAM = "from jobs import background, settings; background.run_worker(settings.read_settings())"
PATIENCE_SECONDS = 120


class Workers:
    """Background worker processes of one installation."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, number: int = 1, program: str = PROGRAM, *arguments: str) -> None:
        for _ in range(number):
            command = [sys.executable, "-c", program, *arguments]
            self.processes.append(subprocess.Popen(command, env=self.environment))

    def kill(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    def stop(self) -> list[int]:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(60) for process in self.processes]
        self.processes.clear()
        return codes


def wait_until(is_so: Callable[[], object], bench=None) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        if time.monotonic() > deadline:
            rows = bench.ours(Work) if bench else ()
            pytest.fail(
                "\n".join(
                    f"{row.key} {row.state} {row.attempts} {row.next_try_at} {row.error}"
                    for row in rows
                )
                or "late"
            )
        time.sleep(0.05)


def wait_until_finished(bench, job_id: int) -> None:
    wait_until(lambda: bench.job(job_id).state == "finished", bench)


def check_end(bench, job_id: int, n_hits: int, n_answers: int) -> None:
    assert len(bench.market_hits()) == len(set(bench.market_hits())) == n_hits
    assert bench.count(RawSubmission) == n_answers
    assert bench.count(Label) == n_hits
    assert bench.job(job_id).held_micros == 0
    assert bench.spent_at_venue().spent_cents == n_answers * 6
    bench.check_books()
