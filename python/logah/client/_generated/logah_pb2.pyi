from . import architecture_pb2 as _architecture_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Representation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPRESENTATION_UNSPECIFIED: _ClassVar[Representation]
    REPRESENTATION_DENSE: _ClassVar[Representation]
    REPRESENTATION_FACTORS: _ClassVar[Representation]
    REPRESENTATION_CORE: _ClassVar[Representation]

class DataType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_TYPE_UNSPECIFIED: _ClassVar[DataType]
    DATA_TYPE_FLOAT32: _ClassVar[DataType]
    DATA_TYPE_FLOAT16: _ClassVar[DataType]
    DATA_TYPE_BFLOAT16: _ClassVar[DataType]

class CoreLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CORE_LAYOUT_UNSPECIFIED: _ClassVar[CoreLayout]
    CORE_LAYOUT_ELEMENTS: _ClassVar[CoreLayout]
    CORE_LAYOUT_CONSTANT: _ClassVar[CoreLayout]
    CORE_LAYOUT_MATRIX: _ClassVar[CoreLayout]
    CORE_LAYOUT_KERNEL: _ClassVar[CoreLayout]
    CORE_LAYOUT_POSITIONS: _ClassVar[CoreLayout]
    CORE_LAYOUT_NORM_WEIGHT: _ClassVar[CoreLayout]
    CORE_LAYOUT_BIAS: _ClassVar[CoreLayout]
    CORE_LAYOUT_MATRIX_TRANSPOSED: _ClassVar[CoreLayout]
    CORE_LAYOUT_RULE: _ClassVar[CoreLayout]

class Source(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SOURCE_UNSPECIFIED: _ClassVar[Source]
    SOURCE_PREDICTED: _ClassVar[Source]
    SOURCE_TILED: _ClassVar[Source]
    SOURCE_INITIALIZED: _ClassVar[Source]
    SOURCE_TIED: _ClassVar[Source]
    SOURCE_KEPT: _ClassVar[Source]

class WarningKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WARNING_KIND_UNSPECIFIED: _ClassVar[WarningKind]
    WARNING_KIND_FAMILY: _ClassVar[WarningKind]
    WARNING_KIND_RANGE: _ClassVar[WarningKind]
    WARNING_KIND_UNTRAINED: _ClassVar[WarningKind]
    WARNING_KIND_WIDENING: _ClassVar[WarningKind]
    WARNING_KIND_OPERATIONS: _ClassVar[WarningKind]
    WARNING_KIND_COVERAGE: _ClassVar[WarningKind]
    WARNING_KIND_FOLDED: _ClassVar[WarningKind]
    WARNING_KIND_MERGED: _ClassVar[WarningKind]
REPRESENTATION_UNSPECIFIED: Representation
REPRESENTATION_DENSE: Representation
REPRESENTATION_FACTORS: Representation
REPRESENTATION_CORE: Representation
DATA_TYPE_UNSPECIFIED: DataType
DATA_TYPE_FLOAT32: DataType
DATA_TYPE_FLOAT16: DataType
DATA_TYPE_BFLOAT16: DataType
CORE_LAYOUT_UNSPECIFIED: CoreLayout
CORE_LAYOUT_ELEMENTS: CoreLayout
CORE_LAYOUT_CONSTANT: CoreLayout
CORE_LAYOUT_MATRIX: CoreLayout
CORE_LAYOUT_KERNEL: CoreLayout
CORE_LAYOUT_POSITIONS: CoreLayout
CORE_LAYOUT_NORM_WEIGHT: CoreLayout
CORE_LAYOUT_BIAS: CoreLayout
CORE_LAYOUT_MATRIX_TRANSPOSED: CoreLayout
CORE_LAYOUT_RULE: CoreLayout
SOURCE_UNSPECIFIED: Source
SOURCE_PREDICTED: Source
SOURCE_TILED: Source
SOURCE_INITIALIZED: Source
SOURCE_TIED: Source
SOURCE_KEPT: Source
WARNING_KIND_UNSPECIFIED: WarningKind
WARNING_KIND_FAMILY: WarningKind
WARNING_KIND_RANGE: WarningKind
WARNING_KIND_UNTRAINED: WarningKind
WARNING_KIND_WIDENING: WarningKind
WARNING_KIND_OPERATIONS: WarningKind
WARNING_KIND_COVERAGE: WarningKind
WARNING_KIND_FOLDED: WarningKind
WARNING_KIND_MERGED: WarningKind

class PredictRequest(_message.Message):
    __slots__ = ("architecture", "model", "seed", "dtype", "chunk_bytes", "selection", "sha256", "representation", "slices", "shard", "resume", "lift", "strength", "base", "strict", "copies")
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    CHUNK_BYTES_FIELD_NUMBER: _ClassVar[int]
    SELECTION_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    REPRESENTATION_FIELD_NUMBER: _ClassVar[int]
    SLICES_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    STRICT_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    architecture: _architecture_pb2.Architecture
    model: str
    seed: int
    dtype: DataType
    chunk_bytes: int
    selection: TensorSelection
    sha256: bool
    representation: Representation
    slices: _containers.RepeatedCompositeFieldContainer[TensorSlice]
    shard: Shard
    resume: Resume
    lift: float
    strength: float
    base: float
    strict: bool
    copies: int
    def __init__(self, architecture: _Optional[_Union[_architecture_pb2.Architecture, _Mapping]] = ..., model: _Optional[str] = ..., seed: _Optional[int] = ..., dtype: _Optional[_Union[DataType, str]] = ..., chunk_bytes: _Optional[int] = ..., selection: _Optional[_Union[TensorSelection, _Mapping]] = ..., sha256: _Optional[bool] = ..., representation: _Optional[_Union[Representation, str]] = ..., slices: _Optional[_Iterable[_Union[TensorSlice, _Mapping]]] = ..., shard: _Optional[_Union[Shard, _Mapping]] = ..., resume: _Optional[_Union[Resume, _Mapping]] = ..., lift: _Optional[float] = ..., strength: _Optional[float] = ..., base: _Optional[float] = ..., strict: _Optional[bool] = ..., copies: _Optional[int] = ...) -> None: ...

class PlanRequest(_message.Message):
    __slots__ = ("request", "graph")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    request: PredictRequest
    graph: bool
    def __init__(self, request: _Optional[_Union[PredictRequest, _Mapping]] = ..., graph: _Optional[bool] = ...) -> None: ...

class PlanResponse(_message.Message):
    __slots__ = ("plan", "graph")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    GRAPH_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    graph: _architecture_pb2.ArchitectureGraph
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., graph: _Optional[_Union[_architecture_pb2.ArchitectureGraph, _Mapping]] = ...) -> None: ...

