"""Panels with fixed effects: by hand, against fixest, clubSandwich and linearmodels, printed numbers, known effects."""

from __future__ import annotations

import csv
import functools
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from contract_panel_fixed_effects import LAWS, fatalities
from deviations import near

from analysis import data, designs
from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.designs import first_differences, fixed_effects, pooled, random_effects
from analysis.inference import cluster_robust, panel_conventions, panel_errors, panel_fit, panel_movement
from analysis.inference import random_effects as gls
from analysis.inference.hidden_cause import benchmarks, strength
from analysis.inference.panel_models import Choices, difference, ladder
from analysis.inference.serial import wooldridge
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows
from analysis.study import Study

HERE = Path(__file__).parent / "reference"
EXACT = 1e-8  # closed-form linear algebra on both sides


def study(**changes: Any) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "the policy",
        "dataset": "fatalities",
        "outcome": "frate",
        "treatment": "beertax",
        "design": "fixed_effects",
        "worthwhile": 0.1,
        "better": "lower",
    }
    return Study.read(values | changes, "test.yml")


@functools.cache
def _loaded(text: str) -> Rows:
    return data.load(study(**eval(text)))


def fit(**changes: Any) -> Any:
    chosen = study(**changes)
    return designs.estimate(chosen, _loaded(repr(changes)))


def single(effects: Any) -> tuple[float, float]:
    return float(effects.estimate[0]), float(effects.table["std_error"].iloc[0])


def cr1(effects: Any) -> tuple[float, float]:
    """The coefficient with the error that fixest and Stata print, without correction for few clusters."""
    return float(effects.estimate[0]), float(np.linalg.norm(effects.fit.contributions[:, 0]))


def printed(pair: tuple[float, float], digits: int) -> tuple[str, str]:
    return f"{pair[0]:.{digits}f}", f"{pair[1]:.{digits}f}"


BEER = {"dataset": "fatalities", "outcome": "frate", "treatment": "beertax"}
GRANT = {"dataset": "jtrain", "outcome": "lscrap", "treatment": "grant"}
ZONES = {"dataset": "ezunem", "outcome": "guclms", "treatment": "ez"}
GUNS = {"dataset": "guns", "outcome": "lviolent", "treatment": "shall"}
CONTROLS = ["prisoners", "density", "income", "population", "afam", "cauc", "male"]
BELTS = {"dataset": "us_seat_belts", "outcome": "fatalities", "treatment": "seatbelt"}
SPEED = ["speed65", "speed70", "drinkage", "alcohol", "lincome", "age"]


def made(y: Any, x: Any, unit: Any, time: Any, **columns: Any) -> Rows:
    frame = pd.DataFrame({"y": y, "x": x, "i": unit, "t": time} | columns)
    return rows_from_frame(frame, Labels("y", "t", "i"), columns=["x", *columns], unobserved=True)


def test_two_units_and_two_periods_by_hand() -> None:
    """Unit 1 goes from (0, 1) to (1, 4), the others rise by 1 without more of x: 3 - 1 = 2 for one more of it."""
    rows = made([1.0, 4, 2, 3, 1, 2], [0.0, 1, 0, 0, 0, 0], [1, 1, 2, 2, 3, 3], [1, 2] * 3)
    for module in (fixed_effects, first_differences):
        assert module.estimate(rows, treatment="x", errors="clustered").estimate[0] == pytest.approx(2.0, abs=1e-12)
    assert fixed_effects.estimate(rows, treatment="x", change=0.5).estimate[0] == pytest.approx(1.0, abs=1e-12)
    # Unit effects alone: the others say nothing, unit 1 rises by 3 for one more of x.
    assert fixed_effects.estimate(rows, treatment="x", effects="entity").estimate[0] == pytest.approx(3.0, abs=1e-12)
    # Period effects alone: no difference in x in period 1; in period 2 it is 4 - (3 + 2) / 2.
    assert fixed_effects.estimate(rows, treatment="x", effects="time").estimate[0] == pytest.approx(1.5, abs=1e-12)
    # Pooled: the mean where x is 1 less the mean where it is 0.
    assert pooled.estimate(rows, treatment="x").estimate[0] == pytest.approx(4 - 9 / 5, abs=1e-12)
    one = fixed_effects.estimate(rows, treatment="x")
    assert np.isnan(one.table["std_error"].iloc[0]) and one.inference.startswith(
        "none shown: the treatment changes in 1"
    )


