"""Random configurations, read by transformers and by the service: both must build the same network, or refuse it.

    python python/tests/support/random_configs.py --count 2000 --seed 1 --families llama t5

Reports every configuration of which the two make different parameters, and those that only one of them refuses.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from paths import REPOSITORY
from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

CLASSES = json.loads((REPOSITORY / "src" / "architecture" / "transformers" / "config-classes.json").read_text())

#: Names that many families give a size, by the small values that it is drawn from.
_SHARED_SIZES: list[tuple[str, list[Any]]] = [
    ("hidden_size n_embd dim d_model", [16, 32, 48, 64]),
    ("intermediate_size hidden_dim ffn_dim d_ff encoder_ffn_dim decoder_ffn_dim", [20, 37, 64]),
    ("moe_intermediate_size n_inner ffn_hidden_size", [20, 37, 64]),
    ("num_attention_heads n_head n_heads num_heads", [1, 2, 4]),
    ("encoder_attention_heads decoder_attention_heads num_key_value_heads num_kv_heads", [1, 2, 4]),
    ("num_hidden_layers n_layer n_layers num_layers", [1, 2, 3]),
    ("encoder_layers decoder_layers num_decoder_layers", [1, 2, 3]),
    ("max_position_embeddings n_positions max_target_positions", [16, 40]),
]
#: Small values of sizes, and values of options that make other parameters.
SIZES: dict[str, list[Any]] = {
    **{name: values for names, values in _SHARED_SIZES for name in names.split()},
    "max_source_positions": [20, 50],
    "vocab_size": [60, 101],
    "type_vocab_size": [1, 2, 3],
    "embedding_size": [16, 24, 32],
    "word_embed_proj_dim": [16, 24, 32],
    "head_dim": [4, 8, 16],
    "d_kv": [4, 8],
    "image_size": [16, 24, 32, [16, 32]],
    "patch_size": [4, 8, [4, 8]],
    "num_channels": [1, 3],
    "mlp_ratio": [2, 4],
    "num_local_experts": [2, 3],
    "num_experts": [2, 3, 0],
    "num_experts_per_tok": [1, 2],
    "decoder_sparse_step": [1, 2],
    "mlp_only_layers": [None, [], [0], [0, 2], [7]],
    "num_labels": [1, 2, 5],
    "encoder_stride": [2, 4],
    "pooler_output_size": [None, 12],
    "pad_token_id": [0, 1, None],
    "num_mel_bins": [8, 12],
    "classifier_proj_size": [12, 256],
    "relative_attention_num_buckets": [8, 32],
    "num_ln_in_parallel_attn": [None, 1, 2],
    "layer_types": [None],
    "rope_parameters": [None],
    "hidden_sizes": [[8, 16, 24, 32], [12, 16, 24, 32]],
    "depths": [[1, 1, 2, 1], [2, 1, 1, 1]],
    "embed_dim": [12, 24],
    "num_stages": [4],
    "swin num_heads": [[1, 2, 3, 4], [3, 3, 6, 6], [2, 4, 4, 12]],
    "window_size": [2, 4],
    "projection_dim": [8, 20],
    "pos_att_type": ["p2c|c2p", "c2p", "p2c", ["c2p", "p2c"], "none", None],
    "position_buckets": [-1, 8, 256],
    "max_relative_positions": [-1, 12],
    "norm_rel_ebd": ["layer_norm", "none", "layer_norm|other"],
    "conv_kernel_size": [0, 3],
    "feed_forward_proj": ["relu", "gated-gelu", "gated-silu", "gelu"],
    "layer_type": ["basic", "bottleneck"],
    "vision_use_head": [True, False],
}
#: Read for each configuration whatever the class; others are drawn now and then.
ALWAYS = {
    name for name in SIZES if name not in {"num_labels", "layer_types", "rope_parameters", "n_inner", "pad_token_id"}
}
#: Fields that make no parameters, or that no two releases agree on.
SKIPPED = {
    *("transformers_version", "architectures", "dtype", "id2label", "label2id", "problem_type", "torch_dtype"),
    *(
        "bos_token_id",
        "eos_token_id",
        "decoder_start_token_id",
        "forced_eos_token_id",
        "layer_types",
        "rope_parameters",
    ),
    *("begin_suppress_tokens", "suppress_tokens", "_out_features", "_out_indices", "hidden_act", "activation"),
    *("activation_function", "hidden_activation", "pooler_act", "projection_hidden_act", "pooler_hidden_act"),
    *("summary_activation", "text_config", "vision_config", "output_hidden_states", "return_dict"),
    *("chunk_size_feed_forward", "is_encoder_decoder", "legacy", "dense_act_fn", "is_gated_act", "attn_implementation"),
    *(
        "mask_time_length",
        "mask_feature_length",
        "mask_time_min_masks",
        "mask_feature_min_masks",
        "median_filter_width",
    ),
    *("use_bidirectional_attention", "slow_but_exact"),
}
#: Values that most fields should refuse.
ODD: list[Any] = [None, 1.0, "1", True, -1, 0, [], [3]]


@dataclass(frozen=True)
class Difference:
    """A configuration that the two read otherwise."""

    config: dict[str, Any]
    kind: str
    detail: str


def random_config(draw: random.Random, model_type: str, architectures: list[str], odd: float) -> dict[str, Any]:
    """With small sizes, a class, and now and then a value that is of no use."""
    config = {"model_type": model_type, **random_fields(draw, model_type, odd)}
    if draw.random() < 0.9:
        config["architectures"] = [draw.choice(architectures)]
    if draw.random() < 0.2:
        config["id2label"] = {str(index): f"class {index}" for index in range(draw.choice([1, 3, 4]))}
    if draw.random() < 0.2:
        config["num_labels"] = draw.choice(SIZES["num_labels"])
    return config


def random_fields(draw: random.Random, model_type: str, odd: float) -> dict[str, Any]:
    fields: dict[str, Any] = CLASSES["classes"][model_type]["fields"]
    config: dict[str, Any] = {}
    for name, field in fields.items():
        if name in {"text_config", "vision_config"}:
            part = name.replace("_config", "_model")
            config[name] = random_fields(draw, f"{model_type}_{part}", odd)
            continue
        if name in SKIPPED:
            continue
        if name in SIZES:
            if name in ALWAYS or draw.random() < 0.5:
                config[name] = draw.choice(SIZES.get(f"{model_type} {name}", SIZES[name]))
        elif draw.random() < 0.3:
            config[name] = random_value(draw, field)
        if name in config and draw.random() < odd:
            config[name] = draw.choice(ODD)
    aliases = [pair for pair in CLASSES["classes"][model_type]["aliases"].items() if pair[1] in config]
    if aliases and draw.random() < 0.2:
        alias, own = draw.choice(aliases)
        config[alias] = config.pop(own)
    return config


def random_value(draw: random.Random, field: dict[str, Any]) -> Any:
    kinds = [kind for kind in field["types"] if kind in ("int", "float", "bool", "str", "null")]
    kind = draw.choice(kinds) if kinds else None
    if kind == "bool":
        return draw.random() < 0.5
    if kind == "float":
        return draw.choice([0.0, 0.1, 0.02, 0.5])
    if kind == "null":
        return None
    return field.get("default")


def parameters_of(config: PretrainedConfig, architecture: str) -> list[tuple[str, list[int], str | None]]:
    """Each parameter's name, shape, and the one that it shares storage with. Raises whatever transformers raises."""
    with torch.device("meta"):
        model = getattr(transformers, architecture)(config)
    firsts: dict[int, str] = {}
    entries = []
    for name, value in model.named_parameters(remove_duplicate=False):
        first = firsts.setdefault(id(value), name)
        entries.append((name, list(value.shape), None if first == name else first))
    return entries


