"""From a graph to its parameters."""

import math
from dataclasses import replace

import pytest
import torch
from examples import ALIGNED, CONFIGS, DENSE, LOW_RANK, random_model, relative_error, small_vit
from hypothesis import given
from hypothesis import strategies as st

from logah.graph import ArchitectureGraph, Block, Edge, GraphError, Initialization, Node, Parameter, Prediction
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork
from logah.hypernet.normalization import fan_in_scale
from logah.hypernet.presets import PRESETS, PUBLISHED, PresetName


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("changes", [{}, {"hidden_size": 40, "patch_size": 5, "num_labels": 37}])
def test_every_predicted_block_gets_a_finite_tensor_of_its_shape(kind, changes):
    model = random_model(CONFIGS[kind])
    graph = small_vit(**changes)
    predicted = model(GraphFeatures.of(graph, model.config))
    expected = {
        (parameter.name, position): shape
        for parameter in graph.parameters
        for position, (block, shape) in enumerate(zip(parameter.blocks, parameter.block_shapes(), strict=True))
        if isinstance(block.origin, Prediction)
    }
    assert {key: tuple(tensor.shape) for key, tensor in predicted.items()} == expected
    assert all(torch.isfinite(tensor).all() for tensor in predicted.values())


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_prediction_does_not_depend_on_what_is_decoded_with_it(kind):
    model = random_model(CONFIGS[kind])
    features = GraphFeatures.of(small_vit(), model.config)
    together = model(features)
    embedding_NC = model.embed(features)
    for block in features.blocks:
        key = (block.parameter, block.position)
        assert relative_error(model.decode(embedding_NC, [block])[key], together[key]) < 1e-5, key


def test_slots_tell_query_key_and_value_apart():
    prefix = "vit.layers.0.attention"
    for config, differ in ((ALIGNED, True), (replace(ALIGNED, slots=1), False)):
        model = random_model(config)
        predicted = model(GraphFeatures.of(small_vit(), model.config))
        query, key = predicted[f"{prefix}.q_proj.weight", 0], predicted[f"{prefix}.k_proj.weight", 0]
        assert torch.allclose(query, key, rtol=1e-3, atol=1e-6) is not differ


def test_norm_weights_lie_between_0_and_2_and_biases_between_minus_1_and_1():
    model = random_model(LOW_RANK)
    for (name, _), tensor in model(GraphFeatures.of(small_vit(), model.config)).items():
        if "layernorm" in name and name.endswith("weight"):
            assert 0 < tensor.min() and tensor.max() < 2
        elif name.endswith("bias"):
            assert tensor.abs().max() < 1


def one_parameter(role: str, shape: tuple[int, ...]) -> ArchitectureGraph:
    block = Block(shape[0], Prediction(1, role))  # type: ignore[arg-type]
    return ArchitectureGraph((Node("input", "input"), Node("w", "conv", shape)), (), (Parameter("w", shape, (block,)),))


def test_an_embedding_is_not_scaled():
    model = random_model(LOW_RANK)
    matrix, embedding = (
        model(GraphFeatures.of(one_parameter(role, (20, 8)), model.config))["w", 0]
        for role in ("ROLE_MATRIX", "ROLE_EMBEDDING")
    )
    torch.testing.assert_close(matrix, embedding * math.sqrt(2 / 8))


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize(("role", "shape"), [("ROLE_BIAS", (4, 4)), ("ROLE_MATRIX", (4,)), ("ROLE_MATRIX", (4,) * 5)])
def test_a_block_that_no_decoder_makes_is_refused_by_name(kind, role, shape):
    model = random_model(CONFIGS[kind])
    with pytest.raises(GraphError, match=f"w: no decoder for {role} of shape"):
        model(GraphFeatures.of(one_parameter(role, shape), model.config))


def test_an_operation_outside_the_vocabulary_is_refused_by_name():
    graph = ArchitectureGraph((Node("input", "input"), Node("rotary", "rot_emb")), (), ())
    with pytest.raises(GraphError, match="'rotary' has operation 'rot_emb'"):
        GraphFeatures.of(graph, LOW_RANK)


def test_blocks_that_a_rule_initialises_are_not_predicted():
    graph = ArchitectureGraph(
        (Node("input", "input"),), (), (Parameter("t", (1, 1, 4), (Block(1, Initialization("RULE_ZEROS")),)),)
    )
    assert GraphFeatures.of(graph, LOW_RANK).blocks == []


def test_a_dense_decoder_has_no_normalisation_by_standard_deviation():
    with pytest.raises(ValueError, match="normalization: got 'std'; a dense decoder has fan_in"):
        Hypernetwork(replace(DENSE, normalization="std"))