@pytest.mark.parametrize(
    ("changes", "value", "error"),
    [
        (BEER | {"effects": "entity"}, "-0.6559", "0.2919"),
        (BEER, "-0.6400", "0.3571"),
        (BEER | {"covariates": LAWS}, "-0.4453", "0.2972"),
    ],
)
def test_beer_tax_equals_the_textbook(changes: dict, value: str, error: str) -> None:
    effects = fit(**changes)
    assert printed(cr1(effects), 4) == (value, error)
    assert effects.n == (335 if "covariates" in changes else 336)


@pytest.mark.parametrize(
    ("year", "constant", "slope"),
    [(1982, ("2.0104", "0.1496"), ("0.1485", "0.1326")), (1988, ("1.8591", "0.1146"), ("0.4388", "0.1279"))],
)
def test_single_years_have_the_other_sign(year: int, constant: tuple, slope: tuple) -> None:
    effects = fit(**BEER, design="pooled", since=year, until=year, errors="robust")
    assert printed(single(effects), 4) == slope
    regression = effects.fit.regression
    scores = regression.regressors * regression.residual[:, None] @ regression.inverse[:, 1]
    robust = float(np.sqrt(48 / 46 * scores @ scores))
    assert printed((float(regression.estimate[1]), robust), 4) == constant


def test_training_grants_equal_the_textbook() -> None:
    effects = fit(**GRANT, lags=1, before=0.0, errors="classical")
    assert printed(single(effects), 6) == ("-0.252315", "0.150629")
    assert printed(single(effects.related["later_1"]), 6) == ("-0.421590", "0.210200")
    assert effects.n == 162
    regression = effects.fit.regression
    explained = 1 - regression.residual @ regression.residual / (regression.outcome @ regression.outcome)
    assert f"{explained:.4f}" == "0.2010"
    assert [f"{x:.6f}" for x in regression.estimate[2:]] == ["-0.080216", "-0.247203"]
    changes = fit(**GRANT, design="first_differences", until=1988, errors="classical")
    assert printed(single(changes), 4) == ("-0.3171", "0.1639") and changes.n == 54
    constant = changes.fit.regression
    error = np.sqrt(constant.residual @ constant.residual / 52 * constant.inverse[1, 1])
    assert printed((float(constant.estimate[1]), float(error)), 4) == ("-0.0574", "0.0972")


def test_the_total_of_lags_is_their_sum_with_its_own_error() -> None:
    effects = fit(**GRANT, lags=1, before=0.0)
    total = effects.related["total"]
    assert total.estimate[0] == pytest.approx(effects.estimate[0] + effects.related["later_1"].estimate[0], abs=1e-12)
    covariance = effects.fit.contributions[:, :2].T @ effects.fit.contributions[:, :2]
    assert total.covariance[0, 0] == pytest.approx(covariance.sum(), rel=1e-10)


@pytest.mark.parametrize(
    ("changes", "digits", "wanted"),
    [
        (GUNS | {"design": "pooled", "errors": "robust"}, 3, ("-0.443", "0.048")),
        (GUNS | {"design": "pooled", "errors": "robust", "covariates": CONTROLS}, 3, ("-0.368", "0.035")),
        (GUNS | {"effects": "entity", "covariates": CONTROLS}, 3, ("-0.046", "0.042")),
        (GUNS | {"covariates": CONTROLS}, 3, ("-0.028", "0.041")),
        (BELTS | {"design": "pooled", "errors": "robust", "covariates": SPEED}, 4, ("0.0041", "0.0012")),
        # The errors of these two follow a convention that is not stated: only the coefficients are claimed.
        (BELTS | {"effects": "entity", "errors": "robust", "covariates": SPEED}, 4, ("-0.0058", None)),
        (BELTS | {"errors": "robust", "covariates": SPEED}, 4, ("-0.0037", None)),
    ],
)
def test_exercises_equal_the_textbook(changes: dict, digits: int, wanted: tuple) -> None:
    effects = fit(**changes)
    pair = single(effects) if changes.get("errors") else cr1(effects)
    value, error = printed(pair, digits)
    assert value == wanted[0] and wanted[1] in (None, error)
    assert changes["dataset"] != "us_seat_belts" or effects.n == 556


