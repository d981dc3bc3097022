"""Sweeps: the file, every combination, what is kept on disk, and what all of them add up to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis import data, paths
from analysis.refusal import Refusal
from analysis.result import Estimate
from analysis.run import parameters, state
from analysis.run.failure import Failed
from analysis.study import Study
from analysis.sweep import file, fit, joint, lines, runner, store, summary
from analysis.sweep.fit import Result
from analysis.sweep.plan import PLANNED, Sweep

SWEEP = """\
study: castle-doctrine
question: Does the answer hang on choices of method?
planned: The choices of the study, written down before this sweep was made.
alternatives:
  design:
    - {value: two_way_fixed_effects, reason: The regression that readers know from the original paper., label: two-way}
    - {value: stacked, reason: Every adoption year with a clean comparison of its own.}
  until:
    - {value: 2009, reason: The last year is the one in which the crisis reached budgets.}
  comparison:
    - {value: never_treated, reason: States that never adopted cannot react to a law of their own.}
"""

Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a sweep file and say its name; finished specifications are kept apart."""
    monkeypatch.setattr(file, "FOLDER", tmp_path)
    monkeypatch.setattr(state, "STATE", tmp_path / "state")

    def put(text: str) -> str:
        (tmp_path / "own.yml").write_text(text, encoding="utf-8")
        return "own"

    return put


@pytest.fixture
def sweep(write: Write) -> Sweep:
    return file.read(write(SWEEP))


def counted(
    monkeypatch: pytest.MonkeyPatch, spoil: Callable[[int, str], Result | None] = lambda n, name: None
) -> list[str]:
    """Replace the estimation by one that takes no time, and note which specifications are asked for."""
    asked: list[str] = []

    def estimate(name: str, study: Study) -> Result:
        asked.append(name)
        spoilt = spoil(len(asked), name)
        value = float(len(name))
        return spoilt or Result(name, "done", estimate=made(value), spread=2.0)

    monkeypatch.setattr(fit, "estimate", estimate)
    return asked


def made(value: float, error: float = 1.0) -> Estimate:
    low, high = value - 2 * error, value + 2 * error
    return Estimate(value, error, low, high, 0.95, 0.5, math.inf, 100, 50, 20, "the effect", "a method", "an interval")


