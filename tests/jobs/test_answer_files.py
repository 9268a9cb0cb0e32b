from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from jobs import answer_files
from jobs.answer_files import BadRow
from jobs.errors import InvalidInput


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_tags_are_read_with_indices_into_sorted_names(tmp_path: Path) -> None:
    read = answer_files.read_tags(
        write(tmp_path / "a.csv", "item,worker,label,seconds\nb,w2,no,3\na,w1,yes,\na,w2,no,1.5\n")
    )
    assert (read.items, read.workers, read.labels) == (("a", "b"), ("w1", "w2"), ("no", "yes"))
    assert read.item.tolist() == [1, 0, 0]
    assert read.label.tolist() == [0, 1, 0]
    assert read.seconds is not None
    np.testing.assert_array_equal(read.seconds, [3, np.nan, 1.5])
    assert (read.n_rows, read.bad) == (3, ())


def test_the_order_of_rows_and_columns_does_not_matter(tmp_path: Path) -> None:
    one = answer_files.read_tags(write(tmp_path / "a.csv", "item,worker,label\na,w,x\nb,v,y\n"))
    two = answer_files.read_tags(write(tmp_path / "b.csv", "label,item,worker\ny,b,v\nx,a,w\n"))
    assert (one.items, one.workers, one.labels) == (two.items, two.workers, two.labels)


def test_bad_rows_are_named_by_line_and_the_counts_add_up(tmp_path: Path) -> None:
    text = "item,worker,label,seconds\na,w,x,1\n,w,x,1\na,v,,1\na,u,x,soon\na,t,x,-1\n"
    read = answer_files.read_tags(write(tmp_path / "a.csv", text))
    assert [(row.line, row.reason.split(":")[0]) for row in read.bad] == [
        (3, "item"),
        (4, "label"),
        (5, "seconds"),
        (6, "seconds"),
    ]
    assert read.n_rows == len(read.item) + len(read.bad) == 5


def test_numbers_in_parquet_become_the_same_texts(tmp_path: Path) -> None:
    table = pa.table({"item": [1, 2], "worker": ["w", "w"], "label": [0, 1]})
    pa.parquet.write_table(table, tmp_path / "a.parquet")
    read = answer_files.read_tags(tmp_path / "a.parquet")
    assert (read.items, read.labels) == (("1", "2"), ("0", "1"))


def test_an_mturk_results_file_is_read_and_rejected_work_left_out(tmp_path: Path) -> None:
    text = (
        "HITId,WorkerId,AssignmentStatus,WorkTimeInSeconds,Input.image_url,Answer.animal\n"
        "h1,A1,Approved,12,http://x/a.jpg,cat\n"
        "h1,A2,Rejected,1,http://x/a.jpg,dog\n"
        "h1,A3,Submitted,9,http://x/a.jpg,cat\n"
    )
    read = answer_files.read_tags(write(tmp_path / "results.csv", text))
    assert (read.items, read.workers, read.labels) == (("http://x/a.jpg",), ("A1", "A3"), ("cat",))
    assert read.seconds is not None
    assert read.seconds.tolist() == [12, 9]
    assert read.bad == (BadRow(3, answer_files.REJECTED),)
    assert read.n_rows == len(read.item) + len(read.bad) == 3


def test_rejected_boxes_do_not_vote_and_are_counted_by_their_line(tmp_path: Path) -> None:
    drawn = json.dumps(
        [{"b": {"boundingBoxes": [], "inputImageProperties": {"width": 9, "height": 9}}}]
    ).replace('"', '""')
    text = "HITId,WorkerId,AssignmentStatus,Answer.taskAnswers\n" + "".join(
        f'h1,{worker},{status},"{drawn}"\n'
        for worker, status in [("A1", "Rejected"), ("A2", "Approved"), ("A3", "Rejected")]
    )
    read = answer_files.read_boxes(write(tmp_path / "results.csv", text + "h1,A4,Approved,{}\n"))
    assert [one.worker for one in read.responses] == ["A2"]
    assert [(row.line, row.reason) for row in read.bad[:2]] == [
        (2, answer_files.REJECTED),
        (4, answer_files.REJECTED),
    ]
    assert read.bad[2].line == 5
    assert read.n_rows == len(read.responses) + len(read.bad) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [("item,worker\na,w\n", "label"), ("", "CSV"), ("item,item,worker,label\n", "different")],
)
def test_a_file_without_the_columns_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        answer_files.read_tags(write(tmp_path / "a.csv", text))