def test_traffic_laws_equal_the_textbook() -> None:
    effects = fit(dataset="traffic1", outcome="cdthrte", treatment="copen", covariates=["cadmn"], design="pooled",
                  errors="classical")  # fmt: skip
    assert printed(single(effects), 4) == ("-0.4197", "0.2056") and effects.n == 51
    other = fit(dataset="traffic1", outcome="cdthrte", treatment="cadmn", covariates=["copen"], design="pooled",
                errors="classical")  # fmt: skip
    assert printed(single(other), 4) == ("-0.1506", "0.1168")
    # The covariate is centred: the constant where both laws are unchanged is the constant less its mean's part.
    regression, share = other.fit.regression, _loaded(
        repr({"dataset": "traffic1", "outcome": "cdthrte", "treatment": "cadmn", "covariates": ["copen"],
              "design": "pooled", "errors": "classical"})).column("copen")  # fmt: skip
    where = np.array([0.0, -share.mean() / share.std(), 1.0])
    variance = regression.residual @ regression.residual / 48
    constant = (float(regression.estimate @ where), float(np.sqrt(variance * where @ regression.inverse @ where)))
    assert printed(constant, 4) == ("-0.4968", "0.0524")


def test_enterprise_zones_equal_the_textbook() -> None:
    """Changes of log claims on changes of the zone, with year effects: all rows but the first year of each city."""
    effects = fit(dataset="ezunem", outcome="luclms", treatment="ez", design="first_differences", errors="classical")
    assert printed(single(effects), 6) == ("-0.181878", "0.078186") and effects.n == 176


def reference() -> list[dict[str, str]]:
    with (HERE / "panel_fixed_effects.csv").open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize("row", [r for r in reference() if r["method"].startswith("fixest")], ids=lambda r: r["option"])
def test_fixed_effects_equal_fixest(row: dict[str, str]) -> None:
    if row["dataset"] == "jtrain":
        kind = "classical" if "iid" in row["option"] else "clustered"
        effects = fit(**GRANT, lags=1, before=0.0, errors=kind)
        place = {"grant": 0, "grant_1": 1, "d88": 2, "d89": 3}[row["term"]]
        value, error = float(effects.fit.regression.estimate[place]), np.nan
        if place < 2:
            error = single(effects if place == 0 else effects.related["later_1"])[1]
    else:
        outcome = row["option"].partition("~")[0]
        kinds = {"iid": "classical", "hetero": "robust", "cluster city": "clustered"}
        effects = fit(dataset="ezunem", outcome=outcome, treatment="ez", errors=kinds[row["option"].split("; ")[-1]])
        value, error = cr1(effects) if "cluster" in row["option"] else single(effects)
        if "trends" in row["option"]:
            parts = Choices("ez", effects="two_way").terms(_loaded(
                repr({"dataset": "ezunem", "outcome": outcome, "treatment": "ez", "errors": "clustered"})))  # fmt: skip
            found = panel_fit.trends(parts, "two_way")
            # fixest counts one parameter more: a line of every city makes one of the year indicators redundant.
            slack = np.sqrt((found.n - found.counted) / (found.n - found.counted - 1))
            value, error = found.value, float(slack * np.linalg.norm(found.contributions[:, 0]))
    assert near("fixest: fixed effects, estimates", value, row["estimate"], EXACT)
    assert np.isnan(error) or near("fixest: fixed effects, errors", error, row["se"], EXACT), row


