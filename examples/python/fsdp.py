"""Fills a network under FSDP2, where each rank asks for its own rows only, and trains it for three steps.

`torchrun --nproc-per-node 2 examples/python/fsdp.py [HOST:PORT]`; needs requirements-train.txt. It runs on the CPU;
with "nccl" and a mesh of "cuda" it is the same on GPUs.
"""

import sys

import logah
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from transformers import AutoConfig, AutoModelForImageClassification

server = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"

dist.init_process_group("gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()

# On the meta device the network has shapes and no memory; no rank ever holds all of it.
config = AutoConfig.from_pretrained("examples/vit-tiny-patch16-224")
with torch.device("meta"):
    network = AutoModelForImageClassification.from_config(config)
mesh = init_device_mesh("cpu", (ranks,))
for layer in network.vit.layers:
    fully_shard(layer, mesh=mesh)
fully_shard(network, mesh=mesh)

with logah.connect(server) as client:
    client.initialize(network, seed=1).verify()
    held = sum(parameter.to_local().numel() for parameter in network.parameters())
    print(f"rank {rank} of {ranks} holds {held:,} elements", flush=True)

    # For this example only: together the ranks have what a single process would have got, bit for bit.
    whole = AutoModelForImageClassification.from_config(config)
    client.initialize(whole, seed=1)
for (name, parameter), expected in zip(network.named_parameters(), whole.parameters(), strict=True):
    assert torch.equal(parameter.full_tensor(), expected), f"{name} differs from the whole prediction"

optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
generator = torch.Generator().manual_seed(rank)
images = torch.randn(2, 3, 224, 224, generator=generator)
labels = torch.randint(config.num_labels, (2,), generator=generator)
losses = []
for _ in range(3):
    loss = network(pixel_values=images, labels=labels).loss
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
assert losses[-1] < losses[0], f"training did not help: {losses}"
print(f"rank {rank}: the shards equal the whole; loss {losses[0]:.3f}, then {losses[-1]:.3f}", flush=True)
dist.destroy_process_group()
