"""Interprets a pickle's instructions, without importing or calling what it names."""

from __future__ import annotations

import io
import mmap
import pickletools
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, BinaryIO, ClassVar, cast

from logah.hypernet.checkpoint.joblib.refusal import JoblibError, refuse
from logah.hypernet.checkpoint.joblib.values import Name, kind_of, tuple_of

#: A tensor takes about 25.
MAX_INSTRUCTIONS = 1_000_000
MAX_STRING_LENGTH = 1000


class _Mark:
    """The start of a tuple or of the items of a mapping."""


@dataclass
class PickleMachine:
    """The part of the pickle machine that a state dict uses.

    It computes plain values, tuples, lists and mappings. What a name stands for, and what comes of a call of one, a
    subclass says; without one, every name is refused.
    """

    #: The names that may come.
    names: ClassVar[Collection[str]] = ()

    stream: io.BytesIO | mmap.mmap
    size: int
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def run(self) -> Any:
        """What the next pickle of the stream stands for. Raises JoblibError."""
        try:
            return self._run()
        except JoblibError:
            raise
        except (ValueError, IndexError, KeyError, TypeError, OverflowError) as error:
            raise JoblibError(f"the pickle is damaged ({str(error)[:200] or type(error).__name__})") from error

    def made(self, instruction: str, callee: Any, arguments: tuple[Any, ...]) -> Any:
        """What a call of an allowed name would give."""
        refuse(f"calls {kind_of(callee)} with ({', '.join(map(kind_of, arguments))}), which no state dict needs")

    def built(self, target: Any, state: Any) -> Any:
        """An object with its state: a mapping's are the versions of its modules, which do not matter."""
        if isinstance(target, dict):
            return target
        refuse(f"gives a state to {kind_of(target)}, which no state dict needs")

    def persistent(self, identity: Any) -> Any:
        """What an identity that the pickle only refers to stands for."""
        refuse("has the pickle instruction BINPERSID, which no state dict needs")

    def read(self, count: int) -> bytes:
        """The bytes that follow in the stream. Raises JoblibError where there are fewer."""
        # Checked before reading: a count may be beyond what a machine has.
        left = self.size - self.stream.tell()
        if count > left:
            refuse(f"an array: {count} bytes expected, {left} are left in the file")
        return self.stream.read(count)

    def _run(self) -> Any:
        for count, (instruction, argument, _) in enumerate(pickletools.genops(cast(BinaryIO, self.stream))):
            if count >= MAX_INSTRUCTIONS:
                refuse(f"has more than the {MAX_INSTRUCTIONS} instructions that are allowed")
            if isinstance(argument, str) and len(argument) > MAX_STRING_LENGTH:
                refuse(f"has a string of {len(argument)} characters, at most {MAX_STRING_LENGTH} are allowed")
            self._step(instruction.name, argument)
        return self.stack.pop()

    def _step(self, instruction: str, argument: Any) -> None:
        stack = self.stack
        match instruction:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE":
                stack.append(None)
            case "NEWTRUE" | "NEWFALSE":
                stack.append(instruction == "NEWTRUE")
            case "BININT" | "BININT1" | "BININT2" | "LONG1":
                stack.append(argument)
            case "SHORT_BINUNICODE" | "BINUNICODE" | "SHORT_BINBYTES" | "BINBYTES" | "BINBYTES8":
                stack.append(argument)
            case "EMPTY_TUPLE" | "EMPTY_DICT" | "EMPTY_LIST":
                stack.append({"EMPTY_TUPLE": tuple, "EMPTY_DICT": dict, "EMPTY_LIST": list}[instruction]())
            case "MARK":
                stack.append(_Mark)
            case "TUPLE":
                stack.append(tuple(self._since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                items = [stack.pop() for _ in range(int(instruction[-1]))]
                stack.append(tuple(reversed(items)))
            case "APPEND":
                item = stack.pop()
                self._top(list).append(item)
            case "SETITEM":
                value, key = stack.pop(), stack.pop()
                self._set_items([key, value])
            case "SETITEMS":
                self._set_items(self._since_mark())
            case "MEMOIZE":
                self._memoize(len(self.memo))
            case "BINPUT" | "LONG_BINPUT":
                self._memoize(argument)
            case "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(self._name(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                name, module = stack.pop(), stack.pop()
                stack.append(self._name(f"{module}.{name}" if type(module) is type(name) is str else "no string"))
            case "REDUCE" | "NEWOBJ":
                arguments, callee = stack.pop(), stack.pop()
                stack.append(self.made(instruction, callee, tuple_of(arguments)))
            case "BUILD":
                state = stack.pop()
                stack.append(self.built(stack.pop(), state))
            case "BINPERSID":
                stack.append(self.persistent(stack.pop()))
            case _:
                refuse(f"has the pickle instruction {instruction}, which no state dict needs")

    def _since_mark(self) -> list[Any]:
        items = []
        while (item := self.stack.pop()) is not _Mark:
            items.append(item)
        return items[::-1]

    def _top(self, expected: type) -> Any:
        if not isinstance(self.stack[-1], expected):
            refuse(f"fills {kind_of(self.stack[-1])} with items, expected a {expected.__name__}")
        return self.stack[-1]

    def _set_items(self, items: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str):
                refuse(f"has {kind_of(key)} as a key, expected a string")
            target[key] = value

    def _memoize(self, index: int) -> None:
        value = self.stack[-1]
        # A storage's bytes are used once; kept, they would double the memory.
        self.memo[index] = None if isinstance(value, bytes) else value

    def _name(self, path: str) -> Name:
        if path not in self.names:
            known = ", ".join(sorted(self.names))
            refuse(
                f"not loaded, since it holds more than tensors and plain values: it names {path}, allowed are {known}"
            )
        return Name(path)
