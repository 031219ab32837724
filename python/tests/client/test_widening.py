"""A widened prediction computes what its base's does, in transformers' own modules."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from client_servers import MODELS, REPOSITORY, serve, small_plan

import logah
from logah.client import Client, Plan, ProtocolError, RemoteError
from logah.client.wire.checked_plan import check_plan

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.server

FIXTURES = REPOSITORY / "test" / "fixtures"
#: Aligned, with slots; they know no operations of Llama.
TRAINED = ("logah-tiny-vit-fashion", "logah-tiny-gpt2-kjv")
#: As published, without slots; largest sizes of 128.
PUBLISHED = "language-tiny"
#: The same with scales to a standard deviation.
STD = "language-tiny-std"
#: GHN-3.
DENSE = "parity-ghn3"

#: Sizes that a network which is k times as wide has k times as much of.
WIDTHS = (
    "hidden_size",
    "n_embd",
    "num_attention_heads",
    "n_head",
    "num_key_value_heads",
    "intermediate_size",
    "n_inner",
    "ffn_dim",
    "word_embed_proj_dim",
)
VIT = {
    "model_type": "vit",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 28,
    "patch_size": 7,
    "num_channels": 1,
    "id2label": {str(index): f"LABEL_{index}" for index in range(10)},
}
GPT2 = {
    "model_type": "gpt2",
    "n_embd": 24,
    "n_layer": 2,
    "n_head": 2,
    "vocab_size": 50,
    "n_positions": 16,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
GPT2_UNTIED = {**GPT2, "tie_word_embeddings": False}
#: Widths beyond what the published model decodes, and no multiples of it: the base itself is tiled.
GPT2_TILED = {**GPT2, "n_embd": 144, "n_inner": 200}
LLAMA = {
    "model_type": "llama",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 50,
    "max_position_embeddings": 32,
}
BERT = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "vocab_size": 50,
    "max_position_embeddings": 32,
}
OPT = {
    "model_type": "opt",
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "ffn_dim": 48,
    "vocab_size": 50,
    "max_position_embeddings": 32,
    "word_embed_proj_dim": 32,
}
#: Only its norms after the sums, of which the last one feeds the head.
OPT_NORM_AFTER = {**OPT, "do_layer_norm_before": False}
#: A table of another width, which stays as it is.
OPT_PROJECTED = {**OPT, "word_embed_proj_dim": 20}

NETWORKS: Mapping[str, tuple[dict[str, Any], str]] = {
    "vit": (VIT, "ViTForImageClassification"),
    "deit": ({**VIT, "model_type": "deit"}, "DeiTForImageClassification"),
    "gpt2": (GPT2, "GPT2LMHeadModel"),
    "gpt2-untied": (GPT2_UNTIED, "GPT2LMHeadModel"),
    "gpt2-tiled": (GPT2_TILED, "GPT2LMHeadModel"),
    "llama": (LLAMA, "LlamaForCausalLM"),
    "llama-tied": ({**LLAMA, "tie_word_embeddings": True}, "LlamaForCausalLM"),
    "mistral": ({**LLAMA, "model_type": "mistral", "head_dim": 6}, "MistralForCausalLM"),
    "qwen2": ({**LLAMA, "model_type": "qwen2"}, "Qwen2ForCausalLM"),
    "bert": (BERT, "BertForMaskedLM"),
    "bert-sequence": (BERT, "BertForSequenceClassification"),
    "roberta": ({**BERT, "model_type": "roberta"}, "RobertaForMaskedLM"),
    "opt": (OPT, "OPTForCausalLM"),
    "opt-norm-after": (OPT_NORM_AFTER, "OPTForCausalLM"),
    "opt-projected": (OPT_PROJECTED, "OPTForCausalLM"),
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Of a server with a model of every decoder and normalisation."""
    models = tmp_path_factory.mktemp("models")
    for name in TRAINED:
        (models / name).symlink_to(MODELS / name)
    (models / PUBLISHED).symlink_to(FIXTURES / "language" / "bundle")
    (models / DENSE).symlink_to(FIXTURES / "parity" / "ghn3" / "bundle")
    shutil.copytree(FIXTURES / "language" / "bundle", models / STD)
    path = models / STD / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest |= {"name": STD, "hypernet": {**manifest["hypernet"], "normalization": "std"}}
    path.write_text(json.dumps(manifest))
    with serve(models) as address, logah.connect(address) as connected:
        yield connected


def widened(config: Mapping[str, Any], copies: int) -> dict[str, Any]:
    """The configuration of a network that is so many times as wide; the table of projected tokens stays."""
    kept = {"word_embed_proj_dim"} if config is OPT_PROJECTED else set()
    return {name: value * copies if name in WIDTHS and name not in kept else value for name, value in config.items()}


