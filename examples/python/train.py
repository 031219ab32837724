"""Trains a small vision transformer from predicted parameters, with the Trainer of transformers.

`python examples/python/train.py [HOST:PORT]`; needs requirements-train.txt. The images are noise with a bright square
in one of four corners, which is to be told.
"""

import math
import sys
import tempfile

import logah
import torch
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

server = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:50051"


class Corners(Dataset):
    """Images (1, 28, 28) of unit noise, and the corner in which a square of 10 x 10 is brighter by one."""

    def __init__(self, count: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(4, (count,), generator=generator)
        self.images = torch.randn(count, 1, 28, 28, generator=generator)
        for image, label in zip(self.images, self.labels.tolist(), strict=True):
            top, left = 16 * (label // 2) + 1, 16 * (label % 2) + 1
            image[:, top : top + 10, left : left + 10] += 1

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"pixel_values": self.images[index], "labels": self.labels[index]}


config = ViTConfig(
    image_size=28,
    patch_size=7,
    num_channels=1,
    hidden_size=64,
    intermediate_size=256,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_labels=4,
)
with torch.device("meta"):
    network = ViTForImageClassification(config)
with logah.connect(server) as client:
    report = client.initialize(network, seed=1)
report.verify()
print(f"{report.predicted + report.tiled:,} elements from {report.model}, {report.initialized:,} by rule")

with tempfile.TemporaryDirectory() as directory:
    arguments = TrainingArguments(
        output_dir=directory,
        max_steps=40,
        per_device_train_batch_size=32,
        per_device_eval_batch_size=128,
        learning_rate=1e-3,
        use_cpu=True,
        seed=1,
        logging_steps=10,
        save_strategy="no",
        report_to="none",
    )
    trainer = Trainer(network, arguments, train_dataset=Corners(1024, seed=1), eval_dataset=Corners(256, seed=2))
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    after = trainer.evaluate()["eval_loss"]

print(f"loss {before:.3f} with predicted parameters, {after:.3f} after {arguments.max_steps} steps")
assert math.isfinite(before), "the predicted parameters are not usable"
assert after < before, "training did not help"
