"""Why a label is what it is, in words and drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from jobs.reports import ItemView
from jobs.reports.items import LabelVersion, QuestionState, WorkerAnswer
from webapp.explaining import why
from webapp.overlay import OverlayBox

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
CUP = {"label": "cup", "left": 10, "top": 20, "right": 50, "bottom": 60}
VOTERS = [
    {"answer": 1, "worker": 1, "provider": "mturk", "weight": 0.9},
    {"answer": 2, "worker": 2, "provider": "model", "weight": 0.3},
]


def _question(**changes: Any) -> QuestionState:
    found = QuestionState(
        kind="boxes",
        state="sure",
        value={"boxes": [CUP]},
        confidence=0.93,
        agreement=1.0,
        n_answers=2,
        method="probabilistic@3",
        provenance={
            "voters": VOTERS,
            "boxes": [{"confidence": 0.99, "votes": 2, "sd": [4, 5, 6, None], "answers": [1, 2]}],
            "doubted": [{"box": {**CUP, "label": "eye"}, "confidence": 0.12, "votes": 1}],
        },
        combined_at=NOW,
    )
    return replace(found, **changes)


def _answer(number: int, state: str = "Approved") -> WorkerAnswer:
    return WorkerAnswer(
        number, number, number, "mturk", f"W{number}", "boxes", {"boxes": [CUP]}, 9.0, state,
        False, NOW,
    )  # fmt: skip


def _view(*answers: WorkerAnswer, labels: tuple[LabelVersion, ...] = ()) -> ItemView:
    return ItemView(
        1, 1, "cup.jpg", "cup", 100, 100, "", "", {}, answers, (), labels, {}, None, None, 0.6
    )


def test_who_counts_most_and_who_is_left_out_is_said() -> None:
    told = why(_view(_answer(1), _answer(2), _answer(3, "Rejected")), _question())
    assert "W1 the most (×0.90), W2 the least (×0.30)" in told[0]
    assert told[1] == "Left out, for the work was rejected: W3."


def test_boxes_are_told_with_their_doubts_and_their_least_certain_side() -> None:
    told = " ".join(why(_view(_answer(1), _answer(2)), _question()))
    assert "Believed: cup. It is drawn by all 2." in told
    assert "within 12 pixels either way" in told
    assert "Not believed: eye, that 1 of 2 drew, 12 % likely to be there." in told
    assert told.endswith("93.0 % sure; this job asks for 60 %, so it is the label.")


def test_an_empty_picture_is_told_as_empty() -> None:
    nothing = _question(value={"boxes": []}, provenance={"voters": VOTERS, "boxes": []})
    assert any("counts as empty" in line for line in why(_view(_answer(1)), nothing))


def test_tags_are_told_least_sure_first_with_their_votes() -> None:
    parts = {
        "count": {"confidence": 0.99, "votes": {"2": 2}},
        "colour": {"confidence": 0.5, "votes": {"red": 1, "blue": 1, "green": 0}},
    }
    question = _question(
        kind="tags",
        state="conflict",
        confidence=0.5,
        value={"tags": {"count": "2", "colour": "red"}},
        provenance={"voters": VOTERS, "attributes": parts},
    )
    told = why(_view(), question)
    assert told[1] == "colour is red, 50 % sure: 1 says blue, 1 says red."
    assert told[2] == "count is 2, 99 % sure: 2 say 2."
    assert "a person decides" in told[-1]


def test_a_persons_decision_is_told_with_its_reason() -> None:
    label = LabelVersion(
        "boxes", 2, {"boxes": []}, 1.0, "adjudication", "ada@example.org",
        {"reason": "the cup is a bowl"}, NOW,
    )  # fmt: skip
    told = why(_view(labels=(label,)), _question(state="adjudicated"))
    assert told[-1] == "A person settled it (ada@example.org, version 2): the cup is a bowl"


def test_the_band_reaches_two_deviations_to_either_side_and_never_inside_out() -> None:
    box = OverlayBox("cup", 10, 20, 40, 40, spread=(1, 2, 3, 4))
    assert box.band == "M8.0 16.0H56.0V68.0H8.0ZM12.0 24.0H44.0V52.0H12.0Z"
    small = OverlayBox("cup", 10, 20, 4, 4, spread=(9, 9, 9, 9))
    assert small.band.endswith("M12.0 22.0H12.0V22.0H12.0Z")
    assert OverlayBox("cup", 1, 2, 3, 4).band == ""
