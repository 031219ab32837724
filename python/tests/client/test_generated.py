"""The generated messages are those of `proto/`."""

import subprocess
import sys

from paths import REPOSITORY

SCRIPT = REPOSITORY / "python" / "scripts" / "generate_stubs.py"


def test_generated_messages_are_up_to_date() -> None:
    subprocess.run([sys.executable, str(SCRIPT), "--check"], check=True)
