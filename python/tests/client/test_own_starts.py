"""What `initialize` leaves as the module has it, or computes by the module's own code."""

from __future__ import annotations

import copy
import math

import pytest
import started_modules as started
import torch
from torch import Tensor, nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MambaConfig,
    MambaForCausalLM,
    T5Config,
    T5EncoderModel,
    ViTConfig,
    ViTForImageClassification,
    WhisperConfig,
    WhisperModel,
)

import logah
from logah.client import Client, CoverageError, RequestError, trace
from logah.client.module.report import InitializationReport
from logah.graph import Initialization

pytestmark = pytest.mark.server

EXAMPLES = dict(started.CASES)


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return logah.connect(server)


def values_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def filled(
    client: Client, kind: type[nn.Module], **options: str
) -> tuple[nn.Module, dict[str, Tensor], InitializationReport]:
    """A module of a kind after it was initialised, its values before, and the report."""
    torch.manual_seed(0)
    module = kind()
    before = values_of(module)
    report = client.initialize(module, trace(module, (EXAMPLES[kind],)), seed=1, **options)  # type: ignore[arg-type]
    return module, before, report


def check_kept(module: nn.Module, before: dict[str, Tensor], *names: str) -> None:
    """These parameters, and no others, are what they were, bit for bit."""
    same = {name for name, value in values_of(module).items() if torch.equal(value, before[name])}
    assert same == set(names)


@pytest.mark.parametrize(
    ("kind", "kept", "reasons"),
    [
        (started.FrozenSinusoids, ["positions"], ["frozen"]),
        (started.FrozenLayer, ["stem.weight", "stem.bias"], ["frozen", "frozen"]),
        (started.PriorBias, ["classes.bias"], ["special"]),
    ],
)
def test_what_is_frozen_or_special_stays_and_is_reported(
    client: Client, kind: type[nn.Module], kept: list[str], reasons: list[str]
) -> None:
    module, before, report = filled(client, kind)
    check_kept(module, before, *kept)
    assert report.kept_parameters == dict(zip(kept, reasons, strict=True))
    assert report.kept == sum(before[name].numel() for name in kept)
    assert report.predicted == sum(p.numel() for p in module.parameters()) - report.kept
    module, before, report = filled(client, kind, frozen="predict", special="predict")
    check_kept(module, before)
    assert report.kept == 0


def test_a_recurrent_layer_keeps_the_start_that_its_owner_gave_it(client: Client) -> None:
    module, before, report = filled(client, started.CarefulLstm)
    # What its own rule explains may be drawn anew.
    assert isinstance(module, started.CarefulLstm)
    for name in ("rnn.weight_hh_l0", "rnn.bias_hh_l0", "rnn.bias_ih_l0"):
        assert torch.equal(module.get_parameter(name), before[name]), name
    bound = 1 / math.sqrt(16)
    assert 0.9 * bound < module.rnn.weight_ih_l0.abs().max() <= bound
    assert report.kept_parameters["rnn.weight_hh_l0"] == "own"


def test_branches_that_begin_as_nothing_do(client: Client) -> None:
    module, before, _ = filled(client, started.ZeroAdapter)
    check_kept(module, before, "scale", "up.weight", "conv.weight", "conv.bias", "norm.weight", "norm.bias")
    module, before, _ = filled(client, started.ZeroAdapter, special="predict")
    # Nothing predicts a convolution of one dimension, so its zeros are its own start.
    check_kept(module, before, "scale", "conv.weight", "conv.bias", "norm.weight", "norm.bias")


def test_a_deviation_that_was_chosen_is_not_that_of_the_layer(client: Client) -> None:
    module, before, report = filled(client, started.Generator)
    assert isinstance(module, started.Generator)
    for name in ("layers.0.weight", "layers.3.weight"):
        assert torch.equal(module.get_parameter(name), before[name])
        assert report.kept_parameters[name] == "own"


@pytest.mark.parametrize(
    ("kind", "kept"),
    [
        (started.Temperature, ["logit_scale"]),
        (started.WeightNorm, ["linear.parametrizations.weight.original0", "linear.parametrizations.weight.original1"]),
        (started.Experts, ["up", "down"]),
    ],
)
def test_what_no_hypernetwork_predicts_keeps_its_values(client: Client, kind: type[nn.Module], kept: list[str]) -> None:
    module, before, _ = filled(client, kind)
    for name in kept:
        assert torch.equal(module.get_parameter(name), before[name])


def test_kernels_of_three_dimensions_are_predicted(client: Client) -> None:
    module, _, report = filled(client, started.Video)
    assert report.predicted == sum(p.numel() for p in module.parameters())
    assert all(parameter.isfinite().all() for parameter in module.parameters())


def test_a_rule_of_the_callers_fills_whatever_a_module_holds(client: Client) -> None:
    module = started.CarefulLstm()
    rules = {"rnn.*": Initialization("RULE_NORMAL", 0.5)}
    report = client.initialize(module, trace(module, (started.SEQUENCE,), rules=rules), seed=1)
    assert 0.45 < module.rnn.weight_hh_l0.std() < 0.55
    assert report.kept == 0


