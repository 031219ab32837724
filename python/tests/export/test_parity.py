"""Exactness: what the authors' own code predicts, with the authors' checkpoints, in PyTorch and from a bundle."""

import json

import numpy as np
import pytest
from examples import relative_error
from onnx_decoders import Bundle
from parity_graphs import POSITIONS, expected_parameters, parity_directory, parity_graph

from logah.export.bundle import BundleDescription, write_bundle
from logah.hypernet.checkpoint import load_checkpoint
from logah.hypernet.hypernetwork import GraphFeatures

pytestmark = pytest.mark.parity

TOLERANCE = 1e-5
CHECKPOINTS = {
    "vit-c96-l2-p4": "logah-r16-hid32.pt",
    "vit-c160-l3-p2": "logah-r16-hid32.pt",
    "vit-c320-l2-p16": "logah-r16-hid32.pt",
    "ghn3-vit-c96-l2-p4": "ghn3-hid32.pt",
    "ghn3-resnet18": "ghn3-hid32.pt",
}


@pytest.fixture(scope="module")
def models():
    return {file: load_checkpoint(parity_directory() / file).model for file in set(CHECKPOINTS.values())}


@pytest.fixture(scope="module")
def bundles(models, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundles")
    for file, model in models.items():
        write_bundle(model, BundleDescription(file), directory / file)
    return {file: Bundle(directory / file) for file in models}


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_distances_are_theirs(models, name):
    config = models[CHECKPOINTS[name]].config
    theirs = np.load(parity_directory() / f"{name}.npz")["distances"]
    np.testing.assert_array_equal(parity_graph(name).distances(config.cutoff), theirs)


@pytest.mark.parametrize("runtime", ["pytorch", "onnxruntime"])
@pytest.mark.parametrize("name", CHECKPOINTS)
def test_embeddings_are_theirs(models, bundles, name, runtime):
    embed = (models if runtime == "pytorch" else bundles)[CHECKPOINTS[name]].embed
    features = GraphFeatures.of(parity_graph(name), models[CHECKPOINTS[name]].config)
    theirs = np.load(parity_directory() / f"{name}.npz")["embeddings"]
    assert relative_error(embed(features), theirs) < TOLERANCE


def predictions(models, bundles, name, runtime):
    model = models[CHECKPOINTS[name]]
    features = GraphFeatures.of(parity_graph(name), model.config)
    return model(features) if runtime == "pytorch" else bundles[CHECKPOINTS[name]].predict(features)


@pytest.mark.parametrize("runtime", ["pytorch", "onnxruntime"])
@pytest.mark.parametrize("name", [name for name in CHECKPOINTS if name != "ghn3-resnet18"])
def test_every_parameter_is_theirs(models, bundles, name, runtime, record_property):
    theirs = expected_parameters(name)
    # Row 0, the class token's position, is unseeded noise there.
    theirs[POSITIONS] = theirs[POSITIONS][:, 1:]
    ours = {parameter: tensor for (parameter, _), tensor in predictions(models, bundles, name, runtime).items()}
    assert ours.keys() == theirs.keys()
    errors = {parameter: relative_error(tensor, theirs[parameter]) for parameter, tensor in ours.items()}
    record_property("largest_relative_error", max(errors.values()))
    assert max(errors.values()) < TOLERANCE, errors


@pytest.mark.parametrize("runtime", ["pytorch", "onnxruntime"])
def test_a_convolutional_network_has_the_digest_of_theirs(models, bundles, runtime):
    digests = json.loads((parity_directory() / "ghn3-resnet18.digest.json").read_text())
    not_predicted = ("running_mean", "running_var", "num_batches_tracked")
    digests = {name: digest for name, digest in digests.items() if not name.endswith(not_predicted)}
    ours = {name: t for (name, _), t in predictions(models, bundles, "ghn3-resnet18", runtime).items()}
    assert ours.keys() == digests.keys()
    for name, digest in digests.items():
        assert list(ours[name].shape) == digest["shape"]
        flat = ours[name].double().numpy().ravel()
        assert np.linalg.norm(flat) == pytest.approx(digest["l2"], rel=TOLERANCE), name
        assert flat.std() == pytest.approx(digest["std"], rel=TOLERANCE), name
        assert flat.mean() == pytest.approx(digest["mean"], rel=TOLERANCE, abs=TOLERANCE * abs(flat).mean()), name
        assert relative_error(flat[:8], digest["head"]) < TOLERANCE, name
        assert relative_error(flat[-8:], digest["tail"]) < TOLERANCE, name