@pytest.mark.parametrize(("option", "weight"), [("unweighted", ""), ("weights popwt", "popwt")])
def test_weighted_fixed_effects_equal_fixest(option: str, weight: str) -> None:
    """Castle-doctrine laws, in force from the year of adoption on."""
    frame = table.load("castle").eval("x = 1.0 * (year >= first_treated)")
    rows = rows_from_frame(frame, Labels("l_homicide", "year", "sid", weight=weight), columns=["x"])
    with (HERE / "fixest.csv").open(encoding="utf-8") as handle:
        wanted = f"l_homicide~post; {option}; cluster sid"
        (row,) = [r for r in csv.DictReader(handle) if (r["method"], r["option"]) == ("fixest_twfe", wanted)]
    value, error = cr1(fixed_effects.estimate(rows, treatment="x"))
    assert near("fixest: fixed effects, estimates", value, row["estimate"], EXACT)
    assert near("fixest: fixed effects, errors", error, row["se"], EXACT)


def test_what_clusters_are_worth_is_close_to_degrees_of_freedom() -> None:
    frame = table.load("castle").eval("x = 1.0 * (year >= first_treated)")
    rows = rows_from_frame(frame, Labels("l_homicide", "year", "sid", weight="popwt"), columns=["x"])
    effects = fixed_effects.estimate(rows, treatment="x")
    assert effects.df == pytest.approx(effects.fit.worth - 1, abs=1.5)


def test_few_clusters_equal_club_sandwich_and_the_jackknife() -> None:
    effects = fit(**ZONES)
    rows = {r["method"].split()[0]: r for r in reference() if not r["method"].startswith("fixest")}
    assert near("clubSandwich: CR2 errors", single(effects)[1], rows["clubSandwich"]["se"], EXACT)
    df = rows["clubSandwich"]["extra"].split("df_Satt=")[1].split(";")[0]
    assert near("clubSandwich: Satterthwaite degrees of freedom", effects.df, df, 1e-6, "a ratio of traces")
    found = cluster_robust.cr3(effects.fit.regression).errors[0]
    assert near("brute-force jackknife: CR3 errors", float(found), rows["brute-force"]["se"], EXACT)


def frame_of(rows: Rows, *names: str) -> tuple[pd.Series, pd.DataFrame]:
    index = pd.MultiIndex.from_arrays([rows.unit, rows.time])
    columns = {name: rows.columns[name] for name in names}
    return pd.Series(rows.outcome, index=index), pd.DataFrame(columns, index=index)


def test_estimators_equal_linearmodels() -> None:
    from linearmodels.panel.model import FirstDifferenceOLS, PanelOLS, PooledOLS

    rows = fatalities()
    y, x = frame_of(rows, "beertax", "unemp")
    options: dict[str, Any] = {"treatment": "beertax", "covariates": ["unemp"]}
    pairs = [
        (fixed_effects.estimate(rows, **options), PanelOLS(y, x, entity_effects=True, time_effects=True)),
        (fixed_effects.estimate(rows, **options, effects="entity"), PanelOLS(y, x, entity_effects=True)),
        (first_differences.estimate(rows, **options, effects="entity"), FirstDifferenceOLS(y, x)),
        (pooled.estimate(rows, **options), PooledOLS(y, x.assign(one=1.0))),
    ]
    for ours, theirs in pairs:
        found = theirs.fit(cov_type="unadjusted", debiased=True)
        assert near("linearmodels: estimates", ours.estimate[0], found.params["beertax"], 1e-9)
        error = ours.refit.func(rows, **ours.refit.keywords | {"errors": "classical"})
        assert near("linearmodels: classical errors", single(error)[1], found.std_errors["beertax"], 1e-9)


@pytest.mark.parametrize("effects", ["entity", "two_way"])
def test_random_effects_equal_linearmodels(effects: str) -> None:
    rows = fatalities()
    parts = Choices("beertax", covariates=("unemp",)).terms(rows)
    found = gls.fitted(parts, effects)
    ours = random_effects.estimate(rows, treatment="beertax", covariates=["unemp"], effects=effects, errors="classical")
    scale = float(np.std(rows.outcome))
    assert near("linearmodels: random effects", ours.estimate[0], scale * float(found.params.iloc[1]), 1e-9)


