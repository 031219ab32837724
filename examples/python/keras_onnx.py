"""Fills a Keras network with predicted parameters, through ONNX, and trains it for a few steps.

`python examples/python/keras_onnx.py [HOST:PORT]`; needs requirements-keras.txt.
"""

import math
import os
import sys
import tempfile
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
import keras
import logah
import numpy as np
import onnx
from keras import layers
from onnx import numpy_helper

server = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"


def network() -> keras.Model:
    """A residual network for images (28, 28, 1) and four classes."""
    images = keras.Input((28, 28, 1))
    x = layers.Conv2D(64, 4, strides=4, name="patches")(images)
    for block in range(2):
        y = layers.Conv2D(128, 3, padding="same", activation="relu", name=f"wide_{block}")(x)
        y = layers.Conv2D(64, 1, name=f"narrow_{block}")(y)
        x = layers.Add()([x, y])
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(images, layers.Dense(4, name="head")(x))


def initialize(model: keras.Model, client: logah.Client, seed: int) -> None:
    """Predicts every trainable weight of a built model. Raises ValueError where one does not come back.

    An exporter renames and transposes weights. So each element is first set to its own number, which says in the ONNX
    file where it has gone; float32 can tell 2^24 of them apart.
    """
    weights = model.trainable_weights
    count = sum(math.prod(weight.shape) for weight in weights)
    if count > 2**24:
        raise ValueError(f"{count} parameters; up to {2**24} can be numbered")
    assign(weights, np.arange(count, dtype=np.float32))
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "network.onnx")
        model.export(path, format="onnx", verbose=False)
        numbers = {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
        predicted = dict(client.predict(path, seed=seed))
    values = np.full(count, np.nan, np.float32)
    for name, array in predicted.items():
        values[numbers[name].astype(int).ravel()] = array.ravel()
    if np.isnan(values).any():
        raise ValueError(f"{np.isnan(values).sum()} of {count} parameters are not in the ONNX file as they are")
    assign(weights, values)


def assign(weights: list[keras.Variable], values: np.ndarray) -> None:
    """Cuts the values into the weights, in order."""
    ends = np.cumsum([math.prod(weight.shape) for weight in weights])
    for weight, part in zip(weights, np.split(values, ends[:-1]), strict=True):
        weight.assign(part.reshape(weight.shape))


keras.utils.set_random_seed(1)
model = network()
model(np.zeros((1, 28, 28, 1), np.float32))
with logah.connect(server) as client:
    initialize(model, client, seed=1)
print(f"{model.count_params():,} parameters filled")

# Noise with a square in one of four corners that is brighter by one.
labels = np.random.randint(4, size=512)
images = np.random.standard_normal((512, 28, 28, 1)).astype(np.float32)
for image, label in zip(images, labels, strict=True):
    image[16 * (label // 2) :, 16 * (label % 2) :][:12, :12] += 1
model.compile(keras.optimizers.Adam(1e-3), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
before = model.evaluate(images, labels, verbose=0)
model.fit(images, labels, batch_size=32, epochs=2, verbose=0)
after = model.evaluate(images, labels, verbose=0)
print(f"loss {before:.3f} with predicted parameters, {after:.3f} after 32 steps")
assert math.isfinite(before), "the predicted parameters are not usable"
assert after < before, "training did not help"
