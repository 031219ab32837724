"""The benchmark's plain implementation predicts what the hypernetwork does."""

import torch
from examples import LOW_RANK, random_model, relative_error, small_vit

from bench.naive_predict import naive_predict
from logah.hypernet.hypernetwork import GraphFeatures


def test_the_plain_implementation_predicts_the_same_blocks():
    model = random_model(LOW_RANK)
    for changes in ({}, {"hidden_size": 40, "patch_size": 5, "num_labels": 37}):
        features = GraphFeatures.of(small_vit(**changes), model.config)
        expected = model(features)
        with torch.inference_mode():
            actual = naive_predict(model, features)
        assert actual.keys() == expected.keys()
        for key, tensor in expected.items():
            assert actual[key].shape == tensor.shape
            assert relative_error(actual[key], tensor) < 1e-5, key
