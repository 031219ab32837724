from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnnxContentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ONNX_CONTENT_KIND_UNSPECIFIED: _ClassVar[OnnxContentKind]
    ONNX_CONTENT_KIND_ZEROS: _ClassVar[OnnxContentKind]
    ONNX_CONTENT_KIND_ONES: _ClassVar[OnnxContentKind]
    ONNX_CONTENT_KIND_CONSTANT: _ClassVar[OnnxContentKind]
    ONNX_CONTENT_KIND_DRAWN: _ClassVar[OnnxContentKind]
    ONNX_CONTENT_KIND_STRUCTURED: _ClassVar[OnnxContentKind]

class Keep(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEEP_UNSPECIFIED: _ClassVar[Keep]
    KEEP_ALWAYS: _ClassVar[Keep]
    KEEP_UNLESS_PREDICTED: _ClassVar[Keep]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_MATRIX: _ClassVar[Role]
    ROLE_EMBEDDING: _ClassVar[Role]
    ROLE_NORM_WEIGHT: _ClassVar[Role]
    ROLE_BIAS: _ClassVar[Role]

class Rule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_UNSPECIFIED: _ClassVar[Rule]
    RULE_ZEROS: _ClassVar[Rule]
    RULE_ONES: _ClassVar[Rule]
    RULE_NORMAL: _ClassVar[Rule]
    RULE_TRUNCATED_NORMAL: _ClassVar[Rule]
    RULE_CONSTANT: _ClassVar[Rule]
    RULE_UNIFORM: _ClassVar[Rule]
    RULE_SHIFTED_NORMAL: _ClassVar[Rule]
    RULE_BOUNDED_NORMAL: _ClassVar[Rule]
    RULE_UNIFORM_BETWEEN: _ClassVar[Rule]
    RULE_LOG_UNIFORM: _ClassVar[Rule]
    RULE_SEQUENCE: _ClassVar[Rule]
    RULE_IDENTITY: _ClassVar[Rule]
    RULE_SINUSOIDS: _ClassVar[Rule]

class Function(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FUNCTION_UNSPECIFIED: _ClassVar[Function]
    FUNCTION_LOG: _ClassVar[Function]
    FUNCTION_INVERSE_SOFTPLUS: _ClassVar[Function]
ONNX_CONTENT_KIND_UNSPECIFIED: OnnxContentKind
ONNX_CONTENT_KIND_ZEROS: OnnxContentKind
ONNX_CONTENT_KIND_ONES: OnnxContentKind
ONNX_CONTENT_KIND_CONSTANT: OnnxContentKind
ONNX_CONTENT_KIND_DRAWN: OnnxContentKind
ONNX_CONTENT_KIND_STRUCTURED: OnnxContentKind
KEEP_UNSPECIFIED: Keep
KEEP_ALWAYS: Keep
KEEP_UNLESS_PREDICTED: Keep
ROLE_UNSPECIFIED: Role
ROLE_MATRIX: Role
ROLE_EMBEDDING: Role
ROLE_NORM_WEIGHT: Role
ROLE_BIAS: Role
RULE_UNSPECIFIED: Rule
RULE_ZEROS: Rule
RULE_ONES: Rule
RULE_NORMAL: Rule
RULE_TRUNCATED_NORMAL: Rule
RULE_CONSTANT: Rule
RULE_UNIFORM: Rule
RULE_SHIFTED_NORMAL: Rule
RULE_BOUNDED_NORMAL: Rule
RULE_UNIFORM_BETWEEN: Rule
RULE_LOG_UNIFORM: Rule
RULE_SEQUENCE: Rule
RULE_IDENTITY: Rule
RULE_SINUSOIDS: Rule
FUNCTION_UNSPECIFIED: Function
FUNCTION_LOG: Function
FUNCTION_INVERSE_SOFTPLUS: Function

class Architecture(_message.Message):
    __slots__ = ("graph", "transformers_config", "onnx", "onnx_contents")
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMERS_CONFIG_FIELD_NUMBER: _ClassVar[int]
    ONNX_FIELD_NUMBER: _ClassVar[int]
    ONNX_CONTENTS_FIELD_NUMBER: _ClassVar[int]
    graph: ArchitectureGraph
    transformers_config: bytes
    onnx: bytes
    onnx_contents: _containers.RepeatedCompositeFieldContainer[OnnxContent]
    def __init__(self, graph: _Optional[_Union[ArchitectureGraph, _Mapping]] = ..., transformers_config: _Optional[bytes] = ..., onnx: _Optional[bytes] = ..., onnx_contents: _Optional[_Iterable[_Union[OnnxContent, _Mapping]]] = ...) -> None: ...

class OnnxContent(_message.Message):
    __slots__ = ("name", "kind", "mean", "standard_deviation", "non_negative", "same_as", "transposed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    NON_NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    SAME_AS_FIELD_NUMBER: _ClassVar[int]
    TRANSPOSED_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: OnnxContentKind
    mean: float
    standard_deviation: float
    non_negative: bool
    same_as: str
    transposed: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[OnnxContentKind, str]] = ..., mean: _Optional[float] = ..., standard_deviation: _Optional[float] = ..., non_negative: _Optional[bool] = ..., same_as: _Optional[str] = ..., transposed: _Optional[bool] = ...) -> None: ...

class ArchitectureGraph(_message.Message):
    __slots__ = ("name", "family", "nodes", "edges", "parameters", "initializer_range")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    EDGES_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    INITIALIZER_RANGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    family: str
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    edges: _containers.RepeatedCompositeFieldContainer[Edge]
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    initializer_range: float
    def __init__(self, name: _Optional[str] = ..., family: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., edges: _Optional[_Iterable[_Union[Edge, _Mapping]]] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., initializer_range: _Optional[float] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("name", "operation", "shape")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OPERATION_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    name: str
    operation: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., operation: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Edge(_message.Message):
    __slots__ = ("source", "target")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    source: int
    target: int
    def __init__(self, source: _Optional[int] = ..., target: _Optional[int] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "shape", "blocks", "axis", "tied_to", "view", "keep", "repetitions", "layout")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    BLOCKS_FIELD_NUMBER: _ClassVar[int]
    AXIS_FIELD_NUMBER: _ClassVar[int]
    TIED_TO_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    REPETITIONS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    blocks: _containers.RepeatedCompositeFieldContainer[Block]
    axis: int
    tied_to: str
    view: _containers.RepeatedScalarFieldContainer[int]
    keep: Keep
    repetitions: int
    layout: TensorLayout
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., blocks: _Optional[_Iterable[_Union[Block, _Mapping]]] = ..., axis: _Optional[int] = ..., tied_to: _Optional[str] = ..., view: _Optional[_Iterable[int]] = ..., keep: _Optional[_Union[Keep, str]] = ..., repetitions: _Optional[int] = ..., layout: _Optional[_Union[TensorLayout, _Mapping]] = ...) -> None: ...

class TensorLayout(_message.Message):
    __slots__ = ("order", "shape")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    order: _containers.RepeatedScalarFieldContainer[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, order: _Optional[_Iterable[int]] = ..., shape: _Optional[_Iterable[int]] = ...) -> None: ...

class Block(_message.Message):
    __slots__ = ("length", "prediction", "initialization", "fallback")
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    PREDICTION_FIELD_NUMBER: _ClassVar[int]
    INITIALIZATION_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    length: int
    prediction: Prediction
    initialization: Initialization
    fallback: Initialization
    def __init__(self, length: _Optional[int] = ..., prediction: _Optional[_Union[Prediction, _Mapping]] = ..., initialization: _Optional[_Union[Initialization, _Mapping]] = ..., fallback: _Optional[_Union[Initialization, _Mapping]] = ...) -> None: ...

class Prediction(_message.Message):
    __slots__ = ("node", "role", "classifier", "slot")
    NODE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    CLASSIFIER_FIELD_NUMBER: _ClassVar[int]
    SLOT_FIELD_NUMBER: _ClassVar[int]
    node: int
    role: Role
    classifier: bool
    slot: int
    def __init__(self, node: _Optional[int] = ..., role: _Optional[_Union[Role, str]] = ..., classifier: _Optional[bool] = ..., slot: _Optional[int] = ...) -> None: ...

class Initialization(_message.Message):
    __slots__ = ("rule", "standard_deviation", "value", "bound", "mean", "lower", "upper", "least", "start", "step", "base", "divisor", "interleaved", "function")
    RULE_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    BOUND_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    LOWER_FIELD_NUMBER: _ClassVar[int]
    UPPER_FIELD_NUMBER: _ClassVar[int]
    LEAST_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    DIVISOR_FIELD_NUMBER: _ClassVar[int]
    INTERLEAVED_FIELD_NUMBER: _ClassVar[int]
    FUNCTION_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    standard_deviation: float
    value: float
    bound: float
    mean: float
    lower: float
    upper: float
    least: float
    start: float
    step: float
    base: float
    divisor: float
    interleaved: bool
    function: Function
    def __init__(self, rule: _Optional[_Union[Rule, str]] = ..., standard_deviation: _Optional[float] = ..., value: _Optional[float] = ..., bound: _Optional[float] = ..., mean: _Optional[float] = ..., lower: _Optional[float] = ..., upper: _Optional[float] = ..., least: _Optional[float] = ..., start: _Optional[float] = ..., step: _Optional[float] = ..., base: _Optional[float] = ..., divisor: _Optional[float] = ..., interleaved: _Optional[bool] = ..., function: _Optional[_Union[Function, str]] = ...) -> None: ...
