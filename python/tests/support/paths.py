"""Where things of the repository are."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
CONFIGS = REPOSITORY / "python" / "configs"
FIXTURES = REPOSITORY / "test" / "fixtures"