class TestFile:
    def test_the_studys_own_value_comes_first_and_by_itself(self, sweep: Sweep) -> None:
        assert [one.value for one in sweep.alternatives["design"]] == ["group_time", "two_way_fixed_effects", "stacked"]
        assert (
            sweep.alternatives["until"][0].reason == sweep.reason and sweep.planned["comparison"] == "not_yet_treated"
        )

    def test_every_combination_is_run_or_has_a_reason(self, sweep: Sweep) -> None:
        runs, left = sweep.combinations()
        assert (len(runs), len(left)) == (10, 2) and runs[0].id == PLANNED
        assert {one.reason for one in left} == {
            "not possible: comparison has no effect under design two_way_fixed_effects"
        }
        assert len({one.id for one in (*runs, *left)}) == 12

    def test_names_stay_when_another_choice_is_added(self, write: Write) -> None:
        before = {one.id: one.choices for one in file.read(write(SWEEP)).combinations()[0]}
        more = SWEEP + "  weight:\n    - {value: popwt, reason: The paper weights by the number of residents.}\n"
        after = {one.id: one.choices for one in file.read(write(more)).combinations()[0]}
        assert set(before) < set(after)
        assert all({**after[name], "weight": None} == {**choices, "weight": None} for name, choices in before.items())

    def test_exclusions_are_kept_with_their_reason(self, write: Write) -> None:
        text = SWEEP + "exclude:\n  - {design: stacked, until: 2009, reason: The window would be cut on both sides.}\n"
        runs, left = file.read(write(text)).combinations()
        assert (len(runs), len(left)) == (8, 4)
        assert sum(one.reason == "left out on purpose: The window would be cut on both sides." for one in left) == 2

    def test_the_notebooks_parameters_say_everything(self, write: Write) -> None:
        text = SWEEP.replace("label: two-way", "label: two-way, estimand: other")
        text += "  where:\n    - {value: ['year > 2001'], estimand: same,\n"
        text += "       reason: 'Early years: another definition, the \"old\" form.'}\n"
        text += "exclude:\n  - {design: stacked, until: 2009, reason: 'Cut: on both sides, and twice.'}\n"
        first = file.read(write(text))
        written = lines.of(first)
        again = lines.sweep("own", written)
        assert lines.of(again) == written
        assert [vars(one) for one in again.combinations()[0]] == [vars(one) for one in first.combinations()[0]]
        assert all(isinstance(line, str) for name in ("planned", "alternatives", "exclude") for line in written[name])
        assert file.recorded("own", written).alternatives == first.alternatives
        assert file.recorded("own", {"study": None}).alternatives == first.alternatives

    def test_a_line_that_does_not_read_is_refused(self, sweep: Sweep) -> None:
        with pytest.raises(Refusal, match=r"R302 STOP planned — 'level 0.9' is not `name = value`"):
            lines.sweep("own", {**lines.of(sweep), "planned": ["level 0.9"]})

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            (", reason: The regression that readers know from the original paper.", "",
             "own.yml:alternatives.design.1.reason — the alternative has no reason. Fix: say in a sentence why"),
            ("The regression that readers know from the original paper.", "known",
             "the reason is too short or too long"),
            ("label: two-way", "lable: two-way", "an alternative has no field 'lable'. Fix: did you mean 'label'?"),
            ("value: stacked", "value: group_time",
             '"group_time" is the study\'s own. Fix: the study\'s own value is added'),
            ("value: stacked", "value: two_way_fixed_effects",
             '"two_way_fixed_effects" is listed twice. Fix: keep one'),
            ("value: stacked", "value: stackd", "stackd: unknown name 'stackd'. Fix: did you mean 'stacked'?"),
            ("value: 2009", "value: soon", "alternatives.until — soon: input should be a valid integer"),
            ("  until:", "  untill:", "R301 STOP"),
            ("  until:", "  level:", "level is no choice of method, or does not touch the estimate"),
            ("study: castle-doctrine", "study: castle-doctrin",
             "own.yml:study — there is no study 'castle-doctrin' in params/"),
            ("method?", "method.",
             "own.yml:question — not a question of 10 to 200 characters. Fix: end it with a question"),
            ("planned: The choices of the study, written down before this sweep was made.", "planned: yes it is",
             "own.yml:planned — not a sentence of 15 to 300 characters"),
            ("question:", "qestion:", "a sweep has no field 'qestion'. Fix: did you mean 'question'?"),
            ("  until:\n    - {value: 2009, reason: The last year is the one in which the crisis reached budgets.}",
             "  outcome:\n    - {value: homicide, reason: Counts per head are what people speak about.}",
             "outcomes in different units (log, per 100,000 residents) on one axis. Fix: add `standardise: true`"),
            ("  until:\n    - {value: 2009", "  weight:\n    - {value: nothing", "no column 'nothing'"),
        ],
    )  # fmt: skip
    def test_what_is_refused_names_file_field_and_fix(self, write: Write, old: str, new: str, message: str) -> None:
        assert old in SWEEP
        with pytest.raises(Refusal) as refused:
            file.read(write(SWEEP.replace(old, new)))
        said = str(refused.value)
        assert message in said and "\n" not in said and "Fix: " in said, said

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("{design: stacked, reason: short}", "exclude.1.reason — the exclusion has no reason"),
            ("{reason: There is nothing to leave out here.}", "exclude.1 — the exclusion names no parameter"),
            ("{design: imputation, reason: It is not among the estimators.}",
             "imputation is not among its alternatives"),
            ("{weight: popwt, reason: It is not among the choices.}", "exclude.weight — weight is not varied"),
            ("{design: group_time, comparison: not_yet_treated, until: null, reason: It would leave out the study.}",
             "this leaves out the study's own choices"),
            ("{until: 2009, reason: No year is left with this one.}", "every combination with 2009 is excluded"),
        ],
    )  # fmt: skip
    def test_exclusions_of_nothing_are_refused(self, write: Write, line: str, message: str) -> None:
        with pytest.raises(Refusal, match="R302") as refused:
            file.read(write(f"{SWEEP}exclude:\n  - {line}\n"))
        assert message in str(refused.value)

    def test_too_many_combinations_are_refused(self, write: Write) -> None:
        years = "\n".join(
            f"    - {{value: {year}, reason: Some year that one might choose.}}" for year in range(3001, 5600)
        )
        with pytest.raises(Refusal, match=r"15,606 combinations, more than 10,000"):
            file.read(write(SWEEP.replace("  until:", f"  until:\n{years}")))

    @pytest.mark.parametrize("name", ["../x", "X", "none-such"])
    def test_names_are_checked(self, write: Write, name: str) -> None:
        write(SWEEP)
        with pytest.raises(Refusal, match="R303 STOP SWEEP="):
            file.read(name)

    def test_every_sweep_of_the_project_reads(self) -> None:
        for name in file.every():
            assert len(file.read(name).combinations()[0]) >= 8


