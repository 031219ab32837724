"""Reads checkpoints: our own (`logah-checkpoint-1`) and those of the LoGAH and GHN-3 authors' code."""

from logah.errors import CheckpointError
from logah.hypernet.checkpoint.load import load_checkpoint
from logah.hypernet.checkpoint.loaded import LoadedCheckpoint
from logah.hypernet.checkpoint.own import OWN_FORMAT

__all__ = ["OWN_FORMAT", "CheckpointError", "LoadedCheckpoint", "load_checkpoint"]
