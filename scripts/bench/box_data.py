"""Recorded box answers, gold boxes and simulated crowds, read from a data folder."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from quality import simulate
from quality.boxes import iou_matrix
from quality.consensus.shapes import BoxAnswers


@dataclass(frozen=True)
class Case:
    """Answers and the gold (boxes, labels) of those items that have it."""

    name: str
    answers: BoxAnswers
    gold: dict


def recorded(folder: Path) -> Case:
    """Answers of a real crowd: ``answers.jsonl`` and, if there, ``gold.jsonl``."""
    items, workers, labels = {}, {}, {}
    responses, rows, boxes, sizes = [], [], [], {}
    for line in _lines(folder / "answers.jsonl"):
        item = items.setdefault(line["image"], len(items))
        worker = workers.setdefault(line["annotator"], len(workers))
        xyxy, names = _boxes(line["boxes"], labels)
        responses.append((item, worker))
        rows += [(item, worker, name) for name in names]
        boxes.append(xyxy)
        sizes[item] = (line.get("width") or 0, line.get("height") or 0)
    gold_file = folder / "gold.jsonl"
    gold = {}
    for line in _lines(gold_file) if gold_file.exists() else []:
        gold[items[line["image"]]] = _boxes(line["boxes"], labels)
    size = np.array([sizes[item] for item in range(len(items))], dtype=np.float64)
    answers = columns(responses, rows, boxes, size, len(workers), len(labels))
    return Case(folder.name, answers, gold)


DISTRACTORS = {"mild": 0.3, "mixed": 1.0, "spam": 0.3, "medium": 0.3, "hard": 3.0}
SPAM = ("spam_random", "spam_full", "spam_empty", "spam_center")


def simulated(
    folder: Path,
    crowd: str,
    per_item: int = 5,
    seed: int = 0,
    hardness_sd: float = 1.0,
    n_distractors: float | None = None,
) -> Case:
    """A crowd (see ``pool_of``) over gold boxes; hard objects and distractors are shared."""
    if n_distractors is None:
        n_distractors = DISTRACTORS[crowd]
    rng = np.random.default_rng(seed)
    shown, n_labels = scenes(folder)
    pool = pool_of(crowd, max(per_item, len(shown) // 8), rng)
    responses, rows, boxes = [], [], []
    for item, (xyxy, names, size) in enumerate(shown):
        hardness = rng.normal(0, hardness_sd, len(xyxy))
        tempting = simulate.distractors(xyxy, size, n_distractors, rng)
        for worker in rng.choice(len(pool), per_item, replace=False):
            drawn, called = simulate.draw_boxes(
                xyxy,
                names,
                size,
                n_labels,
                pool[worker],
                rng,
                hardness=hardness,
                distractors=tempting,
            )
            responses.append((item, int(worker)))
            rows += [(item, int(worker), int(name)) for name in called]
            boxes.append(drawn)
    sizes = np.array([size for _, _, size in shown])
    answers = columns(responses, rows, boxes, sizes, len(pool), n_labels)
    gold = {item: (xyxy, names) for item, (xyxy, names, _) in enumerate(shown)}
    return Case(f"{folder.name} {crowd} x{per_item}", answers, gold)


def scenes(folder: Path) -> tuple[list, int]:
    """Gold (boxes, class indices, image size) of a folder's images, and how many classes."""
    labels: dict = {}
    gold = [(_boxes(line["boxes"], labels), line) for line in _lines(folder / "gold.jsonl")]
    return [(xyxy, names, _size(line, xyxy)) for (xyxy, names), line in gold], len(labels)


def pool_of(crowd: str, n: int, rng: np.random.Generator) -> list[simulate.WorkerProfile]:
    """``medium`` and ``hard`` of ``simulate.crowd``; ``mild``, ``mixed`` and ``spam`` beside."""
    if crowd == "mild":
        return [simulate.profile(name) for name in rng.choice(["careful", "average"], n)]
    if crowd == "mixed":
        kinds = ["careful", "average", "sloppy", "lazy", "spam_random", "spam_full"]
        chosen = rng.choice(kinds, n, p=[0.2, 0.35, 0.25, 0.1, 0.05, 0.05])
        return [simulate.profile(name) for name in chosen]
    if crowd != "spam":
        return simulate.crowd(crowd, n, rng)
    return [
        worker if rng.random() > 0.3 else simulate.profile(SPAM[rng.integers(4)])
        for worker in simulate.crowd("medium", n, rng)
    ]


