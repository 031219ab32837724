"""The encoder."""

from dataclasses import replace

import pytest
import torch
from examples import ALIGNED, LOW_RANK, random_model, relative_error, small_vit

from logah.hypernet.encoder import EdgeBias, ShapeTable
from logah.hypernet.hypernetwork import GraphFeatures


def test_the_table_of_edge_biases_holds_what_the_pairwise_form_computes():
    torch.manual_seed(0)
    edge_bias = EdgeBias(LOW_RANK).requires_grad_(False)
    distance_NN = torch.from_numpy(small_vit().distances(LOW_RANK.cutoff))
    pair_NN2C = edge_bias.embed(torch.stack([distance_NN, distance_NN.T], dim=-1) + 2).flatten(2)
    pairwise_HNN = edge_bias.project(pair_NN2C).permute(2, 0, 1)
    assert relative_error(edge_bias(distance_NN), pairwise_HNN) < 1e-6


@pytest.mark.parametrize("cutoff", [0, 255])
def test_a_cutoff_without_rows_in_the_distance_embedding_is_refused(cutoff):
    with pytest.raises(ValueError, match=f"cutoff: got {cutoff}, expected 1 to 254"):
        EdgeBias(replace(LOW_RANK, cutoff=cutoff))


def test_a_size_above_the_table_uses_its_last_row():
    torch.manual_seed(0)
    table = ShapeTable(LOW_RANK)
    sizes = torch.tensor([[8192, 8192, 16, 16], [50000, 9000, 32, 224]])
    assert torch.equal(*table(sizes).unbind(0))


def test_a_node_without_a_shape_has_an_encoding_of_its_own():
    for config in (LOW_RANK, ALIGNED):
        encoding = random_model(config).encoder.shape(torch.tensor([[0, 0, 0, 0], [1, 1, 1, 1]]))
        assert not torch.allclose(*encoding.unbind(0))


def test_embeddings_do_not_depend_on_the_order_in_which_nodes_after_the_input_are_listed():
    model = random_model(LOW_RANK)
    features = GraphFeatures.of(small_vit(), model.config)
    order = torch.cat([torch.zeros(1, dtype=torch.int64), 1 + torch.randperm(len(features.operation_N) - 1)])
    shuffled = replace(
        features,
        operation_N=features.operation_N[order],
        shape_N4=features.shape_N4[order],
        distance_NN=features.distance_NN[order][:, order],
    )
    assert relative_error(model.embed(shuffled), model.embed(features)[order]) < 1e-5
