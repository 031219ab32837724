"""Exactness for language models: what the authors' `GHN3_GPT` predicted, with both of its normalisations."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from examples import authors_checkpoint
from make_language_fixtures import random_language_model
from numpy.typing import NDArray
from onnx_decoders import Bundle
from parity_graphs import REPOSITORY

from logah.export.bundle import BundleDescription, write_bundle
from logah.graph import ArchitectureGraph
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.config import HypernetConfig
from logah.hypernet.hypernetwork import GraphFeatures

FIXTURES = REPOSITORY / "test" / "fixtures" / "language"
NETWORKS = ("gpt2-untied", "gpt2-tied", "llama-untied")
NORMALIZATIONS = ("fan_in", "std")
TOLERANCE = 1e-5


def graph_of(network: str) -> ArchitectureGraph:
    return ArchitectureGraph.from_json(json.loads((FIXTURES / f"{network}.graph.json").read_text()))


def error(ours: NDArray[Any], theirs: dict[str, Any]) -> float:
    """The larger of the relative errors of the sampled elements and of the norm."""
    assert list(ours.shape) == theirs["shape"]
    flat, sampled = ours.astype(np.float64).ravel(), np.asarray(theirs["values"])
    difference = np.linalg.norm(flat[:: theirs["step"]] - sampled) / np.linalg.norm(sampled)
    return max(float(difference), abs(float(np.linalg.norm(flat)) / theirs["l2"] - 1))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The fixture's hypernetwork by normalisation, imported from the authors' format, with what their configs omit."""
    directory = tmp_path_factory.mktemp("checkpoints")
    content = authors_checkpoint(random_language_model())
    del content["config"]["num_classes"]
    torch.save(content, directory / "checkpoint.pt")
    return {n: load_checkpoint(directory / "checkpoint.pt", normalization=n).model for n in NORMALIZATIONS}


@pytest.fixture(scope="module")
def bundles(models, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles")
    for normalization, model in models.items():
        write_bundle(model, BundleDescription(normalization), directory / normalization)
    return {normalization: Bundle(directory / normalization) for normalization in models}


@pytest.mark.parametrize("runtime", ["pytorch", "onnxruntime"])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("network", NETWORKS)
def test_every_parameter_is_theirs(models, bundles, network, normalization, runtime):
    model = models[normalization]
    features = GraphFeatures.of(graph_of(network), model.config)
    predicted = model(features) if runtime == "pytorch" else bundles[normalization].predict(features)
    theirs = json.loads((FIXTURES / f"{network}.{normalization}.json").read_text())
    assert {name for name, _ in predicted} == theirs.keys()
    errors = {name: error(np.asarray(tensor), theirs[name]) for (name, _), tensor in predicted.items()}
    assert max(errors.values()) < TOLERANCE, errors


def test_the_bundle_of_the_fixture_holds_the_same_hypernetwork(models):
    manifest = json.loads((FIXTURES / "bundle" / "manifest.json").read_text())
    assert HypernetConfig.from_json(manifest["hypernet"]) == models["fan_in"].config
