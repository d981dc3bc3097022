"""One measurement, in a process of its own: `python -m benchmarks.worker TASK TOOL FILE`; prints one line of JSON.

The table is loaded (and the task's input prepared) before the clock starts, but counts in the memory. The first call
includes imports; then the call is repeated (three times, once when it is slow, not at all when it is very slow) and the
median is taken.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
import warnings
from statistics import median

from benchmarks.numbers import Table, Tool
from benchmarks.tasks import TASKS

ADDRESS_SPACE = 10 * 2**30
CPU_SECONDS = 100
SLOW, VERY_SLOW = 4.0, 12.0
UNIT = 1 if sys.platform == "darwin" else 1024


def measure(tool: Tool, data: object) -> tuple[float, Table]:
    """CPU seconds of one call, and what it returned."""
    gc.collect()
    start = time.process_time()
    table = tool(data)
    return time.process_time() - start, table


def main(name: str, tool: str, file: str) -> None:
    """Measure `tool` on the task `name`; raises whatever the tool raises. The process ends after CPU_SECONDS."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    warnings.simplefilter("ignore")
    import pandas as pd

    task = TASKS[name]
    data: object = pd.read_parquet(file, columns=task.reads(tool))
    prepare = task.prepare(tool)
    if prepare:
        data = prepare(data)
    loaded, function = _peak(), task.function(tool)
    first, table = measure(function, data)
    repeats = 0 if first > VERY_SLOW else 1 if first > SLOW else 3
    warm = [measure(function, data)[0] for _ in range(repeats)]
    found = {"first": first, "warm": median(warm) if warm else first, "repeated": repeats > 0}
    print("RESULT " + json.dumps(found | {"loaded": loaded, "peak": _peak(), "table": table}))


def _peak() -> float:
    """Largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * UNIT / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:4])
