"""``consensus`` and ``agreement``: files in, files out, without database or server."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from webapp.cli import hitworks

TAGS = "item,worker,label\n" + "".join(
    f"i{item},w{worker},{'yes' if (item % 2) ^ (worker == 4 and item < 6) else 'no'}\n"
    for item in range(12)
    for worker in range(5)
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HITWORKS_DATA_DIR", str(tmp_path / "data"))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(hitworks, arguments, catch_exceptions=True)

    return invoke


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def box_lines(shift: float = 0.0) -> str:
    return "".join(
        json.dumps(
            {
                "image": f"i{image}",
                "annotator": f"w{worker}",
                "width": 200,
                "height": 100,
                "boxes": []
                if image == 0
                else [
                    {
                        "label": "car",
                        "left": 20 + worker + shift,
                        "top": 10,
                        "width": 60,
                        "height": 40,
                    }
                ],
            }
        )
        + "\n"
        for image in range(6)
        for worker in range(3)
    )


def test_tags_give_one_label_an_item_and_a_row_a_worker(run: Any) -> None:
    Path("a.csv").write_text(TAGS)
    result = run("consensus", "tags", "a.csv", "--out", "l.csv", "--workers", "w.csv")
    assert result.exit_code == 0, result.output
    labels = rows("l.csv")
    assert list(labels[0]) == ["item", "label", "confidence", "votes"]
    assert {row["item"]: row["label"] for row in labels} == {
        f"i{item}": "yes" if item % 2 else "no" for item in range(12)
    }
    workers = rows("w.csv")
    assert list(workers[0]) == ["worker", "accuracy", "low", "high", "n_answers"]
    worst = min(workers, key=lambda row: float(row["accuracy"]))
    assert worst["worker"] == "w4"
    assert all(row["n_answers"] == "12" for row in workers)
    assert not Path("data").exists()


def test_gold_scores_workers_against_what_is_known(run: Any) -> None:
    Path("a.csv").write_text(TAGS)
    gold = "".join(f"i{item},{'yes' if item % 2 else 'no'}\n" for item in range(6))
    Path("g.csv").write_text("item,label\n" + gold)
    arguments = ("--out", "l.csv", "--workers", "w.csv", "--gold", "g.csv", "--method", "majority")
    assert run("consensus", "tags", "a.csv", *arguments).exit_code == 0
    accuracy = {row["worker"]: float(row["accuracy"]) for row in rows("w.csv")}
    assert accuracy["w4"] < 0.5 < accuracy["w0"]


def test_boxes_give_a_line_an_image_and_doubted_ones_on_request(run: Any) -> None:
    Path("a.jsonl").write_text(box_lines())
    result = run("consensus", "boxes", "a.jsonl", "--out", "l.jsonl", "--workers", "w.csv")
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in Path("l.jsonl").read_text().splitlines()]
    assert [line["image"] for line in lines] == [f"i{image}" for image in range(6)]
    assert lines[0]["boxes"] == []
    (box,) = lines[1]["boxes"]
    assert set(box) == {
        "label",
        "left",
        "top",
        "width",
        "height",
        "confidence",
        "votes",
        "sd",
    }
    assert (box["label"], box["votes"]) == ("car", 3)
    assert {"detection_rate", "false_boxes", "mean_iou"} <= set(rows("w.csv")[0])
    assert run("consensus", "boxes", "a.jsonl", "--out", "all.jsonl", "--all").exit_code == 0


def test_box_workers_are_scored_against_gold_where_given(run: Any) -> None:
    Path("a.jsonl").write_text(box_lines())
    Path("g.jsonl").write_text(box_lines(shift=50).replace("annotator", "drawn_by"))
    arguments = ("--out", "l.jsonl", "--workers", "w.csv", "--gold", "g.jsonl")
    assert run("consensus", "boxes", "a.jsonl", *arguments).exit_code == 0
    assert all(float(row["accuracy"]) < 0.5 for row in rows("w.csv"))


def test_json_tells_counts_that_add_up_and_strict_fails_on_the_first_bad_row(run: Any) -> None:
    Path("a.csv").write_text(TAGS + "i0,,yes\n")
    result = CliRunner().invoke(
        hitworks, ["consensus", "tags", "a.csv", "--out", "l.csv", "--json"]
    )
    told = json.loads(result.stdout)
    assert (told["n_rows"], told["n_used"], told["n_bad"]) == (61, 60, 1)
    assert told["bad"] == [{"line": 62, "reason": "worker: expected a text, got nothing"}]
    strict = run("consensus", "tags", "a.csv", "--out", "strict.csv", "--strict")
    assert strict.exit_code != 0
    assert "line 62" in str(strict.exception)
    assert not Path("strict.csv").exists()


@pytest.mark.parametrize("kind", ["tags", "boxes"])
def test_agreement_of_a_file_is_told_with_its_interval(run: Any, kind: str) -> None:
    name = "a.csv" if kind == "tags" else "a.jsonl"
    Path(name).write_text(TAGS if kind == "tags" else box_lines())
    told = json.loads(run("agreement", kind, name, "--json").stdout)
    value = told["value" if kind == "tags" else "f1"]
    assert told["low"] <= value <= told["high"]
    assert told["n_bad"] == 0


def test_pairs_of_workers_are_told_with_what_they_have_in_common(run: Any) -> None:
    Path("a.csv").write_text(TAGS)
    assert run("agreement", "tags", "a.csv", "--pairs", "p.csv").exit_code == 0
    pairs = {(row["worker"], row["other"]): row for row in rows("p.csv")}
    assert len(pairs) == 10
    alike, apart = pairs["w0", "w1"], pairs["w0", "w4"]
    assert (alike["n_common"], alike["n_same"], float(alike["kappa"])) == ("12", "12", 1.0)
    assert (apart["n_common"], apart["n_same"], float(apart["kappa"])) == ("12", "6", 0.0)


def test_an_empty_file_gives_empty_labels(run: Any) -> None:
    Path("a.csv").write_text("item,worker,label\n")
    assert run("consensus", "tags", "a.csv", "--out", "l.csv").exit_code == 0
    assert rows("l.csv") == []


def test_replay_shows_what_stopping_early_would_have_cost(run: Any) -> None:
    Path("a.csv").write_text(TAGS)
    gold = "".join(f"i{item},{'yes' if item % 2 else 'no'}\n" for item in range(12))
    Path("g.csv").write_text("item,label\n" + gold)
    arguments = ("consensus", "replay", "a.csv", "--gold", "g.csv", "--seeds", "2")
    told = json.loads(run(*arguments, "--json", "--stop-at", "0.9").stdout)
    assert (told["measure"], told["n_items"], told["n_known"], told["seeds"]) == (
        "accuracy",
        12,
        12,
        2,
    )
    fixed, stop = told["points"][:-1], told["points"][-1]
    assert [point["rule"] for point in fixed] == [f"fixed, {n} each" for n in range(1, 6)]
    assert [point["n_answers"] for point in fixed] == [1, 2, 3, 4, 5]
    assert fixed[-1]["right"] == 1
    assert stop["rule"] == "certainty 0.9"
    assert 2 <= stop["n_answers"] <= 5
    assert (
        run(*arguments, "--json", "--stop-at", "0.9").stdout
        == json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    )
    shown = run(*arguments).stdout
    assert "fixed needs" in shown
    assert "certainty 0.995" in shown


def test_replay_of_boxes_scores_by_f1(run: Any) -> None:
    Path("a.jsonl").write_text(box_lines())
    Path("g.jsonl").write_text(box_lines().replace("annotator", "drawn_by"))
    arguments = ("consensus", "replay", "a.jsonl", "--kind", "boxes", "--gold", "g.jsonl")
    told = json.loads(run(*arguments, "--json", "--seeds", "1", "--stop-at", "0.3").stdout)
    assert told["measure"] == "F1"
    assert [point["rule"] for point in told["points"]][-1] == "risk at most 0.3"
    assert all(0 <= point["right"] <= 1 for point in told["points"])
    assert told["points"][2]["right"] == 1


def test_replay_without_any_known_item_is_refused(run: Any) -> None:
    Path("a.csv").write_text(TAGS)
    Path("g.csv").write_text("item,label\nelsewhere,yes\n")
    result = run("consensus", "replay", "a.csv", "--gold", "g.csv")
    assert "--gold: expected a known label" in str(result.exception)
