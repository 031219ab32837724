"""A network of the user's own, from its config.json: what it is trained as, beside the networks of a space."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import AutoConfig

from logah.errors import ConfigurationError
from logah.graph import ArchitectureGraph
from logah.targets.families import FAMILIES
from logah.targets.gpt2 import Gpt2Space
from logah.targets.llama import CLASSES, LlamaSpace
from logah.targets.task import Space
from logah.targets.vit import VitSpace

#: transformers' `model_type` -> the family that trains it.
FAMILY_OF: Mapping[str, str] = {"vit": "vit", "gpt2": "gpt2", **dict.fromkeys(CLASSES, "llama")}
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

    def graph(self) -> ArchitectureGraph:
        """As the service builds it."""
        return FAMILIES[self.family].graph(self.config)


def read_network(file: Path) -> OwnNetwork:
    """Reads a config.json. Raises ConfigurationError, which names the file and the field."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
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
        space, sizes = _SPACES[family](config)
    except (ConfigurationError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise ConfigurationError(f"{file}: {error}") from None
    return OwnNetwork(family, config, space, sizes)


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
