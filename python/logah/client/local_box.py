"""Which box of a whole tensor a rank holds."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, Replicate, Shard

from logah.client.errors import ShardingError


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

    Replicated and sharded placements, on meshes of any number of dimensions. Raises ShardingError for others: partial
    sums, and the strided shards of tensor parallelism below FSDP.
    """
    whole = tuple(parameter.shape)
    if not isinstance(parameter, DTensor):
        return LocalBox((0,) * len(whole), whole)
    coordinate = parameter.device_mesh.get_coordinate()
    start, shape = [0] * len(whole), list(whole)
    if coordinate is None:  # This rank is not on the mesh.
        return LocalBox(tuple(start), tuple(parameter.to_local().shape))
    for mesh_dimension, placement in enumerate(parameter.placements):
        if isinstance(placement, Replicate):
            continue
        # Not isinstance: a strided shard is no box.
        if type(placement) is not Shard:
            raise ShardingError(f'parameter "{name}" is placed as {placement}; expected Replicate or Shard')
        size = shape[placement.dim]
        # torch.chunk: as many rows as fit, the last ranks short or empty.
        rows = -(-size // parameter.device_mesh.size(mesh_dimension))
        first = min(size, rows * coordinate[mesh_dimension])
        start[placement.dim] += first
        shape[placement.dim] = min(size, first + rows) - first
    held = tuple(parameter.to_local().shape)
    if tuple(shape) != held:
        raise ShardingError(f'parameter "{name}" has a local part of shape {held}; its placements give {tuple(shape)}')
    return LocalBox(tuple(start), tuple(shape))


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