class Service:
    """The service's front-end, in a process that reads any number of configurations."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            ["node", str(REPOSITORY / "scripts" / "read-configs.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def read(self, text: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


@contextmanager
def service() -> Iterator[Service]:
    running = Service()
    try:
        yield running
    finally:
        running.close()


def compare(config: dict[str, Any], running: Service, default: str) -> Difference | str:
    """What differs, or how the two agree: "built" or "refused"."""
    answer = running.read(json.dumps(config))
    try:
        read = AutoConfig.for_model(**json.loads(json.dumps(config)))
        theirs = parameters_of(read, config.get("architectures", [default])[0])
    except Exception as error:  # whatever transformers raises is its refusal
        if "graph" not in answer:
            return "refused"
        return Difference(config, "only transformers refuses", f"{type(error).__name__}: {str(error)[:300]}")
    if "graph" not in answer:
        return Difference(config, "only the service refuses", "; ".join(answer["error"]))
    ours = [(p["name"], p.get("shape", []), p.get("tiedTo")) for p in answer["graph"]["parameters"]]
    if ours == theirs:
        return "built"
    pairs = [f"{a} is {b}" for a, b in zip(ours, theirs, strict=False) if a != b]
    return Difference(config, "other parameters", f"{len(ours)} and {len(theirs)}; {'; '.join(pairs[:2])}")


def architectures_of(running: Service, model_type: str) -> list[str]:
    """The classes that the service reads, the default first; it names them when it refuses one."""
    answer = running.read(json.dumps({"model_type": model_type, "architectures": ["None"]}))
    listed = next(line for line in answer["error"] if ".architectures: " in line)
    return listed.split(f'supported for "{model_type}": ')[1].split("; ")[0].split(", ")


def model_types(running: Service) -> list[str]:
    answer = running.read(json.dumps({"model_type": "none"}))
    return answer["error"][0].split("supported are ")[1].split("; ")[0].split(", ")


def differences(seed: int, count: int, families: list[str], odd: float) -> Iterator[Difference | str]:
    """Draws `count` configurations of each family."""
    draw = random.Random(seed)
    transformers.logging.set_verbosity_error()
    with service() as running:
        for model_type in families or model_types(running):
            assert model_type in CONFIG_MAPPING
            architectures = architectures_of(running, model_type)
            for _ in range(count):
                config = random_config(draw, model_type, architectures, odd)
                yield compare(config, running, architectures[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=50, help="configurations of each family")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--odd", type=float, default=0.02, help="share of fields with a value of no use")
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--show", type=int, default=3, help="examples of each difference")
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    for found in differences(options.seed, options.count, options.families, options.odd):
        if isinstance(found, str):
            counts[found] += 1
            continue
        counts[found.kind] += 1
        key = f"{found.config['model_type']} {found.kind} {found.detail[:60]}"
        shown[key] += 1
        if shown[key] <= options.show:
            print(f"{found.config['model_type']}: {found.kind}: {found.detail}\n    {json.dumps(found.config)}")
    print(dict(counts))
    sys.exit(counts["other parameters"] > 0 or counts["only transformers refuses"] > 0)


if __name__ == "__main__":
    main()
