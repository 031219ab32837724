"""LoGAH's decoder, as published and aligned."""

from dataclasses import replace

import pytest
import torch
from examples import ALIGNED, LOW_RANK, random_model, relative_error
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.hypernet.shapes import rounded_size


def whole_factors(decoder: LowRankDecoder, embedding_GC: Tensor) -> tuple[Tensor, Tensor]:
    """A and B [G, K, R] as the paper writes them: every core row expanded, read as 2K rows of R."""
    core = decoder.core(embedding_GC).reshape(-1, 2 * decoder.rank, decoder.rank)
    rows = decoder.l2(core).reshape(len(embedding_GC), 2 * decoder.ck, decoder.rank)
    return rows[:, : decoder.ck], rows[:, decoder.ck :]


@given(
    rank=st.sampled_from([1, 4, 6, 7]),
    ck=st.sampled_from([32, 40]),
    m=st.integers(1, 32),
    n=st.integers(1, 32),
    seed=st.integers(0, 3),
)
def test_a_prefix_of_the_factors_is_that_of_the_whole_factors(rank, ck, m, n, seed):
    decoder = random_model(replace(LOW_RANK, rank=rank, ck=ck), seed).decoder
    embedding_GC = torch.randn(2, 16)
    a, b = decoder(embedding_GC, m, n)
    whole_a, whole_b = whole_factors(decoder, embedding_GC)
    torch.testing.assert_close(a, whole_a[:, :m])
    torch.testing.assert_close(b, whole_b[:, :n])


def test_more_rows_than_the_factors_have_are_refused():
    decoder = random_model(LOW_RANK).decoder
    with pytest.raises(ValueError, match="65 rows was asked for; this decoder has ck = 64"):
        decoder(torch.randn(1, 16), 65, 1)


@pytest.mark.parametrize("length", [1, 5, 9, 15, 16, 32])
def test_the_published_bias_lies_behind_the_rounded_length(length):
    decoder = random_model(LOW_RANK).decoder
    embedding_GC = torch.randn(3, 16)
    a, b = whole_factors(decoder, embedding_GC)
    column = (a @ b[:, :1].transpose(1, 2)).squeeze(2)
    behind = rounded_size(length, 32)
    torch.testing.assert_close(decoder.vector(embedding_GC, length, 0, classifier=False), column[:, :length])
    bias = decoder.vector(embedding_GC, length, 1, classifier=False)
    torch.testing.assert_close(bias, column[:, behind : behind + length])


@pytest.mark.parametrize("length", [1, 5, 32])
def test_an_aligned_bias_is_the_second_column(length):
    decoder = random_model(ALIGNED).decoder
    embedding_GC = torch.randn(3, 16)
    a, b = whole_factors(decoder, embedding_GC)
    pair = a[:, :length] @ b[:, :2].transpose(1, 2)
    for row in (0, 1):
        torch.testing.assert_close(decoder.vector(embedding_GC, length, row, classifier=False), pair[:, :, row])


@pytest.mark.parametrize("config", [LOW_RANK, ALIGNED])
def test_blocks_above_max_shape_repeat_from_their_beginning(config):
    decoder = random_model(config).decoder
    embedding_GC = torch.randn(1, 16)
    matrix = decoder.matrix(embedding_GC, 70, 45, classifier=False)
    assert torch.equal(matrix[:, 32:64, :32], matrix[:, :32, :32])
    assert torch.equal(matrix[:, 64:, 32:], matrix[:, :6, :13])
    kernel = decoder.kernel(embedding_GC, 33, 34, 1, 2)
    assert torch.equal(kernel[:, 32, 32:], kernel[:, 0, :2])
    vector = decoder.vector(embedding_GC, 40, 1, classifier=False)
    assert torch.equal(vector[:, 32:], vector[:, :8])


def test_a_kernel_is_a_matrix_of_out_times_height_and_in_times_width():
    decoder = random_model(LOW_RANK).decoder
    embedding_GC = torch.randn(1, 16)
    a, b = whole_factors(decoder, embedding_GC)
    kernel = decoder.kernel(embedding_GC, 5, 3, 2, 4)
    for o, i, y, x in ((0, 0, 0, 0), (4, 2, 1, 3), (2, 1, 0, 2)):
        expected = a[0, o * 2 + y] @ b[0, i * 4 + x]
        torch.testing.assert_close(kernel[0, o, i, y, x], expected)


def test_no_matrix_has_a_higher_rank_than_its_factors():
    matrix = random_model(LOW_RANK).decoder.matrix(torch.randn(1, 16), 32, 32, classifier=False)
    assert torch.linalg.matrix_rank(matrix[0].double(), rtol=1e-5) <= LOW_RANK.rank


def test_decoding_together_equals_decoding_one_by_one():
    decoder = random_model(ALIGNED).decoder
    embedding_GC = torch.randn(4, 16)
    together = decoder.matrix(embedding_GC, 20, 30, classifier=False)
    alone = torch.cat([decoder.matrix(e, 20, 30, classifier=False) for e in embedding_GC.split(1)])
    assert relative_error(together, alone) < 1e-6