def logits(
    client: Client, config: Mapping[str, Any], architecture: str, copies: int, **options: Any
) -> tuple[torch.Tensor, Plan]:
    """What the network answers with its predicted weights, in float64, on the same random input for every width."""
    named = {**config, "architectures": [architecture]}
    module_class = getattr(transformers, architecture)
    fields = {name: value for name, value in named.items() if name != "model_type"}
    module = module_class(transformers.AutoConfig.for_model(config["model_type"], **fields)).double().eval()
    state = client.state_dict(named, copies=copies, seed=3, **options)
    plan = client.plan(named, copies=copies, seed=3, **options)
    module.load_state_dict({name: value.double() for name, value in state.items()}, strict=True)
    generator = torch.Generator().manual_seed(7)
    if "image_size" in config:
        shape = (3, config["num_channels"], config["image_size"], config["image_size"])
        arguments = {"pixel_values": torch.rand(shape, generator=generator, dtype=torch.float64)}
    else:
        arguments = {"input_ids": torch.randint(2, config["vocab_size"], (3, 9), generator=generator)}
    with torch.no_grad():
        return module(**arguments).logits, plan


def check_same(client: Client, name: str, copies: int, **options: Any) -> Plan:
    config, architecture = NETWORKS[name]
    expected, _ = logits(client, config, architecture, 1, **options)
    found, plan = logits(client, widened(config, copies), architecture, copies, **options)
    assert plan.widening is not None
    assert plan.widening.copies == copies
    # Otherwise the test tells nothing.
    assert expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * expected.abs().max().item())
    return plan


def knows(name: str, model: str) -> bool:
    """Whether the model has the network's operations."""
    return model in (PUBLISHED, STD) or NETWORKS[name][0]["model_type"] not in ("llama", "mistral", "qwen2")


@pytest.mark.parametrize("copies", [2, 3])
@pytest.mark.parametrize(
    ("name", "model"),
    [(name, model) for name in NETWORKS for model in (*TRAINED, PUBLISHED, STD, DENSE) if knows(name, model)],
)
def test_a_network_of_copies_computes_what_its_base_does(client: Client, name: str, model: str, copies: int) -> None:
    check_same(client, name, copies, model=model)


@pytest.mark.parametrize("representation", ["factors", "core"])
@pytest.mark.parametrize("name", ["vit", "gpt2", "gpt2-tiled"])
def test_factors_and_cores_are_of_the_same_network(client: Client, name: str, representation: str) -> None:
    for model in (TRAINED[0], PUBLISHED, STD):
        check_same(client, name, 2, model=model, representation=representation)


def test_a_module_is_initialised_with_copies_of_what_the_model_was_trained_on(client: Client) -> None:
    module = transformers.ViTForImageClassification(transformers.ViTConfig(**widened(VIT, 12)))
    report = client.initialize(module)
    # Of 384, the width of the fewest copies within 32 to 192.
    assert report.widening == logah.client.Widening(
        2,
        {
            "hidden_size": 192,
            "intermediate_size": 384,
            "num_attention_heads": 12,
        },
    )
    weight = module.vit.layers[0].mlp.fc1.weight
    assert torch.equal(weight[:384, :192], weight[384:, 192:])
    assert client.initialize(module, copies=1).widening is None
    assert not torch.equal(weight[:384, :192], weight[384:, 192:])


def test_what_cannot_be_made_of_copies_is_refused_with_the_reason(client: Client) -> None:
    without_norm = {**OPT, "layer_norm_elementwise_affine": False}
    with pytest.raises(RemoteError, match=r"copies: is 2; at most 1 is allowed.*lm_head.weight.*tied to"):
        client.plan(widened(without_norm, 2), copies=2)
    with pytest.raises(RemoteError, match=r"copies: is 3; what divides hidden_size 48, num_attention_heads 4 and"):
        client.plan(widened(GPT2, 2), copies=3)


def test_a_plan_must_have_the_copies_that_were_asked_for() -> None:
    plan = small_plan()
    assert check_plan(plan, 1).widening is None
    with pytest.raises(ProtocolError, match=r"copies.*4"):
        check_plan(plan, 4)
    plan.widening.copies = 4
    plan.widening.base["hidden_size"] = 192
    assert check_plan(plan, 4).widening == check_plan(plan).widening == logah.client.Widening(4, {"hidden_size": 192})
    with pytest.raises(ProtocolError, match=r"copies.*1"):
        check_plan(plan, 1)
    plan.widening.copies = 1
    with pytest.raises(ProtocolError, match="2 to 1024 copies"):
        check_plan(plan)
