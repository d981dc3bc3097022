"""`python -m benchmarks`: measure everything, write benchmarks/results.md, print it. `make benchmark` calls it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import estimators, process, report_run, table

RESULTS = process.ROOT / "benchmarks" / "results.md"


def main() -> int:
    """Returns 1 when a target is missed in a full run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="a quick check: 20,000 units once, 2 rounds of the report")
    parser.add_argument("--only", choices=["estimators", "report"], help="one half; results.md is then not written")
    parser.add_argument("--output", type=Path, help=f"where to write (default: {RESULTS.relative_to(process.ROOT)})")
    chosen = parser.parse_args()
    if chosen.only != "report" and not process.PEERS_PYTHON.is_file():
        print("The peers are not installed; `make benchmark` installs them.", file=sys.stderr)
        return 2
    series, times, load = [], None, [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        if chosen.only != "report":
            sizes = {20_000: 1} if chosen.small else estimators.SIZES
            series = estimators.measure(folder, sizes, _say)
            load.append(os.getloadavg()[0])
        if chosen.only != "estimators":
            times = report_run.measure(folder, 2 if chosen.small else 5, 3 if chosen.small else 10, _say)
            load.append(os.getloadavg()[0])
    page = table.page(series, times, load, chosen.small)
    target = chosen.output or (None if chosen.only or chosen.small else RESULTS)
    if target:
        target.write_text(page, encoding="utf-8")
    print("\n" + page)
    return int(not chosen.small and not all(holds for _, _, holds in table.targets(series, times)))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
