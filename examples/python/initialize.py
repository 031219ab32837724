"""Fills a transformers network with predicted parameters: `python examples/python/initialize.py [HOST:PORT]`."""

import sys

import logah
from transformers import AutoConfig, AutoModelForCausalLM

server = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"

config = AutoConfig.from_pretrained("examples/gpt2")
network = AutoModelForCausalLM.from_config(config)
with logah.connect(server) as client:
    report = client.initialize(network, seed=7)
report.verify()
print(f"{report.predicted + report.tiled:,} elements from {report.model}, left as they were: {report.untouched}")
