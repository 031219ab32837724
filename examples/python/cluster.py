"""Fills a network under FSDP2 on a cluster, each rank with its own rows, from a service with TLS.

`torchrun ... cluster.py CONFIG`, where CONFIG is the config.json of a transformers network; deploy/training has
the jobs. Needs requirements-train.txt. From the environment:

LOGAH_SERVER    a gRPC target, such as dns:///logah-headless.NAMESPACE.svc:50051, or several with commas between them
LOGAH_CA        file with the authorities that signed the service's certificate, in PEM; without it, plain text
LOGAH_PATIENCE  seconds that a rank waits for a service that is away (60)
"""

import os
import sys
from pathlib import Path

import grpc
import logah
import torch
import torch.distributed as dist
import transformers
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

device = "cuda" if torch.cuda.is_available() else "cpu"
if device == "cuda":
    torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
dist.init_process_group("nccl" if device == "cuda" else "gloo")
rank, ranks = dist.get_rank(), dist.get_world_size()

# On the meta device the network has shapes and no memory; no rank ever holds all of it.
config = transformers.AutoConfig.from_pretrained(Path(sys.argv[1]).parent)
with torch.device("meta"):
    network = getattr(transformers, config.architectures[0])(config)
mesh = init_device_mesh(device, (ranks,))
for module in network.modules():
    if isinstance(module, torch.nn.ModuleList):
        for layer in module:
            fully_shard(layer, mesh=mesh)
fully_shard(network, mesh=mesh)

authorities = os.environ.get("LOGAH_CA")
credentials = grpc.ssl_channel_credentials(Path(authorities).read_bytes()) if authorities else None
servers = os.environ["LOGAH_SERVER"].split(",")
with logah.connect(servers, credentials, patience=float(os.environ.get("LOGAH_PATIENCE", "60"))) as client:
    report = client.initialize(network, seed=1)
report.verify()

# Every rank has its part of the same prediction.
fingerprints: list[str] = [""] * ranks
dist.all_gather_object(fingerprints, report.fingerprint)
assert len(set(fingerprints)) == 1, f"ranks were given different predictions: {fingerprints}"
held = sum(parameter.to_local().numel() for parameter in network.parameters())
print(f"rank {rank} of {ranks} holds {held:,} elements of {report.fingerprint[:16]}", flush=True)

# Here a training loop begins.
dist.destroy_process_group()
