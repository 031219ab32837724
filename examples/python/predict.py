"""Asks a server for the parameters of a network: `python examples/python/predict.py CONFIG.json [HOST:PORT]`."""

import sys
import zlib
from pathlib import Path

import grpc
import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "proto"))
messages, services = grpc.protos_and_services("logah/v1/logah.proto")


def predict(config: bytes, server: str = "127.0.0.1:50051", seed: int = 0) -> dict[str, np.ndarray]:
    """Every parameter by name, for the bytes of a transformers config.json."""
    request = messages.PredictRequest(architecture={"transformers_config": config}, seed=seed)
    with grpc.insecure_channel(server, [("grpc.max_receive_message_length", 16 * 2**20)]) as channel:
        for message in services.LogahServiceStub(channel).Predict(request):
            kind = message.WhichOneof("message")
            if kind == "plan":
                tensors = [tensor for tensor in message.plan.tensors if tensor.sent]
                data = np.empty(message.plan.total_bytes, np.uint8)
            elif kind == "chunk":
                at, part = message.chunk.offset, message.chunk.data
                data[at : at + len(part)] = np.frombuffer(part, np.uint8)
            else:
                digests = {digest.name: digest.crc32 for digest in message.summary.digests}
    parameters = {}
    for tensor in tensors:
        values = data[tensor.offset : tensor.offset + tensor.bytes]
        assert zlib.crc32(values) == digests[tensor.name], f"{tensor.name} came damaged"
        parameters[tensor.name] = values.view("<f4").reshape(tensor.shape)
    return parameters


if __name__ == "__main__":
    parameters = predict(Path(sys.argv[1]).read_bytes(), *sys.argv[2:])
    for name, values in parameters.items():
        print(f"{name:60} {values.shape!s:20} standard deviation {values.std():.4f}")
