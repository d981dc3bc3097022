"""Regression discontinuity: published numbers, rdrobust in R, arithmetic by hand, and known effects."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from contract_regression_discontinuity import SCORE, made
from deviations import near

from analysis import designs
from analysis.data import table
from analysis.data.observations import rows_from_frame
from analysis.inference import local_polynomial, score_density, sorting, window_regression
from analysis.inference.local_polynomial import Options
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.result import Effects
from analysis.rows import Rows
from analysis.study import Study

HERE = Path(__file__).parent / "reference"
CLOSED = 1e-8  # relative; the same widths, closed form on both sides
SEARCH = 5e-5  # relative; rdrobust 2.1.1 for Python and 4.0.0 for R start their search for a width a little apart


def study(design: str, data: Rows, **choices: object) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "the policy",
        "dataset": "made_up",
        "outcome": data.labels.outcome,
        "design": design,
        "worthwhile": 0.1,
        "better": "higher",
        "cutoff": 0.0,
        "treated_side": "above",
    }
    return Study.read(values | choices, "test.yml")


def fit(design: str, data: Rows, **choices: object) -> Effects:
    return designs.estimate(study(design, data, **choices), data)


def load(dataset: str, outcome: str, columns: list[str], cluster: str = "") -> Rows:
    return rows_from_frame(table.load(dataset), Labels(outcome, "", cluster=cluster), columns=columns)


def printed(effects: Effects, digits: int) -> tuple[str, str]:
    return f"{effects.estimate[0]:.{digits}f}", f"{effects.table['std_error'].iloc[0]:.{digits}f}"


# published numbers


def test_senate_equals_the_papers() -> None:
    effects = fit("local_linear", load("senate_elections", "vote", ["margin"]), running="margin")
    answer = effects.average(0.95)
    assert f"{answer.value:.3f}" == "7.414"
    assert (f"{answer.low:.3f}", f"{answer.high:.3f}", answer.n) == ("4.094", "10.919", 1297)
    assert (f"{effects.width[0]:.3f}", f"{effects.bias_width[0]:.3f}", effects.rows) == ("17.754", "28.028", (360, 323))


def test_cash_transfers_have_their_sign_and_no_clear_effect() -> None:
    """Treated below: above minus below is +.0247, the programme's effect -.0247; the line says +.0999."""
    data = load("gov_transfers", "Support", ["Income_Centered", "Participation"])
    local = fit("local_linear", data, running="Income_Centered", treated_side="below")
    assert local.average(0.95).value == pytest.approx(-0.0247, abs=5e-5)
    assert not local.average(0.95).excludes(0.0) and local.rows == (291, 194)
    mirrored = fit("local_linear", data, running="Income_Centered", treated_side="above")
    assert mirrored.average(0.95).value == pytest.approx(-local.average(0.95).value, abs=1e-12)
    whole = {"running": "Income_Centered", "treated_side": "below"}
    assert printed(fit("whole_window", data, **whole, errors="classical"), 6) == ("0.099852", "0.029549")
    assert printed(fit("whole_window", data, **whole), 6) == ("0.099852", "0.029921")
    square = fit("whole_window", data, **whole, errors="classical", polynomial=2)
    assert printed(square, 6) == ("0.092855", "0.045851")
    narrow = fit("whole_window", data, **whole, errors="classical", window=0.01)
    assert printed(narrow, 6) == ("0.076552", "0.044136") and narrow.n == 937


DEATHS = {
    "all": "7.66 1.51 9.55 1.83 9.75 2.06 9.61 2.29",
    "mva": "4.53 0.72 4.66 1.09 4.76 1.08 5.89 1.33",
    "suicide": "1.79 0.50 1.81 0.78 1.72 0.73 1.30 1.14",
    "homicide": "0.10 0.45 0.20 0.50 0.16 0.59 -0.45 0.93",
    "internal": "0.39 0.54 1.07 0.80 1.69 0.74 1.25 1.01",
    "alcohol": "0.44 0.21 0.80 0.32 0.74 0.33 1.03 0.41",
}


@pytest.mark.parametrize("cause", DEATHS)
def test_drinking_age_equals_the_textbook(cause: str) -> None:
    data, found = load("drinking_age", cause, ["agecell"]), []
    for window in (None, 1.0):
        for choices in ({"slopes": "common"}, {"polynomial": 2}):
            found += printed(fit("whole_window", data, running="agecell", cutoff=21, window=window, **choices), 2)
    assert found == DEATHS[cause].split()


