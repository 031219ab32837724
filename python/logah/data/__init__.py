"""Data sets, in three splits each."""
