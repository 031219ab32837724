"""The bits of a product do not depend on what of it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from logah.client.wire.repeated_product import RepeatedProduct

RANK = 32
SHAPES = [
    # m, n, rows, columns, step
    (252, 384, 576, 1143, 917),
    (301, 77, 301, 77, 64),
    (301, 77, 903, 200, 64),
    (5, 7, 40, 30, 16),
    (400, 33, 250, 20, 100),
]


def whole(product: RepeatedProduct, rows: int, columns: int) -> NDArray[np.float32]:
    out = np.empty((rows, columns), np.float32)
    product.write(0, rows, out)
    return out


@pytest.mark.parametrize(("m", "n", "rows", "columns", "step"), SHAPES)
def test_any_rows_have_the_bits_that_they_have_in_the_whole(m: int, n: int, rows: int, columns: int, step: int) -> None:
    draw = np.random.default_rng(3)
    left = draw.normal(size=(m, RANK)).astype(np.float32)
    right = draw.normal(size=(n, RANK)).astype(np.float32)
    product = RepeatedProduct(left, right, rows, columns, step)
    expected = whole(product, rows, columns)
    exact = np.float64(left[np.arange(rows) % m]) @ np.float64(right[np.arange(columns) % n]).T
    np.testing.assert_allclose(expected, exact, rtol=0, atol=1e-4)
    for _ in range(60):
        first, last = sorted(draw.integers(0, rows + 1, 2))
        part = np.empty((last - first, columns), np.float32)
        product.write(int(first), int(last), part)
        np.testing.assert_array_equal(part, expected[first:last])
    # Where it belongs, in a wider tensor.
    wide = np.empty((rows, columns + 9), np.float32)
    product.write(0, rows, wide[:, 4 : 4 + columns])
    np.testing.assert_array_equal(wide[:, 4 : 4 + columns], expected)
