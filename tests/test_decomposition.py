"""Two-way fixed effects taken apart: against hand arithmetic, bacondecomp, and effects that are known exactly.

Tolerances: 1e-8 against bacondecomp 0.1.3 (closed form on both sides; the differences seen are below 1e-14), 1e-10
between a decomposition and the coefficient it decomposes.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import samples
from deviations import near
from scipy import optimize

from analysis.data import catalog
from analysis.data.panels import panel_from_frame
from analysis.designs import group_time, two_by_two, two_way_fixed_effects
from analysis.inference import decomposition
from analysis.panel import NEVER, Labels, Panel
from analysis.refusal import Refusal
from analysis.report import comparisons

REFERENCE = Path(__file__).parent / "reference" / "bacon.csv"
DATASETS = {"castle(bacondecomp)": samples.castle, "mpdta": samples.mpdta}


def panel_with(dates: list[float], outcome: np.ndarray) -> Panel:
    """One unit per adoption date (NaN = never), periods 1, 2, ..."""
    n, t = outcome.shape
    frame = pd.DataFrame({"i": np.repeat(np.arange(n), t), "t": np.tile(np.arange(1, t + 1), n), "y": outcome.ravel()})
    return panel_from_frame(frame.assign(g=np.repeat(dates, t)), Labels("y", "t", "i", "g"))


def coefficient(panel: Panel) -> float:
    return float(two_way_fixed_effects.estimate(panel).estimate[0])


def test_four_comparisons_by_hand() -> None:
    """Adopters in periods 2 and 4 of four and one that never adopts, one unit each: treated 3/4 and 1/4 of the time.

    Weights are proportional to 3/4 x 1/4 and 1/4 x 3/4 against never, (3/4 - 1/4) x 1/4 for earlier against later and
    1/4 x (3/4 - 1/4) for later against earlier: 3 : 3 : 2 : 2.
    """
    y = np.array([[0.0, 3, 5, 7], [1, 1, 2, 6], [0, 0, 1, 1]])
    table = decomposition.bacon(panel_with([2.0, 4.0, np.nan], y)).set_index(["treated", "control"])
    assert table.loc[(2.0, np.nan), "estimate"].item() == pytest.approx(5 - 0 - 2 / 3)
    assert table.loc[(4.0, np.nan), "estimate"].item() == pytest.approx(6 - 4 / 3 - (1 - 1 / 3))
    assert table.loc[(2.0, 4.0), "estimate"].item() == pytest.approx(4 - 0 - (1.5 - 1))
    assert table.loc[(4.0, 2.0), "estimate"].item() == pytest.approx(6 - 1.5 - (7 - 4))
    assert table.loc[(2.0, np.nan), "weight"].item() == pytest.approx(0.3)
    assert table.loc[(4.0, np.nan), "weight"].item() == pytest.approx(0.3)
    assert table.loc[(2.0, 4.0), "weight"].item() == pytest.approx(0.2)
    assert table.loc[(4.0, 2.0), "weight"].item() == pytest.approx(0.2)


@pytest.mark.parametrize("dataset", DATASETS)
def test_components_equal_bacondecomp(dataset: str) -> None:
    ours = decomposition.bacon(DATASETS[dataset]())
    with REFERENCE.open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if r["dataset"] == dataset]
    pairs = [r for r in rows if "treated=" in r["term"]]
    assert len(pairs) == len(ours)
    for row in pairs:
        treated, control = re.search(r"treated=(\d+); untreated=(\w+)", row["term"]).groups()
        other = ours["control"].isna() if control == "Inf" else ours["control"] == float(control)
        (found,) = ours[(ours["treated"] == float(treated)) & other].itertuples()
        assert near("bacondecomp: comparisons, estimates", found.estimate, row["estimate"], 1e-8)
        assert near("bacondecomp: comparisons, weights", found.weight, row["extra"].removeprefix("weight="), 1e-8)
    summary = decomposition.by_type(ours).set_index("type")
    names = {
        "Treated vs Untreated": decomposition.NEVER_TREATED,
        "Earlier vs Later Treated": decomposition.EARLIER,
        "Later vs Earlier Treated": decomposition.LATER,
    }
    for row in (r for r in rows if r["method"] == "bacon_summary"):
        found = summary.loc[names[row["term"]]]
        assert near("bacondecomp: types, estimates", found["estimate"], row["estimate"], 1e-8)
        assert near("bacondecomp: types, weights", found["weight"], row["extra"].removeprefix("weight="), 1e-8)
    (total,) = (r for r in rows if r["term"] == "weighted sum = TWFE")
    assert ours["estimate"] @ ours["weight"] == pytest.approx(float(total["estimate"]), abs=1e-10)


@pytest.mark.parametrize(
    "panel",
    [samples.mpdta, samples.castle, samples.ehec, samples.organ, lambda: samples.castle(weight="popwt"),
     lambda: samples.mpdta(weight="size", cluster="state")],
)  # fmt: skip
def test_both_decompositions_are_exact(panel) -> None:
    """Units' weights, constant over time, are sizes: nothing is approximated."""
    data = panel()
    table = decomposition.bacon(data)
    assert table["weight"].sum() == pytest.approx(1, abs=1e-12) and (table["weight"] > 0).all()
    assert table["estimate"] @ table["weight"] == pytest.approx(coefficient(data), abs=1e-10)
    assert decomposition.coefficient(data) == pytest.approx(coefficient(data), abs=1e-10)
    assert decomposition.two_way_weights(data)["weight"].sum() == pytest.approx(1, abs=1e-12)


