"""Networks of public model zoos, as their own default configurations make them, with few layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

#: Fields of transformers configurations that count layers; towers are no other for having more than two.
_COUNTS = (
    "num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers", "decoder_layers", "num_encoder_layers",
    "num_decoder_layers", "depth", "encoder_depth",
)  # fmt: skip
_LAYERS = 2

#: Of types whose default configuration makes a network that transformers itself cannot run, what mends it: experts of
#: which none is chosen, no language, and rotary embeddings in sections that are not those of a head.
_MENDED: Mapping[str, Mapping[str, Any]] = {
    "deepseek_v2": {"num_experts_per_tok": 6},
    "glm4v_moe_text": {"num_attention_heads": 32},
    "xmod": {"default_language": "en_XX"},
    "glm_image_text": {
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5}
    },
}

#: Which of the classes of a type is taken: the first of these that it has.
_TASKS = (
    "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_MASKED_LM_MAPPING_NAMES",
    "MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES",
    "MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES",
    "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES",
    "MODEL_MAPPING_NAMES",
)


@dataclass(frozen=True)
class Network:
    """One network of a zoo."""

    name: str
    #: Makes it on the device that torch is told to use.
    build: Callable[[], nn.Module]
    #: Example inputs of the forward pass; None: the network says its own.
    inputs: Callable[[nn.Module], tuple[Tensor, ...]] | None = None


def transformers_types() -> list[Network]:
    """Every type of transformers that has a class, in order of name."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    # Some classes of images import torchvision.
    _declare_torchvision_operators()
    # Imported where they are built: all of them take longer than most networks' traces.
    classes = {model_type: _class_name(model_type) for model_type in sorted(CONFIG_MAPPING_NAMES)}
    return [Network(model_type, lambda name=name: _build(name)) for model_type, name in classes.items() if name]


def _class_name(model_type: str) -> str | None:
    from transformers.models.auto import modeling_auto

    for task in _TASKS:
        names = getattr(modeling_auto, task).get(model_type)
        if names:
            return names if isinstance(names, str) else str(names[0])
    return None


def _build(class_name: str) -> nn.Module:
    import transformers

    cls = getattr(transformers, class_name)
    try:
        module: nn.Module = cls(_shallow(cls.config_class()))
    except Exception:
        # Lists by layer that no longer fit.
        module = cls(cls.config_class())
    return module


def _shallow(config: Any, depth: int = 2) -> Any:
    for name, value in _MENDED.get(config.model_type, {}).items():
        setattr(config, name, value)
    if hasattr(config, "depths") or hasattr(config, "hidden_sizes"):
        # Counts of stages, whose widths are in lists.
        return config
    for name in _COUNTS:
        count = getattr(config, name, None)
        if isinstance(count, int) and count > _LAYERS:
            setattr(config, name, _LAYERS)
    kinds, count = getattr(config, "layer_types", None), getattr(config, "num_hidden_layers", None)
    if isinstance(kinds, list) and isinstance(count, int):
        config.layer_types = kinds[:count]
    for inner in list(vars(config).values()):
        if depth > 0 and hasattr(inner, "model_type") and hasattr(inner, "to_dict"):
            _shallow(inner, depth - 1)
    return config


#: Libraries of operators live as long as they are held.
_DECLARED: list[Any] = []


def _declare_torchvision_operators() -> None:
    """Declares what torchvision describes at its import, where its compiled part is of another build of torch.

    No network of a zoo calls these.
    """
    try:
        import torchvision  # noqa: F401
    except ImportError:
        return
    except RuntimeError:
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _DECLARED.append(library)


def timm_models() -> list[Network]:
    """The first model of each of timm's files, and further ones evenly from all names: 125."""
    _declare_torchvision_operators()
    import timm
    from timm.models._registry import _module_to_models

    firsts = [min(names) for names in _module_to_models.values()]
    names = timm.list_models()
    rest = [name for name in names[:: len(names) // _TIMM_SAMPLE] if name not in firsts]
    return [
        Network(name, lambda name=name: timm.create_model(name), _timm_inputs)
        for name in sorted([*firsts, *rest][:_TIMM_SAMPLE])
    ]


_TIMM_SAMPLE = 125


def _timm_inputs(module: nn.Module) -> tuple[Tensor, ...]:
    config: Mapping[str, Any] = module.default_cfg  # type: ignore[assignment]
    return (torch.empty(1, *config["input_size"], device="meta"),)


def torchvision_models() -> list[Network]:
    """One model of each of torchvision's families of classifiers, for images and for videos."""
    _declare_torchvision_operators()
    from torchvision import models

    families: dict[str, str] = {}
    for module in (models, models.video):
        for name in models.list_models(module=module):
            families.setdefault(name.rstrip("0123456789").split("_")[0], name)
    return [Network(name, lambda name=name: models.get_model(name), _torchvision_inputs) for name in families.values()]


def _torchvision_inputs(module: nn.Module) -> tuple[Tensor, ...]:
    is_video = any(isinstance(submodule, nn.Conv3d) for submodule in module.modules())
    shape = (1, 3, 16, 224, 224) if is_video else (1, 3, 299, 299) if type(module).__name__ == "Inception3" else None
    return (torch.empty(shape or (1, 3, 224, 224), device="meta"),)


ZOOS: dict[str, Callable[[], list[Network]]] = {
    "transformers": transformers_types,
    "timm": timm_models,
    "torchvision": torchvision_models,
}
