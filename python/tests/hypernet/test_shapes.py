"""How shapes enter the encoder, and how long a block the published decoder makes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logah.hypernet.shapes import channel_table, nearest_rows, rounded_size, shape_slots, spatial_table


@pytest.mark.parametrize(
    ("shape", "slots"),
    [
        ((), (0, 0, 0, 0)),
        ((96,), (96, 1, 1, 1)),
        ((96, 24), (96, 24, 1, 1)),
        ((1, 65, 96), (1, 96, 8, 8)),
        ((1, 17, 320), (1, 320, 4, 4)),
        ((768, 1, 1), (768, 1, 1, 1)),
        ((1, 1, 96), (1, 1, 96, 1)),
        ((64, 3, 7, 7), (64, 3, 7, 7)),
    ],
)
def test_a_shape_fills_four_slots(shape, slots):
    assert shape_slots(shape) == slots


def test_the_tables_have_the_rows_of_published_checkpoints():
    assert len(channel_table(10, language=False)) + 1 == 392
    assert len(channel_table(1000, language=False)) + 1 == 392
    assert len(channel_table(10, language=True)) + 1 == 395
    assert len(spatial_table(16)) + 1 == 11
    assert len(spatial_table(11)) + 1 == 9


@given(num_classes=st.integers(1, 30000), language=st.booleans())
def test_a_channel_count_uses_its_nearest_entry_and_the_smaller_on_a_tie(num_classes, language):
    table = channel_table(num_classes, language)
    special = {size: 8 for size in range(4, 8)}
    rows = nearest_rows(table, special)
    entries = np.array(table)
    for size in [*range(1, 100), *range(4000, 4200), *range(8100, len(rows), 97)]:
        nearest = int(np.argmin(np.abs(entries - special.get(size, size))))
        assert rows[size] == nearest, f"size {size}"
    assert rows[0] == len(table)
    assert rows[-1] == len(table) - 1


@pytest.mark.parametrize(("size", "used"), [(1, 1), (2, 3), (3, 3), (4, 3), (6, 5), (12, 11), (13, 13), (16, 16)])
def test_a_kernel_size_uses_its_nearest_entry(size, used):
    table = spatial_table(16)
    assert table[nearest_rows(table, {2: 3})[size]] == used


@pytest.mark.parametrize(
    ("size", "max_size", "rounded"),
    [
        (10, 256, 10),
        (37, 256, 37),
        (30, 256, 40),
        (96, 256, 256),
        (95, 256, 95),
        (128, 256, 256),
        (1000, 256, 256),
        (768, 2048, 1024 * 2),
        (3, 16, 4),
        (6, 16, 16),
        (5, 11, 5),
        (50257, 8192, 8192),
    ],
)
def test_a_length_is_rounded_as_the_authors_round_it(size, max_size, rounded):
    assert rounded_size(size, max_size) == rounded


@given(size=st.integers(1, 10000), max_size=st.integers(8, 8192))
def test_a_rounded_length_never_falls_short(size, max_size):
    assert min(size, max_size) <= rounded_size(size, max_size) <= max_size
