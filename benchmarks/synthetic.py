"""`python -m benchmarks.synthetic`: placebo batteries of synthetic control and synthetic difference in differences.

One problem each (50 donors, 30 periods, treated from the 21st on): synthetic control with every donor as placebo beside
mlsynth, synthetic difference in differences of five units with 100 placebo draws beside diff-diff. A process for every
measurement, one thread; the first call and the median of three more in CPU seconds, the estimate, and the value of the
objective at the weights found, less the least of them: nobody is faster for stopping short.
mlsynth is not among the peers of `make benchmark` (760 MB): --mlsynth names the interpreter of an environment with it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import process

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

DONORS, PERIODS, START, DRAWS, SEED = 50, 30, 20, 100, 1
TASKS = {
    "synthetic control, 50 placebos": ("ours_sc", "mlsynth"),
    "SDID, 100 placebo draws": ("ours_sdid", "diff_diff"),
}
TREATED = {"ours_sc": 1, "mlsynth": 1, "ours_sdid": 5, "diff_diff": 5}
Found = tuple[float, dict[int, float]]


def main() -> int:
    """Returns 1 when a peer is faster."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.synthetic")
    parser.add_argument("--mlsynth", type=Path, default=process.PEERS_PYTHON, help="a Python that has mlsynth")
    chosen, slower = parser.parse_args(), False
    for task, tools in TASKS.items():
        found = {tool: _measured(tool, chosen.mlsynth) for tool in tools}
        done = {tool: result for tool, result in found.items() if result}
        least = min(result["objective"] for result in done.values())
        for tool in tools:
            print(f"{task:<32} {tool:<10} {_line(done[tool], least) if tool in done else 'not installed'}")
        ours, peer = (done.get(tool) for tool in tools)
        slower = slower or bool(ours and peer and peer["warm"] < ours["warm"])
    return int(slower)


def _line(result: dict[str, float], least: float) -> str:
    return (
        f"first {result['first']:.3f} s, warm {result['warm']:.3f} s, estimate {result['estimate']:.7f}, "
        f"objective above the least by {result['objective'] / least - 1:.1e}"
    )


def _measured(tool: str, mlsynth: Path) -> dict[str, float] | None:
    pythons = {"mlsynth": mlsynth, "diff_diff": process.PEERS_PYTHON}
    python = pythons.get(tool, process.OWN_PYTHON)
    ended = process.run([python, "-m", "benchmarks.synthetic", "--measure", tool], limit=600)
    lines = [line for line in ended.out.splitlines() if line.startswith("RESULT ")]
    return json.loads(lines[-1].removeprefix("RESULT ")) if lines else None


def measure(tool: str) -> None:
    """One tool on its task; prints one line of JSON."""
    warnings.simplefilter("ignore")
    outcome = _outcome(TREATED[tool])
    frame, function, seconds = _long(outcome), TOOLS[tool], []
    for _ in range(4):
        start = time.process_time()
        estimate, weights = function(frame)
        seconds.append(time.process_time() - start)
    value = _objective(outcome, [weights.get(unit, 0.0) for unit in range(DONORS)])
    shown = {"first": seconds[0], "warm": median(seconds[1:]), "estimate": estimate, "objective": value}
    print("RESULT " + json.dumps(shown))


def _outcome(treated: int) -> Array:
    """(units, periods) three random-walk factors, unit levels, noise; an effect of one on the last units."""
    import numpy as np

    rng, n = np.random.default_rng(SEED), DONORS + treated
    loading, path = rng.normal(size=(n, 3)), rng.normal(size=(3, PERIODS)).cumsum(axis=1)
    outcome = 10 + 0.5 * loading @ path + rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, PERIODS))
    outcome[DONORS:, START:] += 1
    return np.asarray(outcome)


def _long(outcome: Array) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    n, t = outcome.shape
    ever = np.repeat(np.arange(n) >= DONORS, t)
    period = np.tile(np.arange(t), n)
    return pd.DataFrame(
        {
            "unit": np.repeat(np.arange(n), t),
            "time": period,
            "y": outcome.ravel(),
            "ever": ever.astype(int),
            "treated": (ever & (period >= START)).astype(int),
            "first": np.where(ever, float(START), np.nan),
        }
    )


def _objective(outcome: Array, weights: list[float]) -> float:
    """What unit weights minimise: with one treated unit the squared gap before, with more SDID's with its penalty."""
    import numpy as np

    donors, before = outcome[:DONORS, :START], outcome[DONORS:, :START].mean(axis=0)
    unit = np.array(weights)
    gap = before - unit @ donors
    treated = len(outcome) - DONORS
    if treated == 1:
        return float(gap @ gap)
    zeta = (treated * (PERIODS - START)) ** 0.25 * np.diff(donors, axis=1).std(ddof=1)
    return float(((gap - gap.mean()) ** 2).sum() + START * zeta**2 * (unit @ unit))


def ours_sc(frame: pd.DataFrame) -> Found:
    """The table checked, weights, the battery, interval and p-value."""
    from analysis.designs import synthetic_control

    return _ours(frame, synthetic_control.estimate)


def ours_sdid(frame: pd.DataFrame) -> Found:
    """The same for random sets of five donors."""
    from functools import partial

    from analysis.designs import synthetic_did

    return _ours(frame, partial(synthetic_did.estimate, draws=DRAWS))


def _ours(frame: pd.DataFrame, estimate: Callable[..., Any]) -> Found:
    from analysis.data.panels import panel_from_frame
    from analysis.panel import Labels

    effects = estimate(panel_from_frame(frame, Labels("y", "time", "unit", "first")))
    answer = effects.average(0.95)
    units = [int(unit) for unit in effects.donors]
    return float(answer.value), dict(zip(units, effects.weights[0].tolist(), strict=True))


def mlsynth(frame: pd.DataFrame) -> Found:
    """VanillaSC with its placebo test."""
    from mlsynth import VanillaSC

    columns = {"outcome": "y", "treat": "treated", "unitid": "unit", "time": "time"}
    fit = VanillaSC({"df": frame, **columns, "display_graphs": False, "inference": "placebo"}).fit()
    return float(fit.att), {int(unit): float(weight) for unit, weight in fit.donor_weights.items()}


def diff_diff(frame: pd.DataFrame) -> Found:
    """SyntheticDiD with placebo errors."""
    from diff_diff import SyntheticDiD

    method = SyntheticDiD(variance_method="placebo", n_bootstrap=DRAWS, seed=SEED)
    after = list(range(START, PERIODS))
    fit = method.fit(frame, outcome="y", treatment="ever", unit="unit", time="time", post_periods=after)
    return float(fit.att), {int(unit): float(weight) for unit, weight in fit.unit_weights.items()}


TOOLS: dict[str, Callable[[pd.DataFrame], Found]] = {
    "ours_sc": ours_sc,
    "ours_sdid": ours_sdid,
    "mlsynth": mlsynth,
    "diff_diff": diff_diff,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        measure(sys.argv[2])
        sys.exit(0)
    sys.exit(main())
