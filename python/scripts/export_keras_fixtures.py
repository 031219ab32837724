"""Writes the Keras part of `test/fixtures/onnx`: what tf2onnx makes of two small networks, without weights.

    PYTHONPATH=python python python/scripts/export_keras_fixtures.py test/fixtures/onnx

Needs tensorflow and tf2onnx, best in an environment of their own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import keras
import tensorflow as tf
import tf2onnx
from keras import layers

from logah.client.onnx_file import stripped_onnx


def convolutions() -> keras.Model:
    """Convolutions of every kind, a squeeze and excitation, and what joins and pools."""
    image = keras.Input((32, 32, 3), name="x")
    x = layers.Rescaling(1 / 255)(image)
    x = layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="stem_norm")(x))
    y = layers.DepthwiseConv2D(3, padding="same", name="depthwise")(x)
    y = layers.Activation("relu6")(layers.BatchNormalization(name="depthwise_norm")(y))
    squeezed = layers.GlobalAveragePooling2D(keepdims=True)(y)
    squeezed = layers.Conv2D(4, 1, activation="relu", name="reduce")(squeezed)
    y = layers.Multiply()([y, layers.Conv2D(16, 1, activation="sigmoid", name="expand")(squeezed)])
    x = layers.Add()([x, layers.Conv2D(16, 1, name="project")(y)])
    x = layers.MaxPooling2D()(x)
    x = layers.Concatenate()([x, layers.SeparableConv2D(16, 3, padding="same", name="separable")(x)])
    x = layers.Conv2D(24, 3, dilation_rate=2, padding="same", name="dilated")(x)
    x = layers.GlobalAveragePooling2D()(layers.AveragePooling2D(2)(x))
    x = layers.Dense(20, activation="swish", name="hidden")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="head")(x))


def attention() -> keras.Model:
    """A transformer's layer, and an LSTM."""
    tokens = keras.Input((16,), dtype="int32", name="x")
    x = layers.Embedding(100, 32, name="tokens")(tokens)
    y = layers.LayerNormalization(name="before")(x)
    x = layers.Add()([x, layers.MultiHeadAttention(4, 8, name="attention")(y, y)])
    y = layers.LayerNormalization(name="after")(x)
    y = layers.Dense(32, name="outer")(layers.Dense(64, activation="relu", name="inner")(y))
    x = layers.LSTM(12, name="recurrent")(layers.Add()([x, y]))
    return keras.Model(tokens, layers.Dense(5, name="head")(x))


def export(model: keras.Model, path: Path) -> None:
    """Weights are made to differ, since the exporter shares those that are equal."""
    for index, variable in enumerate(model.variables):
        if variable.dtype == "float32":
            variable.assign(tf.random.stateless_uniform(variable.shape, (0, index), 0.01, 0.02))
    (example,) = model.inputs
    signature = [tf.TensorSpec(example.shape, example.dtype, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=17, output_path=str(path))


def main() -> None:
    """Exports both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    for name, build in (("keras-convolutions", convolutions), ("keras-attention", attention)):
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "model.onnx"
            export(build(), path)
            content = stripped_onnx(path)
        (directory / f"{name}.onnx").write_bytes(content)
        print(f"{name}: {len(content)} bytes")


if __name__ == "__main__":
    main()