def test_driscoll_kraay_errors_equal_linearmodels() -> None:
    from linearmodels.panel.model import PanelOLS

    rows = fatalities()
    y, x = frame_of(rows, "beertax")
    found = PanelOLS(y, x, entity_effects=True, time_effects=True).fit(
        cov_type="kernel", kernel="bartlett", bandwidth=panel_errors.bandwidth(7), debiased=False
    )
    ours = single(fixed_effects.estimate(rows, treatment="beertax", errors="driscoll_kraay"))[1]
    # Ours: T/(T-1) x (N-1)/(N-K), every effect counted; theirs: N over N less the effects.
    ours, theirs = ours / np.sqrt(7 / 6 * 334 / (335 - 55)), found.std_errors["beertax"] / np.sqrt(335 / (335 - 54))
    assert near("linearmodels: Driscoll-Kraay errors", ours, theirs, 1e-9)


def panel(seed: int = 1, units: int = 60, periods: int = 8, *, effect: float = 1.5, **moves: float) -> Rows:
    """Made-up panel with a known effect. level: how far unit effects go with the treatment; drift: trends of units
    that go with trends of the treatment; answers: how far the treatment answers to the outcome of the period before."""
    random = np.random.default_rng(seed)
    own, slope = random.normal(size=(2, units, 1))
    clock = np.arange(periods) - periods / 2
    noise = random.normal(size=(units, periods))
    x = random.normal(size=(units, periods)) + moves.get("level", 0.0) * own
    x = x + moves.get("drift", 0.0) * slope * clock
    y = 2 * own + moves.get("drift", 0.0) * slope * clock + 0.1 * clock + noise
    for t in range(1, periods):
        x[:, t] += moves.get("answers", 0.0) * (y[:, t - 1] + effect * x[:, t - 1])
    y = y + effect * x
    unit, time = np.repeat(np.arange(units), periods), np.tile(np.arange(2000, 2000 + periods), units)
    return made(y.ravel(), x.ravel(), unit, time, z=random.normal(size=units * periods))


def test_a_known_effect_is_recovered_where_it_can_be() -> None:
    rows = panel(level=2.0)
    for module in (fixed_effects, first_differences):
        found = module.estimate(rows, treatment="x").average(0.99)
        assert found.low < 1.5 < found.high and found.high - found.low < 0.5
    for module in (pooled, random_effects):
        assert module.estimate(rows, treatment="x").average(0.99).low > 1.5
    alike = random_effects.estimate(panel(), treatment="x").average(0.99)
    assert alike.low < 1.5 < alike.high


def test_lags_are_taken_within_units_and_from_rows_without_outcome() -> None:
    y = [1.0, 2, np.nan, 5, 2, 1, 4, 3]
    x = [0.0, 0, 1, 0, 0, 1, 0, 0]
    rows = made(y, x, [1] * 4 + [2] * 4, [1, 2, 3, 4] * 2)
    parts = Choices("x", lags=1).terms(rows)
    assert parts.n == 5 and sorted(parts.regressors[:, 1].tolist()) == [0, 0, 0, 1, 1]
    filled = Choices("x", lags=1, before=0.0).terms(rows)
    assert filled.n == 7 and filled.names == ("x", "x, 1 period earlier")
    ahead = Choices("x").terms(rows, leads=1)
    assert ahead.n == 5 and ahead.regressors[:, 1].tolist() == [0, 1, 1, 0, 0]


def test_weights_that_vary_within_units_are_used() -> None:
    from linearmodels.panel.model import PanelOLS

    rows = panel()
    weight = np.random.default_rng(4).uniform(0.5, 2, rows.n)
    weighted = replace(rows, weight=weight / weight.mean())
    y, x = frame_of(rows, "x")
    found = PanelOLS(y, x, weights=pd.Series(weight, index=y.index), entity_effects=True, time_effects=True).fit()
    ours = fixed_effects.estimate(weighted, treatment="x")
    assert near("linearmodels: weighted estimates", ours.estimate[0], found.params["x"], 1e-8)


