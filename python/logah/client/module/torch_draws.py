"""Random numbers in torch's tensors: NumPy computes those on the CPU, on several threads, and others their device."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from logah.client.wire.core_data import NoiseData
from logah.client.wire.draws.noise import normals
from logah.client.wire.draws.philox import StreamKey
from logah.client.wire.draws.rules import FillRule, drawn
from logah.client.wire.draws.space import NUMPY, Space

#: Elements that are drawn at a time: few enough for a core's cache, and enough to cost more than the calls.
_STRIP_ELEMENTS = 1 << 15
#: The same elsewhere, where calls cost more.
_DEVICE_STRIP_ELEMENTS = 1 << 22


def add_noise(values: Tensor, noise: NoiseData, first: int, stride: int) -> None:
    """Adds noise to float32 [rows, columns], in place: element (p, q) is that of index first + p * stride + q."""

    def add(space: Space, start: int, part: Tensor) -> None:
        drawn_here = normals(space, noise.key, first + start * stride, part.shape[0], part.shape[1], stride)
        drawn_here *= noise.deviation
        if space is NUMPY:
            drawn_here += part.numpy()
            part.numpy()[...] = drawn_here
        else:
            part.copy_(part.double() + drawn_here)

    _by_strips(values, add)


def draw_into(memory: Tensor, rule: FillRule, shape: tuple[int, ...], key: StreamKey, first: int, stride: int) -> None:
    """Fills [rows, columns] of any type: element (p, q) is that of index first + p * stride + q of a parameter of
    `shape`, rounded to float32 first."""

    def draw(space: Space, start: int, part: Tensor) -> None:
        rows, columns = part.shape
        places = (space.integers(rows) + start)[:, None] * stride + (space.integers(columns) + first)
        values = drawn(space, rule, shape, key, places.reshape(-1)).reshape(rows, columns)
        if space is NUMPY:
            values = torch.from_numpy(values)
        part.copy_(values.float())

    _by_strips(memory, draw)


def _by_strips(values: Tensor, fill: Callable[[Space, int, Tensor], None]) -> None:
    """Calls `fill` with parts of the rows, and the first row of each."""
    rows, columns = values.shape
    if values.device.type == "mps":
        # It has no float64.
        here = values.cpu()
        _by_strips(here, fill)
        values.copy_(here)
        return
    on_cpu = values.device.type == "cpu"
    space = NUMPY if on_cpu else Space(torch, device=values.device)
    step = max(1, (_STRIP_ELEMENTS if on_cpu else _DEVICE_STRIP_ELEMENTS) // max(1, columns))
    strips = [(start, values[start : start + step]) for start in range(0, rows, step)]
    threads = min(torch.get_num_threads(), len(strips)) if on_cpu else 1
    if threads < 2:
        for start, part in strips:
            fill(space, start, part)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda strip: fill(space, *strip), strips))
