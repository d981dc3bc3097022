"""One measurement, in a process of its own: `python -m benchmarks.worker TASK TOOL FILE`; prints one line of JSON.

The table is loaded before the clock starts, but counts in the memory. The first call includes imports; then the call
is repeated (three times, once when it is slow) and the median is taken.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import warnings
from statistics import median

from benchmarks.tools import COLUMNS, TASKS, Table, Tool

ADDRESS_SPACE = 16 * 2**30
SLOW = 8.0
UNIT = 1 if sys.platform == "darwin" else 1024


def measure(tool: Tool, frame: object) -> tuple[float, Table]:
    """CPU seconds of one call, and what it returned."""
    gc.collect()
    start = time.process_time()
    table = tool(frame)  # type: ignore[arg-type]
    return time.process_time() - start, table


def main(task: str, name: str, file: str) -> None:
    """Measure tool `name` on `task`; raises whatever the tool raises."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    warnings.simplefilter("ignore")
    import pandas as pd

    frame = pd.read_parquet(file, columns=COLUMNS[name])
    loaded = _peak()
    tool = TASKS[task][name]
    first, table = measure(tool, frame)
    warm = [measure(tool, frame)[0] for _ in range(1 if first > SLOW else 3)]
    found = {"first": first, "warm": median(warm), "loaded": loaded, "peak": _peak(), "table": table}
    print("RESULT " + json.dumps(found))


def _peak() -> float:
    """Largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:4])