class TestRunning:
    def test_a_stopped_sweep_goes_on_where_it_was(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(count: int, name: str) -> None:
            if count == 5:
                raise KeyboardInterrupt

        asked = counted(monkeypatch, stop)
        with pytest.raises(KeyboardInterrupt):
            runner.run(sweep)
        assert len(asked) == 5
        again = counted(monkeypatch)
        done = runner.run(sweep)
        assert len(again) == done.fresh == 6 and set(asked[:4]).isdisjoint(again)
        assert [one.id for one in done.specifications] == [one.id for one in done.results]
        assert runner.run(sweep).fresh == 0 and len(again) == 6
        assert "10 specifications, 0 run now in 0 s, 10 kept from before" in runner.run(sweep).sentence()

    def test_one_that_fails_does_not_lose_the_rest_and_is_tried_again(
        self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        failing = lambda count, name: Result(name, "failed", "LinAlgError: singular") if name == "until-2009" else None  # noqa: E731
        counted(monkeypatch, failing)
        done = runner.run(sweep)
        assert [one.status for one in done.results].count("done") == 9 and "1 could not be estimated" in done.sentence()
        found = summary.summarise(done)
        ((one, result),) = found.failed
        assert (one.id, result.reason) == ("until-2009", "LinAlgError: singular")
        assert counted(monkeypatch) == [] and runner.run(sweep).fresh == 1

    def test_one_that_is_refused_is_kept_with_its_reason(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        counted(monkeypatch, lambda count, name: Result(name, "refused", "no cell") if name == "until-2009" else None)
        runner.run(sweep)
        done = runner.run(sweep)
        assert done.fresh == 0 and [one.reason for one in done.results if one.status == "refused"] == ["no cell"]

    def test_what_an_estimator_raises_becomes_a_reason(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        for raised, status, reason in (
            (Refusal("P006", "x", "no never-treated group", "y"), "refused", "no never-treated group"),
            (ZeroDivisionError("division\nby zero"), "failed", "ZeroDivisionError: division"),
        ):
            monkeypatch.setattr(fit, "load", lambda study, raised=raised: (_ for _ in ()).throw(raised))
            found = fit.estimate("one", sweep.study)
            assert (found.status, found.reason) == (status, reason)

    def test_without_the_studys_own_answer_there_is_no_page(
        self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counted(monkeypatch, lambda count, name: Result(name, "refused", "no cell") if name == PLANNED else None)
        with pytest.raises(Refusal, match="its own choices give no estimate: no cell"):
            summary.summarise(runner.run(sweep))

    def test_a_damaged_file_is_run_again(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        counted(monkeypatch)
        runner.run(sweep)
        path = store.of(sweep).place(sweep.combinations()[0][3].study)
        path.write_text(path.read_text()[:40])
        assert runner.run(sweep).fresh == 1

    def test_a_dying_worker_leaves_what_is_finished(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        import joblib
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        class Dies:
            def __init__(self, **options: Any) -> None:
                pass

            def __call__(self, jobs: Any) -> Any:
                function, given, named = next(jobs)
                yield function(*given, **named)
                raise TerminatedWorkerError

        counted(monkeypatch)
        with monkeypatch.context() as inside:
            inside.setattr(joblib, "Parallel", Dies)
            with pytest.raises(Failed, match="what is finished is kept"):
                runner.run(sweep, workers=2)
        assert runner.run(sweep).fresh == 9

    def test_keys_depend_on_choices_data_and_code(self, sweep: Sweep) -> None:
        kept = store.of(sweep)
        keys = {kept.key(one.study) for one in sweep.combinations()[0]}
        assert len(keys) == 10 and kept.key(sweep.study) == store.of(sweep).key(sweep.study)
        for part in store.PARTS:
            other = store.Store(kept.folder, {**kept.parts, part: "moved"})
            assert other.key(sweep.study) != kept.key(sweep.study)

    def test_the_same_numbers_whatever_workers_and_order(self, sweep: Sweep, tmp_path: Path) -> None:
        """Real estimates: one process forwards, and two processes; what is kept is equal to the last bit."""
        few = [one for one in sweep.combinations()[0] if one.choices["comparison"] == "not_yet_treated"]
        folders = []
        for number, (workers, order) in enumerate(((1, few), (2, few[::-1]))):
            kept = store.Store(tmp_path / f"kept-{number}", store.of(sweep).parts)
            assert len(list(runner._estimated(order, kept, workers))) == len(few) == 6
            folders.append({path.name: path.read_text() for path in kept.folder.iterdir()})
        assert folders[0] == folders[1]


class TestFit:
    def test_a_specification_is_the_answer_of_the_study_with_its_choices(self, sweep: Sweep) -> None:
        from analysis import designs

        one = next(s for s in sweep.combinations()[0] if s.id == "design-stacked")
        found = fit.estimate(one.id, one.study)
        table = data.load(one.study)
        effects = designs.estimate(one.study, table)
        assert found.found == designs.headline(one.study, table, effects)
        assert found.limits.startswith("only adopters of") and not found.other
        assert found.contributions is not None and found.members is not None
        assert math.sqrt((found.contributions**2).sum()) == pytest.approx(found.found.std_error, rel=0.1)

    def test_results_are_kept_whole(self, sweep: Sweep) -> None:
        kept, (one, *_) = store.of(sweep), sweep.combinations()[0]
        found = fit.estimate(one.id, one.study)
        kept.write(one.study, found)
        again = kept.read(one)
        assert again is not None and again.estimate == found.estimate and again.spread == found.spread
        assert again.contributions is not None and found.contributions is not None
        assert (again.contributions == found.contributions).all()
        assert again.members is not None and found.members is not None
        assert (again.members.atom == found.members.atom).all()

    @pytest.mark.parametrize("path", parameters.every(), ids=lambda path: path.stem)
    def test_the_table_is_read_by_nothing_that_its_key_leaves_out(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A study that notes which of its fields the loader asks for."""
        study = parameters.load(path).study
        asked: set[str] = set()
        kind = type(study)
        plain = kind.__getattribute__

        def noting(self: Study, name: str) -> Any:
            asked.add(name)
            return plain(self, name)

        monkeypatch.setattr(kind, "__getattribute__", noting)
        data.load(study)
        monkeypatch.undo()
        assert not asked & (fit.SAID | fit.not_read(kind))
        assert "outcome" in asked


class TestSummary:
    def run(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch, **results: Result) -> summary.Summary:
        """A summary of estimates given by hand; the others are refused."""
        named = {name.replace("__", "-"): result for name, result in results.items()}
        given = lambda count, name: replace(named.get(name, Result("", "refused", "not in this test")), id=name)  # noqa: E731
        counted(monkeypatch, given)
        return summary.summarise(runner.run(sweep))

    def done(self, value: float, error: float = 1.0, **more: Any) -> Result:
        return Result("", "done", estimate=made(value, error), spread=2.0, **more)

    def test_by_hand(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        found = self.run(
            sweep,
            monkeypatch,
            planned=self.done(0.06, 0.02),
            until__2009=self.done(0.02, 0.02),
            design__stacked=self.done(-0.05, 0.01),
            design__stacked__until__2009=self.done(0.01, 0.02),
            comparison__never_treated=self.done(0.06, 0.02),
            design__two_way_fixed_effects=self.done(0.5, 0.01, other="compares with treated units"),
        )
        # 0.06, 0.02, -0.05 and 0.01 count; never_treated has the numbers of the study; the regression stands aside.
        assert [one.id for one in found.twins] == ["comparison-never_treated"]
        assert [one.other for one in found.aside] == ["compares with treated units"]
        assert (found.median, found.low, found.high) == (pytest.approx(0.015), -0.05, 0.06)
        assert (found.same_sign, found.excluding, found.worth, len(found.compared)) == (3, 2, 1, 4)
        by_name = {lever.name: lever for lever in found.levers}
        until = by_name["until"].strongest
        # Changed alone: 0.02 - 0.06 with the study's estimator, 0.01 - (-0.05) with the stacked one; median 0.01.
        assert (until.value, until.pairs) == (2009, 2) and until.change == pytest.approx(0.01)
        stacked = by_name["design"].strongest
        # -0.05 - 0.06 and 0.01 - 0.02.
        assert stacked.change == pytest.approx(-0.06) and stacked.pairs == 2 and found.levers[0].name == "design"
        assert by_name["comparison"].reach == 0

    def test_units_that_a_design_leaves_out_make_another_estimand(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        results = {"planned": self.done(1.0), "design__stacked": self.done(2.0, limits="only adopters of 2006")}
        assert [one.other for one in self.run(file.read(write(SWEEP)), monkeypatch, **results).aside] == [
            "not the same ones of those treated: only adopters of 2006"
        ]
        said = SWEEP.replace("clean comparison of its own.}", "clean comparison of its own., estimand: same}")
        again = self.run(file.read(write(said + "draws: 500\n")), monkeypatch, **results)
        assert not again.aside and len(again.compared) == 2

    def test_another_outcome_is_another_estimand_in_its_own_standard_deviations(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text = SWEEP + "  outcome:\n    - {value: homicide, reason: Counts per head are what people speak about.}\n"
        sweep = file.read(write(text + "standardise: true\n"))
        homicide = Result("", "done", estimate=made(8.0), spread=16.0)
        found = self.run(sweep, monkeypatch, planned=self.done(0.4), outcome__homicide=homicide)
        assert found.unit == "standard deviations" and found.worthwhile == sweep.study.worthwhile / 2
        assert [one.estimate.value for one in found.entries] == [0.2, 0.5]
        assert [one.other for one in found.entries] == ["", "another outcome (homicide)"]
        assert found.entries[1].estimate.low == 6 / 16 and found.median == 0.2

    def test_no_standard_deviation_no_common_axis(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        sweep = file.read(write(SWEEP + "standardise: true\n"))
        with pytest.raises(Refusal, match="the standard deviation of l_homicide without the policy is not known"):
            self.run(sweep, monkeypatch, planned=Result("", "done", estimate=made(1.0)))

    def test_the_joint_test_says_why_there_is_none(self, sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
        bare = Estimate(1.0, None, 0.5, 2.0, 0.95, 0.1, None, 10, 5, 2, "effect", "method", "permuted")
        found = joint.examine(self.run(sweep, monkeypatch, planned=Result("", "done", estimate=bare, spread=1.0)))
        assert found.joint is None and "no specification has a standard error" in found.reason and found.left == 1


def test_a_real_sweep_has_a_joint_test_of_all_that_count(sweep: Sweep) -> None:
    found = summary.summarise(runner.run(sweep))
    verdict = joint.examine(found)
    assert verdict.joint is not None and verdict.joint.way == "multipliers" and verdict.joint.blocks == 50
    assert verdict.joint.specifications == len(found.compared) and joint.examine(found) == verdict
    assert {one.specification.choices["design"] for one in found.aside} == {"two_way_fixed_effects", "stacked"}
    assert abs(found.own.estimate.value) < 1 and np.isfinite(found.median)


def test_treatment_is_reassigned_where_a_design_knows_no_contributions(
    sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, _ = sweep.combinations()
    few = [one for one in runs if one.choices["until"] == 2009 or one.id == PLANNED][:3]
    results = [replace(fit.estimate(one.id, one.study), contributions=None) for one in few]
    small = replace(sweep, draws=99)
    found = summary.summarise(runner.Run(small, few, results, [], 3, 0.0))
    verdict = joint.examine(found)
    assert verdict.joint is not None and (verdict.joint.way, verdict.joint.draws) == ("reassigned", 99)
    assert 0.01 <= verdict.joint.median.p_value <= 1
    monkeypatch.setattr("analysis.sweep.reassigned._made", lambda *given: pytest.fail("the draws are kept"))
    assert joint.examine(found) == verdict


def test_a_score_cannot_be_reassigned() -> None:
    from analysis.sweep import reassigned

    study = parameters.load(paths.PARAMS / "regression_discontinuity" / "senate-incumbency.yml").study
    with pytest.raises(Refusal, match="knows no units that could have been treated in each other's place"):
        reassigned.reassign(study, data.load(study), 1, 0)
