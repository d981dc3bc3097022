"""Interrupted time series: hand arithmetic, printed numbers, known effects, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from contract_interrupted_time_series import LAW, belts, fatal, traffic
from deviations import near

from analysis import designs
from analysis.data.observations import rows_from_frame
from analysis.designs import (
    arma_errors,
    autoregressive_errors,
    controlled_series,
    prais_winsten,
    segmented_regression,
    structural_series,
)
from analysis.inference import error_models, periods, time_series
from analysis.panel import Labels
from analysis.refusal import Refusal
from analysis.rows import Rows
from analysis.study import Study, modules

CALIFORNIA = {"season": 12, "covariates": ["wkends", "unem"]}
SPEED, BELT = "198705 speed limit", "198601 seat-belt law"


def rows(y: object, first: int = 1, **columns: object) -> Rows:
    values = np.asarray(y, dtype=float)
    frame = pd.DataFrame({"t": np.arange(first, first + len(values)), "y": values} | columns)
    return rows_from_frame(frame, Labels("y", "t"), columns=list(columns))


def noisy(periods_: int, effect: float = 0.0, rho: float = 0.0, seed: int = 1, start: int | None = None) -> Rows:
    """A straight line with a step at `start` (half way) and autoregressive errors of unit variance."""
    rng, start = np.random.default_rng(seed), periods_ // 2 + 1 if start is None else start
    shocks, e = rng.normal(size=periods_) * np.sqrt(1 - rho**2), np.zeros(periods_)
    for t in range(periods_):
        e[t] = rho * e[t - 1] + shocks[t] if t else rng.normal()
    t = np.arange(1, periods_ + 1)
    return rows(20 + 0.05 * t + effect * (t >= start) + e)


def answer(effects: object, level: float = 0.95) -> tuple[float, float]:
    one = effects.average(level)
    return one.value, one.std_error


def study(**changes: object) -> Study:
    values = {
        "question": "Did the policy change the outcome?",
        "decision": "Whether to go on with the policy.",
        "intervention": "the policy",
        "dataset": "traffic2",
        "outcome": "prcfat",
        "design": "segmented_regression",
        "start": 198601,
        "worthwhile": 0.1,
        "better": "lower",
    }
    return Study.read(values | changes, "test.yml")


class TestByHand:
    def test_step_and_slope_of_a_line_without_noise(self) -> None:
        """y = 1 + 2t before; from t = 6 on 3 more at once and 0.5 more in each later period: 3, 3.5, 4, 4.5, 5."""
        t = np.arange(1, 11)
        y = 1 + 2.0 * t + (t >= 6) * (3 + 0.5 * (t - 6))
        effects = segmented_regression.estimate(rows(y), start=6, impact="both")
        np.testing.assert_allclose(effects.estimate, [3, 3.5, 4, 4.5, 5], atol=1e-10)
        assert effects.average(0.95).value == pytest.approx(4.0)
        np.testing.assert_allclose(effects.counterfactual, 1 + 2.0 * t, atol=1e-10)
        np.testing.assert_allclose(effects.cumulative()[0], [3, 6.5, 10.5, 15, 20], atol=1e-10)
        assert effects.related["total"].average(0.95).value == pytest.approx(20)
        assert effects.table["event_time"].tolist() == [0, 1, 2, 3, 4] and effects.before == effects.after == 5
        assert effects.baseline == pytest.approx(1 + 2 * 8) and effects.compared == "predicted without the policy"

    def test_a_ramp_starts_with_one_step(self) -> None:
        t = np.arange(1, 13)
        effects = segmented_regression.estimate(rows(t + 2.0 * np.maximum(t - 6, 0)), start=7, impact="ramp")
        np.testing.assert_allclose(effects.estimate, 2.0 * np.arange(1, 7), atol=1e-10)

    def test_transition_periods_are_left_out(self) -> None:
        """Wild values in the two periods of transition do not touch the answer; the effect counts from the third."""
        t = np.arange(1, 17)
        y = 1.0 * t + 5 * (t >= 9)
        wild = np.where((t == 9) | (t == 10), 1000.0, y)
        effects = segmented_regression.estimate(rows(wild), start=9, lag=2)
        np.testing.assert_allclose(effects.estimate, np.full(6, 5.0), atol=1e-9)
        assert (
            effects.n == 16
            and effects.after == 6
            and effects.method.endswith("a change of level after 2 periods of transition beside a linear trend")
        )

    def test_a_policy_withdrawn_counts_while_in_force(self) -> None:
        t = np.arange(1, 22)
        y = 0.5 * t + 3.0 * ((t >= 8) & (t <= 14))
        effects = segmented_regression.estimate(rows(y), start=8, end=14)
        np.testing.assert_allclose(effects.estimate, np.full(7, 3.0), atol=1e-10)
        np.testing.assert_allclose(effects.counterfactual, 0.5 * t, atol=1e-10)

    def test_newey_west_with_one_lag(self) -> None:
        """One regressor, a constant: the long-run variance of residuals r is (S0 + 2 x 1/2 x S1) / T^2 x T/(T-1)."""
        y = np.array([1.0, 3.0, 2.0, 6.0, 3.0])
        _, r, inverse = time_series.least_squares(y, np.ones((5, 1)))
        by_hand = (r @ r + r[1:] @ r[:-1]) / 25 * 5 / 4
        assert time_series.newey_west(r[:, None], inverse, 1)[0, 0] == pytest.approx(by_hand)
        assert [time_series.usual_lags(n) for n in (24, 100, 108, 400)] == [2, 4, 4, 5]

    def test_prais_winsten_solves_its_two_conditions(self) -> None:
        data = noisy(60, rho=0.6)
        effects = prais_winsten.estimate(data, start=31)
        y, x, r = data.outcome, effects.matrix, effects.residuals
        rho = r[1:] @ r[:-1] / (r[:-1] @ r[:-1])
        omega = rho ** np.abs(np.subtract.outer(np.arange(60), np.arange(60)))
        inverse = np.linalg.inv(omega)
        beta = np.linalg.solve(x.T @ inverse @ x, x.T @ inverse @ y)
        np.testing.assert_allclose(y - x @ beta, r, atol=1e-8)

    def test_restricted_likelihood_is_that_of_error_contrasts(self) -> None:
        """The likelihood of A'y, A orthonormal and orthogonal to X, computed with dense matrices."""
        data = noisy(20, rho=0.5)
        y, x = data.outcome, np.column_stack([np.ones(20), np.arange(20) - 9.5])
        basis = np.linalg.svd(x)[0][:, 2:]

        def dense(v: np.ndarray) -> float:
            inner = basis.T @ v @ basis
            z = basis.T @ y
            squares = z @ np.linalg.solve(inner, z)
            return -0.5 * np.linalg.slogdet(inner)[1] - 9 * np.log(squares)

        def gap(whiten: object, one: np.ndarray, other: np.ndarray, first: float, second: float) -> float:
            ours = [error_models.likelihood(y, x, whiten, np.array([theta])) for theta in (first, second)]
            return (ours[1] - ours[0]) - (dense(other) - dense(one))

        apart = np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
        ar = [rho**apart / (1 - rho**2) for rho in (0.2, 0.7)]
        assert gap(error_models.autoregressive, *ar, 0.2, 0.7) == pytest.approx(0, abs=1e-9)
        assert gap(error_models.arma(1, 0), *ar, 0.2, 0.7) == pytest.approx(0, abs=1e-9)
        walk = np.minimum.outer(np.arange(20), np.arange(20))
        level = [(1 - s) * np.eye(20) + s * walk for s in (0.1, 0.6)]
        assert gap(error_models.local_level, *level, 0.1, 0.6) == pytest.approx(0, abs=1e-9)

    def test_moving_average_has_its_autocovariances(self) -> None:
        """MA(1) with coefficient 0.5: variance 1.25, first autocovariance 0.5; whitening makes it the identity."""
        theta = np.array([-0.5])
        whitened, half = error_models.arma(0, 1)(theta, np.eye(6))
        v = 1.25 * np.eye(6) + 0.5 * (np.eye(6, k=1) + np.eye(6, k=-1))
        np.testing.assert_allclose(whitened @ v @ whitened.T, np.eye(6), atol=1e-10)
        assert half == pytest.approx(-0.5 * np.linalg.slogdet(v)[1])

    def test_counts_equal_a_poisson_regression(self) -> None:
        """Two periods a side and no trend would be saturated; here the score equations must hold at the estimate."""
        data = fatal()
        effects = segmented_regression.estimate(
            data, start=198601, family="poisson", exposure="totacc", errors="classical"
        )
        np.testing.assert_allclose(effects.matrix.T @ (data.outcome - effects.fitted) / 1e3, 0, atol=1e-9)
        ratio = np.exp(effects.coefficients[0].value)
        after = effects.counted
        np.testing.assert_allclose(effects.fitted[after] / effects.counterfactual[after], ratio)

    def test_poisson_and_negative_binomial_agree_with_statsmodels(self) -> None:
        import statsmodels.api as sm

        from analysis.designs._interrupted_counts import _dispersion

        data = fatal()
        for family in ("poisson", "negative_binomial"):
            effects = segmented_regression.estimate(
                data, start=198601, family=family, exposure="totacc", lags=4, covariates=["unem"]
            )
            offset = np.log(data.columns["totacc"])
            alpha = _dispersion(data.outcome, effects.matrix, data.columns["totacc"])
            kind = sm.families.Poisson() if family == "poisson" else sm.families.NegativeBinomial(alpha=alpha)
            model = sm.GLM(data.outcome, effects.matrix, family=kind, offset=offset)
            options = {"maxlags": 4, "use_correction": True}
            theirs = model.fit(tol=1e-13, cov_type="HAC", cov_kwds=options)
            own = [(c.value, c.error) for c in effects.coefficients]
            for (value, error), b, se in zip(own, theirs.params[1:], theirs.bse[1:], strict=True):
                assert near(f"statsmodels: {family} with an offset", value, b, 1e-8)
                assert near(f"statsmodels: {family} with an offset", error, se, 1e-8)


