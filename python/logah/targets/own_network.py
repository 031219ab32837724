"""A network of the user's own, from its config.json: what it is trained as, beside the networks of a space."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageClassification

from logah.errors import ConfigurationError
from logah.graph import ArchitectureGraph
from logah.targets.families import FAMILIES
from logah.targets.gpt2 import Gpt2Space
from logah.targets.llama import CLASSES, LlamaSpace
from logah.targets.task import Space
from logah.targets.vit import VitSpace

#: transformers' `model_type` -> the family that trains it.
FAMILY_OF: Mapping[str, str] = {"vit": "vit", "gpt2": "gpt2", **dict.fromkeys(CLASSES, "llama")}
#: Of a configuration, what has to be a positive number.
_SIZES: Mapping[str, tuple[str, ...]] = {
    "vit": (
        "hidden_size",
        "num_attention_heads",
        "num_hidden_layers",
        "intermediate_size",
        "patch_size",
        "num_channels",
        "num_labels",
    ),
    "gpt2": ("n_embd", "n_head", "n_layer", "n_positions", "vocab_size"),
    "llama": (
        "hidden_size",
        "num_attention_heads",
        "num_key_value_heads",
        "num_hidden_layers",
        "intermediate_size",
        "max_position_embeddings",
        "vocab_size",
    ),
}
#: What a configuration says of files and versions, and not of the network.
_NOT_OF_THE_NETWORK = ("architectures", "dtype", "torch_dtype", "transformers_version", "_name_or_path")


OwnSpace = VitSpace | Gpt2Space | LlamaSpace


@dataclass(frozen=True)
class OwnNetwork:
    """family: of `FAMILIES`. config: complete, as transformers has it. space: the sizes of this network alone.

    sizes: by the names that plans use; they say what it is called.
    """

    family: str
    config: dict[str, Any]
    space: OwnSpace
    sizes: dict[str, int]

    @property
    def digest(self) -> str:
        """Of the whole configuration."""
        return hashlib.sha256(json.dumps(self.config, sort_keys=True, default=str).encode()).hexdigest()

    def graph(self) -> ArchitectureGraph:
        """As the service builds it."""
        return FAMILIES[self.family].graph(self.config)


def read_network(file: Path) -> OwnNetwork:
    """Reads a config.json. Raises ConfigurationError, which names the file and the field."""
    try:
        given = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    if not isinstance(given, dict):
        raise ConfigurationError(f"{file}: expected a JSON object, found {type(given).__name__}")
    kind = given.get("model_type")
    if not isinstance(kind, str) or kind not in FAMILY_OF:
        raise ConfigurationError(f"{file}: model_type: got {kind!r}, expected one of {', '.join(FAMILY_OF)}")
    try:
        complete = AutoConfig.for_model(**given)
        fields = complete.to_dict()
        config = {name: value for name, value in fields.items() if name not in _NOT_OF_THE_NETWORK}
        family = FAMILY_OF[kind]
        if family == "vit":
            # transformers keeps the names of the classes in place of their number.
            config = {**config, "num_labels": complete.num_labels}
            config.pop("id2label", None)
            config.pop("label2id", None)
        for name in _SIZES[family]:
            # transformers itself takes some of them as pairs.
            if config[name] is None or (isinstance(config[name], int) and config[name] < 1):
                raise ConfigurationError(f"{name}: got {config[name]!r}, expected a positive number")
        space, sizes = _SPACES[family](config)
    except (ConfigurationError, KeyError, TypeError, ValueError, StrictDataclassError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    _check_built(file, family, config)
    return OwnNetwork(family, config, space, sizes)


def _check_built(file: Path, family: str, config: Mapping[str, Any]) -> None:
    """Refuses what transformers does not build, before anything is trained. Raises ConfigurationError."""
    try:
        with torch.device("meta"):
            fields = AutoConfig.for_model(**{**config, "attn_implementation": "sdpa"})
            kind = AutoModelForImageClassification if family == "vit" else AutoModelForCausalLM
            build: Callable[..., object] = kind.from_config
            build(fields)
    except Exception as error:
        # Whatever its modules raise: an activation that there is not is a KeyError.
        raise ConfigurationError(f"{file}: transformers does not build it: {type(error).__name__}: {error}") from None


def ranges_of(family: str, space: Space, trained: Mapping[str, Mapping[str, list[int]]]) -> dict[str, list[int]]:
    """The sizes of a family that a hypernetwork was trained on: of its record of training, else those of `space`."""
    names = [name for name, of in FAMILY_OF.items() if of == family and name in trained]
    return dict(trained[names[0]]) if names else space.ranges()


def _common(width: int, heads: int, layers: int, hidden: int) -> tuple[dict[str, Any], dict[str, int]]:
    """Fields of a space of one network, and its sizes."""
    if width % heads:
        raise ConfigurationError(f"the width {width} is no multiple of {heads} heads")
    ratio = max(1, hidden // width)
    space = {"widths": (width,), "layers": (layers,), "head_sizes": (width // heads,), "mlp_ratios": (ratio,)}
    return space, {"width": width, "layers": layers, "heads": heads, "mlp_ratio": ratio}


def _vit(config: Mapping[str, Any]) -> tuple[VitSpace, dict[str, int]]:
    for name in ("image_size", "patch_size"):
        if not isinstance(config[name], int):
            raise ConfigurationError(f"{name}: got {config[name]!r}, expected one number, of squares")
    common, sizes = _common(
        config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"], config["intermediate_size"]
    )
    patch: int = config["patch_size"]
    if patch > config["image_size"]:
        raise ConfigurationError(f"patch_size: got {patch}, expected no more than image_size, {config['image_size']}")
    own = {name: config[name] for name in ("image_size", "num_channels", "num_labels")}
    return VitSpace(**common, **own, patch_sizes=(patch,)), {**sizes, "patch_size": patch}


def _gpt2(config: Mapping[str, Any]) -> tuple[Gpt2Space, dict[str, int]]:
    width: int = config["n_embd"]
    common, sizes = _common(width, config["n_head"], config["n_layer"], config["n_inner"] or 4 * width)
    context: int = config["n_positions"]
    space = Gpt2Space(
        **common, vocab_size=config["vocab_size"], contexts=(context,), tied=config["tie_word_embeddings"]
    )
    return space, {**sizes, "context": context}


def _llama(config: Mapping[str, Any]) -> tuple[LlamaSpace, dict[str, int]]:
    heads: int = config["num_attention_heads"]
    common, sizes = _common(config["hidden_size"], heads, config["num_hidden_layers"], config["intermediate_size"])
    context: int = config["max_position_embeddings"]
    if heads % config["num_key_value_heads"]:
        raise ConfigurationError(
            f"num_key_value_heads: got {config['num_key_value_heads']}, expected a divisor of {heads} heads"
        )
    space = LlamaSpace(
        **common,
        vocab_size=config["vocab_size"],
        contexts=(context,),
        kv_groups=(1, heads // config["num_key_value_heads"]),
        tied=(int(config["tie_word_embeddings"]),),
        biased=(int(config["model_type"] == "qwen2"),),
    )
    return space, {**sizes, "context": context}


_SPACES: Mapping[str, Callable[[Mapping[str, Any]], tuple[OwnSpace, dict[str, int]]]] = {
    "vit": _vit,
    "gpt2": _gpt2,
    "llama": _llama,
}
