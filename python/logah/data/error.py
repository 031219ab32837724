"""The error of data sets."""

from __future__ import annotations


class DataError(RuntimeError):
    """A data set that is not there or not the one that results were measured with; the message says what to do."""
