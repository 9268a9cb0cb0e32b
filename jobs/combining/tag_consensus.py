"""Bridge from tag answers to the quality engine and back. Pure.

Answers go in an item at a time and are kept as columns of numbers, a few bytes each, so that
millions fit; combined answers come out an item at a time again.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jobs.combining.votes import (
    Combined,
    Score,
    Vote,
    by_item,
    first_of_each_worker,
    index_of,
    voters,
)
from jobs.records import Attribute
from quality import workers as worker_quality
from quality.consensus import tags as methods
from quality.consensus.shapes import TagAnswers, TagConsensus

Gold = Mapping[int, dict[str, Any]]
Method = Callable[[TagAnswers], TagConsensus]


def combine_tags(
    votes: Sequence[Vote], attributes: Sequence[Attribute], method: str, gold: Gold
) -> tuple[list[Combined], dict[int, Score]]:
    """Each item's combined tags, by item id, and each worker's score.

    The confidence of an item is that of its weakest attribute. Gold scores workers; it
    does not decide labels, so that their accuracy against it stays honest.
    """
    columns = TagColumns(attributes, gold)
    groups = sorted(by_item(votes).items())
    for _, group in groups:
        columns.add(group)
    fitted = columns.fit(method)
    return [fitted.combined(group) for _, group in groups], fitted.scores


@dataclass
class _Cells:
    """One attribute's answers: cell i is worker ``worker[i]`` saying ``label[i]`` of ``row[i]``.

    A row is an item's, or where many choices are asked one of its options': ``rows_each`` rows
    an item, options by name. ``items`` lists the items that have rows, rising.
    """

    attribute: Attribute
    row: array[int] = field(default_factory=lambda: array("i"))
    worker: array[int] = field(default_factory=lambda: array("q"))
    label: array[int] = field(default_factory=lambda: array("h"))
    items: array[int] = field(default_factory=lambda: array("q"))

    @property
    def is_many(self) -> bool:
        return self.attribute.kind == "many"

    @property
    def rows_of(self) -> list[str]:
        """The option of each row of an item; one nameless row unless many choices are asked."""
        return sorted(self.attribute.options) if self.is_many else [""]

    @property
    def alphabet(self) -> tuple[str, ...]:
        """What can be said of a row."""
        if self.is_many:
            return ("no", "yes")
        unsure = (self.attribute.unsure,) if self.attribute.unsure else ()
        return (*self.attribute.options, *unsure)

    def add(self, votes: Sequence[Vote]) -> None:
        places = {option: place for place, option in enumerate(self.rows_of)}
        said = {word: label for label, word in enumerate(self.alphabet)}
        item_id, name = votes[0].item_id, self.attribute.name
        for vote in first_of_each_worker([vote for vote in votes if name in _tags(vote)]):
            for option, word in _decisions(_tags(vote)[name], self.attribute):
                if not self.items or self.items[-1] != item_id:
                    self.items.append(item_id)
                self.row.append((len(self.items) - 1) * len(places) + places[option])
                self.worker.append(vote.worker_id)
                self.label.append(said[word])

    def answers(self, gold: Gold) -> tuple[TagAnswers, list[int]]:
        """The cells as the engine takes them, and the worker id of each of its workers."""
        worker_ids, workers = index_of(np.frombuffer(self.worker, np.int64))
        options = ("no", "yes") if self.is_many else self.attribute.options
        alphabet = self.alphabet
        answers = TagAnswers(
            item=np.frombuffer(self.row, np.int32).astype(np.int64),
            worker=workers,
            label=np.frombuffer(self.label, np.int16).astype(np.int64),
            n_items=len(self.items) * len(self.rows_of),
            n_workers=len(worker_ids),
            n_labels=len(alphabet),
            truth=np.array([word in options for word in alphabet]) if alphabet != options else None,
            gold=self._known(gold),
            ordered=self.attribute.kind == "scale",
        )
        return answers, worker_ids

    def _known(self, gold: Gold) -> NDArray[np.int64]:
        each, said = self.rows_of, {word: label for label, word in enumerate(self.alphabet)}
        known = np.full(len(self.items) * len(each), -1, dtype=np.int64)
        items = np.frombuffer(self.items, np.int64)
        for item_id in gold.keys() & set(items.tolist()) if gold else ():
            value = gold[item_id].get("tags", {}).get(self.attribute.name)
            if value is None:
                continue
            start = int(np.searchsorted(items, item_id)) * len(each)
            for place, option in enumerate(each):
                word = ("yes" if option in value else "no") if option else str(value)
                known[start + place] = said.get(word, -1)
        return known


@dataclass
class TagColumns:
    """Answers to a job's tag question, an item after the other by rising id."""

    attributes: Sequence[Attribute]
    gold: Gold
    n_answers: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    cells: list[_Cells] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cells = [_Cells(attribute) for attribute in self.attributes]

    def add(self, votes: Sequence[Vote]) -> None:
        """Take in all answers to one item: a worker's first to each attribute counts."""
        for vote in _counted(votes):
            self.n_answers[vote.worker_id] += 1
        for cells in self.cells:
            cells.add(votes)

    def fit(self, method: str) -> FittedTags:
        """What the method makes of all the answers."""
        combine = methods.load(method)
        scores: dict[int, Score] = defaultdict(Score)
        for worker_id, n_answers in self.n_answers.items():
            scores[worker_id].n_answers = n_answers
        weights: dict[int, list[float]] = defaultdict(list)
        results: dict[str, _Result] = {}
        name = method
        for cells in self.cells:
            if not cells.items:
                continue
            answers, worker_ids = cells.answers(self.gold)
            found = combine(replace(answers, gold=None))
            name = f"{found.method}@{found.version}"
            for worker_id, weight in zip(worker_ids, found.workers.weight, strict=True):
                weights[worker_id].append(float(weight))
            results[cells.attribute.name] = _result(cells, answers, found)
            _add_scores(scores, answers, worker_ids)
        weight_of = {worker_id: float(np.mean(found)) for worker_id, found in weights.items()}
        return FittedTags(results, len(self.attributes), name, weight_of, dict(scores))