class TensorSelection(_message.Message):
    __slots__ = ("patterns",)
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    patterns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, patterns: _Optional[_Iterable[str]] = ...) -> None: ...

class TensorSlice(_message.Message):
    __slots__ = ("name", "start", "end")
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    name: str
    start: _containers.RepeatedScalarFieldContainer[int]
    end: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., start: _Optional[_Iterable[int]] = ..., end: _Optional[_Iterable[int]] = ...) -> None: ...

class Shard(_message.Message):
    __slots__ = ("index", "count")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    index: int
    count: int
    def __init__(self, index: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class Resume(_message.Message):
    __slots__ = ("fingerprint", "offset", "end")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    offset: int
    end: int
    def __init__(self, fingerprint: _Optional[str] = ..., offset: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("plan", "chunk", "summary")
    PLAN_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    plan: Plan
    chunk: Chunk
    summary: Summary
    def __init__(self, plan: _Optional[_Union[Plan, _Mapping]] = ..., chunk: _Optional[_Union[Chunk, _Mapping]] = ..., summary: _Optional[_Union[Summary, _Mapping]] = ...) -> None: ...

class Plan(_message.Message):
    __slots__ = ("model", "fingerprint", "dtype", "tensors", "total_bytes", "coverage", "warnings", "nodes", "family", "dense_bytes", "factor_bytes", "core_bytes", "expansion", "has_tokenizer", "widening", "lift", "strength", "base", "modules", "seeded_elements", "possible_copies", "constants", "notes")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    FAMILY_FIELD_NUMBER: _ClassVar[int]
    DENSE_BYTES_FIELD_NUMBER: _ClassVar[int]
    FACTOR_BYTES_FIELD_NUMBER: _ClassVar[int]
    CORE_BYTES_FIELD_NUMBER: _ClassVar[int]
    EXPANSION_FIELD_NUMBER: _ClassVar[int]
    HAS_TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    WIDENING_FIELD_NUMBER: _ClassVar[int]
    LIFT_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    MODULES_FIELD_NUMBER: _ClassVar[int]
    SEEDED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    POSSIBLE_COPIES_FIELD_NUMBER: _ClassVar[int]
    CONSTANTS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    model: str
    fingerprint: str
    dtype: DataType
    tensors: _containers.RepeatedCompositeFieldContainer[TensorPlan]
    total_bytes: int
    coverage: Coverage
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    nodes: int
    family: str
    dense_bytes: int
    factor_bytes: int
    core_bytes: int
    expansion: Expansion
    has_tokenizer: bool
    widening: Widening
    lift: float
    strength: float
    base: float
    modules: _containers.RepeatedCompositeFieldContainer[ModuleCoverage]
    seeded_elements: int
    possible_copies: _containers.RepeatedScalarFieldContainer[int]
    constants: _containers.RepeatedCompositeFieldContainer[NamedConstant]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., fingerprint: _Optional[str] = ..., dtype: _Optional[_Union[DataType, str]] = ..., tensors: _Optional[_Iterable[_Union[TensorPlan, _Mapping]]] = ..., total_bytes: _Optional[int] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ..., nodes: _Optional[int] = ..., family: _Optional[str] = ..., dense_bytes: _Optional[int] = ..., factor_bytes: _Optional[int] = ..., core_bytes: _Optional[int] = ..., expansion: _Optional[_Union[Expansion, _Mapping]] = ..., has_tokenizer: _Optional[bool] = ..., widening: _Optional[_Union[Widening, _Mapping]] = ..., lift: _Optional[float] = ..., strength: _Optional[float] = ..., base: _Optional[float] = ..., modules: _Optional[_Iterable[_Union[ModuleCoverage, _Mapping]]] = ..., seeded_elements: _Optional[int] = ..., possible_copies: _Optional[_Iterable[int]] = ..., constants: _Optional[_Iterable[_Union[NamedConstant, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class NamedConstant(_message.Message):
    __slots__ = ("name", "shape", "reason")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    reason: str
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., reason: _Optional[str] = ...) -> None: ...

class ModuleCoverage(_message.Message):
    __slots__ = ("name", "coverage")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COVERAGE_FIELD_NUMBER: _ClassVar[int]
    name: str
    coverage: Coverage
    def __init__(self, name: _Optional[str] = ..., coverage: _Optional[_Union[Coverage, _Mapping]] = ...) -> None: ...

class Widening(_message.Message):
    __slots__ = ("copies", "base")
    class BaseEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    COPIES_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    copies: int
    base: _containers.ScalarMap[str, int]
    def __init__(self, copies: _Optional[int] = ..., base: _Optional[_Mapping[str, int]] = ...) -> None: ...

class TensorPlan(_message.Message):
    __slots__ = ("name", "shape", "source", "rank", "bytes", "offset", "tied_to", "sent", "predicted_elements", "tiled_elements", "initialized_elements", "started_elements", "sent_start", "sent_shape", "factors", "core", "view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    TIED_TO_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    TILED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    INITIALIZED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    SENT_START_FIELD_NUMBER: _ClassVar[int]
    SENT_SHAPE_FIELD_NUMBER: _ClassVar[int]
    FACTORS_FIELD_NUMBER: _ClassVar[int]
    CORE_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    shape: _containers.RepeatedScalarFieldContainer[int]
    source: Source
    rank: int
    bytes: int
    offset: int
    tied_to: str
    sent: bool
    predicted_elements: int
    tiled_elements: int
    initialized_elements: int
    started_elements: int
    sent_start: _containers.RepeatedScalarFieldContainer[int]
    sent_shape: _containers.RepeatedScalarFieldContainer[int]
    factors: _containers.RepeatedCompositeFieldContainer[FactorBlock]
    core: _containers.RepeatedCompositeFieldContainer[CoreBlock]
    view: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., shape: _Optional[_Iterable[int]] = ..., source: _Optional[_Union[Source, str]] = ..., rank: _Optional[int] = ..., bytes: _Optional[int] = ..., offset: _Optional[int] = ..., tied_to: _Optional[str] = ..., sent: _Optional[bool] = ..., predicted_elements: _Optional[int] = ..., tiled_elements: _Optional[int] = ..., initialized_elements: _Optional[int] = ..., started_elements: _Optional[int] = ..., sent_start: _Optional[_Iterable[int]] = ..., sent_shape: _Optional[_Iterable[int]] = ..., factors: _Optional[_Iterable[_Union[FactorBlock, _Mapping]]] = ..., core: _Optional[_Iterable[_Union[CoreBlock, _Mapping]]] = ..., view: _Optional[_Iterable[int]] = ...) -> None: ...

class FactorBlock(_message.Message):
    __slots__ = ("row", "rows", "column", "columns", "m", "n", "rank")
    ROW_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    row: int
    rows: int
    column: int
    columns: int
    m: int
    n: int
    rank: int
    def __init__(self, row: _Optional[int] = ..., rows: _Optional[int] = ..., column: _Optional[int] = ..., columns: _Optional[int] = ..., m: _Optional[int] = ..., n: _Optional[int] = ..., rank: _Optional[int] = ...) -> None: ...

class CoreBlock(_message.Message):
    __slots__ = ("row", "rows", "column", "columns", "layout", "m", "n", "height", "width", "start", "length", "rule", "lifted")
    ROW_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    LIFTED_FIELD_NUMBER: _ClassVar[int]
    row: int
    rows: int
    column: int
    columns: int
    layout: CoreLayout
    m: int
    n: int
    height: int
    width: int
    start: int
    length: int
    rule: _architecture_pb2.Initialization
    lifted: bool
    def __init__(self, row: _Optional[int] = ..., rows: _Optional[int] = ..., column: _Optional[int] = ..., columns: _Optional[int] = ..., layout: _Optional[_Union[CoreLayout, str]] = ..., m: _Optional[int] = ..., n: _Optional[int] = ..., height: _Optional[int] = ..., width: _Optional[int] = ..., start: _Optional[int] = ..., length: _Optional[int] = ..., rule: _Optional[_Union[_architecture_pb2.Initialization, _Mapping]] = ..., lifted: _Optional[bool] = ...) -> None: ...

class Expansion(_message.Message):
    __slots__ = ("sha256", "rows", "rank")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    rows: int
    rank: int
    def __init__(self, sha256: _Optional[str] = ..., rows: _Optional[int] = ..., rank: _Optional[int] = ...) -> None: ...

class GetExpansionRequest(_message.Message):
    __slots__ = ("model", "sha256")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    model: str
    sha256: str
    def __init__(self, model: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class GetExpansionResponse(_message.Message):
    __slots__ = ("data",)
    DATA_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    def __init__(self, data: _Optional[bytes] = ...) -> None: ...

class Coverage(_message.Message):
    __slots__ = ("parameters", "predicted", "tiled", "initialized", "tied", "kept")
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    PREDICTED_FIELD_NUMBER: _ClassVar[int]
    TILED_FIELD_NUMBER: _ClassVar[int]
    INITIALIZED_FIELD_NUMBER: _ClassVar[int]
    TIED_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    parameters: int
    predicted: int
    tiled: int
    initialized: int
    tied: int
    kept: int
    def __init__(self, parameters: _Optional[int] = ..., predicted: _Optional[int] = ..., tiled: _Optional[int] = ..., initialized: _Optional[int] = ..., tied: _Optional[int] = ..., kept: _Optional[int] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("kind", "field", "actual", "trained", "text")
    KIND_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ACTUAL_FIELD_NUMBER: _ClassVar[int]
    TRAINED_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    kind: WarningKind
    field: str
    actual: str
    trained: str
    text: str
    def __init__(self, kind: _Optional[_Union[WarningKind, str]] = ..., field: _Optional[str] = ..., actual: _Optional[str] = ..., trained: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class Chunk(_message.Message):
    __slots__ = ("offset", "data")
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    offset: int
    data: bytes
    def __init__(self, offset: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class Summary(_message.Message):
    __slots__ = ("digests", "total_bytes", "timings", "peak_memory_bytes")
    DIGESTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    TIMINGS_FIELD_NUMBER: _ClassVar[int]
    PEAK_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    digests: _containers.RepeatedCompositeFieldContainer[TensorDigest]
    total_bytes: int
    timings: Timings
    peak_memory_bytes: int
    def __init__(self, digests: _Optional[_Iterable[_Union[TensorDigest, _Mapping]]] = ..., total_bytes: _Optional[int] = ..., timings: _Optional[_Union[Timings, _Mapping]] = ..., peak_memory_bytes: _Optional[int] = ...) -> None: ...

class TensorDigest(_message.Message):
    __slots__ = ("name", "crc32", "sha256")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    name: str
    crc32: int
    sha256: bytes
    def __init__(self, name: _Optional[str] = ..., crc32: _Optional[int] = ..., sha256: _Optional[bytes] = ...) -> None: ...

class Timings(_message.Message):
    __slots__ = ("plan_seconds", "encode_seconds", "stream_seconds", "decode_seconds", "write_seconds")
    PLAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    ENCODE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    STREAM_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DECODE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    WRITE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    plan_seconds: float
    encode_seconds: float
    stream_seconds: float
    decode_seconds: float
    write_seconds: float
    def __init__(self, plan_seconds: _Optional[float] = ..., encode_seconds: _Optional[float] = ..., stream_seconds: _Optional[float] = ..., decode_seconds: _Optional[float] = ..., write_seconds: _Optional[float] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models", "default_model", "aliases")
    class AliasesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    MODELS_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_MODEL_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    default_model: str
    aliases: _containers.ScalarMap[str, str]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ..., default_model: _Optional[str] = ..., aliases: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "description", "fingerprint", "families", "operations", "rank", "parameters", "license", "decoder", "training_json", "tokenizer_vocab_size", "built_in")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    FAMILIES_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    DECODER_FIELD_NUMBER: _ClassVar[int]
    TRAINING_JSON_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_VOCAB_SIZE_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    fingerprint: str
    families: _containers.RepeatedScalarFieldContainer[str]
    operations: _containers.RepeatedScalarFieldContainer[str]
    rank: int
    parameters: int
    license: str
    decoder: str
    training_json: str
    tokenizer_vocab_size: int
    built_in: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., fingerprint: _Optional[str] = ..., families: _Optional[_Iterable[str]] = ..., operations: _Optional[_Iterable[str]] = ..., rank: _Optional[int] = ..., parameters: _Optional[int] = ..., license: _Optional[str] = ..., decoder: _Optional[str] = ..., training_json: _Optional[str] = ..., tokenizer_vocab_size: _Optional[int] = ..., built_in: _Optional[bool] = ...) -> None: ...

class GetTokenizerRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetTokenizerResponse(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[TokenizerFile]
    def __init__(self, files: _Optional[_Iterable[_Union[TokenizerFile, _Mapping]]] = ...) -> None: ...

class TokenizerFile(_message.Message):
    __slots__ = ("name", "data")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    name: str
    data: bytes
    def __init__(self, name: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class InspectTensorsRequest(_message.Message):
    __slots__ = ("request", "histogram_bins", "histogram_low", "histogram_high", "picture_rows", "picture_columns", "singular_values")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_BINS_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_LOW_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_HIGH_FIELD_NUMBER: _ClassVar[int]
    PICTURE_ROWS_FIELD_NUMBER: _ClassVar[int]
    PICTURE_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SINGULAR_VALUES_FIELD_NUMBER: _ClassVar[int]
    request: PredictRequest
    histogram_bins: int
    histogram_low: float
    histogram_high: float
    picture_rows: int
    picture_columns: int
    singular_values: int
    def __init__(self, request: _Optional[_Union[PredictRequest, _Mapping]] = ..., histogram_bins: _Optional[int] = ..., histogram_low: _Optional[float] = ..., histogram_high: _Optional[float] = ..., picture_rows: _Optional[int] = ..., picture_columns: _Optional[int] = ..., singular_values: _Optional[int] = ...) -> None: ...

class InspectTensorsResponse(_message.Message):
    __slots__ = ("tensor", "tensors")
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    TENSORS_FIELD_NUMBER: _ClassVar[int]
    tensor: TensorInspection
    tensors: int
    def __init__(self, tensor: _Optional[_Union[TensorInspection, _Mapping]] = ..., tensors: _Optional[int] = ...) -> None: ...

class TensorInspection(_message.Message):
    __slots__ = ("name", "start", "shape", "elements", "minimum", "maximum", "mean", "standard_deviation", "zeros", "histogram", "picture", "spectrum")
    NAME_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    SHAPE_FIELD_NUMBER: _ClassVar[int]
    ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    MEAN_FIELD_NUMBER: _ClassVar[int]
    STANDARD_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    ZEROS_FIELD_NUMBER: _ClassVar[int]
    HISTOGRAM_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    SPECTRUM_FIELD_NUMBER: _ClassVar[int]
    name: str
    start: _containers.RepeatedScalarFieldContainer[int]
    shape: _containers.RepeatedScalarFieldContainer[int]
    elements: int
    minimum: float
    maximum: float
    mean: float
    standard_deviation: float
    zeros: int
    histogram: Histogram
    picture: Picture
    spectrum: Spectrum
    def __init__(self, name: _Optional[str] = ..., start: _Optional[_Iterable[int]] = ..., shape: _Optional[_Iterable[int]] = ..., elements: _Optional[int] = ..., minimum: _Optional[float] = ..., maximum: _Optional[float] = ..., mean: _Optional[float] = ..., standard_deviation: _Optional[float] = ..., zeros: _Optional[int] = ..., histogram: _Optional[_Union[Histogram, _Mapping]] = ..., picture: _Optional[_Union[Picture, _Mapping]] = ..., spectrum: _Optional[_Union[Spectrum, _Mapping]] = ...) -> None: ...

class Histogram(_message.Message):
    __slots__ = ("low", "high", "counts", "below", "above")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    BELOW_FIELD_NUMBER: _ClassVar[int]
    ABOVE_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    counts: _containers.RepeatedScalarFieldContainer[int]
    below: int
    above: int
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ..., counts: _Optional[_Iterable[int]] = ..., below: _Optional[int] = ..., above: _Optional[int] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("rows", "columns", "matrix_rows", "matrix_columns", "means", "minima", "maxima")
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MATRIX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MATRIX_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    MEANS_FIELD_NUMBER: _ClassVar[int]
    MINIMA_FIELD_NUMBER: _ClassVar[int]
    MAXIMA_FIELD_NUMBER: _ClassVar[int]
    rows: int
    columns: int
    matrix_rows: int
    matrix_columns: int
    means: bytes
    minima: bytes
    maxima: bytes
    def __init__(self, rows: _Optional[int] = ..., columns: _Optional[int] = ..., matrix_rows: _Optional[int] = ..., matrix_columns: _Optional[int] = ..., means: _Optional[bytes] = ..., minima: _Optional[bytes] = ..., maxima: _Optional[bytes] = ...) -> None: ...

class Spectrum(_message.Message):
    __slots__ = ("values", "rank", "squares")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    SQUARES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    rank: int
    squares: float
    def __init__(self, values: _Optional[_Iterable[float]] = ..., rank: _Optional[int] = ..., squares: _Optional[float] = ...) -> None: ...

class GetActivityRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetActivityResponse(_message.Message):
    __slots__ = ("uptime_seconds", "held", "planning_streams", "waiting_streams", "running_jobs", "waiting_jobs", "busy_workers", "workers", "sent_bytes", "sent_elements", "started_calls", "refused_calls", "stages", "memory_bytes")
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    PLANNING_STREAMS_FIELD_NUMBER: _ClassVar[int]
    WAITING_STREAMS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_JOBS_FIELD_NUMBER: _ClassVar[int]
    WAITING_JOBS_FIELD_NUMBER: _ClassVar[int]
    BUSY_WORKERS_FIELD_NUMBER: _ClassVar[int]
    WORKERS_FIELD_NUMBER: _ClassVar[int]
    SENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    SENT_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    STARTED_CALLS_FIELD_NUMBER: _ClassVar[int]
    REFUSED_CALLS_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    uptime_seconds: float
    held: _containers.RepeatedCompositeFieldContainer[HeldResource]
    planning_streams: int
    waiting_streams: int
    running_jobs: int
    waiting_jobs: int
    busy_workers: int
    workers: int
    sent_bytes: int
    sent_elements: int
    started_calls: int
    refused_calls: int
    stages: _containers.RepeatedCompositeFieldContainer[StageActivity]
    memory_bytes: int
    def __init__(self, uptime_seconds: _Optional[float] = ..., held: _Optional[_Iterable[_Union[HeldResource, _Mapping]]] = ..., planning_streams: _Optional[int] = ..., waiting_streams: _Optional[int] = ..., running_jobs: _Optional[int] = ..., waiting_jobs: _Optional[int] = ..., busy_workers: _Optional[int] = ..., workers: _Optional[int] = ..., sent_bytes: _Optional[int] = ..., sent_elements: _Optional[int] = ..., started_calls: _Optional[int] = ..., refused_calls: _Optional[int] = ..., stages: _Optional[_Iterable[_Union[StageActivity, _Mapping]]] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class HeldResource(_message.Message):
    __slots__ = ("name", "used", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    used: int
    limit: int
    def __init__(self, name: _Optional[str] = ..., used: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class StageActivity(_message.Message):
    __slots__ = ("name", "seconds", "predictions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PREDICTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    seconds: float
    predictions: int
    def __init__(self, name: _Optional[str] = ..., seconds: _Optional[float] = ..., predictions: _Optional[int] = ...) -> None: ...