def test_dispersion_of_a_gamma_mixture() -> None:
    """Poisson counts with gamma rates of shape 5: alpha = 1/5; without the mixture it is near zero."""
    from analysis.designs._interrupted_counts import _dispersion

    rng, one = np.random.default_rng(8), np.ones((4000, 1))
    mixed = rng.poisson(20 * rng.gamma(5, 1 / 5, size=4000)).astype(float)
    assert _dispersion(mixed, one, np.ones(4000)) == pytest.approx(0.2, abs=0.02)
    assert _dispersion(rng.poisson(20, size=4000).astype(float), one, np.ones(4000)) < 0.01


class TestPrinted:
    """Wooldridge, Introductory Econometrics, computer exercise C10.11; Commandeur and Koopman (2007)."""

    @pytest.mark.parametrize(
        ("outcome", "start", "event", "value", "error"),
        [
            ("prcfat", 198705, BELT, 0.067088, 0.020568),
            ("prcfat", 198601, SPEED, -0.029505, 0.023231),
            ("ltotacc", 198705, BELT, -0.053759, 0.012604),
            ("ltotacc", 198601, SPEED, 0.095453, 0.014235),
        ],
    )
    def test_california(self, outcome: str, start: int, event: str, value: float, error: float) -> None:
        choices = CALIFORNIA | {"start": start, "other_events": [event], "errors": "classical"}
        effects = segmented_regression.estimate(traffic(outcome), **choices)
        ours = answer(effects)
        assert near("Wooldridge C10.11: estimates and errors as printed", ours[0], value, 5e-7)
        assert near("Wooldridge C10.11: estimates and errors as printed", ours[1], error, 5e-7)
        if outcome == "prcfat":
            r = effects.residuals
            total = ((effects.observed - effects.observed.mean()) ** 2).sum()
            assert near("Wooldridge C10.11: R squared", 1 - r @ r / total, 0.7174, 5e-5)

    @pytest.mark.parametrize(("lags", "speed", "belt"), [(4, 0.0267, 0.0331), (12, 0.0321, 0.0252)])
    def test_california_newey_west(self, lags: int, speed: float, belt: float) -> None:
        for start, event, error in ((198705, BELT, speed), (198601, SPEED, belt)):
            choices = CALIFORNIA | {"start": start, "other_events": [event], "lags": lags}
            ours = answer(segmented_regression.estimate(traffic(), **choices))[1]
            assert near("statsmodels: Newey-West errors, factor T/(T-k)", ours, error, 5e-5)

    def test_british_belts(self) -> None:
        """The book prints -.238 for the law and -.277 for the price of petrol."""
        effects = structural_series.estimate(belts(), start=198302, season=12, covariates=["l_petrol"])
        price = next(c.value for c in effects.coefficients if c.name == "l_petrol")
        group = "Commandeur and Koopman: local level with law and price"
        assert near(group, effects.average(0.95).value, -0.238, 5e-4) and near(group, price, -0.277, 5e-4)

    def test_local_level_agrees_with_statsmodels(self) -> None:
        """The same model in statsmodels with coefficients in the exactly diffuse state: the same likelihood."""
        from statsmodels.tsa.statespace.structural import UnobservedComponents

        effects = structural_series.estimate(belts(), start=198302, season=12, covariates=["l_petrol"])
        model = UnobservedComponents(
            effects.observed, "llevel", exog=effects.matrix[:, 1:], mle_regression=False, use_exact_diffuse=True
        )
        best = model.fit(disp=0, method="nm", maxiter=2000, xtol=1e-10, ftol=1e-12)
        law = best.smoothed_state[1, -1], np.sqrt(best.smoothed_state_cov[1, 1, -1])
        ours = answer(effects)
        note = "two different searches for the variances"
        assert near("statsmodels: local level, exact diffuse", ours[0], law[0], 2e-5, note)
        # statsmodels takes the variances' likelihood estimates as they are; ours are the same, by REML.
        assert near("statsmodels: local level, exact diffuse", ours[1], law[1], 2e-5, note)


