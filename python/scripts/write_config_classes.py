"""Writes what transformers' configuration classes say of themselves: fields' types, defaults and other names.

    python python/scripts/write_config_classes.py

The service reads config.json files with it as transformers would: src/architecture/transformers/config-classes.json.
With --check, fails where the file is not what the installed transformers says.
"""

from __future__ import annotations

import argparse
import json
import types
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import transformers
from transformers import CONFIG_MAPPING, PreTrainedConfig

FILE = Path(__file__).parents[2] / "src" / "architecture" / "transformers" / "config-classes.json"

#: The model types that the service reads, and the parts of those that are made of two networks.
MODEL_TYPES = (
    *("bart", "bert", "bloom", "camembert", "clip", "clip_text_model", "clip_vision_model", "convnext", "deberta-v2"),
    *("deit", "dinov2", "distilbert", "electra", "falcon", "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox"),
    *("llama", "mistral", "mixtral", "opt", "phi3", "qwen2", "qwen3", "qwen3_moe", "resnet", "roberta", "siglip"),
    *("siglip_text_model", "siglip_vision_model", "swin", "t5", "vit", "whisper", "xlm-roberta"),
)

SIMPLE = {int: "int", float: "float", bool: "bool", str: "str", dict: "dict", list: "list", type(None): "null"}


def kinds(annotation: Any) -> list[Any]:
    """What JSON can hold of a field's annotation, as `huggingface_hub.dataclasses` checks it: one entry each."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is None:
        return ["null"]
    if annotation in SIMPLE:
        return [SIMPLE[annotation]]
    if origin in (Union, types.UnionType):
        return [kind for argument in arguments for kind in kinds(argument)]
    if origin is Literal:
        return [{"value": argument} for argument in arguments]
    if origin is list:
        return [{"list": [kind for argument in arguments for kind in kinds(argument)]}]
    if origin is dict:
        return ["dict"]
    if origin is tuple or annotation is tuple:
        return []  # JSON has none
    if isinstance(annotation, type):
        return ["dict"] if hasattr(annotation, "__total__") or issubclass(annotation, PreTrainedConfig) else []
    return ["any"]


def described(field: Field[Any]) -> dict[str, Any]:
    default = field.default_factory() if field.default_factory is not MISSING else field.default
    entry: dict[str, Any] = {"types": list({json.dumps(kind): kind for kind in kinds(field.type)}.values())}
    return entry if default is MISSING else {**entry, "default": default}


def own_fields(cls: type[PreTrainedConfig], without: dict[str, Any]) -> dict[str, Any]:
    entries = {field.name: described(field) for field in fields(cls)}
    return {name: entry for name, entry in entries.items() if without.get(name) != entry}


def config_classes() -> dict[str, Any]:
    common = own_fields(PreTrainedConfig, {})
    classes = {}
    for model_type in MODEL_TYPES:
        cls = CONFIG_MAPPING[model_type]
        classes[model_type] = {"aliases": cls.attribute_map, "fields": own_fields(cls, common)}
    return {"transformers": transformers.__version__, "common": common, "classes": classes}


def text() -> str:
    return "".join(lines(config_classes(), 0)) + "\n"


def lines(value: Any, depth: int) -> list[str]:
    """JSON with a line for each field."""
    if depth == 4 or not isinstance(value, dict) or not value or "types" in value:
        return [json.dumps(value)]
    pad = "  " * (depth + 1)
    entries = [f"{pad}{json.dumps(key)}: {''.join(lines(entry, depth + 1))}" for key, entry in value.items()]
    return ["{\n", ",\n".join(entries), f"\n{'  ' * depth}}}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if parser.parse_args().check:
        if FILE.read_text() != text():
            raise SystemExit(f"{FILE.name} is not what transformers {transformers.__version__} says")
    else:
        FILE.write_text(text())


if __name__ == "__main__":
    main()
