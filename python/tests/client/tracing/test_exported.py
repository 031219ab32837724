"""The module is only read, whatever it is made of, and one that cannot be followed says where."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import traced_networks as networks
import transformers
from torch import Tensor, nn
from traced_graphs import structure

from logah.client import TraceError, trace
from logah.graph.architecture import Prediction


def test_the_module_is_only_read() -> None:
    module = networks.VisionTransformer(32, 4, 1, 2, 16, 32, 10).train()
    module.heads.requires_grad_(False)
    before = {name: (value.data_ptr(), value.clone()) for name, value in module.state_dict().items()}
    frozen = [parameter.requires_grad for parameter in module.parameters()]
    random = torch.get_rng_state()
    trace(module, (torch.empty(1, 3, 32, 32),))
    for name, value in module.state_dict().items():
        assert value.data_ptr() == before[name][0]
        assert torch.equal(value, before[name][1])
    assert all(submodule.training for submodule in module.modules())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())
    assert "forward" not in vars(module)
    assert [parameter.requires_grad for parameter in module.parameters()] == frozen
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_element_type_and_the_device_do_not_matter(dtype: torch.dtype) -> None:
    image = torch.empty(1, 3, 64, 64)
    expected = structure(trace(networks.Inception(), (image,)))
    assert structure(trace(networks.Inception().to(dtype), (image.to(dtype),))) == expected
    assert structure(trace(networks.Inception().to("meta"), (image,))) == expected


class Choice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Conditional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cond(x.sum() > 0, lambda y: self.layer(y), lambda y: y + 1, (x,))


class Quantised(nn.Linear):
    pass


Quantised.__module__ = "torch.ao.nn.quantized.modules.linear"


@pytest.mark.parametrize(
    ("make", "submodule", "operation", "message"),
    [
        (
            lambda: nn.Sequential(nn.Linear(4, 4), Choice()),
            "1",
            "torch.Tensor.__bool__",
            r'submodule "1" \(Choice\) at torch\.Tensor\.__bool__: its control flow depends on the values of tensors',
        ),
        (Conditional, "", "", "control flow depends on the values"),
        (
            lambda: nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.Linear(5, 4))),
            "1.0",
            "torch.nn.functional.linear",
            r'submodule "1\.0" \(Linear\) at torch\.nn\.functional\.linear: a and b must have same reduction dim',
        ),
        (lambda: nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(5)), "1", "", "has no shapes yet"),
        (lambda: nn.Sequential(nn.ReLU(), nn.Flatten()), "", "", "no parameters: there is nothing to predict"),
        (lambda: nn.Sequential(nn.Linear(4, 4), Quantised(4, 4)), "1", "", "is quantised"),
    ],
)
def test_a_module_that_cannot_be_followed_says_where(
    make: Callable[[], nn.Module], submodule: str, operation: str, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TraceError, match=message) as raised:
        trace(make(), (torch.empty(1, 4),))
    assert (raised.value.submodule, raised.value.operation) == (submodule, operation)
    assert capfd.readouterr() == ("", "")


def test_inputs_are_asked_for_where_a_module_does_not_say_its_own() -> None:
    with pytest.raises(TraceError, match="pass an example"):
        trace(nn.Linear(4, 4))
    with pytest.raises(TraceError, match=r"args: got a Tensor, expected a tuple .* one alone is \(input,\)"):
        trace(nn.Linear(3, 4), torch.zeros(2, 3))  # type: ignore[arg-type]
    with pytest.raises(TraceError, match="missing a required argument: 'input'"):
        trace(nn.Linear(4, 4), ())
    with torch.device("meta"):
        audio = transformers.Wav2Vec2Model(transformers.Wav2Vec2Config(num_hidden_layers=1))
    audio.main_input_name = "sounds"
    audio.forward = lambda sounds: sounds
    with pytest.raises(TraceError, match='reads "sounds"'):
        trace(audio)


class Windows(nn.Module):
    """Attention within windows whose lengths come as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.joined, self.head = nn.Linear(8, 24), nn.Linear(8, 4)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        parts = self.joined(x).reshape(-1, 3, 2, 4).permute(1, 2, 0, 3).unbind(0)
        ends = torch.cat((torch.arange(1), lengths.cumsum(0)))
        sizes = [size for size in (ends[1:] - ends[:-1]).tolist() if size > 0]
        windows = zip(*(part.split(sizes, 1) for part in parts), strict=True)
        seen = torch.cat([nn.functional.scaled_dot_product_attention(*window) for window in windows], 1)
        output: Tensor = self.head(seen.transpose(0, 1).flatten(1))
        return output


def test_whole_numbers_among_the_inputs_may_say_what_happens() -> None:
    graph = trace(Windows(), (torch.empty(12, 8), torch.tensor([4, 8])))
    joined = next(parameter for parameter in graph.parameters if parameter.name == "joined.weight")
    assert [(block.length, block.origin.slot) for block in joined.blocks if isinstance(block.origin, Prediction)] == [
        (8, 0),
        (8, 1),
        (8, 2),
    ]
    assert [node.operation for node in graph.nodes].count("msa") == 2


@pytest.mark.parametrize(
    ("configuration", "options"),
    [
        ("Qwen2_5_VLVisionConfig", {"depth": 1, "hidden_size": 32, "num_heads": 2, "intermediate_size": 48}),
        ("Glm4vVisionConfig", {"depth": 1, "hidden_size": 32, "num_heads": 2, "out_hidden_size": 32}),
        ("Siglip2VisionConfig", {"num_hidden_layers": 1, "hidden_size": 32, "num_attention_heads": 2}),
        (
            "Gemma4VisionConfig",
            {
                "num_hidden_layers": 1,
                "hidden_size": 32,
                "num_attention_heads": 2,
                "num_key_value_heads": 2,
                "head_dim": 16,
            },
        ),
        ("TimesFmConfig", {"num_hidden_layers": 1}),
        ("Blip2QFormerConfig", {"num_hidden_layers": 1}),
        ("DecisionTransformerConfig", {"n_layer": 1}),
    ],
)
def test_inputs_of_many_kinds_are_found_by_signature_and_configuration(
    configuration: str, options: dict[str, int]
) -> None:
    config = getattr(transformers, configuration)(**options)
    with torch.device("meta"):
        module = transformers.AutoModel.from_config(config)
    graph = trace(module)
    predicted = sum(
        any(isinstance(block.origin, Prediction) for block in parameter.blocks) for parameter in graph.parameters
    )
    assert predicted > len(graph.parameters) / 2