def box_row(**change: object) -> str:
    box = {"label": "car", "left": 10, "top": 20, "width": 30, "height": 40}
    row = {"image": "a", "annotator": "w", "width": 100, "height": 80, "boxes": [box]}
    return json.dumps({**row, **change})


def test_boxes_are_read_clipped_and_an_empty_list_is_an_answer(tmp_path: Path) -> None:
    wide = [{"label": "car", "left": -5, "top": 0, "width": 300, "height": 40, "score": 0.5}]
    lines = [box_row(), box_row(boxes=[], annotator="v"), box_row(boxes=wide, annotator="u")]
    read = answer_files.read_boxes(write(tmp_path / "a.jsonl", "\n".join(lines)))
    first, second, third = read.responses
    assert first.boxes[0][:5] == ("car", 10, 20, 40, 60)
    assert second.boxes == ()
    assert third.boxes == (("car", 0, 0, 100, 40, 0.5),)


def test_a_stray_click_costs_its_box_and_not_the_answer(tmp_path: Path) -> None:
    click = {"label": "car", "left": 10, "top": 20, "width": 0, "height": 0}
    read = answer_files.read_boxes(write(tmp_path / "a.jsonl", box_row(boxes=[click])))
    assert (len(read.responses), read.n_boxes_dropped, read.bad) == (1, 1, ())


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{not json", "object"),
        (box_row(image=""), "image"),
        (box_row(width=0), "size"),
        (box_row(height="tall"), "height"),
        (box_row(boxes=None), "boxes"),
        (box_row(boxes=[{"label": 3}]), "box"),
        (box_row(boxes=[{"label": "car", "left": True}]), "left"),
    ],
)
def test_a_bad_box_row_is_named_and_the_rest_is_read(
    tmp_path: Path, line: str, message: str
) -> None:
    read = answer_files.read_boxes(write(tmp_path / "a.jsonl", f"{box_row()}\n{line}\n"))
    (bad,) = read.bad
    assert (bad.line, len(read.responses), read.n_rows) == (2, 1, 2)
    assert message in bad.reason


def test_gold_boxes_need_no_annotator_and_must_be_right(tmp_path: Path) -> None:
    row = json.loads(box_row())
    del row["annotator"]
    known = answer_files.read_gold_boxes(write(tmp_path / "g.jsonl", json.dumps(row)))
    assert known["a"].boxes[0][0] == "car"
    with pytest.raises(InvalidInput, match="line 1"):
        answer_files.read_gold_boxes(write(tmp_path / "h.jsonl", box_row(boxes=3)))


def test_boxes_of_parquet_and_jsonl_are_the_same(tmp_path: Path) -> None:
    jsonl = write(tmp_path / "a.jsonl", box_row())
    pa.parquet.write_table(pa.Table.from_pylist([json.loads(box_row())]), tmp_path / "a.parquet")
    assert (
        answer_files.read_boxes(jsonl).responses[0].boxes[0][:5]
        == answer_files.read_boxes(tmp_path / "a.parquet").responses[0].boxes[0][:5]
    )


def test_a_written_table_has_empty_cells_where_there_is_no_number(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    answer_files.write_table(path, {"worker": ["a,b", "c"], "accuracy": np.array([0.5, np.nan])})
    assert path.read_text() == 'worker,accuracy\n"a,b",0.5\nc,\n'
    assert list(tmp_path.iterdir()) == [path]
