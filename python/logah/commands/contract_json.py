"""Messages of the contract as the Node.js command line prints them: whole numbers as numbers, nothing left out."""

from __future__ import annotations

from typing import Any


def json_of(message: Any) -> dict[str, Any]:
    """A protobuf message as plain values under its fields' JSON names. A message that is not set is None."""
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            values[field.json_name] = dict(value)
        elif isinstance(value, str | bytes | int | float):
            is_unset = field.has_presence and not message.HasField(field.name)
            values[field.json_name] = None if is_unset else _scalar(field, value)
        elif hasattr(value, "DESCRIPTOR"):
            values[field.json_name] = json_of(value) if message.HasField(field.name) else None
        else:
            values[field.json_name] = [json_of(v) if hasattr(v, "DESCRIPTOR") else _scalar(field, v) for v in value]
    return values


def _scalar(field: Any, value: Any) -> Any:
    return field.enum_type.values_by_number[value].name if field.enum_type is not None else value
