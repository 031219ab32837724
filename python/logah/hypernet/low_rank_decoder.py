"""LoGAH's decoder: a node embedding -> two factors A, B of rank r; a weight matrix is A[:m] @ B[:n]^T.

Dimensions in names: G nodes decoded together, C = hid, R = rank, K = ck, M and N rows of the factors.
Source: Zhou et al., "LoGAH: Predicting 774-Million-Parameter Transformers using Graph HyperNetworks with 1/100
Parameters" (arXiv 2405.16287), section 3.
"""

from __future__ import annotations

from torch import Tensor, nn

from logah.hypernet.config import HypernetConfig
from logah.hypernet.shapes import rounded_size
from logah.hypernet.tiling import tile


class LowRankDecoder(nn.Module):
    """Node embeddings -> blocks of parameters, as published.

    An MLP makes a core of 2R rows of R numbers; `l2` expands each row to K numbers. Read in order, the first R
    rows make A and the rest B, both [K, R]. A prefix of a factor needs only the first core rows of its half.
    """

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        self.rank, self.ck, self.max_shape = config.rank, config.ck, config.max_shape
        hid = config.hid
        self.core = nn.Sequential(
            nn.Linear(hid, 4 * hid),
            nn.ReLU(),
            nn.Linear(4 * hid, 8 * hid),
            nn.ReLU(),
            nn.Linear(8 * hid, 2 * self.rank * self.rank),
            nn.ReLU(),
        )
        self.l2 = nn.Linear(self.rank, self.ck)

    def forward(self, embedding_GC: Tensor, m: int, n: int) -> tuple[Tensor, Tensor]:
        """[G, C] -> A[:m] as [G, M, R] and B[:n] as [G, N, R]."""
        core_G2RR = self.core(embedding_GC).unflatten(1, (2 * self.rank, self.rank))
        return self._rows(core_G2RR[:, : self.rank], m), self._rows(core_G2RR[:, self.rank :], n)

    def vector(self, embedding_GC: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """A 1-D block [G, length]; `row` 0 is a norm layer's weight, 1 a bias.

        The published decoder makes [2, K] from one column of 2K rows; K is rounded, which moves the bias.
        """
        rounded = rounded_size(length, self.max_shape[0])
        a, b = self(embedding_GC, 2 * rounded, 1)
        pair_G2K = (a @ b.transpose(1, 2)).squeeze(2).unflatten(1, (2, rounded))
        return tile(pair_G2K[:, row], 1, length)

    def matrix(self, embedding_GC: Tensor, out_count: int, in_count: int, *, classifier: bool) -> Tensor:
        """A 2-D block [G, out, in]; the classifier's is no different."""
        a, b = self(embedding_GC, min(out_count, self.max_shape[0]), min(in_count, self.max_shape[1]))
        product = a @ tile(b, 1, in_count).transpose(1, 2)
        return tile(product, 1, out_count)

    def kernel(self, embedding_GC: Tensor, out_count: int, in_count: int, height: int, width: int) -> Tensor:
        """A 4-D block [G, out, in, height, width]."""
        o = min(out_count, self.max_shape[0], self.ck // height)
        i = min(in_count, self.max_shape[1], self.ck // width)
        return tile(tile(self._kernel(embedding_GC, o, i, height, width), 1, out_count), 2, in_count)

    def positions(self, embedding_GC: Tensor, channels: int, side: int) -> Tensor:
        """A square of position embeddings [G, 1, channels, side, side]; `max_shape` does not bound it."""
        kernel = self._kernel(embedding_GC, 1, min(channels, self.ck // side), side, side)
        return tile(kernel, 2, channels)

    def _kernel(self, embedding_GC: Tensor, o: int, i: int, h: int, w: int) -> Tensor:
        """A kernel [G, o, i, h, w], decoded as a matrix [o * h, i * w]."""
        a, b = self(embedding_GC, o * h, i * w)
        return (a @ b.transpose(1, 2)).unflatten(2, (i, w)).unflatten(1, (o, h)).transpose(2, 3)

    def _rows(self, core_GRR: Tensor, count: int) -> Tensor:
        """The first `count` rows of a factor from its half of the core."""
        if count > self.ck:
            raise ValueError(f"a factor of {count} rows was asked for; this decoder has ck = {self.ck}")
        flat = count * self.rank
        core_rows = -(-flat // self.ck)
        columns = min(flat, self.ck)
        rows = nn.functional.linear(core_GRR[:, :core_rows], self.l2.weight[:columns], self.l2.bias[:columns])
        return rows.flatten(1)[:, :flat].unflatten(1, (count, self.rank))


class AlignedDecoder(LowRankDecoder):
    """The low-rank decoder with every block at phase 0, so that the meaning of a factor's row is its index alone."""

    def vector(self, embedding_GC: Tensor, length: int, row: int, *, classifier: bool) -> Tensor:
        """A 1-D block [G, length], a column of [length, 2]: `row` 0 is a norm layer's weight, 1 a bias."""
        a, b = self(embedding_GC, min(length, self.max_shape[0]), 2)
        return tile((a @ b.transpose(1, 2))[:, :, row], 1, length)
