"""Box answers written short, and crowds simulated over made-up scenes."""

import numpy as np

from quality import simulate
from quality.consensus.shapes import BoxAnswers

SIZE = (640.0, 480.0)


def box_answers(
    responses, rows=(), *, n_items=1, n_workers=None, n_labels=2, scores=None, size=SIZE
) -> BoxAnswers:
    """``responses`` are (item, worker); ``rows`` are (item, worker, label, (l, t, r, b))."""
    seen = np.array(list(responses), dtype=np.int64).reshape(-1, 2)
    columns = np.array([row[:3] for row in rows], dtype=np.int64).reshape(-1, 3)
    return BoxAnswers(
        response_item=seen[:, 0],
        response_worker=seen[:, 1],
        item=columns[:, 0],
        worker=columns[:, 1],
        label=columns[:, 2],
        xyxy=np.array([row[3] for row in rows], dtype=np.float64).reshape(-1, 4),
        size=np.tile(np.array(size), (n_items, 1)),
        n_items=n_items,
        n_workers=int(seen[:, 1].max(initial=-1)) + 1 if n_workers is None else n_workers,
        n_labels=n_labels,
        score=None if scores is None else np.array(scores, dtype=np.float64),
    )


def everyone(box, workers=3, label=0, item=0):
    """The same box from each worker."""
    return [(item, worker, label, box) for worker in range(workers)]


def looked(workers=3, items=1):
    return [(item, worker) for item in range(items) for worker in range(workers)]


def scene(rng, n_objects=6, n_labels=3):
    """Boxes spread over the image so that few touch, and their classes."""
    cells = rng.permutation(12)[:n_objects]
    corner = np.stack([cells % 4 * 160.0, cells // 4 * 160.0], axis=1) + rng.uniform(
        5, 40, (n_objects, 2)
    )
    extent = rng.uniform(30, 100, (n_objects, 2))
    boxes = np.concatenate([corner, corner + extent], axis=1)
    return boxes, rng.integers(0, n_labels, n_objects)


def simulated(profiles, n_items=40, n_labels=3, seed=0, per_item=None):
    """Answers of these workers over made-up scenes, and the scenes."""
    rng = np.random.default_rng(seed)
    scenes = [scene(rng, int(rng.integers(0, 9)), n_labels) for _ in range(n_items)]
    responses, rows = [], []
    for item, (boxes, labels) in enumerate(scenes):
        for worker in sorted(rng.permutation(len(profiles))[: per_item or len(profiles)]):
            responses.append((item, int(worker)))
            drawn, names = simulate.draw_boxes(boxes, labels, SIZE, n_labels, profiles[worker], rng)
            rows += [
                (item, int(worker), int(k), tuple(b)) for b, k in zip(drawn, names, strict=True)
            ]
    answers = box_answers(
        responses, rows, n_items=n_items, n_workers=len(profiles), n_labels=n_labels
    )
    return answers, scenes