def test_units_treated_from_the_start_are_their_own_type() -> None:
    panel = samples.castle()
    always = panel.with_adoption(np.where(np.arange(len(panel.units)) < 3, 0, panel.adoption))
    table = decomposition.bacon(always)
    assert set(table["type"]) == set(decomposition.TYPES)
    assert table["estimate"] @ table["weight"] == pytest.approx(coefficient(always), abs=1e-10)


def test_order_level_and_scale_do_not_matter() -> None:
    panel = samples.castle()
    table = decomposition.bacon(panel)
    order = np.random.default_rng(1).permutation(len(panel.units))
    shuffled = replace(
        panel,
        outcome=7 + 3 * panel.outcome[order] + np.arange(len(panel.periods)),
        units=panel.units[order],
        adoption=panel.adoption[order],
        weight=panel.weight[order],
        cluster=panel.cluster[order],
        upcoming=panel.upcoming[order],
    )
    again = decomposition.bacon(shuffled)
    assert again["estimate"].to_numpy() == pytest.approx(3 * table["estimate"].to_numpy(), abs=1e-10)
    assert again["weight"].tolist() == pytest.approx(table["weight"].tolist(), abs=1e-14)


def simulation(kind: int) -> tuple[Panel, np.ndarray]:
    """One of the six noiseless designs of Baker, Larcker and Wang (2022), and its (units, periods) effects."""
    years, start = np.arange(1980, 2016), np.full(50, np.nan)
    if kind < 3:
        start[:25] = 1998
    else:
        start[:17], start[17:35], start[35:] = 1989, 1998, 2007
    constant = {1: (0, 0.5, 0), 3: (0.5, 0.5, 0.5), 4: (0.5, 0.3, 0.1)}
    rising = {2: (0, 0.05, 0), 5: (0.03, 0.03, 0.03), 6: (0.05, 0.03, 0.01)}
    size = dict(zip((1989, 1998, 2007), (constant | rising)[kind], strict=True))
    since = years[None, :] - start[:, None] + 1
    treated = since > 0
    own = np.array([size.get(g, 0.0) for g in start])[:, None]
    effects = np.where(treated, own * (since if kind in rising else 1.0), 0.0)
    base = np.random.default_rng(0).normal(size=50)[:, None] + np.sin(years)[None, :]
    frame = pd.DataFrame({"i": np.repeat(np.arange(50), 36), "t": np.tile(years, 50), "y": (base + effects).ravel()})
    return panel_from_frame(frame.assign(g=np.repeat(start, 36)), Labels("y", "t", "i", "g")), effects