@dataclass(frozen=True)
class _Result:
    """One attribute's outcome, row by row of ``_Cells``."""

    cells: _Cells
    items: NDArray[np.int64]
    label: NDArray[np.int16]
    confidence: NDArray[np.float64]
    counts: NDArray[np.int32]

    def part(self, item_id: int) -> _Part | None:
        """The outcome for one item; None when nobody answered the attribute."""
        place = int(np.searchsorted(self.items, item_id))
        if place == len(self.items) or self.items[place] != item_id:
            return None
        options, alphabet = self.cells.rows_of, self.cells.alphabet
        rows = slice(place * len(options), (place + 1) * len(options))
        said = [alphabet[label] for label in self.label[rows]]
        counts = self.counts[rows].astype(np.int64)
        n = counts.sum(axis=1)
        agreement = (counts * (counts - 1)).sum(axis=1) / np.maximum(n * (n - 1), 1)
        is_many = self.cells.is_many
        return _Part(
            value=self._chosen(options, said) if is_many else said[0],
            confidence=float(np.min(self.confidence[rows])),
            agreement=float(np.mean(agreement)) if n.min() > 1 else None,
            votes={option: int(row[1]) for option, row in zip(options, counts, strict=True)}
            if is_many
            else {word: int(c) for word, c in zip(alphabet, counts[0], strict=True) if c},
        )

    def _chosen(self, options: Sequence[str], said: Sequence[str]) -> list[str]:
        """The options that were ticked, in the schema's order."""
        ticked = {option for option, word in zip(options, said, strict=True) if word == "yes"}
        return [option for option in self.cells.attribute.options if option in ticked]


@dataclass(frozen=True)
class _Part:
    value: Any
    confidence: float
    agreement: float | None
    votes: dict[str, int]


@dataclass(frozen=True)
class FittedTags:
    """What was learned; ``combined`` gives an item's answer from it."""

    results: Mapping[str, _Result]
    n_attributes: int
    method: str
    weight: Mapping[int, float]
    scores: dict[int, Score]

    def combined(self, votes: Sequence[Vote]) -> Combined:
        """The combined answer to one item that was taken in with these votes."""
        counted = _counted(votes)
        item_id = votes[0].item_id
        found = {name: result.part(item_id) for name, result in self.results.items()}
        parts = {name: part for name, part in sorted(found.items()) if part is not None}
        agreements = [part.agreement for part in parts.values() if part.agreement is not None]
        return Combined(
            item_id=item_id,
            value={"tags": {name: part.value for name, part in parts.items()}},
            confidence=min((part.confidence for part in parts.values()), default=0.0),
            agreement=float(np.mean(agreements)) if agreements else None,
            n_answers=len(counted),
            complete=len(parts) == self.n_attributes,
            method=self.method,
            provenance={
                "voters": voters(counted, self.weight),
                "attributes": {
                    name: {"confidence": round(part.confidence, 6), "votes": part.votes}
                    for name, part in parts.items()
                },
            },
        )


def _result(cells: _Cells, answers: TagAnswers, found: TagConsensus) -> _Result:
    counts = np.zeros((answers.n_items, answers.n_labels), dtype=np.int32)
    np.add.at(counts, (answers.item, answers.label), 1)
    items = np.frombuffer(cells.items, np.int64)
    return _Result(cells, items, found.label.astype(np.int16), found.confidence, counts)


def _tags(vote: Vote) -> Mapping[str, Any]:
    """The attributes that were answered."""
    tags = vote.value.get("tags", {})
    return {name: value for name, value in tags.items() if value is not None}


def _counted(votes: Sequence[Vote]) -> list[Vote]:
    """The votes that are a worker's first, or the first to say something of some attribute.

    Two routes may ask one worker about other attributes of the same item: both answers count.
    """
    heard: set[tuple[int, int, str]] = set()
    counted = []
    for vote in sorted(votes, key=lambda vote: (vote.unit, vote.worker_id, vote.answer_id)):
        said = {(vote.unit, vote.worker_id, name) for name in ("", *_tags(vote))}
        if said - heard:
            counted.append(vote)
        heard |= said
    return counted


def _decisions(value: Any, attribute: Attribute) -> Iterable[tuple[str, str]]:
    if attribute.kind != "many":
        return [("", str(value))]
    if value == attribute.unsure or value == [attribute.unsure]:
        return []
    return [(option, "yes" if option in value else "no") for option in attribute.options]


def _add_scores(scores: dict[int, Score], answers: TagAnswers, worker_ids: Sequence[int]) -> None:
    gold = worker_quality.against_gold(answers)
    others = worker_quality.against_others(replace(answers, gold=None))
    for index, worker_id in enumerate(worker_ids):
        score = scores[worker_id]
        score.gold_right += float(gold.n_right[index])
        score.gold_all += float(gold.n_judged[index])
        score.others_right += float(others.n_right[index])
        score.others_all += float(others.n_judged[index])
