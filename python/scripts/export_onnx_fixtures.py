"""Writes the ONNX files of `test/fixtures/onnx`: what PyTorch's two exporters make of known networks, without weights.

    python python/scripts/export_onnx_fixtures.py test/fixtures/onnx

Needs torch, transformers, onnx and onnxscript. ResNet-50 and MobileNetV3 are written out here with torchvision's names
and sizes, and hold what its own classes hold.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from logah.client.onnx_file import stripped_onnx


class Bottleneck(nn.Module):
    """torchvision's `Bottleneck`: [N, inputs, H, W] -> [N, 4 * width, H / stride, W / stride]."""

    def __init__(self, inputs: int, width: int, stride: int, downsample: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)
        self.downsample = (
            nn.Sequential(nn.Conv2d(inputs, 4 * width, 1, stride, bias=False), nn.BatchNorm2d(4 * width))
            if downsample
            else None
        )

    def forward(self, x: Tensor) -> Tensor:
        out = nn.functional.relu(self.bn1(self.conv1(x)))
        out = nn.functional.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return nn.functional.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet50(nn.Module):
    """torchvision's `resnet50`, 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = 64
        for index, (width, count) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
            blocks = []
            for position in range(count):
                stride = 2 if index > 0 and position == 0 else 1
                blocks.append(Bottleneck(inputs, width, stride, position == 0))
                inputs = 4 * width
            self.add_module(f"layer{index + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(2048, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(nn.functional.relu(self.bn1(self.conv1(x))))
        for index in range(4):
            x = self.get_submodule(f"layer{index + 1}")(x)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class SqueezeExcitation(nn.Module):
    """torchvision's `SqueezeExcitation` with a hard sigmoid."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(width, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * nn.functional.hardsigmoid(self.fc2(nn.functional.relu(self.fc1(self.avgpool(x)))))