@pytest.mark.parametrize(
    ("kind", "value"), [(1, 0.5), (2, 0.475), (3, 0.5), (4, 0.302620), (5, 0.013231), (6, -0.078996)]
)
def test_weights_turn_effects_into_the_coefficient(kind: int, value: float) -> None:
    """The published coefficients of the six designs, to their six digits; the identity itself to 1e-10."""
    panel, effects = simulation(kind)
    table = decomposition.two_way_weights(panel)
    rows = [np.flatnonzero(panel.periods[panel.adoption] == c)[0] for c in table["cohort"]]
    own = effects[rows, np.searchsorted(panel.periods, table["period"])]
    assert float(table["weight"] @ own) == pytest.approx(decomposition.coefficient(panel), abs=1e-10)
    assert decomposition.coefficient(panel) == pytest.approx(value, abs=5e-7)


def test_weights_by_hand() -> None:
    """Two units of three periods, adopting in the second and the third. Net of unit and period means, the treated cells
    hold 1/3, -1/6 and 1/6: the early adopter's second treated period counts negatively."""
    panel = panel_with([2.0, 3.0], np.array([[0.0, 1, 4], [0, 0, 2]]))
    table = decomposition.two_way_weights(panel).set_index(["cohort", "period"])
    d = np.array([[0.0, 1, 1], [0, 0, 1]])
    residual = d - d.mean(axis=1, keepdims=True) - d.mean(axis=0) + d.mean()
    total = residual[d > 0].sum()
    assert table.loc[(2, 2), "weight"] == pytest.approx(residual[0, 1] / total) == pytest.approx(1.0)
    assert table.loc[(2, 3), "weight"] == pytest.approx(residual[0, 2] / total) == pytest.approx(-0.5)
    assert table.loc[(3, 3), "weight"] == pytest.approx(residual[1, 2] / total) == pytest.approx(0.5)
    assert table["share"].tolist() == pytest.approx([1 / 3] * 3)


def test_one_date_counts_every_treated_cell_alike() -> None:
    table = decomposition.two_way_weights(samples.organ())
    assert table["weight"].tolist() == pytest.approx(table["share"].tolist(), abs=1e-12)
    found = decomposition.heterogeneity(table["weight"].to_numpy(), table["share"].to_numpy(), 1.0)
    assert (found.negative, found.negative_sum) == (0.0, 0.0) and math.isinf(found.sign) and math.isinf(found.opposite)


@pytest.mark.parametrize("seed", range(6))
def test_heterogeneity_is_the_smallest_that_misleads(seed: int) -> None:
    """The two standard deviations are minima: a numerical search over effects finds the same ones.

    Tolerance 1e-5: the search stops there.
    """
    generator = np.random.default_rng(seed)
    share = generator.dirichlet(np.ones(6))
    w = generator.normal(1, 2, 6)
    w /= share @ w
    if not (w < -0.1).any():
        w[0] = -1.0
        w[1:] *= (1 - share[0] * w[0]) / (share[1:] @ w[1:])
    found = decomposition.heterogeneity(share * w, share, -0.7)
    target = {"type": "eq", "fun": lambda x: share @ (w * x) - 0.7}
    centred = {"type": "eq", "fun": lambda x: share @ x}

    def spread(x: np.ndarray) -> float:
        return float(share @ (x - share @ x) ** 2)

    options = {"maxiter": 5000, "ftol": 1e-15}
    sign = optimize.minimize(spread, -np.ones(6), constraints=[target, centred], method="SLSQP", options=options)
    bounds = [(None, 0.0)] * 6
    wrong = optimize.minimize(spread, -np.ones(6), constraints=[target], bounds=bounds, method="SLSQP", options=options)
    assert found.sign == pytest.approx(math.sqrt(sign.fun), rel=1e-5)
    assert found.opposite == pytest.approx(math.sqrt(wrong.fun), rel=1e-5)
    assert found.negative == pytest.approx(share[w < 0].sum())
    assert found.negative_sum == pytest.approx((share * w)[w < 0].sum())