def test_autoregressive_errors_agree_with_the_arma_design() -> None:
    choices = {key: LAW[key] for key in ("start", "season", "covariates")}
    one = autoregressive_errors.estimate(traffic(), **choices)
    other = arma_errors.estimate(traffic(), **choices, order=[1, 0])
    assert answer(one) == pytest.approx(answer(other), rel=1e-6)
    chosen = arma_errors.estimate(traffic(), **choices, other_events=[SPEED])
    assert chosen.method.startswith("regression with ARMA(1, 0) errors")


@pytest.mark.parametrize("design", ["prais_winsten", "autoregressive_errors", "arma_errors", "structural_series"])
def test_a_planted_effect_is_found(design: str) -> None:
    data, planted = noisy(120, effect=4.0, rho=0.4, seed=5), 4.0
    chosen = study(design=design, start=61, outcome="y")
    found = designs.estimate(chosen, data).average(0.99)
    assert found.low < planted < found.high and found.excludes(0.0)


def test_a_shock_common_to_the_control_drops_out() -> None:
    data, t = noisy(60, effect=3.0, seed=7), np.arange(60)
    shock = np.where(t >= 30, 50.0, 0.0) + np.random.default_rng(3).normal(size=60).cumsum()
    both = replace(data, outcome=data.outcome + shock, columns={"other": shock})
    effects = controlled_series.estimate(both, start=31, control_series=["other"])
    assert effects.average(0.95).value == pytest.approx(
        autoregressive_errors.estimate(data, start=31).average(0.95).value, abs=1e-8
    )
    np.testing.assert_allclose((effects.fitted - effects.counterfactual)[30:], effects.estimate)


