"""A picture cut into overlapping tiles: asked tile by tile, labeled as a whole."""

from sqlalchemy import select

from jobs.db import reading
from jobs.providers.model import answer_xml
from jobs.tables import Hit, HitTask, Label, Task
from webapp.marketplace.store import write as market_write

SIZE = (160, 120)
BOX = (20, 30, 130, 100)  # of the whole picture, cut by each seam
SLICING = "{gold_rate: 0, tile: 96, overlap: 32}"


def tiles_by_marker(bench):
    with reading(bench.sessions) as session:
        rows = session.execute(
            select(Hit.marker, Task.tile)
            .join(HitTask, HitTask.hit_id == Hit.id)
            .join(Task, Task.id == HitTask.task_id)
        ).all()
    return {marker: tuple(tile) for marker, tile in rows}


def draw_in(tile):
    """What a careful worker draws on one tile: the part of the box it shows."""
    left, top = max(BOX[0], tile[0]), max(BOX[1], tile[1])
    right, bottom = min(BOX[2], tile[2]), min(BOX[3], tile[3])
    drawn = {
        "label": "cat", "left": left - tile[0], "top": top - tile[1],
        "width": right - left, "height": bottom - top,
    }  # fmt: skip
    boxes = [drawn] if right > left and bottom > top else []
    size = {"width": tile[2] - tile[0], "height": tile[3] - tile[1]}
    return answer_xml({"t0-boxes": {"boundingBoxes": boxes, "inputImageProperties": size}})


def test_boxes_cut_by_tiles_become_one_label_of_the_whole_picture(bench):
    bench.launch(n_items=1, kind="boxes", redundancy=2, slicing=SLICING, size=SIZE)
    bench.drain()
    tiles = tiles_by_marker(bench)
    assert len(tiles) == 4
    for name in ("ben", "cho"):
        for _ in tiles:
            assert market_write(
                bench.market.market.sessions,
                lambda session, name=name: bench._work_once(
                    session, name, lambda hit: draw_in(tiles[hit.annotation])
                ),
            )
    bench.settle_down()
    (label,) = bench.ours(Label)
    (box,) = label.value["boxes"]
    assert [box[side] for side in ("left", "top", "right", "bottom")] == list(BOX)
    bench.check_books()
