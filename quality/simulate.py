"""Workers with known error modes, for rehearsals and tests.

Magnitudes follow two real crowds of box drawers: side noise of about 1.7 * side ** 0.35
pixels with heavy tails, boxes a few per cent loose, misses that fall with the object's
area, a few false boxes an image, and spammers of several kinds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quality.boxes import as_boxes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mode = Literal["works", "lazy", "spam_empty", "spam_full", "spam_random", "spam_center"]

# The mean looseness of real boxes, as a share of width, height, width, height.
_LOOSE = (-0.04, -0.03, 0.04, 0.01)
_MISS_SLOPE = 0.45  # logit of a miss falls so much per e-fold of area
_USUAL_AREA = 0.005  # share of the image at which `detection` holds
_MIN_SIDE = 2.0


@dataclass(frozen=True)
class WorkerProfile:
    """One worker's habits.

    ``detection`` is the chance to draw an object of half a per cent of the image;
    ``jitter`` multiplies the usual side noise; ``bias`` (4) is added to each side as a share
    of width or height, outwards being -, -, +, +; ``false_boxes`` is their mean number an
    image; ``class_confusion`` the chance of a wrong class; ``tag_accuracy`` the chance of a
    right tag; ``wrongly_empty`` the chance to answer nothing at all; ``pace`` multiplies the
    usual seconds.
    """

    name: str
    detection: float = 0.9
    jitter: float = 1.0
    bias: tuple[float, float, float, float] = _LOOSE
    false_boxes: float = 0.1
    class_confusion: float = 0.03
    tag_accuracy: float = 0.85
    wrongly_empty: float = 0.01
    pace: float = 1.0
    mode: Mode = "works"


PROFILES: dict[str, WorkerProfile] = {
    row.name: row
    for row in (
        WorkerProfile(
            "careful", 0.97, 0.6, (-0.02, -0.015, 0.02, 0.005), 0.02, 0.01, 0.95, 0.0, 1.4
        ),
        WorkerProfile("average"),
        WorkerProfile("sloppy", 0.75, 1.8, (-0.08, -0.06, 0.08, 0.04), 0.4, 0.12, 0.7, 0.03, 0.7),
        WorkerProfile("lazy", 0.9, 1.2, _LOOSE, 0.05, 0.05, 0.65, 0.04, 0.4, mode="lazy"),
        WorkerProfile("spam_empty", tag_accuracy=0.0, pace=0.1, mode="spam_empty"),
        WorkerProfile("spam_full", tag_accuracy=0.0, pace=0.1, mode="spam_full"),
        WorkerProfile("spam_random", tag_accuracy=0.0, pace=0.15, mode="spam_random"),
        WorkerProfile("spam_center", tag_accuracy=0.0, pace=0.12, mode="spam_center"),
    )
}


def profile(name: str) -> WorkerProfile:
    """The profile called ``name``; KeyError lists the known ones."""
    if name not in PROFILES:
        raise KeyError(f"unknown profile {name!r}: expected one of {', '.join(PROFILES)}")
    return PROFILES[name]


def crowd(name: str, n: int, rng: np.random.Generator) -> list[WorkerProfile]:
    """``n`` different workers: a ``medium`` crowd, mostly sound, or a ``hard`` one with spam."""
    if name not in ("medium", "hard"):
        raise KeyError(f"unknown crowd {name!r}: expected one of medium, hard")
    hard = name == "hard"
    workers = [_worker(f"{name}-{k}", hard=hard, rng=rng) for k in range(n)]
    if hard:
        spam = [key for key in PROFILES if key.startswith("spam")]
        for k in np.flatnonzero(rng.random(n) < 0.1):
            workers[k] = replace(profile(spam[rng.integers(len(spam))]), name=f"{name}-{k}")
    return workers


def _worker(name: str, *, hard: bool, rng: np.random.Generator) -> WorkerProfile:
    bias = np.array(_LOOSE) + rng.normal(0, 0.06 if hard else 0.03, 4)
    return WorkerProfile(
        name,
        detection=float(rng.beta(7, 2.5) if hard else rng.beta(12, 1.5)),
        jitter=float((2.0 if hard else 1.2) * rng.lognormal(0, 0.45)),
        bias=(float(bias[0]), float(bias[1]), float(bias[2]), float(bias[3])),
        false_boxes=float(rng.lognormal(np.log(1.0 if hard else 0.15), 1.0)),
        class_confusion=float(rng.beta(2, 10) if hard else rng.beta(1, 30)),
        tag_accuracy=float(rng.beta(6, 3) if hard else rng.beta(12, 2)),
        wrongly_empty=0.05 if hard else 0.01,
        mode="lazy" if hard and rng.random() < 0.05 else "works",
    )


def draw_boxes(
    xyxy: ArrayLike,
    label: ArrayLike,
    size: tuple[float, float],
    n_labels: int,
    profile: WorkerProfile,
    rng: np.random.Generator,
    *,
    hardness: ArrayLike | None = None,
    distractors: ArrayLike | None = None,
) -> tuple[Floats, Ints]:
    """What ``profile`` draws on an image of ``size`` (width, height) that shows these objects.

    ``hardness`` (n,), in logits, is taken from the chance to see each object, and
    ``distractors`` (k, 4) tempt every worker: pass the same to all workers of an image, for
    real errors are shared. Returns boxes inside the image and their classes.
    """
    boxes, labels = as_boxes(xyxy), np.asarray(label, dtype=np.int64).ravel()
    if profile.mode not in ("works", "lazy"):
        return _spam(profile.mode, size, n_labels, rng)
    if rng.random() < profile.wrongly_empty:
        return np.zeros((0, 4)), np.zeros(0, dtype=np.int64)
    seen = np.flatnonzero(rng.random(len(boxes)) < _chance_seen(boxes, size, profile, hardness))
    if profile.mode == "lazy":
        seen = seen[: rng.integers(1, 4)]
    drawn, names = _jittered(boxes[seen], profile, rng), labels[seen].copy()
    if n_labels > 1:
        wrong = rng.random(len(names)) < profile.class_confusion
        names[wrong] = (names[wrong] + rng.integers(1, n_labels, wrong.sum())) % n_labels
    false = _false_boxes(
        boxes, size, profile, as_boxes([] if distractors is None else distractors), rng
    )
    drawn = _inside(np.concatenate([drawn, false]), size)
    return drawn, np.concatenate([names, rng.integers(0, n_labels, len(false))])


def _chance_seen(
    boxes: Floats, size: tuple[float, float], profile: WorkerProfile, hardness: ArrayLike | None
) -> Floats:
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1) / (size[0] * size[1])
    usual = np.log(profile.detection / (1 - min(profile.detection, 0.9999)))
    logit = usual + _MISS_SLOPE * np.log(np.maximum(area, 1e-9) / _USUAL_AREA)
    if hardness is not None:
        logit = logit - np.asarray(hardness, dtype=np.float64)
    chance: Floats = 1 / (1 + np.exp(-logit))
    return chance


def _jittered(boxes: Floats, profile: WorkerProfile, rng: np.random.Generator) -> Floats:
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    noise = rng.standard_t(3, boxes.shape) * profile.jitter * 1.7 * np.maximum(sides, 1.0) ** 0.35
    # A t with 3 degrees has sd sqrt(3); the noise law is about the robust sd of real sides.
    return (
        boxes + noise / 1.2 * np.minimum(1.0, sides / 40.0) ** 0.5 + np.array(profile.bias) * sides
    )


def _false_boxes(
    boxes: Floats,
    size: tuple[float, float],
    profile: WorkerProfile,
    distractors: Floats,
    rng: np.random.Generator,
) -> Floats:
    """Half of the false boxes fall on the image's distractors, if any; the rest anywhere."""
    n = int(rng.poisson(profile.false_boxes))
    if n == 0:
        return np.zeros((0, 4))
    shared = min(len(distractors), int(rng.binomial(n, 0.5)))
    chosen = rng.permutation(len(distractors))[:shared]
    tempted = _jittered(distractors[chosen], profile, rng)
    return np.concatenate([tempted, _random_boxes(n - shared, boxes, size, rng)])


