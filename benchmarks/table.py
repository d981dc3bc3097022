"""The results as a Markdown page. It names versions and sizes, no machine and no path."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from statistics import median

from benchmarks import estimators, process, report_run
from benchmarks.estimators import Series
from benchmarks.report_run import Times

# task, row order, peer, smallest ratio peer / ours at the largest size
SPEED = (
    ("event_study", "sorted", "pyfixest", 15.0),
    ("group_time", "sorted", "diff-diff", 2.0),
    ("group_time", "shuffled", "diff-diff", 1.0),
)
REPORT, NOTHING = 1.6, 0.5


def page(series: list[Series], times: Times | None, load: list[float], small: bool) -> str:
    """The whole page."""
    head = (
        "# Benchmark results\n\n"
        f"Written by `make benchmark` on {datetime.now(UTC):%Y-%m-%d}; Python {platform.python_version()}; "
        f"{_versions()}. Load average before, between and after: {', '.join(f'{x:.1f}' for x in load)}.\n"
        "Read ratios, not seconds: README.md says why."
    )
    warning = "\n\n**A quick check (`--small`): too few rounds and too small for a verdict.**" if small else ""
    parts = [head + warning]
    if series:
        parts += [_estimators(series)]
    if times:
        parts += [_report(times)]
    return "\n\n".join([*parts, _targets(series, times)]) + "\n"


def _versions() -> str:
    peers = (process.ROOT / "benchmarks" / "peers.txt").read_text(encoding="utf-8")
    return ", ".join(f"{name} {version}" for name, version in re.findall(r"^([\w-]+)==([\w.]+)", peers, re.M))


def _estimators(series: list[Series]) -> str:
    lines = [
        "## Estimators\n",
        "CPU seconds of one thread from long table to table of effects (median of the rounds; extremes in brackets), "
        "and peak memory of the process with the data. `x ours` = peer divided by ours, side by side.\n",
        "| task | rows | order | tool | first call | repeated | x ours | peak MB | of it before | worst difference |",
        "|---|---:|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    ratios, differences = estimators.ratios(series), estimators.differences(series)
    for one in series:
        key = (*one.case, one.tool)
        rows = f"{one.units * estimators.PERIODS:,}"
        start = f"| {one.task} | {rows} | {one.order} | {one.tool} |"
        if not one.warm:
            lines.append(f"{start} {one.failure} | | | | | |")
            continue
        ratio = "1" if one.tool == "ours" else "{:.1f} ({:.1f} to {:.1f})".format(*ratios[key]) if key in ratios else ""
        difference = f"{differences[key]:.0e}" if key in differences else ""
        failed = f" ({one.failure})" if one.failure else ""
        lines.append(
            f"{start} {median(one.first):.2f} | {_spread(one.warm)}{failed} | {ratio} | {median(one.peak):,.0f} | "
            f"{median(one.loaded):,.0f} | {difference} |"
        )
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    return f"{median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def _report(times: Times) -> str:
    ratio = "{:.2f} ({:.2f} to {:.2f})".format(*times.ratio)
    return "\n".join(
        [
            "## A report\n",
            f"CPU seconds, user + system, of all processes; study `{report_run.STUDY}`; {len(times.report)} rounds, "
            f"interleaved; nothing to do: {len(times.nothing)} repeats.\n",
            "| what | CPU seconds |",
            "|---|---:|",
            f"| report, from parameter file to published page | {_spread(times.report)} |",
            f"| the same code as a plain script | {_spread(times.script)} |",
            f"| one kernel start | {_spread(times.kernel)} |",
            f"| report / (script + kernel start) | {ratio} |",
            f"| report with nothing to do | {_spread(times.nothing)} |",
        ]
    )


def targets(series: list[Series], times: Times | None) -> list[tuple[str, str, bool]]:
    """Each target: what, what was measured, whether it holds. Speed and memory are judged at the largest size."""
    found = []
    if series:
        units = max(one.units for one in series)
        speed, memory = estimators.ratios(series), estimators.ratios(series, "peak")
        for task, order, peer, least in SPEED:
            key = (task, units, order, peer)
            faster = f"{task}, {order}: at least {least:g} times as fast as {peer}"
            lighter = f"{task}, {order}: less memory than {peer}"
            if key not in speed:
                found += [(faster, "not measured", False), (lighter, "not measured", False)]
                continue
            found.append((faster, f"{speed[key][0]:.1f}", speed[key][0] >= least))
            found.append((lighter, f"{memory[key][0]:.2f} times ours", memory[key][0] > 1))
        worst = max(estimators.differences(series).values(), default=float("inf"))
        found.append(("same numbers as the peers", f"{worst:.0e}", worst < 1e-6))
    if times:
        ratio = times.ratio[0]
        found.append((f"report at most {REPORT} x (script + kernel)", f"{ratio:.2f}", ratio <= REPORT))
        nothing = median(times.nothing)
        found.append((f"nothing to do: under {NOTHING} CPU s", f"{nothing:.3f}", nothing < NOTHING))
    return found


def _targets(series: list[Series], times: Times | None) -> str:
    lines = ["## Targets\n", "| target | measured | holds |", "|---|---:|---|"]
    return "\n".join(lines + [f"| {a} | {b} | {'yes' if c else '**no**'} |" for a, b, c in targets(series, times)])
