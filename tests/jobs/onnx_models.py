"""ONNX models that see the same boxes in every picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SEES_NOTHING = {"detections": np.zeros((1, 1, 6), dtype=np.float32)}


def constant_model(path: Path, outputs: dict[str, np.ndarray]) -> Path:
    """A detector that sees the same boxes in every picture, (1, 3, 40, 80) in."""
    graph_nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array))
        for name, array in outputs.items()
    ]
    graph = helper.make_graph(
        graph_nodes,
        "constant",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 40, 80])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape)
            for name, array in outputs.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path.write_bytes(model.SerializeToString())
    return path
