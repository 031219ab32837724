"""The quantile of the standard normal distribution, to the last bit as the server computes it.

Only operations that IEEE 754 rounds correctly are used: libraries differ in the last bits of a logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from logah.client.wire.draws.space import Space

# Wichura, algorithm AS 241, PPND16; coefficients from the constant term upwards.
_CENTRE = (
    (
        3.3871328727963665,
        133.14166789178438,
        1971.5909503065513,
        13731.69376550946,
        45921.95393154987,
        67265.7709270087,
        33430.57558358813,
        2509.0809287301227,
    ),
    (
        1.0,
        42.31333070160091,
        687.1870074920579,
        5394.196021424751,
        21213.794301586597,
        39307.89580009271,
        28729.085735721943,
        5226.495278852546,
    ),
)
_MIDDLE = (
    (
        1.4234371107496835,
        4.630337846156546,
        5.769497221460691,
        3.6478483247632045,
        1.2704582524523684,
        0.2417807251774506,
        0.022723844989269184,
        0.0007745450142783414,
    ),
    (
        1.0,
        2.053191626637759,
        1.6763848301838038,
        0.6897673349851,
        0.14810397642748008,
        0.015198666563616457,
        0.0005475938084995345,
        1.0507500716444169e-9,
    ),
)
_FAR = (
    (
        6.657904643501103,
        5.463784911164114,
        1.7848265399172913,
        0.29656057182850487,
        0.026532189526576124,
        0.0012426609473880784,
        2.7115555687434876e-5,
        2.0103343992922881e-7,
    ),
    (
        1.0,
        0.599832206555888,
        0.1369298809227358,
        0.014875361290850615,
        0.0007868691311456133,
        1.8463183175100548e-5,
        1.421511758316446e-7,
        2.0442631033899397e-15,
    ),
)


def inverse_normal(space: Space, p: Any) -> Any:
    """The quantiles of float64 numbers between 0 and 1, excluding both; the same shape."""
    flat = p.reshape(-1)
    q = flat - 0.5
    values = _ratio(_CENTRE, 0.180625 - q * q, q)
    is_tail = abs(q) > 0.425
    if is_tail.any():
        values[is_tail] = _tail(space, flat[is_tail])
    return values.reshape(p.shape)


def _tail(space: Space, p: Any) -> Any:
    xp = space.xp
    is_low = p < 0.5
    r = xp.sqrt(-log(space, xp.where(is_low, p, 1 - p)))
    values = _ratio(_MIDDLE, r - 1.6)
    is_far = r > 5
    if is_far.any():
        values[is_far] = _ratio(_FAR, r[is_far] - 5)
    return xp.where(is_low, -values, values)


def _ratio(coefficients: tuple[Sequence[float], Sequence[float]], x: Any, factor: Any = None) -> Any:
    numerator, denominator = (_polynomial(of, x) for of in coefficients)
    if factor is not None:
        numerator *= factor
    numerator /= denominator
    return numerator


def _polynomial(coefficients: Sequence[float], x: Any) -> Any:
    total = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        total += coefficient
        total *= x
    total += coefficients[0]
    return total


_LN2_HIGH, _LN2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
_ODD = 6.666666666666735130e-01, 2.857142874366239149e-01, 1.818357216161805012e-01, 1.479819860511658591e-01
_EVEN = 3.999999999940941908e-01, 2.222219843214978396e-01, 1.531383769920937332e-01


def log(space: Space, x: Any) -> Any:
    """The natural logarithm of positive normal float64 numbers, as fdlibm's `e_log.c` computes it (Sun, 1993), and
    JavaScript's engines after it."""
    xp = space.xp
    bits = x.view(xp.int64)
    high = (bits >> 32) & 0xFFFFF
    # Into sqrt(2) / 2 to sqrt(2).
    carry = (high + 0x95F64) & 0x100000
    exponent = space.double((bits >> 52) - 1023 + (carry >> 20))
    f = ((bits & 0xFFFFFFFFFFFFF) | ((carry ^ 0x3FF00000) << 32)).view(xp.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    even = w * (_EVEN[0] + w * (_EVEN[1] + w * _EVEN[2]))
    r = z * (_ODD[0] + w * (_ODD[1] + w * (_ODD[2] + w * _ODD[3]))) + even
    low = exponent * _LN2_LOW
    half = 0.5 * f * f
    is_middle = ((high - 0x6147A) | (0x6B851 - high)) > 0
    rest = xp.where(is_middle, half - (s * (half + r) + low), s * (f - r) - low)
    is_near_one = (0xFFFFF & (2 + high)) < 3
    rest = xp.where(is_near_one, f * f * (0.5 - 0.33333333333333333 * f) - low, rest)
    return exponent * _LN2_HIGH - (rest - f)
