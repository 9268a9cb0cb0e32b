"""Templates that users wrote end in bounded time and room, and touch nothing."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import InvalidInput
from jobs.pages import page_child, page_sandbox
from jobs.pages.page_sandbox import MOST_CHILDREN, render_untrusted


def page(source: str, **context: Any) -> str:
    return render_untrusted(source, {"_part.html": "<b>{{ name }}</b>"}, context)


def children(source: str = "") -> list[page_sandbox._Child]:
    return [
        child
        for key, child in page_sandbox._children.items()
        if key[0] == os.getpid() and source in key[1] and not child.is_over
    ]


def test_a_page_is_rendered_with_escaping_and_partials() -> None:
    assert page("<p>{{ name }}{% include '_part.html' %}", name="a<b") == ("<p>a&lt;b<b>a&lt;b</b>")


@pytest.mark.parametrize(
    "source",
    [
        "{{ 9**(9**9) }}",
        "{% for a in many %}{% for b in many %}{% for c in many %}{{ c }}{% endfor %}"
        "{% endfor %}{% endfor %}",
        "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}"
        "{% endfor %}",
        "{{ 'a' * 10000000000 }}",
        "{{ 'a' | center(10000000000) }}",
        "{% set ns = ['a' * 100000000] %}{{ (ns * 100) | join }}",
        "{{ (many * 100000) | length }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ many | map('string') | join('x' * 1000000) }}",
    ],
)
def test_endless_work_and_bombs_end_with_a_message(source: str) -> None:
    with pytest.raises(InvalidInput, match=r"^template"):
        page(source, many=list(range(2000)))


def test_the_verdict_names_the_limit() -> None:
    with pytest.raises(InvalidInput, match="more than 1 second of CPU time"):
        page("{{ 9**(9**9) }}")
    with pytest.raises(InvalidInput, match="more than 256 MB of memory"):
        page("{{ 'a' * 10000000000 }}")
    with pytest.raises(InvalidInput, match="longer than 200,000 characters"):
        page("{% for a in many %}{{ 'x' * 1000 }}{% endfor %}", many=list(range(300)))


def limits_of(child: page_sandbox._Child) -> dict[str, tuple[str, str]]:
    """What the system allows the process, soft and hard, by the system's own names."""
    lines = Path(f"/proc/{child._process.pid}/limits").read_text().splitlines()[1:]
    return {line[:26].strip(): (line[26:47].strip(), line[47:68].strip()) for line in lines}


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="the system does not tell")
def test_the_system_itself_limits_the_process() -> None:
    """Soft and hard: a template that got out of its sandbox could not lift them."""
    page("limits")
    (child,) = children("limits")
    most = limits_of(child)
    room = str(page_child.MEMORY_BYTES)
    assert page_child.MEMORY_BYTES == 256 * 1024**2
    assert most["Max address space"] == (room, room)
    assert most["Max core file size"] == most["Max file size"] == ("0", "0")
    assert most["Max open files"] == ("16", "16")
    assert int(most["Max cpu time"][0]) <= 2  # its start, and the second of its page


@pytest.mark.parametrize(
    "source",
    [
        "{{ ('a' * n * 1000000) | length }}",
        "{{ (many * n * 100) | length * 5 }}",
    ],
    ids=["a text", "a list"],
)
def test_a_page_has_its_room_and_no_more(source: str) -> None:
    """What it may not have would be there on any machine: only the limit refuses it."""
    many = list(range(2000))
    assert page(source, many=many, n=20) == "20000000"
    with pytest.raises(InvalidInput, match="more than 256 MB of memory"):
        page(source, many=many, n=400)
    assert page(source, many=many, n=20) == "20000000"


def test_a_page_that_died_costs_the_next_one_nothing() -> None:
    source = "{{ 9**(9**n) }}"
    with pytest.raises(InvalidInput, match="CPU time"):
        page(source, n=9)
    assert page(source, n=1) == "387420489"


def test_many_pages_of_a_template_share_one_process() -> None:
    source = "<i>one process: {{ n }}</i>"
    assert [page(source, n=n) for n in range(50)] == [f"<i>one process: {n}</i>" for n in range(50)]
    (child,) = children("one process")
    before = child._process.pid
    page(source, n=1)
    assert [one._process.pid for one in children("one process")] == [before]


def test_each_page_has_its_own_second() -> None:
    """Together these take more than one page may."""
    source = "{% for a in many %}{% for b in many %}{% endfor %}{% endfor %}done"
    assert {page(source, many=list(range(1500))) for _ in range(40)} == {"done"}


def test_only_a_few_processes_are_kept() -> None:
    for number in range(MOST_CHILDREN + 3):
        page(f"few {number}")
    assert len(children("few ")) <= MOST_CHILDREN


def test_a_process_that_ended_unused_is_replaced() -> None:
    source = "unused {{ n }}"
    page(source, n=1)
    (child,) = children("unused")
    os.kill(child._process.pid, signal.SIGALRM)
    child._process.wait()
    assert page(source, n=2) == "unused 2"


def test_threads_share_a_template_without_mixing_its_pages() -> None:
    wrong: list[str] = []

    def ask(start: int) -> None:
        numbers = range(start, start + 40)
        wrong.extend(str(n) for n in numbers if page("thread {{ n }}", n=n) != f"thread {n}")

    threads = [threading.Thread(target=ask, args=(100 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_fork_uses_a_process_of_its_own() -> None:
    source = "fork {{ n }}"
    page(source, n=1)
    number = os.fork()
    if number == 0:
        said = page(source, n=2)
        os._exit(0 if said == "fork 2" and len(children(source)) == 1 else 1)
    assert os.waitpid(number, 0)[1] == 0
    assert page(source, n=3) == "fork 3"


@pytest.mark.parametrize(
    "source",
    [
        "{% include '/etc/passwd' %}",
        "{% include '../jobs/settings.py' %}",
        "{% import 'os' as os %}{{ os }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ self.__init__.__globals__ }}",
        "{{ cycler }}",
    ],
)
def test_nothing_but_the_page_can_be_reached(source: str) -> None:
    with pytest.raises(InvalidInput):
        page(source)
