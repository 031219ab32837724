"""The generated messages are those of `proto/`."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "generate_stubs.py"


def test_generated_messages_are_up_to_date() -> None:
    subprocess.run([sys.executable, str(SCRIPT), "--check"], check=True)
