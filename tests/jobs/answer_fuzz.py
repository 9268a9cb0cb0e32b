"""Hostile answers on the way that every answer takes: stored first, parsed second, both judged."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from pathlib import Path

from sqlalchemy import select

from jobs.db import Sessions, reading, transaction
from jobs.hits import collection
from jobs.records import HitSpec, ImageRef, QuestionKind, Submission, TaskSpec
from jobs.resources import open_resources
from jobs.settings import Settings
from jobs.tables import Answer, Assignment, Hit, HitTask, RawSubmission
from tests.factories import NOW, make_dataset, make_hits, make_job, make_route
from tests.jobs.submissions import ATTRIBUTES, SCHEMA

KINDS: tuple[QuestionKind, ...] = ("boxes", "tags")
AT_ONCE = 500


@dataclass
class Verdict:
    """What became of the answers, and everything that was wrong (nothing, one hopes)."""

    n_sent: int = 0
    n_kept: int = 0
    n_parsed: int = 0
    n_unparsed: int = 0
    troubles: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def fuzz(sessions: Sessions, folder: Path, raws: Iterable[str]) -> Verdict:
    """Send each raw answer to both kinds of question, and judge every row it leaves."""
    specs = _questions(sessions)
    resources = open_resources(Settings(data_dir=folder), sessions, lambda: NOW)
    found = Verdict()
    for chunk in _chunks(raws):
        for kind, (hit_id, spec) in zip(KINDS, specs, strict=True):
            first = found.n_sent
            sent = {f"3{kind.upper()}{first + number}": raw for number, raw in enumerate(chunk)}
            with transaction(sessions) as session:
                hit = session.get_one(Hit, hit_id)
                n_new = collection.store(session, "mturk", hit, _submissions(sent), NOW)
            if n_new != len(sent):
                found.troubles.append(f"{n_new} of {len(sent)} were stored")
            collection.parse_new(resources, spec, hit_id)
            _judge(sessions, spec, sent, found)
            found.n_sent += len(sent)
    return found


def _questions(sessions: Sessions) -> list[tuple[int, HitSpec]]:
    with transaction(sessions) as session:
        items = make_dataset(session, 1)
        job = make_job(session, items)
        specs = []
        for kind in KINDS:
            (hit,) = make_hits(session, make_route(session, job, kind=kind), items, state="posted")
            task_id = session.get_one(HitTask, (hit.id, 0)).task_id
            task = TaskSpec(task_id, 0, ImageRef(items[0].id, "k", "http://x/y", 100, 80))
            specs.append((hit.id, _spec(kind, task)))
    return specs


def _spec(kind: QuestionKind, task: TaskSpec) -> HitSpec:
    return HitSpec(
        marker="", token="", kind=kind, schema=SCHEMA,
        attributes=ATTRIBUTES if kind == "tags" else (), tasks=(task,), html="", title="",
        description="", keywords="", reward_micros=0, max_assignments=1, lifetime_seconds=60,
        assignment_duration_seconds=60, auto_approval_delay_seconds=60,
    )  # fmt: skip


def _submissions(sent: dict[str, str]) -> list[Submission]:
    return [
        Submission(name, f"A{name}", "3HIT", raw, "Submitted", NOW, NOW + timedelta(seconds=9))
        for name, raw in sent.items()
    ]


def _chunks(raws: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(raws)
    while chunk := list(islice(rest, AT_ONCE)):
        yield chunk


def _judge(sessions: Sessions, spec: HitSpec, sent: dict[str, str], found: Verdict) -> None:
    with reading(sessions) as session:
        rows = session.execute(
            select(RawSubmission, Assignment, Answer)
            .join(Assignment, Assignment.raw_submission_id == RawSubmission.id)
            .outerjoin(Answer, Answer.assignment_id == Assignment.id)
            .where(RawSubmission.provider_assignment_id.in_(sent))
        ).all()
    for raw, assignment, answer in rows:
        name = raw.provider_assignment_id
        digest = hashlib.sha256(sent[name].encode("utf-8", "surrogatepass")).hexdigest()
        if collection.original(raw.raw) != sent[name] or raw.sha256 != digest:
            found.troubles.append(f"{name}: not kept as it came: {sent[name][:200]!r}")
            continue
        found.n_kept += 1
        if assignment.parse_state == "unparsed":
            found.n_unparsed += 1
            found.reasons[assignment.parse_error.partition(":")[0]] += 1
            if answer is not None or not assignment.parse_error:
                found.troubles.append(f"{name}: refused without a reason")
        elif assignment.parse_state == "parsed" and answer is not None:
            found.n_parsed += 1
            found.troubles += [f"{name}: {one}" for one in _faults(spec, answer.value)]
        else:
            found.troubles.append(f"{name}: neither read nor refused")


def _faults(spec: HitSpec, value: dict) -> Iterator[str]:
    if spec.kind == "boxes":
        for one in value["boxes"]:
            sides = [one[side] for side in ("left", "top", "right", "bottom")]
            left, top, right, bottom = sides
            if not all(isinstance(side, float) and math.isfinite(side) for side in sides):
                yield f"a side is no number: {sides}"
            elif not (0 <= left < right <= 100 and 0 <= top < bottom <= 80):
                yield f"a box outside its image: {sides}"
            if one["label"] not in SCHEMA.classes:
                yield f"an unknown class {one['label']!r:.60}"
        return
    for attribute in SCHEMA.attributes:
        said = value["tags"][attribute.name]
        known = {*attribute.options, attribute.unsure} - {""}
        if not set(said if isinstance(said, list) else [said]) <= known:
            yield f"an unknown option {said!r:.60}"