def test_clusters_that_cut_across_units_count_every_effect() -> None:
    rows = panel()
    crossed = replace(rows, cluster=rows.time - 2000, labels=replace(rows.labels, cluster="t"))
    effects = fixed_effects.estimate(crossed, treatment="x")
    assert effects.clusters == 8 and not effects.fit.nested and "CR2" not in effects.inference
    regression, n = effects.fit.regression, 480
    scores = regression.scores(regression.residual) @ regression.inverse[:, 0]
    by_hand = np.sqrt(8 / 7 * (n - 1) / (n - 1 - 7 - 60) * scores @ scores)
    assert single(effects)[1] == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": 1.0}, "E107 STOP treatment — x has the same value in every row"),
        ({"x": "i"}, "E107 STOP treatment — x says nothing that the effects and the other columns do not"),
        ({"z": "i"}, "E107 STOP covariates:z — z says nothing that the effects"),
        ({"z": "x"}, "E107 STOP treatment — x says nothing"),
        ({"i": "row"}, "E130 STOP design — no unit is observed twice"),
    ],
)
def test_what_cannot_be_estimated_is_one_line(change: dict, message: str) -> None:
    rows = panel(units=10)
    frame = pd.DataFrame(
        {"y": rows.outcome, "x": rows.column("x"), "z": rows.column("z"), "i": rows.unit, "t": rows.time}
    )
    frame["row"] = np.arange(len(frame))
    for column, value in change.items():
        frame[column] = frame[value] if isinstance(value, str) else value
    wrong = rows_from_frame(frame, Labels("y", "t", "i"), columns=["x", "z"])
    with pytest.raises(Refusal, match=message):
        fixed_effects.estimate(wrong, treatment="x", covariates=["z"])


