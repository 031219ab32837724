"""Cores in directions of their own: another form of nearly the same hypernetwork, which learns faster.

The expansion `l2` is shared by all factors: the row of a factor is M c, where M is that row's part of `l2` and c >= 0 a
row of a node's core. In trained models nearly all c lie in a few directions (docs/research-log.md, section 12), so that
a step which changes one factor changes them all. With any P of full rank, M c = (M P^+) (P c) for c in the span of P's
rows, and P c = relu(P c) - relu(-P c). So half as many directions as the core has numbers are chosen, P whitens them,
and both signs are the new core.

Dimensions in names: S blocks of all graphs, C = hid, R = rank, D directions, N rows of cores that blocks use.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from logah.graph import ArchitectureGraph
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork
from logah.hypernet.low_rank_decoder import LowRankDecoder

#: Of the directions' shares: those that are rarer are not enlarged further.
LEAST_SHARE = 1e-3
#: Of the regression, in units of the mean square of its inputs.
RIDGE = 1e-6
#: A core that is shorter says nothing.
SHORTEST = 1e-6


@torch.no_grad()
def spread_directions(model: Hypernetwork, graphs: Sequence[ArchitectureGraph]) -> None:
    """Replaces the last layer of the decoder's MLP and the expansion, such that cores of different nodes differ.

    What it predicts for these graphs and their like changes by what lies outside of the directions that are kept.
    Raises ValueError for a dense decoder.
    """
    decoder = model.decoder
    if not isinstance(decoder, LowRankDecoder):
        raise ValueError(f"spread_directions: the decoder is {model.config.decoder!r}, only low-rank ones have cores")
    rank = decoder.rank
    hidden_SH, is_used = _hidden(model, decoder, graphs)
    core_S2RR = decoder.core[4:](hidden_SH).unflatten(1, (2 * rank, rank)).double()
    project_DR = _whitening(core_S2RR[is_used], rank // 2)
    # There are far fewer different nodes than the numbers that the last layer reads of each.
    inputs = torch.cat([hidden_SH, torch.ones(len(hidden_SH), 1)], 1).double()
    gram = inputs.T @ inputs
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    targets = (core_S2RR @ project_DR.T).flatten(1)
    layer_2RDH = torch.linalg.solve(gram, inputs.T @ targets).T.unflatten(0, (2 * rank, -1))
    # Of an odd rank one number is left over.
    rest = layer_2RDH.new_zeros(2 * rank, rank % 2, layer_2RDH.shape[2])
    signed = torch.cat([layer_2RDH, -layer_2RDH, rest], 1).flatten(0, 1).float()
    last = decoder.core[4]
    assert isinstance(last, nn.Linear)
    last.weight.copy_(signed[:, :-1])
    last.bias.copy_(signed[:, -1])
    expand_KD = decoder.l2.weight.double() @ torch.linalg.pinv(project_DR)
    rest = expand_KD.new_zeros(len(expand_KD), rank % 2)
    decoder.l2.weight.copy_(torch.cat([expand_KD, -expand_KD, rest], 1).float())


def used_rows(shape: Sequence[int], rank: int, ck: int) -> Tensor:
    """Which of the 2R rows of its core a block of this shape is made of: bool [2R]."""
    rows_a, rows_b = shape[0], shape[1] if len(shape) > 1 else 2
    used = torch.zeros(2, rank, dtype=torch.bool)
    for half, rows in enumerate((rows_a, rows_b)):
        used[half, : -(-rows * rank // ck)] = True
    return used.flatten()


def _hidden(model: Hypernetwork, decoder: LowRankDecoder, graphs: Sequence[ArchitectureGraph]) -> tuple[Tensor, Tensor]:
    """What the last layer reads of every block of the graphs [S, 8C], and which rows of the cores they use [S, 2R]."""
    embeddings, used = [], []
    for graph in graphs:
        features = GraphFeatures.of(graph, model.config).to(model.device)
        embedding_NC = model.embed(features)
        for block in features.blocks:
            embedding = embedding_NC[block.prediction.node]
            if model.slot is not None:
                embedding = embedding + model.slot.weight[block.prediction.slot]
            embeddings.append(embedding)
            used.append(used_rows(block.shape, decoder.rank, decoder.ck))
    return decoder.core[:4](torch.stack(embeddings)), torch.stack(used)


def _whitening(core_NR: Tensor, count: int) -> Tensor:
    """[D, R]: onto the directions with the largest part of the rows, so that rows of length 1 are spread evenly there.

    Rows are as long as before, all together.
    """
    lengths_N1 = core_NR.norm(dim=1, keepdim=True)
    core_NR = core_NR[lengths_N1[:, 0] > SHORTEST]
    span_RD = torch.linalg.eigh(core_NR.T @ core_NR)[1][:, -count:]
    unit_ND = torch.nn.functional.normalize(core_NR, dim=1) @ span_RD
    share_D, turn_DD = torch.linalg.eigh(unit_ND.T @ unit_ND / len(unit_ND))
    project_DR = (share_D + LEAST_SHARE).rsqrt()[:, None] * (span_RD @ turn_DD).T
    return project_DR * (core_NR.norm() / (core_NR @ project_DR.T).norm())