def distractors(
    xyxy: ArrayLike, size: tuple[float, float], mean: float, rng: np.random.Generator
) -> Floats:
    """Places (k, 4) that look like objects: Poisson ``mean`` many, shaped like the real ones."""
    return _random_boxes(int(rng.poisson(mean)), as_boxes(xyxy), size, rng)


def _random_boxes(
    n: int, like: Floats, size: tuple[float, float], rng: np.random.Generator
) -> Floats:
    frame = np.array(size, dtype=np.float64)
    if len(like):
        extent = (like[:, 2:] - like[:, :2])[rng.integers(0, len(like), n)]
    else:
        extent = frame * rng.uniform(0.05, 0.3, (n, 2))
    extent = np.minimum(extent * rng.lognormal(0, 0.3, (n, 2)), frame)
    corner = rng.random((n, 2)) * (frame - extent)
    return np.concatenate([corner, corner + extent], axis=1)


def _spam(
    mode: str, size: tuple[float, float], n_labels: int, rng: np.random.Generator
) -> tuple[Floats, Ints]:
    width, height = size
    if mode == "spam_empty":
        boxes = np.zeros((0, 4))
    elif mode == "spam_full":
        boxes = np.array([[0.0, 0.0, width, height]])
    elif mode == "spam_center":
        boxes = np.array([[0.3 * width, 0.3 * height, 0.7 * width, 0.7 * height]])
    else:
        boxes = _random_boxes(int(rng.integers(1, 5)), np.zeros((0, 4)), size, rng)
    return boxes, rng.integers(0, n_labels, len(boxes)).astype(np.int64)


def _inside(boxes: Floats, size: tuple[float, float]) -> Floats:
    """Boxes clipped to the image, at least two pixels wide and high where it has room."""
    frame = np.array(size, dtype=np.float64)
    least = np.minimum(_MIN_SIDE, frame)
    low = np.clip(np.minimum(boxes[:, :2], boxes[:, 2:]), 0, frame - least)
    high = np.minimum(np.maximum(np.maximum(boxes[:, :2], boxes[:, 2:]), low + least), frame)
    return np.concatenate([low, high], axis=1)


def answer_tag(
    truth_index: int, n_options: int, profile: WorkerProfile, rng: np.random.Generator
) -> int:
    """The option ``profile`` picks: right with ``tag_accuracy``, else any other one.

    Spammers do not look: ``spam_empty`` and ``spam_full`` always pick the first and the
    last option, the others pick at random.
    """
    if profile.mode == "spam_empty":
        return 0
    if profile.mode == "spam_full":
        return n_options - 1
    if profile.mode.startswith("spam"):
        return int(rng.integers(n_options))
    if n_options == 1 or rng.random() < profile.tag_accuracy:
        return truth_index
    return int((truth_index + rng.integers(1, n_options)) % n_options)


def seconds_worked(
    n_tasks: int, n_boxes: int, profile: WorkerProfile, rng: np.random.Generator
) -> float:
    """Seconds for a HIT: about 4 a task and 7 a box, times the worker's pace, lognormal."""
    usual = (4.0 * n_tasks + 7.0 * n_boxes) * profile.pace
    return float(max(1.0, usual * rng.lognormal(0.0, 0.35)))
