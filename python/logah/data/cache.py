"""Where data sets are kept: `LOGAH_CACHE`, else the user's cache directory."""

from __future__ import annotations

import os
from pathlib import Path


def cache_directory() -> Path:
    """The directory; it need not exist yet."""
    configured = os.environ.get("LOGAH_CACHE")
    if configured:
        return Path(configured)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "logah"