def with_detector(case: Case, rng: np.random.Generator) -> BoxAnswers:
    """The answers and a made-up detector's on the gold images, as one more worker.

    It finds three quarters of the objects, puts a false box in every second image, and its
    scores are calibrated: a normal logit, at 1.5 for real and -0.5 for false boxes.
    """
    answers = case.answers
    habits = simulate.WorkerProfile("detector", 0.75, 1.2, (0.0,) * 4, 0.5, 0.0)
    boxes, names, rows, scores = [answers.xyxy], [answers.label], [], []
    for item, (xyxy, labels) in case.gold.items():
        width, height = answers.size[item]
        drawn, called = simulate.draw_boxes(
            xyxy, labels, (width, height), answers.n_labels, habits, rng
        )
        real = iou_matrix(drawn, xyxy).max(axis=1, initial=0.0) > 0
        scores.append(1 / (1 + np.exp(-rng.normal(np.where(real, 1.5, -0.5), 1.0))))
        boxes.append(drawn)
        names.append(called)
        rows += [item] * len(drawn)
    looked_at = np.array(list(case.gold), dtype=np.int64)
    machine = answers.n_workers
    people = np.full(len(answers.item), np.nan)
    return replace(
        answers,
        response_item=np.concatenate([answers.response_item, looked_at]),
        response_worker=np.concatenate([answers.response_worker, np.full_like(looked_at, machine)]),
        item=np.concatenate([answers.item, np.array(rows, dtype=np.int64)]),
        worker=np.concatenate([answers.worker, np.full(len(rows), machine)]),
        label=np.concatenate(names),
        xyxy=np.concatenate(boxes),
        score=np.concatenate([people, *scores]),
        n_workers=machine + 1,
    )


def large(n_items: int, per_item: int = 5, n_objects: int = 7, seed: int = 0) -> BoxAnswers:
    """Made-up answers for speed: about six boxes a worker and image, ten classes."""
    rng = np.random.default_rng(seed)
    n_workers, frame = 2000, np.array([1280.0, 720.0])
    extent = rng.uniform(20, 200, (n_items * n_objects, 2))
    corner = rng.random(extent.shape) * (frame - extent)
    label = rng.integers(0, 10, len(extent))
    step = n_workers // per_item
    who = rng.integers(0, step, (n_items, per_item)) + step * np.arange(per_item)
    detection, jitter = rng.beta(12, 2, n_workers), rng.lognormal(0, 0.4, n_workers)
    thing = np.repeat(np.arange(len(extent)), per_item)
    worker = np.repeat(who, n_objects, axis=0).ravel()
    drawn = rng.random(len(thing)) < detection[worker]
    thing, worker = thing[drawn], worker[drawn]
    side = np.tile(extent[thing], 2)
    noise = rng.standard_t(4, side.shape) * jitter[worker][:, None] * 1.5 * side**0.35
    xyxy = np.concatenate([corner, corner + extent], axis=1)[thing] + noise
    xyxy[:, :2] = np.clip(np.minimum(xyxy[:, :2], xyxy[:, 2:] - 2), 0, None)
    return BoxAnswers(
        response_item=np.repeat(np.arange(n_items), per_item),
        response_worker=who.ravel(),
        item=thing // n_objects,
        worker=worker,
        label=label[thing],
        xyxy=xyxy,
        size=np.tile(frame, (n_items, 1)),
        n_items=n_items,
        n_workers=n_workers,
        n_labels=10,
    )


def _lines(path: Path):
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _boxes(boxes, labels: dict):
    """Boxes with an area as (n, 4) corners, and their class indices."""
    corners = [(b["left"], b["top"], b["left"] + b["width"], b["top"] + b["height"]) for b in boxes]
    xyxy = np.array(corners, dtype=np.float64).reshape(-1, 4)
    names = np.array([labels.setdefault(b["label"], len(labels)) for b in boxes], dtype=np.int64)
    valid = (xyxy[:, 2:] > xyxy[:, :2]).all(axis=1)
    return xyxy[valid], names[valid]


def _size(line, xyxy):
    """The image's size; where it is not told, VGA or what the boxes need."""
    if "width" in line:
        return float(line["width"]), float(line["height"])
    reach = xyxy.max(axis=0, initial=0.0)
    return max(640.0, float(reach[2])), max(480.0, float(reach[3]))


def columns(responses, rows, boxes, size, n_workers, n_labels) -> BoxAnswers:
    """``responses`` are (item, worker), ``rows`` (item, worker, label) and ``boxes`` theirs."""
    seen = np.array(responses, dtype=np.int64).reshape(-1, 2)
    drawn = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return BoxAnswers(
        response_item=seen[:, 0],
        response_worker=seen[:, 1],
        item=drawn[:, 0],
        worker=drawn[:, 1],
        label=drawn[:, 2],
        xyxy=np.concatenate(boxes),
        size=size,
        n_items=len(size),
        n_workers=n_workers,
        n_labels=n_labels,
    )
