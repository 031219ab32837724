"""Fills a GPT-2 of Flax on several devices, each of which computes its own part of each parameter, compiled:
`python examples/python/flax_sharded.py CONFIG.json [HOST:PORT]`."""

import functools
import json
import os
import sys

# Four devices, also where there is one processor alone.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=4")

import flax.linen as nn
import jax
import jax.numpy as jnp
import logah
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec


class Block(nn.Module):
    """Attention and a perceptron; layers have the names of transformers' GPT-2."""

    heads: int
    inner: int

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        width = x.shape[-1]
        y = nn.Dense(3 * width, name="attn.c_attn")(nn.LayerNorm(name="ln_1")(x))
        q, k, v = (part.reshape(*x.shape[:2], self.heads, -1) for part in jnp.split(y, 3, axis=-1))
        y = jax.nn.dot_product_attention(q, k, v, is_causal=True).reshape(x.shape)
        x = x + nn.Dense(width, name="attn.c_proj")(y)
        y = nn.gelu(nn.Dense(self.inner, name="mlp.c_fc")(nn.LayerNorm(name="ln_2")(x)))
        return x + nn.Dense(width, name="mlp.c_proj")(y)


class Gpt2(nn.Module):
    """Logits of the next token."""

    config: dict

    @nn.compact
    def __call__(self, tokens: jax.Array) -> jax.Array:
        width = self.config["n_embd"]
        table = nn.Embed(self.config["vocab_size"], width, name="wte")
        positions = nn.Embed(self.config["n_positions"], width, name="wpe")
        x = table(tokens) + positions(jnp.arange(tokens.shape[1]))
        for layer in range(self.config["n_layer"]):
            inner = self.config.get("n_inner") or 4 * width
            x = Block(self.config["n_head"], inner, name=f"h.{layer}")(x)
        return table.attend(nn.LayerNorm(name="ln_f")(x))


def name_of(path: tuple) -> str:
    """The name in the plan; GPT-2 stores its matrices as Flax does, [in, out]."""
    *modules, leaf = (key.key for key in path)
    return ".".join(["transformer", *modules, "bias" if leaf == "bias" else "weight"])


def sharding_of(shape: tuple[int, ...], mesh: Mesh) -> NamedSharding:
    """The first dimension that the devices divide is cut; what has none, every device holds."""
    cut = next((axis for axis, size in enumerate(shape) if size % mesh.size == 0), None)
    return NamedSharding(mesh, PartitionSpec(*("devices" if axis == cut else None for axis in range(len(shape)))))


@functools.partial(jax.jit, static_argnames=("recipe", "sharding"))
def expanded(recipe: logah.client.Recipe, arrays: tuple, layer: tuple, sharding: NamedSharding) -> jax.Array:
    """A parameter, of which every device computes what it holds; compiled once for all that are computed alike."""
    return jax.lax.with_sharding_constraint(recipe.expand(arrays, layer, jnp), sharding)


def main(path: str, server: str = "127.0.0.1:50051") -> None:
    """Fills the parameters, compares them with the dense prediction, and runs the model."""
    with open(path) as file:
        config = json.load(file)
    mesh = Mesh(np.array(jax.devices()), ("devices",))
    model, tokens = Gpt2(config), jnp.zeros((1, 16), jnp.int32)
    shapes = jax.eval_shape(model.init, jax.random.key(0), tokens)["params"]
    with logah.connect(server) as client:
        cores = client.cores(path, seed=1)
        dense = dict(client.predict(path, seed=1))
    layer = jax.device_put(cores.layer, NamedSharding(mesh, PartitionSpec()))

    def fill(path: tuple, like: jax.ShapeDtypeStruct) -> jax.Array:
        tensor = cores.tensors[name_of(path)]
        assert tensor.shape == like.shape, (tensor.name, tensor.shape, like.shape)
        return expanded(tensor.recipe, tensor.arrays, layer, sharding_of(tensor.shape, mesh))

    parameters = jax.tree_util.tree_map_with_path(fill, shapes)
    for path_of, value in jax.tree_util.tree_leaves_with_path(parameters):
        expected = dense.pop(name_of(path_of))
        np.testing.assert_allclose(value, expected, rtol=0, atol=1e-6 * np.abs(expected).max())
    assert not dense, f"the model lacks {list(dense)}"
    logits = jax.jit(model.apply)({"params": parameters}, tokens)
    assert bool(jnp.isfinite(logits).all())
    count = sum(value.size for value in jax.tree_util.tree_leaves(parameters))
    print(f"{count:,} parameters on {mesh.size} devices, of {cores.plan.total_bytes:,} bytes: as the dense prediction")


if __name__ == "__main__":
    main(*sys.argv[1:])