class Padded(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(20, 8, padding_idx=3), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x))


class DeformableOffsets(nn.Module):
    """The offsets of deformable attention: a weight of 0, and a bias that is a ring of points."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.offsets = nn.Linear(8, 8), nn.Linear(8, 16)
        nn.init.zeros_(self.offsets.weight)
        angles = torch.arange(8) * (2 * math.pi / 8)
        with torch.no_grad():
            self.offsets.bias.copy_(torch.stack((angles.cos(), angles.sin()), -1).flatten() * 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.offsets(self.body(x).relu())


class Gate(nn.Module):
    """gMLP's gate: nearly nothing plus 1."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.gate = nn.Linear(8, 8), nn.Linear(32, 32)
        nn.init.normal_(self.gate.weight, std=1e-6)
        nn.init.ones_(self.gate.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.body(x)
        return x * self.gate(x.transpose(1, 2)).transpose(1, 2)


class Residual(nn.Module):
    """A residual branch that its last norm turns off, in a convolutional network."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 3, 3, padding=1, bias=False), nn.BatchNorm2d(3)
        nn.init.zeros_(self.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn(self.conv(x))


class Identity(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Conv2d(1, 1, 3, padding=1, bias=False)
        nn.init.eye_(self.first.weight)
        nn.init.dirac_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.first(x)[:, None])


@pytest.mark.parametrize(
    ("kind", "example", "kept"),
    [
        (DeformableOffsets, started.SEQUENCE, ["offsets.weight", "offsets.bias"]),
        (Gate, started.SEQUENCE, ["gate.weight", "gate.bias"]),
        (Residual, started.IMAGE, ["bn.weight", "bn.bias"]),
        (Identity, started.SEQUENCE, ["first.weight", "last.weight"]),
    ],
)
def test_starts_that_mean_something_stay(
    client: Client, kind: type[nn.Module], example: Tensor, kept: list[str]
) -> None:
    module = kind()
    before = values_of(module)
    report = client.initialize(module, trace(module, (example,)))
    check_kept(module, before, *kept)
    assert report.kept_parameters == dict.fromkeys(kept, "special")


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_rows_for_padding_stay_0(client: Client, device: str) -> None:
    with torch.device(device):
        module = Padded()
    client.initialize(module, trace(module, (torch.zeros(1, 4, dtype=torch.long),)))
    zero = (module.words.weight == 0).all(1)
    assert zero.nonzero().flatten().tolist() == [3]
    client.initialize(module, trace(module, (torch.zeros(1, 4, dtype=torch.long),)), special="predict")
    assert not (module.words.weight == 0).all(1).any()


# Modules without values


@pytest.mark.parametrize("is_empty", [False, True])
def test_what_is_kept_is_computed_by_the_modules_own_code_where_it_holds_nothing(
    client: Client, is_empty: bool
) -> None:
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "vocab_size": 20, "time_step_rank": 4}
    with torch.device("meta"):
        module = MambaForCausalLM(MambaConfig(**sizes, state_size=4))
    if is_empty:
        module.to_empty(device="cpu")
    report = client.initialize(module, trace(module), seed=5)
    mixer = module.backbone.layers[0].mixer
    assert torch.equal(mixer.A_log, torch.arange(1, 5, dtype=torch.float32).log().expand(32, 4))
    # Kaiming's uniform rule of the mixer around it, not that of the convolution.
    assert mixer.conv1d.weight.abs().max() <= 0.5 + 1e-6
    assert report.kept_parameters["backbone.layers.0.mixer.A_log"] == "own"
    # The bias of the time step is the inverse softplus of a small number.
    steps = torch.nn.functional.softplus(mixer.dt_proj.bias)
    assert 1e-4 < steps.min() and steps.max() < 0.11
    assert all(parameter.isfinite().all() for parameter in module.parameters())


def test_the_code_of_the_nearest_model_says_the_rule() -> None:
    config = T5Config(d_model=64, d_kv=8, d_ff=32, num_layers=1, num_heads=8, vocab_size=40)
    with torch.device("meta"):
        module = T5EncoderModel(config)
    graph = trace(module)
    table = next(p for p in graph.parameters if p.name.endswith("relative_attention_bias.weight"))
    assert table.blocks[0].origin == Initialization("RULE_NORMAL", pytest.approx(64**-0.5))


def test_frozen_tables_are_computed_or_named(client: Client) -> None:
    sizes = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
    config = WhisperConfig(
        **sizes, decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, vocab_size=40, num_mel_bins=8,
        max_source_positions=20, max_target_positions=8, pad_token_id=0, bos_token_id=1, eos_token_id=2,
        decoder_start_token_id=3,
    )  # fmt: skip
    with torch.device("meta"):
        module = WhisperModel(config)
    report = client.initialize(module, trace(module))
    name = "encoder.embed_positions.weight"
    assert torch.equal(module.get_parameter(name), WhisperModel(config).get_parameter(name))
    assert report.kept_parameters[name] == "frozen"
    frozen = started.FrozenSinusoids().to("meta")
    with pytest.raises(CoverageError, match="no code that fills them: positions") as caught:
        client.initialize(frozen, trace(started.FrozenSinusoids(), (started.SEQUENCE,)))
    assert caught.value.names == ("positions",)
    assert frozen.project.weight.is_meta


@pytest.mark.parametrize("seed", [0, 1])
def test_to_empty_and_then_initialize_is_the_same_network(client: Client, seed: int) -> None:
    config = LlamaConfig(
        hidden_size=32, num_attention_heads=2, num_hidden_layers=2, intermediate_size=48, vocab_size=40
    )
    real = LlamaForCausalLM(config).eval()
    with torch.device("meta"):
        empty = LlamaForCausalLM(config).eval()
    empty.to_empty(device="cpu")
    for _, buffer in empty.named_buffers():
        # What other tensors left in that memory.
        buffer.fill_(1e30)
    for module in (real, empty):
        client.initialize(module, seed=seed)
    tokens = torch.arange(8)[None]
    with torch.no_grad():
        assert torch.equal(empty(tokens).logits, real(tokens).logits)


def small_vit(device: str = "meta") -> ViTForImageClassification:
    config = ViTConfig(
        hidden_size=32, num_attention_heads=2, num_hidden_layers=2, intermediate_size=48, image_size=28, patch_size=7
    )
    with torch.device(device):
        return ViTForImageClassification(config)


def contents(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def test_what_other_networks_left_in_the_memory_of_to_empty_is_not_kept(client: Client) -> None:
    expected = small_vit()
    client.initialize(expected, seed=1)
    other = contents(small_vit("cpu"))
    left = small_vit()
    left.to_empty(device="cpu")
    for number, (name, parameter) in enumerate(left.named_parameters()):
        # Weights alone may look like values: every fourth tensor is another network's, or even zeros of a bias.
        odd = torch.full_like(other[name], 1e-41) if other[name].dim() < 2 else torch.zeros_like(other[name])
        parameter.data = other[name] if number % 4 == 0 else odd
    report = client.initialize(left, seed=1)
    assert report.kept == 0 or "special" not in report.kept_parameters.values()
    for name, values in contents(left).items():
        assert torch.equal(values, expected.get_parameter(name)), name


def test_whether_memory_holds_values_can_be_said(client: Client) -> None:
    expected = small_vit()
    client.initialize(expected, seed=1)
    filled = copy.deepcopy(small_vit("cpu"))
    name = "vit.layers.0.attention.o_proj.weight"
    filled.get_parameter(name).data = torch.zeros(32, 32)
    held = client.initialize(copy.deepcopy(filled), seed=1, values="held")
    assert held.kept_parameters[name] == "special"
    client.initialize(filled, seed=1, values="none")
    for other, values in contents(filled).items():
        assert torch.equal(values, expected.get_parameter(other)), other
    with pytest.raises(RequestError, match="values is empty; allowed: auto, held, none"):
        client.initialize(filled, values="empty")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="strict is 'no'; allowed: True, False"):
        client.initialize(filled, strict="no")  # type: ignore[arg-type]


def test_a_copy_whose_constructor_sets_zeros_keeps_them(client: Client) -> None:
    module = small_vit("cpu")
    zero = "vit.layers.1.mlp.fc2.weight"
    for name, parameter in module.named_parameters():
        if parameter.dim() < 2 or name == zero:
            nn.init.zeros_(parameter)
    report = client.initialize(copy.deepcopy(module), seed=1)
    assert report.kept_parameters[zero] == "special"


def test_buffers_that_nobody_can_compute_are_named(client: Client) -> None:
    with torch.device("meta"):
        module = nn.Sequential(nn.Linear(40, 40), nn.LayerNorm(40))
        module.register_buffer("table", torch.ones(3))
    module.to_empty(device="cpu")
    for tensor in (*module.parameters(), module.table):
        # Zeros, as new memory often is, without a trace of having been written.
        tensor.data = torch.zeros_like(tensor)
    with pytest.raises(CoverageError, match="nothing computes: table"):
        client.initialize(module, trace(module, (torch.empty(1, 40),)))


@pytest.mark.parametrize("kind", [kind for kind, _ in started.CASES])
def test_a_copy_keeps_what_its_original_would(client: Client, kind: type[nn.Module]) -> None:
    """A copy's tensors were never written to, so their values alone say that they are values."""
    module, _, report = filled(client, kind)
    torch.manual_seed(0)
    other = copy.deepcopy(kind())
    assert client.initialize(other, trace(other, (EXAMPLES[kind],)), seed=1) == report
    assert all(torch.equal(value, values_of(module)[name]) for name, value in values_of(other).items())


def test_a_module_of_inference_mode_is_refused_by_name(client: Client) -> None:
    with torch.inference_mode():
        module = small_vit("cpu")
    with pytest.raises(RequestError, match=r"made under torch\.inference_mode, which makes vit\.\S+ read-only"):
        client.initialize(module)
    with torch.inference_mode():
        client.initialize(module, seed=1)
    expected = small_vit()
    client.initialize(expected, seed=1)
    assert torch.equal(module.classifier.weight, expected.classifier.weight)