def by_name(config, graph):
    predicted = random_model(config)(GraphFeatures.of(graph, config))
    return {name: tensor for (name, _), tensor in predicted.items()}


@pytest.mark.parametrize("deviation", [0.02, 0.5])
def test_matrices_are_scaled_to_the_standard_deviation_of_the_architecture(deviation):
    graph = small_vit(initializer_range=deviation)
    assert graph.initializer_range == deviation
    scaled = by_name(replace(LOW_RANK, normalization="std"), graph)
    plain = by_name(LOW_RANK, graph)
    for name, tensor in scaled.items():
        if tensor.dim() == 1:
            assert torch.equal(tensor, plain[name])
        else:
            assert tensor.std().item() == pytest.approx(deviation, rel=1e-4)
            assert relative_error(tensor / tensor.norm(), plain[name] / plain[name].norm()) < 1e-5


def test_an_embedding_is_not_scaled_to_a_standard_deviation():
    block = Block(40, Prediction(1, "ROLE_EMBEDDING"))
    graph = ArchitectureGraph(
        (Node("input", "input"), Node("table", "pos_enc", (40, 20))),
        (Edge(0, 1),),
        (Parameter("table", (40, 20), (block,)),),
    )
    assert torch.equal(
        by_name(replace(LOW_RANK, normalization="std"), graph)["table"], by_name(LOW_RANK, graph)["table"]
    )


@given(st.sampled_from(list(CONFIGS.values())))
def test_a_configuration_survives_json(config):
    assert HypernetConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("shape", "scale"),
    [
        ((10, 50), math.sqrt(2 / 50)),
        ((10, 3, 5, 5), math.sqrt(2 / 75)),
        ((10, 1, 5, 5), math.sqrt(1 / 25)),
        ((10, 3, 1, 7), math.sqrt(1 / 21)),
        ((768, 1, 1), 1.0),
        ((1, 64, 96), 1.0),
    ],
)
def test_a_weight_is_scaled_by_its_fan_in(shape, scale):
    assert fan_in_scale(shape) == pytest.approx(scale)


@pytest.mark.parametrize(
    ("hid", "layers", "heads", "rank", "millions"),
    [(64, 3, 8, 32, 2.5), (128, 5, 16, 90, 21.4), (256, 5, 16, 128, 78.2), (256, 12, 16, 256, 289.4)],
    ids=["tiny", "small", "base", "large"],
)
def test_the_published_sizes_have_the_parameters_that_the_paper_counts(hid, layers, heads, rank, millions):
    """Its numbers count `l2` once, though files name it twice; the unused `l1` does not show in their digits."""
    config = HypernetConfig(hid, heads, layers, rank, ck=16 * 2048, max_shape=(2048, 2048, 16, 16))
    with torch.device("meta"):
        model = Hypernetwork(config)
    count = sum(parameter.numel() for parameter in model.parameters())
    unused = rank * rank + rank + 4
    assert round(count / 1e6, 1) == round((count + unused) / 1e6, 1) == millions


def test_ghn3_tiny_has_the_tensors_of_its_published_file():
    config = HypernetConfig(64, 8, 3, 0, 0, (64, 64, 16, 16), num_classes=1000, decoder="dense")
    with torch.device("meta"):
        state = Hypernetwork(config).state_dict()
    assert tuple(state["decoder.fc.0.weight"].shape) == (65536, 64)
    assert tuple(state["decoder.conv.0.weight"].shape) == (512, 256)
    assert tuple(state["decoder.conv.2.weight"].shape) == (4096, 512)
    assert tuple(state["decoder.class_layer_predictor.1.weight"].shape) == (1000, 64)
    assert tuple(state["decoder.bias_class.1.weight"].shape) == (1000, 64)


def test_the_dense_decoder_knows_the_class_head_by_its_mark():
    model = random_model(DENSE)
    graph = small_vit(num_labels=24)
    predicted = model(GraphFeatures.of(graph, model.config))
    # 7 classes were trained, so the rows repeat after 7; any other matrix repeats after max_shape's 12.
    head, other = predicted["classifier.weight", 0], predicted["vit.layers.0.attention.o_proj.weight", 0]
    assert torch.equal(head[:7], head[7:14])
    assert torch.equal(other[:12], other[12:])


@pytest.mark.parametrize(
    ("name", "millions"), [("tiny", 2.5), ("small", 21.4), ("base", 78.2), ("large", 289.4)], ids=str
)
def test_presets_have_as_many_parameters_as_published(name: PresetName, millions: float) -> None:
    with torch.device("meta"):
        model = Hypernetwork(HypernetConfig(**{**vars(PRESETS[name]), **PUBLISHED}))
    assert round(sum(parameter.numel() for parameter in model.parameters()) / 1e6, 1) == millions