def test_effects_at_the_stated_heterogeneity_do_average_to_zero() -> None:
    panel, _ = simulation(6)
    table = decomposition.two_way_weights(panel)
    weight, share = table["weight"].to_numpy(), table["share"].to_numpy()
    value = coefficient(panel)
    found = decomposition.heterogeneity(weight, share, value)
    w = weight / share
    effects = value * (w - 1) / (share @ (w - 1) ** 2)
    assert share @ effects == pytest.approx(0, abs=1e-12) and weight @ effects == pytest.approx(value, abs=1e-12)
    assert math.sqrt(share @ effects**2) == pytest.approx(found.sign, rel=1e-10)
    assert found.negative == pytest.approx(share[weight < 0].sum()) and 0 < found.negative < 1


@pytest.mark.parametrize("verb", [decomposition.bacon, decomposition.two_way_weights, decomposition.coefficient])
def test_what_cannot_be_decomposed_is_refused(verb) -> None:
    panel = samples.castle()
    cases = {
        "P002": replace(panel, treatment=panel.treated.astype(float)),
        "E131": replace(panel, eligible=np.ones(len(panel.units), dtype=bool)),
        "P007": panel.with_outcome(np.where(np.eye(50, 11, dtype=bool), np.nan, panel.outcome)),
        "P005": panel.only(panel.adoption == panel.adoption.max(), "test"),
    }
    for code, broken in cases.items():
        with pytest.raises(Refusal) as refused:
            verb(broken)
        assert refused.value.code == code
    masked = samples.castle().before_adoption()
    with pytest.raises(Refusal, match="P007"):
        verb(masked)


def test_the_table_names_types_shares_and_what_the_answer_rests_on() -> None:
    panel = samples.mpdta()
    block = comparisons.block(panel, group_time.estimate(panel), catalog.read("mpdta").columns["lemp"])
    assert "Later adopters against earlier ones, already treated" in block.text and "5\u202f%" in block.text
    assert "count 7\u202f% of treated unit-periods negatively" in block.meta["note"]
    assert "made of group-time effects against not-yet-treated units and" in block.meta["note"]
    published = {n["id"]: n["estimate"] for n in block.meta["numbers"]}
    shares = [v for name, v in published.items() if name.startswith("comparison_weight")]
    assert sum(shares) == pytest.approx(1, abs=1e-12) and len(published) == 6
    assert block.meta["csv"].count("never") == 6 and len(block.meta["csv"].splitlines()) == 10


def test_one_comparison_is_a_sentence() -> None:
    panel = samples.organ()
    outcome = catalog.read("organ_donations").columns["Rate"]
    block = comparisons.block(panel, two_by_two.estimate(panel), outcome)
    assert block.kind == "prose" and "one adoption date (4) and so one comparison" in block.text
    castle = samples.castle()
    gaps = replace(castle, treatment=castle.treated.astype(float))
    said = comparisons.block(gaps, group_time.estimate(castle), catalog.read("castle").columns["l_homicide"])
    assert said.kind == "prose" and "cannot be told apart" in said.text


def test_never_treated_positions_stay_out_of_the_weights() -> None:
    panel = samples.castle()
    cohorts = decomposition.two_way_weights(panel)["cohort"].unique().tolist()
    assert sorted(cohorts) == sorted(panel.periods[c] for c in panel.cohorts if c != NEVER)