def _eighths(value: float) -> int:
    """torchvision's `_make_divisible(value, 8)`."""
    rounded = max(8, int(value + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * value else rounded


def _convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: type[nn.Module] | None = None
) -> nn.Sequential:
    """torchvision's `Conv2dNormActivation`."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=0.001, momentum=0.01),
    ]
    if activation is not None:
        layers.append(activation())
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """torchvision's `InvertedResidual` of MobileNetV3."""

    def __init__(
        self, inputs: int, kernel: int, expanded: int, outputs: int, excite: bool, hard: bool, stride: int
    ) -> None:
        super().__init__()
        activation: type[nn.Module] = nn.Hardswish if hard else nn.ReLU
        layers: list[nn.Module] = []
        if expanded != inputs:
            layers.append(_convolution(inputs, expanded, 1, activation=activation))
        layers.append(_convolution(expanded, expanded, kernel, stride, expanded, activation))
        if excite:
            layers.append(SqueezeExcitation(expanded, _eighths(expanded // 4)))
        layers.append(_convolution(expanded, outputs, 1))
        self.block = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.residual else self.block(x)


#: kernel, expanded, outputs, squeeze-excite, hard swish, stride
_MOBILENET_V3_LARGE = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


class MobileNetV3(nn.Module):
    """torchvision's `mobilenet_v3_large`, 1000 classes."""

    def __init__(self) -> None:
        super().__init__()
        inputs = 16
        features = [_convolution(3, inputs, 3, 2, activation=nn.Hardswish)]
        blocks: list[nn.Module] = []
        for kernel, expanded, outputs, excite, hard, stride in _MOBILENET_V3_LARGE:
            blocks.append(InvertedResidual(inputs, kernel, expanded, outputs, excite, hard, stride))
            inputs = outputs
        last = _convolution(inputs, 6 * inputs, 1, activation=nn.Hardswish)
        self.features = nn.Sequential(*features, *blocks, last)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Linear(960, 1280), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class Unpredicted(nn.Module):
    """Layers that no hypernetwork predicts: a convolution in one dimension, an LSTM, a group norm, a transposed one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, padding=2, dilation=2)
        self.grouped = nn.Conv2d(16, 16, 3, padding=2, dilation=2, groups=4)
        self.norm = nn.GroupNorm(4, 16)
        self.slope = nn.PReLU(16)
        self.up = nn.ConvTranspose2d(16, 8, 2, 2)
        self.series = nn.Conv1d(8, 24, 3, padding=1)
        self.recurrent = nn.LSTM(24, 20, batch_first=True)
        self.head = nn.Linear(20, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.up(self.slope(self.norm(self.grouped(self.stem(x)))))
        x = self.series(x.flatten(2)).transpose(1, 2)
        return self.head(self.recurrent(x)[0][:, -1])


class Logits(nn.Module):
    """A transformers model of which only the logits are wanted."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        # Without a mask, transformers looks for packed sequences, with an operation that the old exporter lacks.
        mask = {} if x.is_floating_point() else {"attention_mask": torch.ones_like(x)}
        return self.model(x, **mask, return_dict=True).logits


@dataclass(frozen=True)
class Fixture:
    """A network and how it is exported."""

    name: str
    build: Callable[[], nn.Module]
    example: Callable[[], Tensor]
    dynamo: bool
    opset: int
    #: Whether the old exporter leaves batch norm beside its convolution, and folds no constants.
    keep: bool = False
    #: Whether all weights differ, as those of a trained network do: exporters share tensors that are equal.
    trained: bool = True


def _image(size: int) -> Callable[[], Tensor]:
    return lambda: torch.zeros(1, 3, size, size)


def _tokens(count: int) -> Callable[[], Tensor]:
    return lambda: torch.zeros(1, count, dtype=torch.int64)


def _transformer(model_type: str, class_name: str, **fields: object) -> Callable[[], nn.Module]:
    def build() -> nn.Module:
        import transformers

        config = transformers.AutoConfig.for_model(model_type, **fields)
        config.use_cache = False
        return Logits(getattr(transformers, class_name)._from_config(config, attn_implementation="eager"))

    return build


_vit = _transformer(
    "vit",
    "ViTForImageClassification",
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=384,
    image_size=32,
    patch_size=4,
    num_labels=10,
)
_gpt2 = _transformer("gpt2", "GPT2LMHeadModel", n_embd=96, n_layer=2, n_head=3, vocab_size=500, n_positions=64)
_llama = _transformer(
    "llama",
    "LlamaForCausalLM",
    hidden_size=96,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    intermediate_size=256,
    vocab_size=500,
    max_position_embeddings=64,
)
_convnext = _transformer("convnext", "ConvNextForImageClassification", num_labels=1000)
_swin = _transformer(
    "swin",
    "SwinForImageClassification",
    embed_dim=48,
    depths=[2, 2],
    num_heads=[3, 6],
    image_size=32,
    patch_size=2,
    window_size=4,
)

FIXTURES: Sequence[Fixture] = (
    Fixture("resnet50-folded", ResNet50, _image(224), dynamo=False, opset=17),
    Fixture("resnet50", ResNet50, _image(224), dynamo=False, opset=13, keep=True),
    Fixture("resnet50-dynamo", ResNet50, _image(224), dynamo=True, opset=18),
    Fixture("mobilenet-v3", MobileNetV3, _image(224), dynamo=False, opset=17, keep=True),
    Fixture("mobilenet-v3-dynamo", MobileNetV3, _image(224), dynamo=True, opset=18),
    Fixture("convnext-tiny", _convnext, _image(224), dynamo=False, opset=13),
    Fixture("convnext-tiny-dynamo", _convnext, _image(224), dynamo=True, opset=18),
    Fixture("vit", _vit, _image(32), dynamo=False, opset=14),
    Fixture("vit-fresh", _vit, _image(32), dynamo=False, opset=14, trained=False),
    Fixture("vit-dynamo", _vit, _image(32), dynamo=True, opset=18),
    Fixture("gpt2", _gpt2, _tokens(16), dynamo=False, opset=14),
    Fixture("gpt2-dynamo", _gpt2, _tokens(16), dynamo=True, opset=18),
    Fixture("llama", _llama, _tokens(16), dynamo=False, opset=17),
    Fixture("llama-dynamo", _llama, _tokens(16), dynamo=True, opset=18),
    Fixture("llama-opset23-dynamo", _llama, _tokens(16), dynamo=True, opset=23),
    Fixture("swin", _swin, _image(32), dynamo=False, opset=17, keep=True),
    Fixture("unpredicted", Unpredicted, _image(16), dynamo=False, opset=17, keep=True),
    Fixture("unpredicted-dynamo", Unpredicted, _image(16), dynamo=True, opset=18),
)


def export(fixture: Fixture, path: Path) -> None:
    """Writes the file as the exporter makes it."""
    torch.manual_seed(0)
    module = fixture.build().eval()
    if fixture.trained:
        for tensor in module.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.01, 0.02)
    preserve = torch.onnx.TrainingMode.PRESERVE if fixture.keep else torch.onnx.TrainingMode.EVAL
    example = fixture.example()
    varied = {"x": {1: "tokens"}} if not example.is_floating_point() else None
    options: dict[str, object] = (
        {"dynamic_shapes": varied}
        if fixture.dynamo
        else {"training": preserve, "do_constant_folding": not fixture.keep, "dynamic_axes": varied}
    )
    torch.onnx.export(
        module,
        (example,),
        path,
        dynamo=fixture.dynamo,
        opset_version=fixture.opset,
        external_data=False,
        input_names=["x"],
        **options,
    )


def main() -> None:
    """Exports all fixtures, or those named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    arguments.directory.mkdir(parents=True, exist_ok=True)
    for fixture in FIXTURES:
        if arguments.names and fixture.name not in arguments.names:
            continue
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "model.onnx"
            export(fixture, path)
            content = stripped_onnx(path)
        (arguments.directory / f"{fixture.name}.onnx").write_bytes(content)
        print(f"{fixture.name}: {len(content)} bytes", flush=True)


if __name__ == "__main__":
    main()
