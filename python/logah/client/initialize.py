"""Fills the parameters of a module in place; the only part of the client that needs torch."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn
from torch.distributed.fsdp import FSDPModule

from logah.client.architecture import Architecture
from logah.client.deadline import Deadline
from logah.client.module.filling import Filling, check_boxes, requested
from logah.client.module.keeping import KeepOrPredict, KeptReason, decide
from logah.client.module.local_box import LocalBox, local_box, local_tensor, materialized
from logah.client.module.meta_buffers import Buffers
from logah.client.module.module_parameters import (
    ParameterSlot,
    check_writable,
    checked_module,
    match_plan,
    parameter_slots,
    unwrapped,
)
from logah.client.module.opening import opened, plan_of
from logah.client.module.own_start.start import HeldValues, OwnStart
from logah.client.module.predictions import Predictions
from logah.client.module.proof import Proof
from logah.client.module.rank_zero import RankZero
from logah.client.module.report import InitializationReport, report_of
from logah.client.module.torch_expansion import full_precision
from logah.client.module.workers import Workers
from logah.client.progress import Progress
from logah.client.request import Representation, cut, predict_request
from logah.client.source import Source, read_source
from logah.client.wire.core_data import CoreExpansion
from logah.client.wire.element_type import DtypeName
from logah.client.wire.expansion import ExpansionLayer
from logah.client.wire.plan import Plan
from logah.client.wire.prediction_stream import DataEvent, PlanEvent
from logah.errors import CoverageError, RequestError
from logah.graph import ArchitectureGraph, Initialization

if TYPE_CHECKING:
    from logah.client._generated import logah_pb2

_DTYPE_NAMES: dict[torch.dtype, DtypeName] = {
    torch.float32: "float32",
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
}
_TORCH_DTYPES = {name: dtype for dtype, name in _DTYPE_NAMES.items()}

#: Who asks the server: each rank, or one for all of them.
Fetch = Literal["each", "rank0"]


def initialize(
    client: Predictions,
    module: nn.Module,
    source: Source | None = None,
    *,
    seed: int = 0,
    model: str = "",
    strict: bool = True,
    copies: int = 0,
    lift: float = 0.0,
    strength: float = 1.0,
    base: float = 0.0,
    frozen: KeepOrPredict = "keep",
    special: KeepOrPredict = "keep",
    values: HeldValues = "auto",
    device: torch.device | str | None = None,
    representation: Representation | Literal["auto"] = "auto",
    fetch: Fetch = "each",
    timeout: float | None = None,
    progress: bool | None = None,
) -> InitializationReport:
    """Fills the parameters of `module` with what a server predicts for its architecture; others keep their own start.

    - What needs no gradient is kept; `frozen` "predict" fills it like the rest.
    - What starts in a way that a layer's default would not give, and that a prediction would wipe out, is kept unless
      `special` is "predict": constants (norms of residual branches at 0, LoRA's second matrix, the prior of a detection
      head), identities, sines, weights of nearly nothing, biases beyond what is predicted, rows for padding.
    - What nothing predicts is filled by rule if the module's own init code says the rule and its values look as drawn
      by it, and is kept otherwise.
    - Kept values that the module does not hold, since they are on the meta device or memory that `to_empty` left, are
      computed by its own init code (`reset_parameters`, `init_weights`, transformers' `_init_weights`), the same on
      every rank. So are buffers, whatever they hold. Nothing in PyTorch says what memory holds: `values` "auto" judges
      by what it looks like, "none" says that it is as `to_empty` left it, and "held" that it holds values.

    - Parameters on the CPU or another device keep their storage and element type. Those on the meta device are
      replaced as their values arrive, by ones on `device` (default: the CPU, or a DTensor's kind of device); the whole
      module is never materialised first. Parameters that are tied stay tied.
    - DTensor parameters (FSDP2's `fully_shard`, tensor parallelism): each rank asks for its own part alone and calls
      no collective; together the parts are the full prediction, bit for bit.
    - `representation` "auto": what the weights are made of is sent, a few hundred kilobytes, and expanded by torch: in
      place, on the parameter's own device, products in float32 and rounded once. Each rank asks for the same and
      expands its own part; on one kind of device the parts are those of the whole, bit for bit. They agree with the
      dense prediction to 1e-6 of a tensor's largest element; what is drawn at random has its bits. "core" is the same;
      "auto" takes "dense" for models whose weights are no products. "factors": matrices come as factors, whole, to
      every rank. "dense": each rank asks for its own part alone, with the server's bits.
    - `fetch` "rank0": rank 0 of the default process group asks, and broadcasts what comes; every rank must call. Not
      with "dense", which is not small.
    - Holds, beside the module, the cores, the factors of two groups of tensors (8 MiB each, or those of one tensor),
      and 1 MiB to each thread; dense, one chunk, and one tensor where values need a copy (other devices, casts).
    - `source` None: the module itself, by its transformers configuration or else by its trace. `seed`, `model`,
      `copies`, `lift`, `strength`, `base`, `timeout`: as for `Client.predict`; every rank must pass the same.
    - `progress`: as for `Client.state_dict`; under torchrun only the first rank shows a bar of its own accord.
    - `strict`: the plan and the module must name the same parameters. Otherwise those that the plan lacks stay as they
      are, and are reported.

    Raises CoverageError, before anything is changed, where a parameter or buffer would stay uninitialised, or a
    parameter does not fit the plan, and ShardingError for a placement that is no box. When a call fails later, some
    parameters have been filled and others not, and no value may be used.
    """
    if representation not in ("auto", "core", "factors", "dense"):
        raise RequestError(f'representation is "{representation}"; allowed: auto, core, factors, dense')
    for name, choice in (("frozen", frozen), ("special", special)):
        if choice not in ("keep", "predict"):
            raise RequestError(f"{name} is {choice}; allowed: keep, predict")
    if values not in ("auto", "held", "none"):
        raise RequestError(f"values is {values}; allowed: auto, held, none")
    if not isinstance(strict, bool):
        raise RequestError(f"strict is {strict!r}; allowed: True, False")
    if fetch not in ("each", "rank0"):
        raise RequestError(f'fetch is "{fetch}"; allowed: each, rank0')
    if fetch == "rank0":
        if representation == "dense":
            raise RequestError('fetch is "rank0"; representation "dense" would hold the whole network')
        client = RankZero(client)
    root = unwrapped(checked_module(module))
    for submodule in root.modules():
        if isinstance(submodule, FSDPModule):
            # After a forward pass the module may hold gathered copies, which FSDP throws away.
            submodule.reshard()
    slots = parameter_slots(root)
    check_writable(slots)
    dtype = _common_dtype(slots)
    deadline = Deadline(timeout, client.target)

    def request_of(architecture: Architecture, sent_as: Representation) -> logah_pb2.PredictRequest:
        return predict_request(
            architecture,
            model=model,
            seed=seed,
            dtype=dtype,
            copies=copies,
            lift=lift,
            strength=strength,
            base=base,
            representation=sent_as,
        )

    architecture = read_source(root if source is None else source)
    stream = opened(client, architecture, request_of, representation, deadline)
    plan, events = stream.plan, stream.events
    with contextlib.ExitStack() as stack:
        if events is not None:
            stack.callback(events.close)
        start = OwnStart(root, slots, values)
        matched = match_plan(slots, plan, strict, [name for name, _ in root.named_buffers()])
        untouched = _untouched(slots, matched)
        message = stream.architecture.message
        graph = message.graph if message.HasField("graph") else None
        keeping = decide(matched, plan, graph, start, frozen, special, _given(source))
        assumed = _assumed(plan, matched, keeping.kept, start)
        boxes = {name: local_box(name, slot.parameter) for name, slot in matched.items()}
        own = _own_values(matched, keeping.kept, start, seed)
        Buffers(root, start.holds_values).put(device)
        with torch.no_grad():
            for name, value in own.items():
                _put(matched[name], boxes[name], value, device)
        filled = {name: slot for name, slot in matched.items() if name not in keeping.kept}
        if events is None:
            wanted = {name: boxes[name] for name in filled}
            slices = {tensor.name: requested(tensor, wanted.get(tensor.name)) for tensor in plan.sent}
            request = request_of(stream.architecture, "dense")
            # The model and the copies that the plan was made with, should the server's choice change.
            request.model, request.copies = plan.model, plan.widening.copies if plan.widening else 1
            cut(request, {name: box for name, box in slices.items() if box is not None})
            events = client.events(request, deadline.remaining())
            stack.callback(events.close)
            check_boxes(plan_of(events), plan, slices)
        bar = stack.enter_context(Progress(progress))
        bar.accept(PlanEvent(plan))
        stack.enter_context(full_precision())
        workers = stack.enter_context(Workers())
        filling = Filling(filled, boxes, _TORCH_DTYPES[dtype], device, keeping, workers)
        expansion = _expansion(plan, client.expansion_layer(plan, deadline.remaining()))
        filling.expand_with(expansion)
        for event in events:
            bar.accept(event)
            if isinstance(event, DataEvent):
                filling.accept(event.pieces)
        filling.finish()
    refused: dict[str, KeptReason] = dict.fromkeys(filling.refused, "own")
    tensors = {tensor.name: tensor for tensor in plan.sent}
    proof = Proof(filled, boxes, tensors, filling.cores, filling.samples, expansion, keeping) if expansion else None
    return report_of(plan, {**keeping.kept, **refused}, untouched, proof, assumed)


def _expansion(plan: Plan, layer: ExpansionLayer | None) -> CoreExpansion | None:
    return CoreExpansion(plan.element_type, plan.expansion, layer) if plan.expansion and layer else None


def _given(source: object) -> Collection[str]:
    """The names of the parameters whose rule the caller of `trace` gave."""
    if not isinstance(source, ArchitectureGraph):
        return ()
    return {
        parameter.name
        for parameter in source.parameters
        if any(isinstance(block.origin, Initialization) and block.origin.given for block in parameter.blocks)
    }


def _own_values(
    matched: Mapping[str, ParameterSlot], kept: Collection[str], start: OwnStart, seed: int
) -> dict[str, Tensor]:
    """What the module's init code gives parameters that are kept and hold nothing, by their names in the plan.

    Raises CoverageError naming those that it does not fill.
    """
    empty = {name: matched[name] for name in kept if not start.holds(matched[name])}
    values = start.computed({slot.names[0] for slot in empty.values()}, seed) if empty else {}
    missing = [name for name, slot in empty.items() if slot.names[0] not in values]
    if missing:
        raise CoverageError(
            f"parameters that are to be kept hold nothing, and the module has no code that fills them: "
            f"{', '.join(missing)}; give them values, or say their rules: "
            "graph = logah.client.trace(module, ..., rules={...}), then initialize(module, graph)",
            missing,
        )
    return {name: values[slot.names[0]] for name, slot in empty.items()}


def _assumed(
    plan: Plan, matched: Mapping[str, ParameterSlot], kept: Mapping[str, KeptReason], start: OwnStart
) -> dict[str, str]:
    """Of parameters that are not predicted: the library's models whose defaults they are taken to have."""
    others = [t.name for t in plan.tensors if t.name in kept or not t.predicted_elements]
    found = {name: start.assumed(matched[name].names[0]) for name in others if name in matched}
    return {name: model for name, model in found.items() if model}


def _put(slot: ParameterSlot, box: LocalBox, value: Tensor, device: torch.device | str | None) -> None:
    """Fills this process's part of a parameter with that of a whole tensor."""
    if slot.parameter.is_meta:
        slot.replace(materialized(slot.parameter, device))
    if not box.is_empty:
        part = tuple(slice(first, first + size) for first, size in zip(box.start, box.shape, strict=True))
        local_tensor(slot.parameter).copy_(value[part])


def _untouched(slots: Iterable[ParameterSlot], matched: Mapping[str, ParameterSlot]) -> tuple[str, ...]:
    """The parameters that the plan does not have. Raises CoverageError where they have no values to keep."""
    covered = {id(slot) for slot in matched.values()}
    left = [slot for slot in slots if id(slot) not in covered]
    meta = [slot.names[0] for slot in left if slot.parameter.is_meta]
    if meta:
        raise CoverageError(f"the plan has no values for parameters on the meta device: {', '.join(meta)}", meta)
    return tuple(slot.names[0] for slot in left)


def _common_dtype(slots: Iterable[ParameterSlot]) -> DtypeName:
    """What to ask for: the module's own element type where it has one only, else float32, to be rounded here."""
    dtypes = {slot.parameter.dtype for slot in slots}
    wrong = [slot.names[0] for slot in slots if not slot.parameter.is_floating_point()]
    if wrong:
        raise CoverageError(f"parameters are not of a floating-point type: {', '.join(wrong)}", wrong)
    return _DTYPE_NAMES.get(dtypes.pop(), "float32") if len(dtypes) == 1 else "float32"
