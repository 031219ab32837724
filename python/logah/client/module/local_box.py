"""Which box of a whole tensor a rank holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate, Shard
from torch.distributed.tensor.placement_types import _StridedShard

from logah.errors import ShardingError


@dataclass(frozen=True)
class LocalBox:
    """The part from `start` of size `shape`, in each dimension of the whole tensor."""

    start: tuple[int, ...]
    shape: tuple[int, ...]

    @property
    def is_empty(self) -> bool:
        """Whether this rank holds nothing of the tensor."""
        return 0 in self.shape


def local_tensor(parameter: Tensor) -> Tensor:
    """The storage that this rank holds: a DTensor's local part, any other tensor itself."""
    return parameter.to_local() if isinstance(parameter, DTensor) else parameter.detach()


def local_box(name: str, parameter: Tensor) -> LocalBox:
    """The box of the whole tensor that `local_tensor(parameter)` is; all of it for a plain tensor.

    Replicated and sharded placements, on meshes of any number of dimensions, FSDP over tensor parallelism among them.
    Raises ShardingError for others, such as partial sums.
    """
    whole = tuple(parameter.shape)
    if not isinstance(parameter, DTensor):
        return LocalBox((0,) * len(whole), whole)
    coordinate = parameter.device_mesh.get_coordinate()
    start, shape = [0] * len(whole), list(whole)
    if coordinate is None:  # This rank is not on the mesh.
        return LocalBox(tuple(start), tuple(parameter.to_local().shape))
    for mesh_dimension, dimension in _cuts(name, parameter):
        size = shape[dimension]
        # torch.chunk: as many rows as fit, the last ranks short or empty.
        rows = -(-size // parameter.device_mesh.size(mesh_dimension))
        first = min(size, rows * coordinate[mesh_dimension])
        start[dimension] += first
        shape[dimension] = min(size, first + rows) - first
    held = tuple(parameter.to_local().shape)
    if tuple(shape) != held:
        raise ShardingError(f'parameter "{name}" has a local part of shape {held}; its placements give {tuple(shape)}')
    return LocalBox(tuple(start), tuple(shape))


def _cuts(name: str, parameter: DTensor) -> list[tuple[int, int]]:
    """(mesh dimension, tensor dimension) of each cut, in the order in which they are made.

    FSDP cuts what tensor parallelism has cut already although its mesh dimension comes first: the strided shard.
    """
    cuts: list[tuple[int, int]] = []
    strided: list[tuple[int, int]] = []
    for mesh_dimension, placement in enumerate(parameter.placements):
        if type(placement) is Shard:
            cuts.append((mesh_dimension, placement.dim))
        elif isinstance(placement, _StridedShard):
            strided.append((mesh_dimension, placement.dim))
            after = [
                parameter.device_mesh.size(later)
                for later in range(mesh_dimension + 1, parameter.device_mesh.ndim)
                if isinstance(parameter.placements[later], Shard)
                and parameter.placements[later].is_shard(placement.dim)
            ]
            if placement.split_factor != math.prod(after) or len(strided) > 1:
                raise ShardingError(f'parameter "{name}" is placed as {parameter.placements}, which is no box')
        elif not isinstance(placement, Replicate):
            raise ShardingError(f'parameter "{name}" is placed as {placement}; expected Replicate or Shard')
    return cuts + strided


def materialized(parameter: Tensor, device: torch.device | str | None) -> torch.nn.Parameter:
    """A parameter like one on the meta device, with uninitialised memory for this rank's part alone.

    `device` None: the DTensor's own kind of device, or the CPU.
    """
    if isinstance(parameter, DTensor):
        mesh = parameter.device_mesh
        local = torch.empty_like(parameter.to_local(), device=device or mesh.device_type)
        data: Tensor = DTensor.from_local(
            local, mesh, parameter.placements, run_check=False, shape=parameter.shape, stride=parameter.stride()
        )
    else:
        data = torch.empty_like(parameter, device=device or "cpu")
    replacement = torch.nn.Parameter(data, requires_grad=parameter.requires_grad)
    replacement.__dict__.update(parameter.__dict__)
    return replacement
