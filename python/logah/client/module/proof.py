"""Proof that a module holds what it was filled with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from logah.client.module.keeping import Keeping
from logah.client.module.local_box import LocalBox, local_tensor
from logah.client.module.module_parameters import ParameterSlot
from logah.client.module.verification import ExpectedElements, Sample, Verification, differences, sampled_places
from logah.client.wire.core_data import CoreExpansion
from logah.client.wire.plan import TensorPlan
from logah.errors import VerificationError


@dataclass(frozen=True)
class Proof:
    """What this rank needs to compare the parameters that it filled: the cores, a few hundred kilobytes, and of tensors
    that came as they are a sample."""

    slots: Mapping[str, ParameterSlot]
    boxes: Mapping[str, LocalBox]
    tensors: Mapping[str, TensorPlan]
    cores: Mapping[str, NDArray[np.uint8]]
    samples: Mapping[str, Sample]
    expansion: CoreExpansion
    keeping: Keeping

    def check(self, seed: int) -> Verification:
        """Compares a sample of every tensor. Raises VerificationError, which names each that holds something else."""
        elements, worst = 0, 0.0
        wrong: list[str] = []
        checked = [name for name in (*self.cores, *self.samples) if not self.boxes[name].is_empty]
        for name in checked:
            shares = self._of_cores(name, seed) if name in self.cores else self._of_sample(name, self.samples[name])
            elements += len(shares)
            largest = float(shares.max(initial=0.0))
            worst = max(worst, largest)
            if largest > 1:
                wrong.append(name)
        if wrong:
            raise VerificationError(f"parameters do not hold what was predicted: {', '.join(wrong)}", wrong)
        return Verification(len(checked), elements, worst)

    def _of_cores(self, name: str, seed: int) -> NDArray[np.float64]:
        tensor, box = self.tensors[name], self.boxes[name]
        places = sampled_places(name, box.shape, seed)
        if places:
            is_predicted = self._is_predicted(name, places)
            places = [axis[is_predicted] for axis in places]
        whole = tuple(axis + first for axis, first in zip(places, box.start, strict=True))
        flat = np.ravel_multi_index(whole, tensor.shape) if whole else np.zeros(1, np.int64)
        expected, tolerance = ExpectedElements(tensor, self.cores[name], self.expansion).at(np.asarray(flat))
        held, epsilon = self._held(name, places)
        return differences(held, expected, tolerance, epsilon)

    def _of_sample(self, name: str, sample: Sample) -> NDArray[np.float64]:
        held, epsilon = self._held(name, sample.places)
        shares = differences(held, sample.values, np.zeros(len(sample.values)), epsilon)
        return shares[self._is_predicted(name, sample.places)] if sample.places else shares

    def _held(self, name: str, places: list[NDArray[np.int64]]) -> tuple[NDArray[np.float64], float]:
        """The elements at the places of this rank's part, and the rounding of their type."""
        local = local_tensor(self.slots[name].parameter).detach()
        index = tuple(torch.from_numpy(axis).to(local.device) for axis in places)
        held: Tensor = local[index] if index else local.reshape(1)
        return held.double().cpu().numpy(), torch.finfo(local.dtype).eps

    def _is_predicted(self, name: str, places: list[NDArray[np.int64]]) -> NDArray[np.bool_]:
        """Which places are not in a part that was kept, or in a padding row."""
        mask = np.ones(len(places[0]), bool)
        for part in self.keeping.parts.get(name, ()):
            axis = places[part.axis]
            mask &= (axis < part.start) | (axis >= part.start + part.length)
        if name in self.keeping.padding:
            mask &= places[0] + self.boxes[name].start[0] != self.keeping.padding[name]
        return mask
