"""LoGAH: predict the initial weights of large networks from their architecture (arXiv 2405.16287)."""

__version__ = "0.1.0"
