"""`make bench`: every benchmark, one after the other, each in a process of its own; of linkage the comparison at a million cards.

Arguments go to the comparison of linkage: `python -m benchmarks 5m-dense public`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> None:
    for script in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        print(f"== {script.stem}", flush=True)
        subprocess.run([sys.executable, str(script)], check=True)
    print("== linkage", flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.linkage", *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
