"""Bridge from tag answers to the quality engine and back. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from jobs.records import Attribute
from jobs.votes import Combined, Score, Vote, by_item, first_of_each_worker, index_of, voters
from quality import workers as worker_quality
from quality.consensus import tags as methods
from quality.consensus.shapes import TagAnswers, TagConsensus

Gold = Mapping[int, dict[str, Any]]


@dataclass(frozen=True)
class Ballot:
    """One attribute's answers as columns; row i of the items axis is ``rows[i]``.

    A row is (item id, option); the option is "" unless many choices are asked, each of
    which is one yes-or-no decision.
    """

    attribute: Attribute
    options: tuple[str, ...]
    rows: tuple[tuple[int, str], ...]
    worker_ids: tuple[int, ...]
    answers: TagAnswers


def combine_tags(
    votes: Sequence[Vote], attributes: Sequence[Attribute], method: str, gold: Gold
) -> tuple[list[Combined], dict[int, Score]]:
    """Each item's combined tags, by item id, and each worker's score.

    The confidence of an item is that of its weakest attribute. Gold scores workers; it
    does not decide labels, so that their accuracy against it stays honest.
    """
    counted = first_of_each_worker(votes)
    combine = methods.load(method)
    parts: dict[int, dict[str, _Part]] = defaultdict(dict)
    weights: dict[int, list[float]] = defaultdict(list)
    scores: dict[int, Score] = defaultdict(Score)
    for vote in counted:
        scores[vote.worker_id].n_answers += 1
    name = method
    for attribute in attributes:
        ballot = _ballot(counted, attribute, gold)
        if ballot is None:
            continue
        result = combine(replace(ballot.answers, gold=None))
        name = f"{result.method}@{result.version}"
        for worker_id, weight in zip(ballot.worker_ids, result.workers.weight, strict=True):
            weights[worker_id].append(float(weight))
        for item_id, part in _parts(ballot, result).items():
            parts[item_id][attribute.name] = part
        _add_scores(scores, ballot)
    mean_weight = {worker_id: float(np.mean(found)) for worker_id, found in weights.items()}
    groups = by_item(counted)
    combined = [
        _combined(item_id, parts[item_id], groups[item_id], attributes, name, mean_weight)
        for item_id in sorted(groups)
    ]
    return combined, dict(scores)


@dataclass(frozen=True)
class _Part:
    value: Any
    confidence: float
    agreement: float | None
    votes: dict[str, int]


def _combined(
    item_id: int,
    parts: Mapping[str, _Part],
    votes: Sequence[Vote],
    attributes: Sequence[Attribute],
    method: str,
    weight: dict[int, float],
) -> Combined:
    agreements = [part.agreement for part in parts.values() if part.agreement is not None]
    return Combined(
        item_id=item_id,
        value={"tags": {name: parts[name].value for name in sorted(parts)}},
        confidence=min((part.confidence for part in parts.values()), default=0.0),
        agreement=float(np.mean(agreements)) if agreements else None,
        n_answers=len(votes),
        complete=len(parts) == len(attributes),
        method=method,
        provenance={
            "voters": voters(votes, weight),
            "attributes": {
                name: {
                    "confidence": round(parts[name].confidence, 6),
                    "votes": parts[name].votes,
                }
                for name in sorted(parts)
            },
        },
    )


def _ballot(votes: Sequence[Vote], attribute: Attribute, gold: Gold) -> Ballot | None:
    many = attribute.kind == "many"
    options = ("no", "yes") if many else attribute.options
    alphabet = options if many or not attribute.unsure else (*options, attribute.unsure)
    place = {option: index for index, option in enumerate(alphabet)}
    cells = [
        ((vote.item_id, option), vote, place[said])
        for vote in votes
        if attribute.name in vote.value.get("tags", {})
        for option, said in _decisions(vote.value["tags"][attribute.name], attribute)
    ]
    if not cells:
        return None
    rows = sorted({cell[0] for cell in cells})
    row_place = {row: index for index, row in enumerate(rows)}
    worker_ids, workers = index_of([vote.worker_id for _, vote, _ in cells])
    answers = TagAnswers(
        item=np.array([row_place[row] for row, _, _ in cells], dtype=np.int64),
        worker=workers,
        label=np.array([label for _, _, label in cells], dtype=np.int64),
        n_items=len(rows),
        n_workers=len(worker_ids),
        n_labels=len(alphabet),
        truth=np.array([option in options for option in alphabet]) if alphabet != options else None,
        gold=_known(rows, attribute, place, gold),
        ordered=attribute.kind == "scale",
    )
    return Ballot(attribute, alphabet, tuple(rows), tuple(worker_ids), answers)


def _decisions(value: Any, attribute: Attribute) -> Iterable[tuple[str, str]]:
    if attribute.kind != "many":
        return [("", str(value))]
    if value == attribute.unsure or value == [attribute.unsure]:
        return []
    return [(option, "yes" if option in value else "no") for option in attribute.options]


def _known(
    rows: Sequence[tuple[int, str]], attribute: Attribute, place: Mapping[str, int], gold: Gold
) -> Any:
    known = np.full(len(rows), -1, dtype=np.int64)
    for index, (item_id, option) in enumerate(rows):
        value = gold.get(item_id, {}).get("tags", {}).get(attribute.name)
        if value is None:
            continue
        said = str(value) if not option else ("yes" if option in value else "no")
        known[index] = place.get(said, -1)
    return known


def _parts(ballot: Ballot, result: TagConsensus) -> dict[int, _Part]:
    answers = ballot.answers
    counts = np.zeros((answers.n_items, answers.n_labels), dtype=np.int64)
    np.add.at(counts, (answers.item, answers.label), 1)
    n = counts.sum(axis=1)
    pairs = np.maximum(n * (n - 1), 1)
    agreement = (counts * (counts - 1)).sum(axis=1) / pairs
    grouped: dict[int, list[int]] = defaultdict(list)
    for index, (item_id, _) in enumerate(ballot.rows):
        grouped[item_id].append(index)
    many = ballot.attribute.kind == "many"
    found: dict[int, _Part] = {}
    for item_id, indices in grouped.items():
        said = [ballot.options[result.label[index]] for index in indices]
        found[item_id] = _Part(
            value=_chosen(ballot, indices, said) if many else said[0],
            confidence=float(np.min(result.confidence[indices])),
            agreement=float(np.mean(agreement[indices])) if n[indices].min() > 1 else None,
            votes=_vote_counts(ballot, counts, indices),
        )
    return found


def _chosen(ballot: Ballot, indices: Sequence[int], said: Sequence[str]) -> list[str]:
    """The options that were ticked, in the schema's order."""
    ticked = {ballot.rows[i][1] for i, word in zip(indices, said, strict=True) if word == "yes"}
    return [option for option in ballot.attribute.options if option in ticked]


def _vote_counts(ballot: Ballot, counts: Any, indices: Sequence[int]) -> dict[str, int]:
    if ballot.attribute.kind == "many":
        return {ballot.rows[index][1]: int(counts[index, 1]) for index in indices}
    row = counts[indices[0]]
    return {option: int(n) for option, n in zip(ballot.options, row, strict=True) if n}


def _add_scores(scores: dict[int, Score], ballot: Ballot) -> None:
    gold = worker_quality.against_gold(ballot.answers)
    others = worker_quality.against_others(replace(ballot.answers, gold=None))
    for index, worker_id in enumerate(ballot.worker_ids):
        score = scores[worker_id]
        score.gold_right += float(gold.n_right[index])
        score.gold_all += float(gold.n_judged[index])
        score.others_right += float(others.n_right[index])
        score.others_all += float(others.n_judged[index])
