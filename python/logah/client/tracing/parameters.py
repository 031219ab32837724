"""Every parameter of the module with its origin: nodes of the draft, or a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from logah.client.tracing.draft import Use
from logah.errors import CoverageError
from logah.graph.architecture import Block, Initialization, Parameter, Prediction

_SHOWN_NAMES = 10

#: Of learned tokens and their positions where nothing says how they start: as the LoGAH authors fill them.
TOKEN_RULE = Initialization("RULE_NORMAL", 0.02)

Rules = Mapping[str, Initialization]


def parameters_of(
    shapes: Mapping[str, tuple[int, ...]],
    holders: Mapping[str, str],
    uses: Mapping[str, Sequence[Use]],
    rule_of: Callable[[str], Initialization | None],
    can_keep: Callable[[str], bool],
    strict: bool,
) -> tuple[Parameter, ...]:
    """The parameters in the order of `holders`, the module's.

    What neither a node nor a rule fills is kept where the module has values of its own, or code that computes them.
    Raises CoverageError for what it has not, and with `strict` for what nothing predicts.
    """
    parameters = []
    unknown: list[str] = []
    by_rule: list[str] = []
    for name, holder in holders.items():
        shape = shapes[holder]
        if 0 in shape:
            parameters.append(Parameter(name, shape))
            continue
        if name != holder:
            parameters.append(Parameter(name, shape, tied_to=holder))
            continue
        own = sorted(uses.get(name, ()), key=lambda use: use.part.start if use.part is not None else 0)
        prefix = own[0].prefix if own else 0
        covered = _covers(shape, own)
        if not covered or prefix > 0:
            by_rule.append(name)
            rule = rule_of(name)
            if rule is None and covered:
                # `initialize` puts the module's own values back.
                rule = TOKEN_RULE
            if rule is None:
                parameters.append(Parameter(name, shape, keep="KEEP_ALWAYS"))
                if not can_keep(name):
                    unknown.append(name)
                continue
            filled = Block(prefix if covered else shape[0] if shape else 1, rule)
            blocks: tuple[Block, ...] = (filled, _block(own[0], shape[1] - prefix)) if covered else (filled,)
            parameters.append(Parameter(name, shape, blocks, axis=1 if covered else 0))
        elif own[0].experts:
            experts, rows, columns = shape
            block, view = _block(own[0], rows), (experts * rows, columns)
            parameters.append(Parameter(name, shape, (block,), view=view, repetitions=experts))
        elif own[0].part is None:
            parameters.append(Parameter(name, shape, (_block(own[0], shape[0]),)))
        else:
            blocks = tuple(_block(use, use.part.length) for use in own if use.part is not None)
            parameters.append(Parameter(name, shape, blocks, axis=own[0].part.axis))
    if strict and by_rule:
        raise CoverageError(f"nothing predicts these parameters, or a part of them: {_listed(by_rule)}", by_rule)
    if unknown:
        raise CoverageError(
            f"nothing predicts these parameters, and no rule is known that fills them: {_listed(unknown)}; "
            "say their rules, as in logah.client.trace(module, ..., rules={...}), or give them values to take one from",
            unknown,
        )
    return tuple(parameters)


def given_rule(rules: Rules, name: str) -> Initialization | None:
    """The first of the caller's rules whose pattern matches."""
    rule = next((rule for pattern, rule in rules.items() if fnmatchcase(name, pattern)), None)
    return rule and replace(rule, given=True)


def _covers(shape: tuple[int, ...], uses: Sequence[Use]) -> bool:
    """Whether the uses are all of a parameter, each entry once."""
    if not uses:
        return False
    if uses[0].part is None:
        return len(uses) == 1
    axis, end = uses[0].part.axis, 0
    for use in uses:
        if use.part is None or use.part.axis != axis or use.part.start != end:
            return False
        end += use.part.length
    return end == shape[axis]


def _block(use: Use, length: int) -> Block:
    return Block(length, Prediction(use.node, use.role, use.classifier, use.slot))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN_NAMES
    return ", ".join(names[:_SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