@pytest.mark.parametrize(
    ("outcome", "running", "value", "error", "digits"),
    [
        ("score", "lagdemvoteshare", "21.28", "1.95", 2),
        ("score", "demvoteshare", "47.71", "1.36", 2),
        ("democrat", "lagdemvoteshare", "0.48", "0.03", 2),
    ],
)
def test_close_elections_equal_the_textbook(outcome: str, running: str, value: str, error: str, digits: int) -> None:
    data = load("close_elections", outcome, ["lagdemvoteshare", running], cluster="id")
    share = data.column("lagdemvoteshare")
    close = data.only((share >= 0.48) & (share <= 0.52), "not close")
    effects = fit("whole_window", close, running=running, cutoff=0.5, polynomial=0)
    assert printed(effects, digits) == (value, error) and effects.n == 915


def test_veterans_equal_the_textbook() -> None:
    columns = ["qob_minus_kw", "vet_wwko", "nonwhite", "bpl", "quarter"]
    data = load("mortgages", "home_ownership", columns)
    chosen = {"running": "qob_minus_kw", "treated_side": "below", "treatment": "vet_wwko", "window": 12}
    effects = fit("whole_window", data, **chosen, covariates=["nonwhite", "bpl", "quarter"])
    assert printed(effects, 6) == ("0.170172", "0.045909") and effects.n == 56_901


# rdrobust in R


def references() -> list[tuple[str, str]]:
    with (HERE / "rdrobust.csv").open(encoding="utf-8") as handle:
        return list(dict.fromkeys((row["dataset"], row["option"]) for row in csv.DictReader(handle)))


def numbers(dataset: str, option: str) -> dict[str, list[float]]:
    """Value and error by term, and the widths, as R has them."""
    with (HERE / "rdrobust.csv").open(encoding="utf-8") as handle:
        rows = [r for r in csv.DictReader(handle) if (r["dataset"], r["option"]) == (dataset, option)]
    found = {row["term"]: [float(row["estimate"]), float(row["se"])] for row in rows}
    for name in ("h", "b"):
        match = re.search(rf"\b{name}=\s*([\d.]+)/\s*([\d.]+)", rows[0]["extra"])
        assert match
        found[name] = [float(match[1]), float(match[2])]
    return found


def jump(dataset: str, option: str, widths: dict[str, list[float]] | None = None) -> local_polynomial.LocalFit:
    senate = dataset == "rdrobust_senate"
    frame = table.load("senate_elections" if senate else "gov_transfers")
    parts, given = [part.strip() for part in option.split(",")], {}
    kernel = next((part[7:] for part in parts if part.startswith("kernel=")), "triangular")
    rule = next((p.removeprefix("bwselect=") for p in parts if re.fullmatch(r"(bwselect=)?(mse|cer)\w+", p)), "mserd")
    if option.startswith("covs"):
        names = re.split(r"\+", option.split("=")[1].replace(" ", ""))
        frame = frame.dropna(subset=names)
    outcome, running = ("vote", "margin") if senate else ("Support", "Income_Centered")
    frame = frame[frame[outcome].notna()]
    if option.startswith("covs"):
        given["covariates"] = frame[names].to_numpy(dtype=float)
    if option.startswith("cluster"):
        given["cluster"] = np.unique(frame["state"].to_numpy().astype(str), return_inverse=True)[1]
    x = frame[running].to_numpy(dtype=float)
    if option.startswith("fuzzy"):
        x, given["treatment"] = -x, frame["Participation"].to_numpy(dtype=float)
    width = (tuple(widths["h"]), tuple(widths["b"])) if widths else (None, None)
    chosen = Options(2 if "p=2" in parts else 1, kernel, rule, *width)  # type: ignore[arg-type]
    return local_polynomial.jump(frame[outcome].to_numpy(dtype=float), x, 0.0, chosen, **given)


def apart(group: str, ours: list[float], theirs: list[float], allowed: float, note: str) -> bool:
    """Relative differences, kept in the table of deviations."""
    return min([near(group, a / b, 1.0, allowed, note) for a, b in zip(ours, theirs, strict=True)])


@pytest.mark.parametrize(("dataset", "option"), references())
def test_local_polynomials_equal_r(dataset: str, option: str) -> None:
    theirs = numbers(dataset, option)
    ours = jump(dataset, option, theirs)
    found = {
        "Conventional": [ours.value, ours.conventional],
        "Bias-Corrected": [ours.corrected, ours.conventional],
        "Robust": [ours.corrected, ours.std_error],
    }
    for term, values in found.items():
        assert apart("rdrobust (R): at the same widths, relative", values, theirs[term], CLOSED, "15 digits of width")