def test_designs_refuse_what_they_cannot_do() -> None:
    rows = panel(units=10)
    with pytest.raises(Refusal, match="E131 STOP effects"):
        first_differences.estimate(rows, treatment="x", effects="time")
    with pytest.raises(Refusal, match="E131 STOP effects"):
        random_effects.estimate(rows, treatment="x", effects="time")
    loose = rows_from_frame(pd.DataFrame({"y": [1.0, 2, 3, 5], "x": [0.0, 1, 0, 1]}), Labels("y", ""), columns=["x"])
    with pytest.raises(Refusal, match="E130 STOP design — the table has no column with the role unit"):
        fixed_effects.estimate(loose, treatment="x")
    with pytest.raises(Refusal, match="E105 STOP errors — clustered errors need units"):
        pooled.estimate(loose, treatment="x")
    assert pooled.estimate(loose, treatment="x", errors="robust").estimate[0] == pytest.approx(1.5)
    with pytest.raises(Refusal, match="P005 STOP lags"):
        fixed_effects.estimate(rows, treatment="x", lags=8)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"before": 0.0}, "R302 STOP test.yml:before — before has no effect without lags. Fix: remove it"),
        ({"treatment": "frate"}, "R302 STOP test.yml:treatment — treatment is the outcome itself"),
        ({"covariates": ["beertax"]}, "R302 STOP test.yml:covariates — covariates hold the treatment or the outcome"),
        ({"design": "pooled", "effects": "entity"}, "effects has no effect under design pooled"),
        ({"change": 0.0}, "R302 STOP test.yml:change"),
        ({"efects": "entity"}, "R301 STOP test.yml:efects — unknown parameter"),
    ],
)
def test_choices_that_cannot_be_are_one_line(changes: dict, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        study(**changes)


def test_a_known_bias_of_a_hidden_cause() -> None:
    """The bias of leaving a cause out is exactly what its two shares say (Cinelli and Hazlett 2020, equation 10)."""
    random = np.random.default_rng(5)
    cause, noise, rest = random.normal(size=(3, 400))
    treatment = 0.5 * cause + noise
    outcome = 1.0 * treatment + 0.8 * cause + rest
    one = np.ones((400, 1))
    left = [v - v.mean() for v in (treatment, outcome, cause)]
    short = left[0] @ left[1] / (left[0] @ left[0])
    long = np.linalg.lstsq(np.column_stack([*left[::2], one]), left[1], rcond=None)[0][0]
    residual = left[1] - short * left[0]
    r_d = np.corrcoef(left[0], left[2])[0, 1] ** 2
    cause_left = left[2] - left[0] * (left[0] @ left[2]) / (left[0] @ left[0])
    r_y = np.corrcoef(residual, cause_left)[0, 1] ** 2
    bias = np.sqrt(residual @ residual / (left[0] @ left[0]) * r_y * r_d / (1 - r_d))
    assert short - long == pytest.approx(bias, rel=1e-10)
    # A bias made of equal shares R is reached at the robustness value R.
    r = strength(bias, left[0], residual, np.ones(400))
    assert np.sqrt(residual @ residual / (left[0] @ left[0])) * r / np.sqrt(1 - r) == pytest.approx(bias, rel=1e-10)
    (found,) = benchmarks(left[0], left[1], left[2][:, None], ["cause"], np.ones(400), first=0)
    assert found.treatment == pytest.approx(r_d, rel=1e-9) and found.outcome == pytest.approx(r_y, rel=1e-9)


def test_the_robustness_value_equals_the_published_one() -> None:
    """Darfur: t = 4.18 on 783 degrees of freedom gives a robustness value of 13.9 % (Cinelli and Hazlett 2020)."""
    t, df = 4.18445, 783
    random = np.random.default_rng(6)
    treatment, noise = random.normal(size=(2, 1000))
    noise = noise - treatment * (treatment @ noise) / (treatment @ treatment)
    bias = t / np.sqrt(df) * np.sqrt(noise @ noise / (treatment @ treatment))
    assert f"{strength(bias, treatment, noise, np.ones(1000)):.3f}" == "0.139"


def test_serial_correlation_is_found_where_it_is() -> None:
    rows = panel(units=200)
    clean = wooldridge(panel_fit.differences(Choices("x").terms(rows), "two_way"))
    assert clean.slope == pytest.approx(-0.5, abs=0.08) and clean.p_value > 0.05 and not clean.walk
    walk = np.cumsum(np.random.default_rng(2).normal(size=(200, 8)), axis=1).ravel()
    lasting = wooldridge(panel_fit.differences(Choices("x").terms(rows.with_outcome(walk)), "two_way"))
    assert lasting.p_value < 1e-6 and lasting.walk


def test_the_difference_of_two_fits_is_a_hausman_test() -> None:
    parts = Choices("x").terms(panel(level=1.0))
    same = difference(panel_fit.within(parts, "two_way"), panel_fit.within(parts, "two_way"))
    assert same.interval(0.95) == (0.0, 0.0, 1.0)
    found = difference(panel_fit.within(parts, "two_way"), panel_fit.pooled(parts))
    assert found.interval(0.95)[2] < 0.001 and found.gap > 0


def test_the_ladder_marks_the_answer_and_conventions_hold_the_same_estimate() -> None:
    rows = fatalities()
    effects = fixed_effects.estimate(rows, treatment="beertax", covariates=LAWS)
    steps = ladder(rows, effects, 0.95)
    assert [s.held for s in steps if s.chosen] == ["unit and period effects, covariates"] and len(steps) == 6
    assert steps[0].estimate.value > 0 > steps[3].estimate.value
    found = panel_conventions.conventions(effects, level=0.95, draws=199, seed=1)
    assert len({round(one.value, 12) for one in found}) == 1
    names = [one.inference.partition(":")[0] for one in found]
    assert names == ["classical", "robust", "CR1", "CR2", "CR3", "wild bootstrap"]
    assert f"{found[2].std_error:.4f}" == "0.2972"


def test_dots_of_the_chart_lie_around_the_line_and_hide_single_rows() -> None:
    for rows in (panel(), panel(units=20)):
        effects = fixed_effects.estimate(rows, treatment="x", change=2.0)
        dots = panel_movement.bins(effects)
        assert dots.slope == pytest.approx(effects.estimate[0] / 2) and dots.rows.min() >= 10
        assert dots.rows.sum() == rows.n and len(dots.rows) <= 15
        assert np.average(dots.treatment, weights=dots.rows) == pytest.approx(0, abs=1e-10)


def test_movement_adds_up() -> None:
    rows = panel(level=1.0)
    found = panel_movement.movement(rows, fixed_effects.estimate(rows, treatment="x", change=3.0))
    assert found.between**2 + found.within**2 == pytest.approx(np.var(rows.column("x")), rel=1e-10)
    assert found.units == found.changers == 60 and 0 < found.share < 1 and 30 < found.worth <= 60
