"""The results as a Markdown page. It names versions and sizes, no machine and no path."""

from __future__ import annotations

import platform
import re
from datetime import UTC, datetime
from statistics import median

from benchmarks import estimators, process, report_run
from benchmarks.estimators import Series
from benchmarks.report_run import Times
from benchmarks.tasks import SHORT, TASKS

# task, peer: smallest ratio peer / ours at the largest size; with every other peer it is one, at every size
SPEED = {("event_study", "pyfixest"): 15.0, ("group_time", "diff-diff"): 2.0}
NOT_THE_SAME = (("sensitivity", "diff-diff"),)  # another, much simpler number
REPORT, NOTHING = 1.6, 0.5
TOGETHER, ONE, AT_MOST = "all without covariates", "group_time", 3.0
SENSITIVITY, SECONDS = "sensitivity", 2.0
SAME = 1e-6
Target = tuple[str, str, bool]


def page(series: list[Series], times: Times | None, load: list[float], warning: str) -> str:
    """The whole page."""
    head = (
        "# Benchmark results\n\n"
        f"Written by `make benchmark` on {datetime.now(UTC):%Y-%m-%d}; Python {platform.python_version()}; "
        f"{_versions()}. Load average before, between and after: {', '.join(f'{x:.1f}' for x in load)}.\n"
        "Read ratios, not seconds: README.md says why."
    )
    parts = [head + (f"\n\n**{warning}**" if warning else "")]
    if series:
        parts += [_estimators(series)]
    if times:
        parts += [_report(times)]
    return "\n\n".join([*parts, _targets(series, times)]) + "\n"


def _versions() -> str:
    peers = (process.ROOT / "benchmarks" / "peers.txt").read_text(encoding="utf-8")
    return ", ".join(
        f"{name} {version}" for name, version in re.findall(r"^([\w-]+)(?:\[.*?\])?==([\w.]+)", peers, re.M)
    )