@pytest.mark.parametrize(("dataset", "option"), [(d, o) for d, o in references() if not o.startswith("h=")])
def test_chosen_widths_equal_r(dataset: str, option: str) -> None:
    theirs, ours = numbers(dataset, option), jump(dataset, option)
    note = "two versions' search for a width"
    assert apart(
        "rdrobust (R): widths, relative", [*ours.width, *ours.bias_width], theirs["h"] + theirs["b"], SEARCH, note
    )
    assert apart("rdrobust (R): with chosen widths, relative", [ours.value, ours.std_error],
                 [theirs["Conventional"][0], theirs["Robust"][1]], SEARCH, note)  # fmt: skip


# by hand


def test_line_through_a_window_by_hand() -> None:
    """Below: y = 1 at -2, -1 (level 1, slope 0). Above: 3, 5, 7 at 0, 1, 2 (level 3, slope 2): a step of 2."""
    x = np.array([-2.0, -1.0, -1.0, 0.0, 1.0, 2.0])
    y = np.array([1.0, 1.0, 1.0, 3.0, 5.0, 7.0])
    pieces = window_regression.terms(x, x >= 0, 1, True)
    found = window_regression.least_squares(
        y, *pieces, np.empty((6, 0)), weight=np.ones(6), cluster=None, errors="classical"
    )
    assert found.value == pytest.approx(2.0, abs=1e-12)
    np.testing.assert_allclose(found.lines, [[1.0, 0.0], [3.0, 2.0]], atol=1e-12)


def test_errors_of_the_window_equal_statsmodels() -> None:
    import statsmodels.api as sm

    data = made()
    x, y, z = data.column("x"), data.outcome, data.column("z")
    weight, cluster = np.exp(0.2 * data.column("w")), np.arange(data.n) // 5
    changing, powers = window_regression.terms(x, x >= 0, 2, True)
    model = sm.WLS(y, np.column_stack([changing, np.ones(data.n), powers, z]), weights=weight)
    for errors, groups, fitted in (
        ("classical", None, model.fit()),
        ("robust", None, model.fit(cov_type="HC1")),
        ("robust", cluster, model.fit(cov_type="cluster", cov_kwds={"groups": cluster})),
    ):
        ours = window_regression.least_squares(
            y, changing, powers, z[:, None], weight=weight, cluster=groups, errors=errors
        )
        assert ours.value == pytest.approx(fitted.params[0], rel=1e-10)
        assert ours.std_error == pytest.approx(fitted.bse[0], rel=1e-10)


def test_uniform_kernel_is_a_line_in_the_window() -> None:
    data = made()
    local = local_polynomial.jump(data.outcome, data.column("x"), 0.0, Options(kernel="uniform", width=(0.4, 0.4)))
    whole = fit("whole_window", data, running="x", window=0.4)
    assert local.value == pytest.approx(whole.estimate[0], abs=1e-10)


def test_covariates_enter_as_rdrobust_has_them() -> None:
    data = made()
    y, x, z = data.outcome, data.column("x"), data.column("z")[:, None]
    chosen = local_polynomial.jump(y, x, 0.0, Options(), covariates=z)
    fixed = local_polynomial.jump(y, x, 0.0, Options(width=chosen.width, bias_width=chosen.bias_width), covariates=z)
    for name in ("value", "corrected", "std_error"):
        assert getattr(fixed, name) == pytest.approx(getattr(chosen, name), rel=1e-10)


def test_the_set_for_weak_take_up_holds_what_is_not_rejected() -> None:
    data = made("fuzzy", 300, 5)
    effects = fit("fuzzy_discontinuity", data, running="x", treatment="d", bandwidth=0.5)
    assert effects.take_up.robust and "Anderson-Rubin" in effects.inference
    low, high, _ = effects.bounds(0.95)
    for theta in (low, high):
        rest = local_polynomial.jump(
            data.outcome - theta * data.column("d"), data.column("x"), 0.0, Options(width=(0.5, 0.5))
        )
        assert abs(rest.corrected / rest.std_error) == pytest.approx(1.959964, abs=1e-5)


def test_no_jump_in_take_up_bounds_nothing() -> None:
    data = made("fuzzy", 300, 5)
    flat = data.with_column("d", (np.random.default_rng(2).random(300) < 0.5).astype(float))
    effects = fit("fuzzy_discontinuity", flat, running="x", treatment="d", bandwidth=0.5)
    answer = effects.average(0.95)
    assert np.isinf([answer.low, answer.high]).all() and not answer.excludes(0.0)


def test_share_to_zero_by_hand() -> None:
    """Outcomes of the treated side 0..9 less their mean 4.5; without the top two of ten the mean falls by one."""
    rest = np.arange(10.0) - 4.5
    assert sorting.share_to_zero(rest, np.ones(10), 1.0, 0.9, 3.0) == pytest.approx(0.2)
    assert sorting.share_to_zero(-rest, np.ones(10), 1.0, -3.0, -0.9) == pytest.approx(0.2)
    assert np.isnan(sorting.share_to_zero(rest, np.ones(10), 1.0, -0.1, 3.0))
    assert sorting.share_to_zero(rest, np.ones(10), 0.5, 0.9, 3.0) == pytest.approx(0.1)


