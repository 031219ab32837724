"""Writes ONNX graphs node by node: no tracing, so the same weights give the same bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

OPSET = 20
#: The format that opset 20 came with; every runtime that has the opset reads it.
IR_VERSION = 9
PRODUCER = "logah"
#: A protobuf message is at most 2 GiB - 1 long; 1 MiB of that is ample for the operators.
LARGEST_FILE = 2**31 - 2**20
_TYPES = {
    "float32": TensorProto.FLOAT,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
}


class GraphSizeError(ValueError):
    """A graph whose weights do not fit into one ONNX file."""


class GraphWriter:
    """One ONNX graph under construction. Values are referred to by name; an operator's name is that of its output."""

    def __init__(self, name: str, description: str, within: GraphWriter | None = None) -> None:
        self._name, self._description = name, description
        #: In front of the names of operators: those of a graph within another must not be that one's.
        self._prefix = "" if within is None else f"{name}."
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {} if within is None else within._initializers
        #: What each output's content is.
        self._values: dict[str, str] = {}

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declares an input; a string in its shape names a free dimension."""
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], list(shape)))
        return name

    def output(self, name: str, value: str, shape: Sequence[int | str]) -> None:
        """Declares a float32 output with the content of `value`."""
        self._values[name] = value
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)))

    def constant(self, name: str, value: Tensor | NDArray[np.generic]) -> str:
        """A constant under a name of its own."""
        if name in self._initializers:
            raise ValueError(f"constant {name} exists already")
        array = value.detach().numpy() if isinstance(value, Tensor) else value
        self._initializers[name] = numpy_helper.from_array(np.asarray(array, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        """A constant 1-D int64 tensor, shared between its users."""
        name = "ints_" + "_".join(str(value) for value in values)
        if name not in self._initializers:
            self.constant(name, np.array(values, dtype=np.int64))
        return name

    def scalar(self, value: float, dtype: str = "float32") -> str:
        """A constant scalar, shared between its users."""
        name = f"{dtype}_{value}"
        if name not in self._initializers:
            self.constant(name, np.array(value, dtype=dtype))
        return name

    def op(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Appends an operator with one output; returns the output's name."""
        name = f"{self._prefix}{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [name], name=name, **attributes))
        return name

    def linear(self, x: str, name: str, layer: nn.Linear) -> str:
        """x [M, in] through a linear layer -> [M, out]."""
        weight = self.constant(f"{name}.weight", layer.weight)
        if layer.bias is None:
            return self.op("Gemm", x, weight, transB=1)
        return self.op("Gemm", x, weight, self.constant(f"{name}.bias", layer.bias), transB=1)

    def head(self, x: str, count: str, axis: int = 0) -> str:
        """The first `count` (int64 [1]) entries of x along an axis."""
        return self.op("Slice", x, self.ints(0), count, self.ints(axis))

    def loop(self, count: str, body: Callable[[GraphWriter, str], str]) -> str:
        """`body` for each index (int64 []) below `count` (int64 []) -> its results, stacked in a new first dimension.

        The body writes to a graph of its own, and may refer to the values and constants of this one.
        """
        name = f"{self._prefix}Loop_{len(self._nodes)}"
        inner = GraphWriter(name, "", within=self)
        index, condition = f"{name}.index", f"{name}.condition"
        result = body(inner, index)
        onward = inner.op("Identity", condition)
        graph = helper.make_graph(
            inner._nodes,
            name,
            [
                helper.make_tensor_value_info(index, TensorProto.INT64, []),
                helper.make_tensor_value_info(condition, TensorProto.BOOL, []),
            ],
            [
                helper.make_tensor_value_info(onward, TensorProto.BOOL, []),
                helper.make_tensor_value_info(result, TensorProto.FLOAT, None),
            ],
        )
        self._nodes.append(helper.make_node("Loop", [count, ""], [name], name=name, body=graph))
        return name

    def to_bytes(self) -> bytes:
        """The checked model, serialised."""
        size = sum(len(tensor.raw_data) for tensor in self._initializers.values())
        if size > LARGEST_FILE:
            raise GraphSizeError(f"{self._name}: {size} bytes of weights; an ONNX file holds at most {LARGEST_FILE}")
        self._name_outputs()
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, list(self._initializers.values())
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name=PRODUCER,
            doc_string=self._description,
        )
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)

    def _name_outputs(self) -> None:
        """Gives the operator that makes an output the output's name: an Identity behind it would copy the tensor.

        Where another operator or output reads the value too, an Identity it must be.
        """
        makers = {node.output[0]: node for node in self._nodes}
        read = [value for node in self._nodes for value in node.input] + list(self._values.values())
        for name, value in self._values.items():
            maker = makers.get(value)
            if maker is not None and read.count(value) == 1:
                maker.output[0] = maker.name = name
            else:
                self._nodes.append(helper.make_node("Identity", [value], [name], name=name))
        self._values = {}


def linear_at(modules: nn.Sequential, index: int) -> nn.Linear:
    """The linear layer at a position of a sequence."""
    layer = modules[index]
    if not isinstance(layer, nn.Linear):
        raise TypeError(f"expected a linear layer at {index}, got {type(layer).__name__}")
    return layer
