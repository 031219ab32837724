"""Dataclasses from the mappings of a YAML file; every error names the field, what came and what is allowed."""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable
from typing import Any, Literal, TypeVar

from logah.errors import ConfigurationError

T = TypeVar("T")


def read_fields(value: Any, kind: type[T], where: str) -> T:
    """An instance of the dataclass `kind`. Fields with a default may be left out. Raises ConfigurationError."""
    if not isinstance(value, dict):
        raise ConfigurationError(f"{where}: expected a mapping, found {type(value).__name__}")
    fields = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    missing = sorted(
        name
        for name, field in fields.items()
        if name not in value and field.default is field.default_factory is dataclasses.MISSING
    )
    refuse_unknown(value, fields, where)
    if missing:
        raise ConfigurationError(f"{where}: missing fields: {', '.join(missing)}")
    hints = typing.get_type_hints(kind)
    try:
        return kind(**{name: _read(item, hints[name], f"{where}: {name}") for name, item in value.items()})
    except ConfigurationError:
        raise
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def refuse_unknown(given: Iterable[Any], known: Iterable[str], where: str) -> None:
    """Raises ConfigurationError for names that are not known, with the known ones that they may have been meant for."""
    unknown = sorted(str(name) for name in set(given) - set(known))
    if not unknown:
        return
    nearest = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    meant = [f"{near[0]} for {name}" for name, near in nearest.items() if near]
    question = f"; did you mean {', '.join(meant)}?" if meant else ""
    raise ConfigurationError(
        f"{where}: unknown fields: {', '.join(unknown)}; known: {', '.join(sorted(known))}{question}"
    )


def _read(value: Any, hint: Any, where: str) -> Any:
    """The value as the annotation has it: lists become tuples, whole numbers floats."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in arguments:
            return None
        (hint,) = [argument for argument in arguments if argument is not type(None)]
        return _read(value, hint, where)
    if origin is Literal:
        if value not in arguments:
            raise ConfigurationError(f"{where}: got {value!r}, expected one of {', '.join(map(str, arguments))}")
        return value
    if origin in (tuple, list):
        if not isinstance(value, list | tuple):
            raise ConfigurationError(f"{where}: got {value!r}, expected a list")
        if origin is list or arguments[-1] is Ellipsis:
            kinds = [arguments[0]] * len(value)
        elif len(value) != len(arguments):
            raise ConfigurationError(f"{where}: got {value!r}, expected {len(arguments)} values")
        else:
            kinds = list(arguments)
        return origin(_read(v, k, f"{where}[{i}]") for i, (v, k) in enumerate(zip(value, kinds, strict=True)))
    if origin is dict:
        if not isinstance(value, dict):
            raise ConfigurationError(f"{where}: got {value!r}, expected a mapping")
        return {key: _read(item, arguments[1], f"{where}: {key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return value if isinstance(value, hint) else read_fields(value, typing.cast("type[Any]", hint), where)  # type: ignore[arg-type]
    return _read_plain(value, hint, where)


def _read_plain(value: Any, hint: Any, where: str) -> Any:
    names = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint in names and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        # YAML 1.1 reads 2e-3 as a text.
        advice = "; in YAML a power of ten needs a point and a sign, as 2.0e-3" if hint is float else ""
        raise ConfigurationError(f"{where}: got {value!r}, expected {names[hint]}{advice}")
    return value
