"""Why a label is what it is, in sentences a requester can read. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from jobs.reports import ItemView
from jobs.reports.items import QuestionState, WorkerAnswer
from webapp.overlay import SPREAD_SIGMAS
from webapp.words import percent, tag_value


def why(view: ItemView, question: QuestionState) -> tuple[str, ...]:
    """Who was listened to, what they said, what is doubted, and what follows from it."""
    answers = [one for one in view.answers if one.kind == question.kind and not one.is_repeat]
    said = _boxes if question.kind == "boxes" else _tags
    return (
        *_who(question, answers),
        *_left_out(question, answers),
        *said(question, answers),
        _verdict(view, question),
    )


def _who(question: QuestionState, answers: list[WorkerAnswer]) -> Iterator[str]:
    voters = question.provenance.get("voters", [])
    if not voters:
        yield "No answer counts yet."
        return
    names = {one.answer_id: one.worker for one in answers}
    ranked = sorted(voters, key=lambda voter: -float(voter["weight"]))
    most, least = ranked[0], ranked[-1]
    if len(ranked) == 1:
        yield f"One answer counts, that of {names.get(most['answer'], 'one worker')}."
        return
    start = f"{len(ranked)} answers count, each by how reliable its worker has been in this job"
    if round(float(most["weight"]), 2) == round(float(least["weight"]), 2):
        yield f"{start}: all the same."
        return
    yield (
        f"{start}: {names.get(most['answer'], 'one')} the most (×{float(most['weight']):.2f}), "
        f"{names.get(least['answer'], 'another')} the least (×{float(least['weight']):.2f})."
    )


def _left_out(question: QuestionState, answers: list[WorkerAnswer]) -> Iterator[str]:
    heard = {voter["answer"] for voter in question.provenance.get("voters", [])}
    silent = [one for one in answers if one.answer_id not in heard]
    rejected = [one.worker for one in silent if one.assignment_state == "Rejected"]
    others = [one.worker for one in silent if one.assignment_state != "Rejected"]
    if rejected:
        yield f"Left out, for the work was rejected: {', '.join(rejected)}."
    if others:
        yield (
            f"Left out: {', '.join(others)}. An answer does not count when its worker is "
            "excluded, or when it came after the last combination."
        )


def _boxes(question: QuestionState, answers: list[WorkerAnswer]) -> Iterator[str]:
    boxes = question.value.get("boxes", [])
    parts = question.provenance.get("boxes", [])
    n_voters = len(question.provenance.get("voters", []))
    if not boxes and n_voters:
        yield "They draw nothing that is believed: the picture counts as empty of these classes."
    if len(parts) == len(boxes) and boxes:
        yield from _objects(boxes, parts, n_voters)
    for one in question.provenance.get("doubted", []):
        yield (
            f"Not believed: {one['box']['label']}, that {one['votes']} of {n_voters} drew, "
            f"{percent(one['confidence'])} likely to be there."
        )


def _objects(
    boxes: list[dict[str, Any]], parts: list[dict[str, Any]], n_voters: int
) -> Iterator[str]:
    kinds = Counter(str(box["label"]) for box in boxes)
    named = ", ".join(f"{name} ×{n}" if n > 1 else name for name, n in sorted(kinds.items()))
    fewest = min(int(part["votes"]) for part in parts)
    by_all = fewest >= n_voters
    drawn = f"by all {n_voters}" if by_all else f"by at least {fewest} of {n_voters}"
    each = "Each is" if len(boxes) > 1 else "It is"
    yield f"Believed: {named}. {each} drawn {drawn}."
    known = [float(sd) for part in parts for sd in part["sd"] if sd is not None]
    if known:
        far = SPREAD_SIGMAS * max(known)
        yield (
            f"The least certain side lies within {far:.0f} pixels either way, with 95 % "
            "certainty; the pale band around each box shows it side by side."
        )


def _tags(question: QuestionState, answers: list[WorkerAnswer]) -> Iterator[str]:
    parts = question.provenance.get("attributes", {})
    for name, part in sorted(parts.items(), key=lambda pair: pair[1]["confidence"]):
        value = question.value.get("tags", {}).get(name)
        votes = sorted(part["votes"].items(), key=lambda vote: (-vote[1], vote[0]))
        told = ", ".join(f"{n} {'says' if n == 1 else 'say'} {option}" for option, n in votes if n)
        yield (
            f"{name} is {tag_value(value) if value is not None else 'open'}, "
            f"{percent(part['confidence'])} sure: {told or 'nobody has said'}."
        )


def _verdict(view: ItemView, question: QuestionState) -> str:
    sure, asked = percent(question.confidence, 1), percent(view.sure_at)
    newest = next((one for one in view.labels if one.kind == question.kind), None)
    if question.state == "adjudicated" and newest is not None:
        reason = str(newest.provenance.get("reason", "")).strip()
        told = f": {reason}" if reason else "."
        return f"A person settled it ({newest.actor}, version {newest.version}){told}"
    if question.state == "sure":
        return f"As a whole it is {sure} sure; this job asks for {asked}, so it is the label."
    if question.state == "open":
        return f"As a whole it is {sure} sure so far; further answers are awaited."
    return (
        f"As a whole it is {sure} sure, and this job asks for {asked}: a person decides, "
        "unless another route is still to be asked."
    )
