"""A realistic executed notebook for the page tests: every kind of output, and hostile text where data can put it."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

HOSTILE = "\"><img src=x onerror=alert(1)><script>alert('x')</script>"
FORMULA = '=HYPERLINK("http://example.org","x")'
KEY = "3f9a1c72be04d5e6a8b7c6d5e4f3021122334455667788990011223344556677"
PERIODS = list(range(2008, 2020))
CONTROL = [0.58, 0.581, 0.585, 0.588, 0.59, 0.596, 0.64, 0.668, 0.676, 0.68, 0.678, 0.675]
TREATED = [0.606, 0.609, 0.61, 0.614, 0.617, 0.624, 0.715, 0.762, 0.771, 0.78, 0.777, 0.776]
EFFECTS = [-0.004, -0.002, 0.001, -0.001, 0.002, 0.0, 0.047, 0.063, 0.069, 0.074, 0.072, 0.077]


def context(hostile: bool = False) -> dict[str, Any]:
    """What the publisher tells the page; `hostile` puts markup into every text of it."""
    bad = HOSTILE if hostile else ""
    return {
        "study": "medicaid-expansion",
        "notebook": "difference_in_differences",
        "version": f"2026-11-22-{KEY[:12]}",
        "created": "2026-11-22T15:37:12+00:00",
        "key": KEY,
        "changed": f"This is the first version.{bad}",
        "supersedes": None,
        "data": {"medicaid": KEY[::-1]},
        "code": KEY[3:] + KEY[:3],
        "lock": KEY[5:] + KEY[:5],
        "template": KEY[7:] + KEY[:7],
        "notebook_sha": KEY[9:] + KEY[:9],
        "python": "3.11",
        "packages": {"numpy": "2.4.1", "pandas": "3.0.2", "scipy": "1.17.0"},
        "commit": {"head": "4c1d" * 10, "dirty": False},
        "seed": 20260101,
        "parameters": {
            "dataset": "medicaid",
            "outcome": f"dins{bad}",
            "worthwhile": 0.02,
            "covariates": [],
            "where": ["year >= 2008"],
        },
    }


def table_html(head: list[str], rows: list[list[str]], caption: str | None = None) -> str:
    """A plain escaped table, as a block makes it: first cell of a row is its heading."""
    top = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in head)
    body = "".join(
        f'<tr><th scope="row">{html.escape(row[0])}</th>'
        + "".join(f"<td>{html.escape(c)}</td>" for c in row[1:])
        + "</tr>"
        for row in rows
    )
    told = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{told}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _png(figure: Any) -> str:
    from matplotlib import pyplot

    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    pyplot.close(figure)
    return base64.b64encode(out.getvalue()).decode()


def paths_chart() -> str:
    """Mean outcome of both groups over time: direct labels, the policy's date marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    from analysis.report import palette, story

    with pyplot.style.context(story.__file__.replace("story.py", "figures.mplstyle")):
        figure, axes = pyplot.subplots()
        for values, colour, name in (
            (TREATED, palette.TREATED, "Expanded in 2014"),
            (CONTROL, palette.CONTROL, "Never expanded"),
        ):
            axes.plot(PERIODS, [100 * v for v in values], color=colour, marker="o", markersize=4)
            axes.text(2019.15, 100 * values[-1], name, color=colour, va="center", fontweight="bold")
        axes.axvline(2013.5, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.text(2013.35, 78, "Policy starts", ha="right", color=palette.MUTED)
        axes.set(
            title="Share of low-income adults with health insurance",
            ylabel="Insured, %",
            ylim=(55, 80),
            xlim=(2007.7, 2021.6),
        )
        axes.set_xticks(PERIODS[::2])
        return _png(figure)


def effects_chart() -> str:
    """Effect by event time with intervals: zero line and adoption drawn."""
    from matplotlib import pyplot

    from analysis.report import palette, story

    with pyplot.style.context(story.__file__.replace("story.py", "figures.mplstyle")):
        figure, axes = pyplot.subplots()
        when = [year - 2014 for year in PERIODS]
        axes.axhline(0, color=palette.INK, linewidth=1)
        axes.axvline(-0.5, color=palette.MUTED, linewidth=1, linestyle=(0, (4, 3)))
        for colour, chosen in ((palette.CONTROL, when[:6]), (palette.TREATED, when[6:])):
            values = [100 * EFFECTS[when.index(t)] for t in chosen]
            axes.errorbar(chosen, values, yerr=1.6, fmt="o", color=colour)
        axes.set(title="Effect by years since the expansion", ylabel="Percentage points", xlabel="Years since adoption")
        return _png(figure)


def _code(source: str, *outputs: Any, tags: tuple[str, ...] = ()) -> Any:
    from nbformat import v4

    return v4.new_code_cell(
        source, outputs=list(outputs), execution_count=1, metadata={"tags": list(tags)} if tags else {}
    )


def _shown(data: dict[str, str], **meta: Any) -> Any:
    from nbformat import v4

    extra = {"metadata": {"analysis": meta}} if meta else {}
    return v4.new_output("execute_result", data=data, execution_count=1, **extra)


def _answer(bad: str) -> Any:
    return _shown(
        {"text/html": "<p>answer</p>", "text/plain": "answer"},
        kind="answer",
        answer={
            "question": f"Did expanding Medicaid raise health insurance coverage among low-income adults?{bad}",
            "sentence": "Coverage rose by 6.8 percentage points (95 % interval 5.3 to 8.3), from 61 % in the "
            "states that did "
            f"not expand: about one adult in fifteen gained insurance.{bad}",
            "strength": {"word": "Strong", "step": 3, "reason": f"Groups moved alike before; 46 states.{bad}"},
            "chance": f"Very likely: 99 % chance that the rise exceeds the 2 points that would justify the cost.{bad}",
            "overturn": f"A difference in trends larger than twice the worst one seen before 2014.{bad}",
            "recommendation": f"Keep the expansion, and extend it to the states that have not adopted it.{bad}",
            "caveat": "States chose whether to expand. A change that hit only the expanding states in 2014 "
            "would be counted "
            f"as an effect of the policy.{bad}",
            "headline": {
                "value": 0.068,
                "low": 0.053,
                "high": 0.083,
                "unit": "share",
                "text": "+6.8 percentage points (5.3 to 8.3)",
            },
        },
    )


def _checks(bad: str) -> list[dict[str, Any]]:
    blank = {"statistic": None, "p_value": None, "low": None, "high": None}
    return [
        {
            "name": "few_treated",
            "severity": "note",
            "assumption": f"Enough treated clusters for clustered errors.{bad}",
            "finding": f"22 treated states; clustered intervals are reliable at this number.{bad}",
            "advice": f"None.{bad}",
            **blank,
        },
        {
            "name": "placebo",
            "severity": "warn",
            "assumption": "No effect before the policy.",
            "finding": "A false start in 2011 shows 0.3 points (95 % interval -0.6 to 1.2). The test could have "
            "missed up to 1.3 points.",
            "advice": "Read effects below 1.3 points with care.",
            **blank,
        },
        {
            "name": "pretrends",
            "severity": "stop",
            "assumption": "Without the policy, both groups would have changed alike.",
            "finding": "Joint test p = 0.04 over five earlier periods; the largest difference is 0.4 points.",
            "advice": "Do not publish the estimate without bounds for unequal trends.",
            **blank,
        },
    ]


def _figure(png: str, caption: str, alt: str, head: list[str], rows: list[list[str]], name: str) -> Any:
    lines = "\n".join(",".join(row) for row in [head, *rows])
    return _shown(
        {"image/png": png, "text/plain": lines},
        kind="figure",
        caption=caption,
        alt=alt,
        csv=lines,
        csv_name=name,
        table_html=table_html(head, rows),
        source="American Community Survey 2008 to 2019, 46 states, 552 state-years.",
    )


def build(hostile: bool = False) -> Any:
    """The notebook; `hostile` puts markup, script and formulas into every text that could come from data."""
    from nbformat import v4

    bad = HOSTILE if hostile else ""
    years = [[str(y), f"{100 * t:.1f}", f"{100 * c:.1f}"] for y, t, c in zip(PERIODS, TREATED, CONTROL, strict=True)]
    steps = [
        [f"{y - 2014:+d}", f"{100 * e:.1f}", f"{100 * e - 1.6:.1f}", f"{100 * e + 1.6:.1f}"]
        for y, e in zip(PERIODS, EFFECTS, strict=True)
    ]
    states = [
        [
            f"State {i:02d}{bad}",
            str(1900 + 37 * i),
            f"{55 + i / 3:.1f}",
            f"{58 + i / 2:.1f}",
            f"{3 + i / 6:.1f}",
            "2014" if i % 2 else "never",
            f"{i * 812:,}",
        ]
        for i in range(1, 25)
    ]
    head = [
        f"State{bad}",
        "Adults surveyed",
        "Insured 2013, %",
        "Insured 2019, %",
        "Change, percentage points",
        "Expanded",
        "People, thousands",
    ]
    state_csv = 'state,note,change\nState 01,"' + FORMULA.replace('"', '""') + '",-1.5\n+cmd,@x,-3e-4\n'
    cells = [
        v4.new_markdown_cell(
            "# Did the policy change the outcome?\n\n**Question.** Did coverage rise where the policy was "
            "adopted, and by how much?\n\n"
            "**Decision.** Keep, extend or stop the expansion.\n\n**Design.** Difference-in-differences with "
            "several adoption dates; "
            f"the headline averages the effects of each cohort.\n\n**Path.** Answer, groups, effects, checks, "
            f"limits.{bad}\n\n{bad}"
        ),
        _code(
            'dataset = "mpdta"  # the folder in data/raw\noutcome = "lemp"  # the column to explain\n'
            "worthwhile = 0.01  # smallest effect worth its cost, in the unit of the outcome\n"
            "covariates = []  # characteristics from before the policy",
            tags=("parameters",),
        ),
        _code('dataset = "medicaid"\noutcome = "dins"\nworthwhile = 0.02', tags=("injected-parameters",)),
        _code(
            "study = Study(dataset=dataset, outcome=outcome, worthwhile=worthwhile)  # every choice in one "
            "place\npanel = load(study)"
        ),
        v4.new_markdown_cell("## The answer"),
        _code(
            "effects = designs.estimate(study, panel)\nreport.answer(effects.average(level=study.level), study)",
            _answer(bad),
        ),
        _code(
            "report.paths.figure(panel, study)",
            _figure(
                paths_chart(),
                f"Both groups rose together until 2013; from 2014 on coverage in expanding states pulls away.{bad}",
                f"Line chart of insured share by year, 2008 to 2019; two lines part after 2014.{bad}",
                ["Year", "Expanded, %", "Never expanded, %"],
                years,
                f"paths{bad}",
            ),
        ),
        v4.new_markdown_cell(
            f"## Who is compared with whom?\n\nStates that expanded in 2014 or later are compared with those "
            f"that had not done so yet. Each [cohort](javascript:alert(1)) is compared on its own; see the "
            f"[survey](https://www.census.gov/programs-surveys/acs).\n\nThe cost was $4,000 a person and $2,000 "
            f"in states that *already* paid. Read the last two columns together.{bad}"
        ),
        _code(
            "report.groups.table(panel, study)",
            _shown(
                {"text/html": table_html(head, states), "text/plain": "states"},
                kind="table",
                caption=f"Groups and their outcomes before and after, by state{bad}",
                note=f"Change: 2019 minus 2013. Intervals are not shown for single states.{bad}",
                source="American Community Survey.",
                csv=state_csv,
                csv_name="states",
            ),
        ),
        v4.new_markdown_cell(
            "## Did the groups move together before?\n\nThe design rests on parallel trends. The points left of "
            "the line would lie near zero if the groups moved together; a confidence interval that covers zero "
            "does not prove it, because the test has limited power."
        ),
        _code(
            "report.effects.figure(effects.by('event_time'), study)",
            _figure(
                effects_chart(),
                "No clear drift before adoption; the effect settles near seven points after two years.",
                "Dot chart of effects by year since adoption with intervals and a zero line.",
                ["Years since adoption", "Effect, percentage points", "Low", "High"],
                steps,
                "effects",
            ),
            v4.new_output("stream", name="stdout", text=f"checked 552 rows{bad}\n"),
            _shown({"text/html": f"<b id=foreign>{bad}</b>", "text/plain": f"Foreign({bad})"}),
        ),
        v4.new_markdown_cell(
            "## What do the checks say?\n\nMost serious first. A standard error counts chance only, not a "
            "broken assumption."
        ),
        _code(
            "report.findings(checks)",
            _shown({"text/html": "<ul></ul>", "text/plain": "findings"}, kind="findings", checks=_checks(bad)),
        ),
        v4.new_markdown_cell("## Does another method agree?"),
        _code(
            "report.methods.table(effects, others)",
            _shown(
                {
                    "text/html": table_html(
                        ["Method", "Estimate, percentage points", "Low", "High", "States"],
                        [
                            ["Group-time average (headline)", "6.8", "5.3", "8.3", "46"],
                            ["Two-way fixed effects", "7.0", "5.6", "8.5", "46"],
                            [f"Before and after{bad}", "−0.4", "–", "1.1", "22"],
                        ],
                    ),
                    "text/plain": "methods",
                },
                kind="table",
                caption="The headline beside other methods",
                note="Intervals at 95 %, errors clustered by state.",
                csv="method,estimate\nheadline,6.8\n",
                csv_name="methods",
            ),
        ),
        v4.new_markdown_cell(
            "## What this cannot tell\n\n- Whether those who gained insurance became healthier.\n- What would "
            "happen in states that have not expanded.\n- Whether people moved between states because of the "
            "policy; this cannot be checked with these data."
        ),
        v4.new_markdown_cell(
            "## Provenance\n\nData from the American Community Survey, prepared by the authors of the dataset."
        ),
    ]
    return v4.new_notebook(cells=cells, metadata={"language_info": {"name": "python"}})