def _estimators(series: list[Series]) -> str:
    lines = [
        "## Estimators\n",
        "CPU seconds of one thread from long table to table of effects (median of the rounds; extremes in brackets), "
        "and peak memory of the process with the data. `x ours` = peer divided by ours, side by side. Differences: the "
        "largest gap of an estimate in our standard errors (as it is, where there is none), and of a standard error "
        "relative to ours.\n",
        "| task | rows | tool | first call | repeated | x ours | peak MB | before | estimates differ | errors differ |",
        "|---|---:|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    ratios, gaps = estimators.ratios(series), estimators.differences(series)
    lines += [_row(one, ratios.get(one.key), gaps.get(one.key)) for one in series]
    known = {f"- {one.name}, {one.tool}: {one.task.known(one.tool)}" for one in series if one.task.known(one.tool)}
    return "\n".join([*lines, "", "Known differences:", "", *sorted(known)] if known else lines)


def _row(one: Series, ratio: tuple[float, float, float] | None, gap: tuple[float, float, str] | None) -> str:
    rows = "10 estimates" if one.task.order == SHORT else _rows(one.units)
    start = f"| {one.name} | {rows} | {one.tool} |"
    if not one.warm:
        return f"{start} {one.failure} | | | | | | |"
    by = "1" if one.tool == "ours" else "{:.1f} ({:.1f} to {:.1f})".format(*ratio) if ratio else ""
    counted = f" ({gap[2]})" if gap and gap[2] else ""
    differ = f"{gap[0]:.0e}{counted} | {gap[1]:.0e}" if gap else " | "
    time = _spread(one.warm) if one.repeated else "first call only"
    failed = f" ({one.failure})" if one.failure else ""
    return (
        f"{start} {median(one.first):.2f} | {time}{failed} | {by} | {median(one.peak):,.0f} | "
        f"{median(one.loaded):,.0f} | {differ} |"
    )


def _spread(values: list[float]) -> str:
    if len(values) == 1:
        return f"{values[0]:.3f}"
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


def targets(series: list[Series], times: Times | None) -> list[Target]:
    """Each target: what, what was measured, whether it holds."""
    found = [*_faster(series), *_together(series), *_quick(series), *_same(series)] if series else []
    if times:
        ratio = times.ratio[0]
        found.append((f"report at most {REPORT} x (script + kernel)", f"{ratio:.2f}", ratio <= REPORT))
        nothing = median(times.nothing)
        found.append((f"nothing to do: under {NOTHING} CPU s", f"{nothing:.3f}", nothing < NOTHING))
    return found


def _faster(series: list[Series]) -> list[Target]:
    """Per task: faster than every peer, wherever both gave numbers; and for some pairs much faster, and lighter."""
    ratios, memory = estimators.ratios(series), estimators.ratios(series, "peak")
    speed = {key: ratio[0] for key, ratio in ratios.items() if (key[0], key[2]) not in NOT_THE_SAME}
    found = []
    for name in dict.fromkeys(one.name for one in series):
        own = [one for one in series if (one.name, one.tool) == (name, "ours")]
        peers = {tool for tool in TASKS[name].tools if tool != "ours" and (name, tool) not in NOT_THE_SAME}
        if not peers:
            continue
        ratio, key = min(((speed[k], k) for k in speed if k[0] == name), default=(float("inf"), None))
        said = f"at least {ratio:.1f} times ({key[2]}, {_rows(key[1])} rows)" if key else "no peer finished"
        holds = ratio > 1 and all(one.warm for one in own)
        found.append((f"{name}: faster than {', '.join(sorted(peers))}", said, holds))
    for (name, tool), least in SPEED.items():
        last = max((key for key in speed if (key[0], key[2]) == (name, tool)), default=None)
        if last:
            what = f"{name}, {_rows(last[1])} rows"
            found.append((f"{what}: {least:g} times as fast as {tool}", f"{speed[last]:.1f}", speed[last] >= least))
            found.append((f"{what}: less memory than {tool}", f"{memory[last][0]:.2f} times ours", memory[last][0] > 1))
    return found


def _rows(units: int) -> str:
    return f"{units * estimators.PERIODS:,}"


def _together(series: list[Series]) -> list[Target]:
    if TOGETHER not in {one.name for one in series}:
        return []
    times = {one.key: median(one.warm) for one in series if one.tool == "ours" and one.warm}
    units = max(one.units for one in series)
    what = f"{TOGETHER}, {_rows(units)} rows: at most {AT_MOST:g} times {ONE}"
    pair = times.get((TOGETHER, units, "ours")), times.get((ONE, units, "ours"))
    if pair[0] is None or pair[1] is None:
        return [(what, "not measured", False)]
    return [(what, f"{pair[0] / pair[1]:.2f}", pair[0] <= AT_MOST * pair[1])]


def _quick(series: list[Series]) -> list[Target]:
    own = [one for one in series if (one.name, one.tool) == (SENSITIVITY, "ours")]
    return [
        (
            f"{SENSITIVITY}: four sets of ten estimates under {SECONDS:g} s",
            f"{median(one.warm):.3f}",
            median(one.warm) < SECONDS,
        )
        for one in own
        if one.warm
    ]


def _same(series: list[Series]) -> list[Target]:
    """The numbers of every peer, except where a difference is known."""
    gaps = estimators.differences(series)
    values = [gap[0] for key, gap in gaps.items() if key[2] not in TASKS[key[0]].estimates]
    errors = [gap[1] for key, gap in gaps.items() if not TASKS[key[0]].known(key[2])]
    value, error = max(values, default=0.0), max(errors, default=0.0)
    return [
        ("the same estimates as the peers", f"{value:.0e} standard errors", value < SAME),
        ("the same standard errors as the peers", f"{error:.0e}", error < SAME),
    ]


def _targets(series: list[Series], times: Times | None) -> str:
    lines = ["## Targets\n", "| target | measured | holds |", "|---|---:|---|"]
    return "\n".join(lines + [f"| {a} | {b} | {'yes' if c else '**no**'} |" for a, b, c in targets(series, times)])
