"""Transformers networks by config.json and by their own ONNX files: whether each matrix is predicted alike."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import transformers
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

import logah

_SEED = 11


class Output(nn.Module):
    """A model's first output alone, of inputs by position: exporters know tensors, not classes of outputs."""

    def __init__(self, model: nn.Module, inputs: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def forward(self, *values: Tensor) -> Tensor:
        named = dict(zip(self.inputs, values, strict=True))
        first: Tensor = self.model(**named, **({"use_cache": False} if self._caches else {}), return_dict=False)[0]
        return first

    @property
    def _caches(self) -> bool:
        return bool(getattr(self.model.config, "use_cache", False))


@dataclass(frozen=True)
class Compared:
    """One network by config.json, and by one exporter."""

    network: str
    exporter: str
    #: Elements; of the plan by config.json, and of the plan of the file.
    config_parameters: int = 0
    file_parameters: int = 0
    #: Predicted tensors of two or more dimensions by config.json.
    matrices: int = 0
    #: Of those, the ones that the file holds and that are predicted for it.
    compared: int = 0
    #: Largest ratio of standard deviations, from 1, and largest difference of two elements, oriented alike.
    deviation_ratio: float = 1.0
    difference: float = 0.0
    #: The tensor with the largest difference, and its standard deviation.
    farthest: str = ""
    deviation: float = 0.0
    #: Names of matrices that were not compared.
    missing: tuple[str, ...] = ()
    refused: str = ""


def networks() -> dict[str, tuple[Any, dict[str, Tensor]]]:
    """Small models, and inputs for them; tied embeddings as the configurations have them by default."""
    size = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 256}
    image = {"pixel_values": torch.randn(1, 3, 32, 32)}
    # As many as there are positions: the dynamo exporter keeps of a table only the rows that its example looks up.
    tokens = {"input_ids": torch.randint(200, (1, 64)), "attention_mask": torch.ones(1, 64, dtype=torch.int64)}
    vit = transformers.ViTConfig(**size, image_size=32, patch_size=8)
    gpt2 = transformers.GPT2Config(n_embd=64, n_layer=2, n_head=4, n_positions=64, vocab_size=200)
    bert = transformers.BertConfig(**size, vocab_size=200, max_position_embeddings=64)
    llama = transformers.LlamaConfig(
        **size, num_key_value_heads=2, vocab_size=200, max_position_embeddings=64, bos_token_id=1, eos_token_id=2
    )
    models = {
        "ViT": (transformers.ViTForImageClassification, vit, image),
        "GPT-2": (transformers.GPT2LMHeadModel, gpt2, tokens),
        "BERT": (transformers.BertForMaskedLM, bert, tokens),
        "Llama": (transformers.LlamaForCausalLM, llama, tokens),
    }
    found = {}
    for name, (build, config, inputs) in models.items():
        config._attn_implementation = "eager"
        config.architectures = [build.__name__]
        found[name] = (_distinct(build(config)), inputs)
    return found


def measure_configurations(address: str) -> Iterator[Compared]:
    """One a network and exporter, for a server with the models of this repository."""
    with tempfile.TemporaryDirectory() as folder, logah.connect(address) as client:
        for network, (model, inputs) in networks().items():
            config = client.plan(model.config)
            ours = _without_draws(client, model.config)
            predicted = {
                tensor.name for tensor in config.tensors if tensor.source == "predicted" and len(tensor.shape) > 1
            }
            for exporter in ("torch, TorchScript", "torch, dynamo", "torch, dynamo, fixed length"):
                dynamo, fixed = "dynamo" in exporter, "fixed" in exporter
                if fixed and "input_ids" not in inputs:
                    continue
                row = Compared(
                    network,
                    exporter,
                    config_parameters=config.coverage.parameters,
                    matrices=len(predicted),
                )
                path = Path(folder) / f"{network}-{dynamo}-{fixed}.onnx"
                try:
                    _export(Output(model, tuple(inputs)), tuple(inputs.values()), path, dynamo, fixed)
                    plan = client.plan(path, model=config.model)
                    row = replace(row, file_parameters=plan.coverage.parameters)
                    theirs = dict(client.predict(path, seed=_SEED, model=config.model))
                except Exception as error:
                    yield replace(row, refused=f"{type(error).__name__}: {error}"[:200])
                    continue
                parameters = {name: value.detach().numpy() for name, value in model.named_parameters()}
                held = {name: parameters[name] for name in sorted(predicted & parameters.keys())}
                yield _compared(row, path, held, ours, theirs)


