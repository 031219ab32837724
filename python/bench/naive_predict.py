"""Predicts a network's parameters the plain way, to compare the service with.

    python python/bench/naive_predict.py CHECKPOINT GRAPH.json [--repeats N] [--threads N]

As published code goes about it: the features of every pair of nodes are built, [N, N, 2C]; every node's factors are
expanded whole, [2R, K], also those of a bias; nodes of one rounded size are decoded together, at that size; every
tensor is made whole and kept. Prints one JSON object: the seconds of each repeat from the graph to the last tensor, and
the peak memory.

Dimensions in names: N nodes, C = hid, H heads, G nodes decoded together, R = rank, K = ck.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

import torch
from torch import Tensor

from logah.graph import ArchitectureGraph
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.encoder import MAX_DEGREE, MAX_INPUT_DISTANCE, Encoder
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork, PredictedBlock
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.hypernet.normalization import scaled_weight, squash_bias, squash_norm_weight
from logah.hypernet.shapes import rounded_size, shape_slots
from logah.hypernet.tiling import tile

VECTORS = ("ROLE_NORM_WEIGHT", "ROLE_BIAS")


def naive_embeddings(encoder: Encoder, features: GraphFeatures) -> Tensor:
    """[N, C], with the edge features of every pair of nodes."""
    distance_NN = features.distance_NN
    is_edge_NN = (distance_NN == 1).long()
    x_NC = (
        encoder.embed(features.operation_N)
        + encoder.shape(features.shape_N4)
        + encoder.in_degree(is_edge_NN.sum(0).clamp(max=MAX_DEGREE))
        + encoder.out_degree(is_edge_NN.sum(1).clamp(max=MAX_DEGREE))
        + encoder.input_distance(distance_NN[0].clamp(max=MAX_INPUT_DISTANCE))
    )
    embed = encoder.edge_bias.embed
    pair_NN2C = torch.cat([embed(distance_NN + 2), embed(distance_NN.T + 2)], dim=-1)
    bias_HNN = encoder.edge_bias.project(pair_NN2C).permute(2, 0, 1)
    for layer in encoder.layers:
        x_NC = layer(x_NC, bias_HNN)
    embedding_NC: Tensor = encoder.norm(x_NC)
    return embedding_NC


def naive_factors(decoder: LowRankDecoder, embedding_GC: Tensor) -> tuple[Tensor, Tensor]:
    """Every row of both factors, [G, K, R] each."""
    core_G2RR = decoder.core(embedding_GC).unflatten(1, (2 * decoder.rank, decoder.rank))
    rows_G2KR = decoder.l2(core_G2RR).reshape(len(embedding_GC), 2 * decoder.ck, decoder.rank)
    a_GKR, b_GKR = rows_G2KR.chunk(2, dim=1)
    return a_GKR, b_GKR


def naive_predict(model: Hypernetwork, features: GraphFeatures) -> dict[tuple[str, int], Tensor]:
    """The same as `model(features)`."""
    if not isinstance(model.decoder, LowRankDecoder) or model.config.decoder != "low_rank":
        raise SystemExit(f"decoder: got {model.config.decoder}, only low_rank is compared")
    embedding_NC = naive_embeddings(model.encoder, features)
    groups: dict[tuple[int, int, int, int], list[PredictedBlock]] = defaultdict(list)
    for block in features.blocks:
        groups[decoded_size(block, model.decoder)].append(block)
    predicted: dict[tuple[str, int], Tensor] = {}
    for (o, i, h, w), blocks in groups.items():
        nodes = sorted({block.prediction.node for block in blocks})
        a_GKR, b_GKR = naive_factors(model.decoder, embedding_NC[nodes])
        product = a_GKR[:, : o * h] @ b_GKR[:, : i * w].transpose(1, 2)
        kernel = product.unflatten(2, (i, w)).unflatten(1, (o, h)).transpose(2, 3)
        for block in blocks:
            predicted[block.parameter, block.position] = finished(kernel[nodes.index(block.prediction.node)], block)
    return predicted


def decoded_size(block: PredictedBlock, decoder: LowRankDecoder) -> tuple[int, int, int, int]:
    """The size (o, i, h, w) of the kernel that a block is cut from: rounded, so that more blocks have the same."""
    shape, (largest_out, largest_in, _, _) = block.shape, decoder.max_shape
    if block.prediction.role in VECTORS:
        return (2 * rounded_size(shape[0], largest_out), 1, 1, 1)
    if len(shape) == 3:
        _, channels, side, _ = shape_slots(block.node_shape)
        return (1, min(channels, decoder.ck // side), side, side)
    height, width = shape[2:] if len(shape) == 4 else (1, 1)
    o = min(rounded_size(shape[0], largest_out), decoder.ck // height)
    i = min(rounded_size(shape[1], largest_in), decoder.ck // width)
    return (o, i, height, width)


def finished(kernel_OIHW: Tensor, block: PredictedBlock) -> Tensor:
    """A whole tensor: cut, repeated and scaled."""
    shape, role = block.shape, block.prediction.role
    if role in VECTORS:
        weight, bias = kernel_OIHW.flatten().chunk(2)
        if role == "ROLE_BIAS":
            return squash_bias(tile(bias, 0, shape[0]))
        return squash_norm_weight(tile(weight, 0, shape[0]))
    if len(shape) == 3:
        square = tile(kernel_OIHW, 1, shape[2])
        weight = tile(square.flatten(2).transpose(1, 2), 1, shape[1])
    else:
        weight = tile(tile(kernel_OIHW, 0, shape[0]), 1, shape[1]).reshape(shape)
    return weight.clone() if role == "ROLE_EMBEDDING" else scaled_weight(weight[None], block.deviation)[0]


@torch.inference_mode()
def main() -> None:
    """Runs the repeats; one earlier prediction warms up and is not counted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    model = load_checkpoint(arguments.checkpoint).model
    graph = ArchitectureGraph.from_json(json.loads(arguments.graph.read_text()))
    seconds = []
    elements = 0
    for _ in range(arguments.repeats + 1):
        start = time.perf_counter()
        predicted = naive_predict(model, GraphFeatures.of(graph, model.config))
        seconds.append(time.perf_counter() - start)
        elements = sum(tensor.numel() for tensor in predicted.values())
        del predicted
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    report = {
        "seconds": seconds[1:],
        "elements": elements,
        "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
