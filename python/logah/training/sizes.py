"""Whether a hypernetwork is large enough for the networks that it is to be trained on."""

from __future__ import annotations

import random
from collections.abc import Sequence

from logah.errors import ConfigurationError
from logah.graph import Prediction
from logah.hypernet.config import HypernetConfig
from logah.targets.families import FAMILIES
from logah.targets.mixture import Member


def check_rows(config: HypernetConfig, where: str) -> None:
    """Raises ConfigurationError where `ck` has fewer rows than a block below `max_shape` asks for."""
    if config.decoder == "dense":
        return
    # The published decoder puts a bias behind the weight of a norm, in one column.
    rows = {"low_rank": max(2 * config.max_shape[0], config.max_shape[1]), "aligned": max(config.max_shape[:2])}
    needed = rows[config.decoder]
    if config.ck < needed:
        raise ConfigurationError(
            f"{where}: ck: got {config.ck}, expected at least {needed}, the rows of a factor that max_shape "
            f"{list(config.max_shape)} asks for"
        )


def check_blocks(config: HypernetConfig, members: Sequence[Member], where: str) -> None:
    """Raises ConfigurationError for fewer `slots` than the networks of a member have, and for operations it lacks."""
    for member in members:
        graph = FAMILIES[member.family].graph(member.space.sample(random.Random(0)))
        unknown = sorted({node.operation for node in graph.nodes} - set(config.operations))
        if unknown:
            raise ConfigurationError(
                f"{where}: operations: {', '.join(unknown)} missing, which networks of family {member.family} have"
            )
        slots = 1 + max(
            block.origin.slot
            for parameter in graph.parameters
            for block in parameter.blocks
            if isinstance(block.origin, Prediction)
        )
        # The published decoders have none, and decode neighbouring blocks as one.
        if config.slots < slots and (config.slots > 1 or config.decoder == "aligned"):
            raise ConfigurationError(
                f"{where}: slots: got {config.slots}, expected at least {slots}: so many blocks of networks of family "
                f"{member.family} look alike, such as query, key and value"
            )
