"""LoGAH's decoder: a node embedding -> two factors A, B of rank r; a weight matrix is A[:m] @ B[:n]^T.

Dimensions in names: G nodes decoded together, C = hid, R = rank, K = ck, M and N rows of the factors.
Source: Zhou et al., "LoGAH: Predicting 774-Million-Parameter Transformers using Graph HyperNetworks with 1/100
Parameters" (arXiv 2405.16287), section 3.
"""

from __future__ import annotations

from torch import Tensor, nn

from logah.hypernet.config import HypernetConfig


class LowRankDecoder(nn.Module):
    """Node embeddings -> factor rows.

    An MLP makes a core of 2R rows of R numbers; `l2` expands each row to K numbers. Read in order, the first R
    rows make A and the rest B, both [K, R]. A prefix of a factor needs only the first core rows of its half.
    """

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        self.rank, self.ck = config.rank, config.ck
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

    def _rows(self, core_GRR: Tensor, count: int) -> Tensor:
        """The first `count` rows of a factor from its half of the core."""
        if count > self.ck:
            raise ValueError(f"a factor of {count} rows was asked for; this decoder has ck = {self.ck}")
        flat = count * self.rank
        core_rows = -(-flat // self.ck)
        columns = min(flat, self.ck)
        rows = nn.functional.linear(
            core_GRR[:, :core_rows], self.l2.weight[:columns], self.l2.bias[:columns]
        )
        return rows.flatten(1)[:, :flat].unflatten(1, (count, self.rank))
