"""How well a hypernetwork tells the layers of a network apart, and in how few directions its factors lie.

python python/bench/layer_likeness.py CONFIG.yaml MODEL [CONFIG.yaml MODEL ...] --out FILE.json

A model is a bundle or a checkpoint; the network is the last of the configuration's `evaluation.held_out`. Nodes of the
same place in two layers are compared: their embeddings, what the decoder makes of them (the cores), and the blocks. A
factor of up to ck / rank rows is made of one row of its core, so that the rows of all factors, [factors, rank], say how
many factors can differ at all. Where those of a node are zero, no gradient of a plain ReLU reaches what made them, and
one that leaks can carry what stands before the ReLU away, where it shows in nothing that is predicted.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from logah.graph import ArchitectureGraph
from logah.graph.gpt2 import gpt2_graph
from logah.graph.llama import llama_graph
from logah.graph.vit import vit_graph
from logah.hypernet.hypernetwork import GraphFeatures, Hypernetwork, PredictedBlock
from logah.hypernet.low_rank_decoder import LowRankDecoder
from logah.training.configuration import read_configuration
from logah.training.directions import used_rows
from logah.training.trained_model import load_model

GRAPHS = {"vit": vit_graph, "gpt2": gpt2_graph, "llama": llama_graph}
LAYER = re.compile(r"\.(?:layers|h|layer)\.(\d+)\.")
#: Of the singular values' squares.
ENERGY = (0.9, 0.99)


@torch.no_grad()
def likeness(model: Hypernetwork, features: GraphFeatures) -> dict[str, Any]:
    """The measurements of one network."""
    decoder = model.decoder
    assert isinstance(decoder, LowRankDecoder)
    embedding_NC = model.embed(features)
    blocks = [b for b in features.blocks if len(b.shape) == 2 and LAYER.search(b.parameter)]
    embedding_GC = embedding_NC[[b.prediction.node for b in blocks]]
    if model.slot is not None:
        embedding_GC = embedding_GC + model.slot(torch.tensor([b.prediction.slot for b in blocks]))
    before = decoder.core[:-1](embedding_GC)
    core_G2RR = decoder.core(embedding_GC).unflatten(1, (2 * decoder.rank, decoder.rank))
    predicted = model.decode(embedding_NC, features.blocks)
    tensors = [predicted[b.parameter, b.position] for b in blocks]
    layers = [int(found[1]) for b in blocks if (found := LAYER.search(b.parameter))]
    places: dict[tuple[str, int], list[int]] = defaultdict(list)
    for index, block in enumerate(blocks):
        places[LAYER.sub(".N.", block.parameter), block.prediction.slot].append(index)
    # The first row of either half: for these sizes all that a factor is made of.
    first_F = torch.cat([core_G2RR[:, 0], core_G2RR[:, decoder.rank]])
    first_F = first_F[first_F.norm(dim=1) > 0]
    return {
        "matrices": len(blocks),
        "layers": max(layers) + 1,
        "cosine_between_neighbouring_layers": {
            "embeddings": _neighbours(embedding_GC - embedding_NC.mean(0), places.values()),
            "cores": _neighbours(core_G2RR.flatten(1), places.values()),
            "matrices": _neighbours(tensors, places.values()),
        },
        "rank": decoder.rank,
        "directions_of_factors": _directions(first_F),
        "directions_of_factors_of_equal_length": _directions(normalize(first_F, dim=1)),
        "before_the_last_relu": {
            "mean_below_zero": round(float(before[before < 0].mean()), 3),
            "mean_above_zero": round(float(before[before > 0].mean()), 3),
        },
        "cores_that_are_zero": round(float((core_G2RR == 0).float().mean()), 3),
        **_dead(model, decoder, embedding_NC, [b for b in features.blocks if len(b.shape) == 2]),
        "deviation_by_layer": [
            round(
                float(torch.cat([t.flatten() for t, at in zip(tensors, layers, strict=True) if at == layer]).std()), 4
            )
            for layer in range(max(layers) + 1)
        ],
    }


def _dead(
    model: Hypernetwork, decoder: LowRankDecoder, embedding_NC: Tensor, blocks: Sequence[PredictedBlock]
) -> dict[str, list[str]]:
    """Matrices whose factors, one or both, are made of zeros, and so are the expansion's bias whatever the node."""
    dead: dict[int, list[str]] = {0: [], 1: [], 2: []}
    for block in blocks:
        embedding_C = embedding_NC[block.prediction.node]
        if model.slot is not None:
            embedding_C = embedding_C + model.slot.weight[block.prediction.slot]
        core_2RR = decoder.core(embedding_C).unflatten(0, (2 * decoder.rank, decoder.rank))
        alive_2R = (core_2RR > 0).any(1) & used_rows(block.shape, decoder.rank, decoder.ck)
        count = sum(not half.any() for half in alive_2R.chunk(2))
        dead[count].append(f"{block.parameter}[{block.position}]")
    return {"matrices_with_one_dead_factor": dead[1], "matrices_with_two_dead_factors": dead[2]}


def _directions(rows: Tensor) -> dict[str, int]:
    """How many of the best directions hold each part of the rows' squares."""
    energy = torch.linalg.svdvals(rows).square()
    share = energy.cumsum(0) / energy.sum()
    return {str(part): int((share < part).sum()) + 1 for part in ENERGY}


def _neighbours(rows: Tensor | list[Tensor], places: Any) -> list[float]:
    """For each layer but the last the mean cosine, over places, with the same place of the next layer."""
    flat = [normalize(row.flatten().double(), dim=0) for row in rows]
    lists = [place for place in places if len(place) > 1]
    return [
        round(float(torch.stack([flat[p[layer]] @ flat[p[layer + 1]] for p in lists]).mean()), 3)
        for layer in range(len(lists[0]) - 1)
    ]


def measured(configuration_path: Path, model_path: Path) -> Mapping[str, Any]:
    """Of the last held-out network."""
    configuration = read_configuration(configuration_path)
    (member,) = configuration.train.members
    sizes = configuration.evaluation["held_out"][member.family][-1]
    model = load_model(model_path)
    config = member.space.config(**sizes)
    graph: ArchitectureGraph = GRAPHS[member.family](config)
    features = GraphFeatures.of(graph, model.hypernetwork.config)
    return {"model": model.name, "family": member.family, "network": sizes, **likeness(model.hypernetwork, features)}


def main() -> None:
    """Measures and writes; prints what it writes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", nargs="+", type=Path, metavar="CONFIG.yaml MODEL")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if len(arguments.pairs) % 2:
        parser.error("expected a model for each configuration")
    results = [measured(*pair) for pair in zip(arguments.pairs[::2], arguments.pairs[1::2], strict=True)]
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    print(arguments.out.read_text())


if __name__ == "__main__":
    main()
