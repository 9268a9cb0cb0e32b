"""Print how the default fares where part of a simulated crowd hands in one person's boxes.

    python -m scripts.bench.box_copies --data FOLDER [--seeds 2]

FOLDER holds the gold of ``bccd`` and ``coco_tiny``. Three sound workers (one careful) and the
copies see every image; hard objects and distractors (one an image) are shared by all.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quality import simulate
from quality.consensus.boxes import load
from scripts.bench import box_data, box_scores


@dataclass(frozen=True)
class Ring:
    """``honest`` workers beside ``copies`` of ``source``, copied on ``part`` of the images."""

    honest: int
    copies: int
    source: str
    jitter: float = 0.0
    part: float = 1.0

    def __str__(self) -> str:
        moved = f", moved by {self.jitter:g} px" if self.jitter else ""
        where = f", on {self.part:.0%} of the images" if self.part < 1 else ""
        return f"{self.honest} and {self.copies} x {self.source}{moved}{where}"


RINGS = (
    Ring(3, 0, "sloppy"),
    Ring(3, 1, "sloppy"),
    Ring(3, 3, "sloppy"),
    Ring(3, 3, "sloppy", 1.0),
    Ring(3, 3, "sloppy", 2.0),
    Ring(3, 3, "sloppy", 0.0, 0.5),
    Ring(2, 3, "sloppy"),
    Ring(3, 3, "average"),
    Ring(3, 3, "spam_random"),
    Ring(3, 3, "spam_center"),
    Ring(3, 3, "spam_full"),
    Ring(3, 3, "spam_empty"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    chosen = parser.parse_args()
    combine = load("probabilistic")
    print(f"{'crowd':44} " + " ".join(f"{name:>7}" for name in ("F1", "AP", "ECE")))
    for folder in ("bccd", "coco_tiny"):
        for ring in RINGS:
            found = []
            for seed in range(chosen.seeds):
                case = crowd(chosen.data / folder, ring, seed)
                result = combine(case.answers)
                found.append(
                    (
                        box_scores.f1(result, case.gold),
                        box_scores.average_precision(result, case.gold),
                        box_scores.calibration_error(result, case.gold),
                    )
                )
            means = " ".join(f"{value:7.3f}" for value in np.mean(found, axis=0))
            print(f"{f'{folder} {ring}':44} {means}", flush=True)


def crowd(folder: Path, ring: Ring, seed: int) -> box_data.Case:
    """Answers of whole pixels over the gold of ``folder``."""
    rng = np.random.default_rng(seed)
    scenes, n_labels = box_data.scenes(folder)
    sound = [simulate.profile("careful" if k % 4 == 0 else "average") for k in range(ring.honest)]
    workers = [*sound, *[simulate.profile(ring.source)] * ring.copies]
    responses, rows, boxes = [], [], []
    for item, (xyxy, names, size) in enumerate(scenes):
        shown = {
            "hardness": rng.normal(0, 1, len(xyxy)),
            "distractors": simulate.distractors(xyxy, size, 1.0, rng),
        }
        source = simulate.draw_boxes(xyxy, names, size, n_labels, workers[-1], rng, **shown)
        for worker, profile in enumerate(workers):
            drawn, called = source
            if worker < ring.honest or rng.random() >= ring.part:
                drawn, called = simulate.draw_boxes(
                    xyxy, names, size, n_labels, profile, rng, **shown
                )
            elif ring.jitter:
                drawn = moved(drawn, ring.jitter, rng)
            responses.append((item, worker))
            rows += [(item, worker, int(name)) for name in called]
            boxes.append(np.round(drawn))
    sizes = np.array([size for _, _, size in scenes])
    answers = box_data.columns(responses, rows, boxes, sizes, len(workers), n_labels)
    gold = {item: (xyxy, names) for item, (xyxy, names, _) in enumerate(scenes)}
    return box_data.Case(f"{folder.name} {ring}", answers, gold)


def moved(boxes, pixels: float, rng: np.random.Generator):
    """Every side moved by so much (standard deviation), right side out."""
    boxes = boxes + rng.normal(0, pixels, boxes.shape)
    return np.concatenate([np.minimum(boxes[:, :2], boxes[:, 2:] - 1), boxes[:, 2:]], axis=1)


if __name__ == "__main__":
    main()
