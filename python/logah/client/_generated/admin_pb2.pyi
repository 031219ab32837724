from . import logah_pb2 as _logah_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class LoadModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class LoadModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: _logah_pb2.Model
    def __init__(self, model: _Optional[_Union[_logah_pb2.Model, _Mapping]] = ...) -> None: ...

class UnloadModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class UnloadModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ReloadModelsResponse(_message.Message):
    __slots__ = ("changed", "models", "broken")
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    BROKEN_FIELD_NUMBER: _ClassVar[int]
    changed: bool
    models: _containers.RepeatedCompositeFieldContainer[_logah_pb2.Model]
    broken: _containers.RepeatedCompositeFieldContainer[BrokenBundle]
    def __init__(self, changed: _Optional[bool] = ..., models: _Optional[_Iterable[_Union[_logah_pb2.Model, _Mapping]]] = ..., broken: _Optional[_Iterable[_Union[BrokenBundle, _Mapping]]] = ...) -> None: ...

class BrokenBundle(_message.Message):
    __slots__ = ("directory", "reason", "serving")
    DIRECTORY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    directory: str
    reason: str
    serving: str
    def __init__(self, directory: _Optional[str] = ..., reason: _Optional[str] = ..., serving: _Optional[str] = ...) -> None: ...
