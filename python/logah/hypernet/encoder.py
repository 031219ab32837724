"""The encoder: a Graphormer over an architecture graph, one embedding per node.

Dimensions in names: N nodes, C = hid, H heads, D = C / H.
Source: Knyazev et al., "Can We Scale Transformers to Predict Parameters of Diverse ImageNet Models?"
(arXiv 2303.04143), section 3; LoGAH keeps it unchanged.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from logah.hypernet.config import LANGUAGE_OPERATIONS, HypernetConfig
from logah.hypernet.shapes import channel_table, nearest_rows, spatial_table

MAX_DEGREE = 100
MAX_INPUT_DISTANCE = 1000
#: Rows of the distance embedding: distances 0 to 254, after the two that the reference code leaves unused.
DISTANCE_ROWS = 257
LARGEST_CUTOFF = DISTANCE_ROWS - 3


class ShapeTable(nn.Module):
    """The published shape encoding: each of the four sizes looks its nearest neighbour up in a table."""

    channel_rows: Tensor
    spatial_rows: Tensor

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        channels = channel_table(config.num_classes, config.operations == LANGUAGE_OPERATIONS)
        spatial = spatial_table(config.max_shape[3])
        self.embed_channel = nn.Embedding(len(channels) + 1, config.hid // 4)
        self.embed_spatial = nn.Embedding(len(spatial) + 1, config.hid // 4)
        channel_rows = nearest_rows(channels, {size: 8 for size in range(4, 8)})
        spatial_rows = nearest_rows(spatial, {2: 3})
        self.register_buffer("channel_rows", torch.from_numpy(channel_rows), persistent=False)
        self.register_buffer("spatial_rows", torch.from_numpy(spatial_rows), persistent=False)

    def forward(self, shape_N4: Tensor) -> Tensor:
        """Sizes [N, 4], int64, (0, 0, 0, 0) for a node without a shape -> [N, C]."""
        channel_N2 = self.channel_rows[shape_N4[:, :2].clamp(max=len(self.channel_rows) - 1)]
        spatial_N2 = self.spatial_rows[shape_N4[:, 2:].clamp(max=len(self.spatial_rows) - 1)]
        return torch.cat([self.embed_channel(channel_N2), self.embed_spatial(spatial_N2)], dim=1).flatten(1)


class SmoothShape(nn.Module):
    """A shape encoding without unseen sizes: a small MLP over the logarithm of each size and a few waves of it."""

    frequencies: Tensor

    def __init__(self, config: HypernetConfig, waves: int = 6) -> None:
        super().__init__()
        width = config.hid // 4
        self.register_buffer("frequencies", 0.25 * math.pi * 2.0 ** torch.arange(waves), persistent=False)
        features = 1 + 2 * waves
        self.channel = nn.Sequential(nn.Linear(features, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.spatial = nn.Sequential(nn.Linear(features, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))
        self.missing = nn.Parameter(torch.zeros(4 * width))

    def forward(self, shape_N4: Tensor) -> Tensor:
        """Sizes [N, 4], int64, (0, 0, 0, 0) for a node without a shape -> [N, C]."""
        octaves_N41 = torch.log2(shape_N4.clamp(min=1).float()).unsqueeze(-1)
        angles = octaves_N41 * self.frequencies
        features = torch.cat([octaves_N41 / 12, angles.sin(), angles.cos()], dim=-1)
        channel_N2 = self.channel(features[:, :2])
        spatial_N2 = self.spatial(features[:, 2:])
        known_NC = torch.cat([channel_N2, spatial_N2], dim=1).flatten(1)
        return torch.where(shape_N4[:, :1] > 0, known_NC, self.missing)


class EdgeBias(nn.Module):
    """The attention bias of a pair of nodes, from the shortest paths between them in both directions."""

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        if not 1 <= config.cutoff <= LARGEST_CUTOFF:
            raise ValueError(f"cutoff: got {config.cutoff}, expected 1 to {LARGEST_CUTOFF}")
        self.cutoff = config.cutoff
        self.embed = nn.Embedding(DISTANCE_ROWS, config.hid)
        self.project = nn.Sequential(
            nn.Linear(2 * config.hid, config.hid), nn.ReLU(), nn.Linear(config.hid, config.heads)
        )
        with torch.no_grad():
            self.embed.weight.copy_(sinusoids(DISTANCE_ROWS, config.hid))

    def table(self) -> Tensor:
        """The bias by distance: [2 * cutoff + 1, H], row `forward - backward + cutoff`.

        In a directed acyclic graph at most one of the two distances is not 0, so these rows are all there are,
        and [N, N, 2C] is never built.
        """
        offset = torch.arange(-self.cutoff, self.cutoff + 1, device=self.embed.weight.device)
        forward, backward = offset.clamp(min=0), (-offset).clamp(min=0)
        pair = torch.cat([self.embed(forward + 2), self.embed(backward + 2)], dim=1)
        return self.project(pair)

    def forward(self, distance_NN: Tensor) -> Tensor:
        """Distances [N, N] -> biases [H, N, N]."""
        rows_NN = distance_NN - distance_NN.T + self.cutoff
        return self.table()[rows_NN].permute(2, 0, 1)


class EncoderLayer(nn.Module):
    """A pre-norm transformer layer whose attention adds the edge bias."""

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        hid = config.hid
        self.heads = config.heads
        self.ln1 = nn.LayerNorm(hid)
        self.to_qkv = nn.Linear(hid, 3 * hid, bias=False)
        self.to_out = nn.Linear(hid, hid)
        self.ln2 = nn.LayerNorm(hid)
        self.ff = nn.Sequential(nn.Linear(hid, 4 * hid), nn.GELU(), nn.Linear(4 * hid, hid))

    def forward(self, x_NC: Tensor, bias_HNN: Tensor) -> Tensor:
        """[N, C], [H, N, N] -> [N, C]."""
        q_HND, k_HND, v_HND = (
            part.unflatten(1, (self.heads, -1)).transpose(0, 1) for part in self.to_qkv(self.ln1(x_NC)).chunk(3, dim=1)
        )
        scores_HNN = q_HND @ k_HND.transpose(1, 2) * q_HND.shape[-1] ** -0.5 + bias_HNN
        mixed_NC = (scores_HNN.softmax(dim=-1) @ v_HND).transpose(0, 1).flatten(1)
        x_NC = x_NC + self.to_out(mixed_NC)
        return x_NC + self.ff(self.ln2(x_NC))


class Encoder(nn.Module):
    """Node operations, shapes and distances -> node embeddings."""

    def __init__(self, config: HypernetConfig) -> None:
        super().__init__()
        hid = config.hid
        self.embed = nn.Embedding(len(config.operations), hid)
        self.shape = ShapeTable(config) if config.shape_encoding == "table" else SmoothShape(config)
        self.in_degree = nn.Embedding(MAX_DEGREE + 1, hid)
        self.out_degree = nn.Embedding(MAX_DEGREE + 1, hid)
        self.input_distance = nn.Embedding(MAX_INPUT_DISTANCE + 1, hid)
        self.edge_bias = EdgeBias(config)
        self.layers = nn.ModuleList(EncoderLayer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(hid) if config.layernorm else nn.Identity()
        for module in self.modules():
            if isinstance(module, nn.Embedding) and module is not self.edge_bias.embed:
                nn.init.trunc_normal_(module.weight, std=module.embedding_dim**-0.5)

    def forward(self, operation_N: Tensor, shape_N4: Tensor, distance_NN: Tensor) -> Tensor:
        """Operation rows [N], sizes [N, 4] (zeros: no shape), shortest paths [N, N], all int64 -> [N, C] float32."""
        is_edge_NN = (distance_NN == 1).long()
        x_NC = (
            self.embed(operation_N)
            + self.shape(shape_N4)
            + self.in_degree(is_edge_NN.sum(0).clamp(max=MAX_DEGREE))
            + self.out_degree(is_edge_NN.sum(1).clamp(max=MAX_DEGREE))
            + self.input_distance(distance_NN[0].clamp(max=MAX_INPUT_DISTANCE))
        )
        bias_HNN = self.edge_bias(distance_NN)
        for layer in self.layers:
            x_NC = layer(x_NC, bias_HNN)
        return self.norm(x_NC)


def sinusoids(rows: int, width: int) -> Tensor:
    """Sinusoidal start values of the distance embedding; row 0 is zero (`EdgeEmbedding` in ghn3)."""
    angles = torch.arange(rows).unsqueeze(1) * torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    table = torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)
    table[0] = 0
    return table