def _without_draws(client: logah.Client, config: Any) -> dict[str, NDArray[np.float32]]:
    """What is predicted; not-a-number where a value is drawn: it goes by the tensor's name, which exporters change."""
    again = dict(client.predict(config, seed=_SEED + 1))
    return {
        name: np.where(np.asarray(values) == np.asarray(again[name]), values, np.float32("nan"))
        for name, values in client.predict(config, seed=_SEED)
    }


def _export(module: nn.Module, inputs: tuple[Tensor, ...], path: Path, dynamo: bool, fixed: bool) -> None:
    more: dict[str, Any] = {"external_data": False, "verbose": False} if dynamo else {}
    if dynamo and not fixed and inputs[0].dim() == 2:
        more["dynamic_shapes"] = {"values": tuple({1: torch.export.Dim("length", min=2, max=64)} for _ in inputs)}
    torch.onnx.export(module.eval(), inputs, str(path), dynamo=dynamo, opset_version=18, **more)


def _compared(
    row: Compared,
    path: Path,
    parameters: Mapping[str, NDArray[np.float32]],
    ours: Mapping[str, NDArray[np.float32]],
    theirs: Mapping[str, Any],
) -> Compared:
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    missing, compared, ratio, difference, farthest, deviation = [], 0, 1.0, 0.0, "", 0.0
    for name, values in parameters.items():
        found = next(
            ((n, order) for n, own in held.items() if n in theirs and (order := _order(own, values)) is not None), None
        )
        if found is None:
            missing.append(name)
            continue
        whole = ours[name]
        known = ~np.isnan(whole)
        by_config = whole[known]
        by_file = np.asarray(theirs[found[0]]).transpose(found[1]).reshape(whole.shape)[known]
        compared += 1
        deviations = sorted((float(by_config.std()), float(by_file.std())))
        ratio = max(ratio, deviations[1] / max(deviations[0], 1e-30))
        apart = float(np.abs(by_config - by_file).max())
        if apart > difference:
            difference, farthest, deviation = apart, name, float(by_config.std())
    return replace(
        row,
        compared=compared,
        deviation_ratio=ratio,
        difference=difference,
        farthest=farthest,
        deviation=deviation,
        missing=tuple(missing),
    )


def _order(held: NDArray[Any], parameter: NDArray[np.float32]) -> tuple[int, ...] | None:
    """The order of dimensions in which a file's values are the parameter's."""
    if held.size != parameter.size:
        return None
    orders = [tuple(range(held.ndim)), *([(1, 0)] if held.ndim == 2 else [])]
    flat = parameter.reshape(-1)
    return next((order for order in orders if np.array_equal(held.transpose(order).reshape(-1), flat)), None)


def _distinct(model: nn.Module) -> nn.Module:
    """All parameters differ, so that no exporter merges them."""
    generator = torch.Generator().manual_seed(_SEED)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.05 + (parameter.dim() == 1))
    return model.eval()


def configuration_section(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of the document."""
    lines = [
        "## config.json and ONNX of the same network",
        "",
        "Small networks of transformers, filled by config.json and by their own ONNX files with the same hypernetwork.",
        "A matrix is found in the file by its values, and compared in the orientation of the parameter. What is drawn,",
        "such as a class token, is left out. Language models have a dynamic length. Where they are exported with a",
        "fixed one, the dynamo exporter looks up the positions itself; the example has as many as there are.",
        "",
        "| Network | Exporter | Parameters: config.json / file | Matrices: predicted / compared "
        "| Largest ratio of deviations | Largest difference | Where, of deviation |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        start = f"| {row['network']} | {row['exporter']} |"
        if row["refused"]:
            lines.append(f"{start} {row['refused']} | | | | |")
            continue
        where = f"`{row['farthest']}`, {row['deviation']:.2g}" if row["farthest"] else "-"
        figures = f"{row['deviation_ratio']:.4f} | {row['difference']:.1e}"
        lines.append(
            f"{start} {row['config_parameters']:,} / {row['file_parameters']:,} "
            f"| {row['matrices']} / {row['compared']} | {figures} | {where} |"
        )
    return [*lines, ""]
