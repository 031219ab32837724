"""The error of checkpoints."""


class CheckpointError(ValueError):
    """A checkpoint that is not one we can load; the message names the key, what came and what is expected."""
