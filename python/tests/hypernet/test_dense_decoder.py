"""GHN-3's decoder, against its rule written out: make the whole block, cut its centre, repeat it."""

import pytest
import torch
from examples import DENSE, random_model, relative_error
from torch import Tensor

from logah.hypernet.dense_decoder import DenseDecoder


def whole_block(decoder: DenseDecoder, embedding_GC: Tensor) -> Tensor:
    """[G, 12, 8, 11, 11]."""
    features = decoder.fc(embedding_GC).reshape(len(embedding_GC), -1, 11, 11)
    return decoder.conv(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).reshape(-1, 12, 8, 11, 11)


@pytest.mark.parametrize(
    ("size", "rows", "columns"),
    [
        ((1, 1), (5, 6), (5, 6)),
        ((2, 2), (4, 6), (4, 6)),
        ((3, 3), (4, 7), (4, 7)),
        ((1, 7), (5, 6), (2, 9)),
        ((10, 10), (0, 10), (0, 10)),
        ((11, 11), (0, 11), (0, 11)),
    ],
)
def test_a_kernel_is_the_centre_of_the_largest_one(size, rows, columns):
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(2, 16)
    expected = whole_block(decoder, embedding_GC)[:, :9, :3, slice(*rows), slice(*columns)]
    assert relative_error(decoder.kernel(embedding_GC, 9, 3, *size), expected) < 1e-6


def test_a_kernel_above_the_largest_is_interpolated():
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(1, 16)
    whole = whole_block(decoder, embedding_GC)
    expected = torch.nn.functional.interpolate(whole[0], (16, 20), mode="bilinear")[None, :4, :5]
    assert relative_error(decoder.kernel(embedding_GC, 4, 5, 16, 20), expected) < 1e-6


def test_a_matrix_is_the_centre_position_repeated_in_both_directions():
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(2, 16)
    centre = whole_block(decoder, embedding_GC)[:, :, :, 5, 5]
    expected = centre.repeat(1, 3, 2)[:, :30, :15]
    assert relative_error(decoder.matrix(embedding_GC, 30, 15, classifier=False), expected) < 1e-6


@pytest.mark.parametrize("classes", [3, 7, 20])
def test_the_class_head_is_made_of_all_output_channels_of_the_centre(classes):
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(2, 16)
    centre = whole_block(decoder, embedding_GC)[:, :, :, 5, 5]
    head = decoder.class_layer_predictor(centre.transpose(1, 2)).transpose(1, 2)
    expected = head.repeat(1, 3, 2)[:, :classes, :15]
    assert relative_error(decoder.matrix(embedding_GC, classes, 15, classifier=True), expected) < 1e-6


@pytest.mark.parametrize("length", [1, 12, 30])
def test_a_vector_has_its_own_decoder_and_repeats(length):
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(2, 16)
    pair = decoder.decoder_1d(embedding_GC).reshape(2, 2, 12)
    for row in (0, 1):
        vector = decoder.vector(embedding_GC, length, row, classifier=False)
        torch.testing.assert_close(vector, pair[:, row].repeat(1, 3)[:, :length])


def test_the_class_bias_is_made_of_the_bias_row():
    decoder = random_model(DENSE).decoder
    embedding_GC = torch.randn(2, 16)
    pair = decoder.decoder_1d(embedding_GC).reshape(2, 2, 12)
    vector = decoder.vector(embedding_GC, 9, 1, classifier=True)
    torch.testing.assert_close(vector, decoder.bias_class(pair[:, 1]).repeat(1, 2)[:, :9])