def test_seasons_by_indicators_and_by_all_harmonics_are_the_same() -> None:
    data = traffic()
    one = segmented_regression.estimate(data, start=198601, season=12)
    other = segmented_regression.estimate(data, start=198601, season=12, seasonality="harmonics", harmonics=6)
    np.testing.assert_allclose(one.estimate, other.estimate, rtol=1e-9)


def test_an_event_near_the_start_has_no_step() -> None:
    near_start = segmented_regression.estimate(traffic(), **CALIFORNIA, start=198601, other_events=["198604 strike"])
    without = segmented_regression.estimate(traffic(), **CALIFORNIA, start=198601)
    np.testing.assert_array_equal(near_start.estimate, without.estimate)


class TestPeriods:
    def test_months_quarters_and_numbers(self) -> None:
        months = np.array([198111, 198112, 198201])
        assert periods.calendar(months) == "months" and np.diff(periods.places(months, "m")).tolist() == [1, 1]
        assert periods.words(198201, "months") == "January 1982"
        quarters = np.array([19814, 19821])
        assert np.diff(periods.places(quarters, "q")).tolist() == [1]
        assert periods.words(19821, "quarters") == "1982 Q1"
        numbers = np.array([0.5, 1.0, 1.5])
        assert periods.calendar(numbers) == "numbers" and np.diff(periods.places(numbers, "t")).tolist() == [1, 1]
        assert periods.position(2.0, numbers, periods.places(numbers, "t")) == periods.places(numbers, "t")[-1] + 1

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([1, 2, 4, 5], "P008 STOP t — a period before 4 is missing"),
            ([198111, 198201], "P008 STOP t — a period before 198201 is missing"),
            ([1, 2, 2, 3], "P001 STOP t — several rows for the period 2"),
        ],
    )
    def test_gaps_and_repeats_are_refused(self, labels: list[int], message: str) -> None:
        with pytest.raises(Refusal, match=message):
            periods.places(np.array(labels), "t")