def test_even_steps_are_groups() -> None:
    assert score_density.evenly_spaced(np.arange(10) / 12)
    assert not score_density.evenly_spaced(np.array([0.0, 1.0, 3.0])) and not score_density.evenly_spaced(np.ones(5))


# known effects and refusals


@pytest.mark.parametrize(
    ("design", "kind", "choices"),
    [
        ("local_linear", "sharp", {}),
        ("fuzzy_discontinuity", "fuzzy", {"treatment": "d"}),
        ("whole_window", "sharp", {"polynomial": 2}),
        ("whole_window", "fuzzy", {"polynomial": 2, "treatment": "d"}),
    ],
)
def test_known_effects_are_recovered(design: str, kind: str, choices: dict) -> None:
    answer = fit(design, made(kind, 20_000, 3), running="x", **choices).average(0.95)
    assert abs(answer.value - 0.5) < 4 * answer.std_error and answer.low < 0.5 < answer.high


def test_mirrored_scores_give_the_same_effect() -> None:
    data = made()
    mirrored = data.with_column("x", -data.column("x"))
    for design in ("local_linear", "whole_window"):
        ours = fit(design, data, running="x")
        other = fit(design, mirrored, running="x", treated_side="below")
        assert other.estimate[0] == pytest.approx(ours.estimate[0], rel=1e-9)
        assert other.baseline == pytest.approx(ours.baseline, rel=1e-9)


def test_moving_the_score_moves_nothing() -> None:
    data = made()
    moved = data.with_column("x", 7 + 3 * data.column("x"))
    for design, choices in (("local_linear", {}), ("whole_window", {"polynomial": 2})):
        ours, other = fit(design, data, running="x", **choices), fit(design, moved, running="x", cutoff=7, **choices)
        assert other.estimate[0] == pytest.approx(ours.estimate[0], rel=1e-6)


def test_what_cannot_be_estimated_is_refused() -> None:
    data = made()
    with pytest.raises(Refusal, match="P005 STOP cutoff — all 1,200 rows lie below 2"):
        fit("local_linear", data, running="x", cutoff=2)
    with pytest.raises(Refusal, match="E123 STOP treatment — a fuzzy design needs the column of take-up"):
        fit("fuzzy_discontinuity", data, running="x")
    with pytest.raises(Refusal, match="P005 STOP bandwidth — 15 rows are too few"):
        fit("local_linear", data.rows(np.arange(15)), running="x")
    with pytest.raises(Refusal, match="P005 STOP running — no local fit"):
        fit("local_linear", data, running="x", bandwidth=0.001)
    doubled = data.with_column("twice", 2 * data.column("z"))
    with pytest.raises(Refusal, match="E107 STOP covariates — one of z, twice repeats the others"):
        fit("local_linear", doubled, running="x", covariates=["z", "twice"])
    near = data.with_column("far", (np.abs(data.column("x")) > 0.9).astype(float))
    with pytest.raises(Refusal, match=r"E107 STOP covariates — within 0\.2 of the cut-off"):
        fit("local_linear", near, running="x", bandwidth=0.2, covariates=["far"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": 2}, "R302 STOP test.yml:window — window has no effect under design local_linear. Fix: remove it"),
        ({"bandwidth": 2, "bandwidth_rule": "cerrd"}, "bandwidth_rule has no effect when `bandwidth` is set"),
        ({"covariates": ["x"]}, "running is named in another role"),
        ({"placebo_columns": ["y"]}, "covariates or placebo_columns hold the outcome"),
        ({"treated_side": "left"}, "R302 STOP test.yml:treated_side — 'left' is not a choice"),
        ({"density_dataset": "../x"}, "is not a plain name"),
    ],
)
def test_choices_that_contradict_are_one_line(changes: dict, message: str) -> None:
    with pytest.raises(Refusal, match=re.escape(message)):
        study("local_linear", made(), **({"running": "x"} | changes))


def test_a_choice_may_be_meant_for_another_estimator() -> None:
    found = study("local_linear", made(), running="x", window=0.5, estimators=["whole_window"])
    shown = designs.alternatives(found, made(), designs.estimate(found, made()))
    assert [one.label for one in shown] == ["local_linear", "whole_window"]
    assert not shown[1].comparable and "for comparison only" in shown[1].reason


def test_rows_in_the_donut_are_left_out_and_counted() -> None:
    effects = fit("local_linear", made(), **(SCORE | {"donut": 0.05}))
    x = made().column("x")
    assert effects.n == int((np.abs(x) >= 0.05).sum())
