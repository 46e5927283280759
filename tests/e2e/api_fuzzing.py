"""Cases made from the API's description by schemathesis, sent to a live gateway.

make fuzz-api EXAMPLES=300
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from gateway_process import Gateway, serving

_CONFIG = Path(__file__).with_name("schemathesis.toml")


def fuzz(gateway: Gateway, examples: int, seed: int) -> "subprocess.CompletedProcess[str]":
    """At most `examples` cases for each operation and phase, under all checks."""
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", _CONFIG]
    command += ["run", f"{gateway.url}/openapi.json"]
    command += [
        "--header",
        f"Authorization: Bearer {gateway.key}",
        "--max-examples",
        str(examples),
        "--seed",
        str(seed),
    ]
    command += ["--checks", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure", "--no-color"]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=gateway.data)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as gateway:
        done = fuzz(gateway, int(sys.argv[1]), seed=1)
    sys.stdout.write(done.stdout[-8000:] or done.stderr)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