class TestRefused:
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"start": 197001}, "P005 STOP start — no period before the policy: the data run from January 1981 to Dec"),
            ({"start": 199901}, "P005 STOP start — no period under the policy"),
            ({"start": 1986}, "R302 STOP start — 1986 is no period: the months of this series are written like 198101"),
            ({"other_events": ["198713 a strike"]}, "R302 STOP other_events — 198713 is no period"),
            ({"start": 198911, "lag": 5}, "P005 STOP lag — no period is left once the transition is over"),
            ({"covariates": ["unem", "unem"]}, "E107 STOP covariates:unem"),
            ({"family": "poisson", "exposure": "unem"}, None),
        ],
    )
    def test_choices_that_cannot_be(self, changes: dict, message: str | None) -> None:
        choices = {"start": 198601} | changes
        if message is None:
            assert segmented_regression.estimate(traffic(), **choices).logged
            return
        with pytest.raises(Refusal, match=message):
            segmented_regression.estimate(traffic(), **choices)

    def test_series_that_cannot_be(self) -> None:
        data = noisy(20)
        with pytest.raises(Refusal, match="E125 STOP start — 6 periods for 4 coefficients"):
            segmented_regression.estimate(noisy(6), start=4, impact="both")
        with pytest.raises(Refusal, match="P008"):
            segmented_regression.estimate(data.rows(np.arange(20) != 5), start=11)
        with pytest.raises(Refusal, match="E108 STOP family — the outcome has values below zero"):
            segmented_regression.estimate(data.with_outcome(-data.outcome), start=11, family="poisson")
        with pytest.raises(Refusal, match="P005 STOP control_series"):
            controlled_series.estimate(data, start=11)
        with pytest.raises(Refusal, match="D402 STOP time"):
            segmented_regression.estimate(replace(data, time=None), start=11)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"other_events": ["seat-belt law"]}, "R302 STOP test.yml:other_events — 'seat-belt law' has no date"),
            ({"end": 198001}, "end lies before start"),
            ({"season": 1}, "season is the number of periods in a cycle"),
            ({"exposure": "totacc"}, "exposure is for counts"),
            ({"errors": "classical", "lags": 4}, "lags has no effect under classical errors"),
            ({"order": [1]}, "order needs two numbers"),
            ({"weight": "unem"}, "weight has no effect under design segmented_regression"),
            ({"design": "prais_winsten", "family": "poisson"}, "family has no effect under design prais_winsten"),
            ({"design": "controlled_series"}, "control_series is empty"),
            ({"seasonality": "harmonics", "season": 0}, "seasonality has no effect without season"),
            ({"harmonics": 3}, "harmonics has no effect under seasonal dummies"),
        ],
    )
    def test_studies_that_contradict_themselves(self, changes: dict, message: str) -> None:
        with pytest.raises(Refusal, match=message):
            study(**changes)


def test_the_family_has_six_designs() -> None:
    found = modules("designs", "interrupted_time_series")
    assert len(found) == 6 and all(set(designs.card(name)) == set(designs.CARD) for name in found)


@pytest.mark.slow
def test_the_coverage_that_checks_quote_is_what_simulations_give() -> None:
    from analysis.inference.time_series_coverage import COVERAGE, LENGTHS, RHO
    from benchmarks import coverage_interrupted_time_series as simulated

    for method, table in COVERAGE.items():
        cells = simulated.run(method, 1000, 20260101)
        values = np.array([row.value for row in cells]).reshape(len(LENGTHS), len(RHO))
        np.testing.assert_allclose(values, table, atol=0.006)
