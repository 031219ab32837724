"""Makes message classes from a descriptor, by protobuf's public interface.

The code that protoc generates refuses every runtime but those of its own and the next major version of protobuf; this
works with any since 4.22, so that a training job keeps the protobuf that its other packages want.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper


def define(module: dict[str, Any], serialized_file: bytes) -> Any:
    """Adds the messages, enums and enum values of an encoded `FileDescriptorProto` to a module's globals.

    The files that it imports must be defined already. Returns the file's descriptor.
    """
    file = descriptor_pool.Default().AddSerializedFile(serialized_file)
    for name, message in file.message_types_by_name.items():
        module[name] = message_factory.GetMessageClass(message)
    for name, enum in file.enum_types_by_name.items():
        module[name] = EnumTypeWrapper(enum)
        module.update({value.name: value.number for value in enum.values})
    return file
