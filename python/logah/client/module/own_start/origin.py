"""The contract's rule for a parameter that no hypernetwork predicts."""

from __future__ import annotations

from torch import Tensor

from logah.client.module.own_start.draw import Draw, Normal, Uniform, constant_rule
from logah.client.module.own_start.evidence import constant_of, is_explained, is_noise, sample_of
from logah.client.module.own_start.start import OwnStart
from logah.graph.architecture import Initialization

#: Values that a distribution can be told from.
_FEWEST = 32


def own_rule(start: OwnStart, name: str, prefix: int = 0) -> Initialization | None:
    """The rule that the module itself fills a parameter by; None where no rule of the contract says it.

    `prefix`: of so many tokens at the beginning of a position table [1, t, c], where the rest is predicted. Where there
    are values, they must look as drawn by it. Values that are all the same are a rule of their own, and so
    are those that look drawn of a distribution around 0, however it came to be.
    """
    slot = start.slot(name)
    if not start.holds(slot):
        draw = start.draw(slot)
        return None if draw is None else draw.rule()
    values = slot.parameter[:, :prefix] if prefix else slot.parameter
    constant = constant_of(values)
    if constant is not None:
        return constant_rule(constant)
    draw = start.draw(slot)
    if not is_explained(draw, values):
        draw = _fitting_draw(values)
    return None if draw is None else draw.rule()


def _fitting_draw(tensor: Tensor) -> Draw:
    values = sample_of(tensor)
    if len(values) < _FEWEST or not bool(values.isfinite().all()):
        return None
    # Two digits, so that modules made alike have equal graphs.
    deviation, bound = (float(f"{float(size):.2g}") for size in (values.std(), values.std() * 3**0.5))
    fitting: tuple[Draw, ...] = (Normal(0.0, deviation), Uniform(-bound, bound))
    scaled = values * (deviation / float(values.std()))
    return next((draw for draw in fitting if is_explained(draw, scaled) and is_noise(tensor)), None)
