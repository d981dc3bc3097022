"""All specifications of a sweep on local processes: finished ones are read, the others run, each kept as it ends."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from analysis.refusal import Refusal
from analysis.run.failure import Failed
from analysis.study import Study
from analysis.sweep import fit, store
from analysis.sweep.fit import Result
from analysis.sweep.plan import NotRun, Specification, Sweep
from analysis.sweep.progress import Progress
from analysis.sweep.store import Store


@dataclass(frozen=True)
class Run:
    """A sweep that has been run: a result for each specification, in the sweep's order, and what was not run.

    fresh: how many specifications were estimated now; the others had been before.
    """

    sweep: Sweep
    specifications: list[Specification]
    results: list[Result]
    left: list[NotRun]
    fresh: int
    seconds: float

    def refuse_without_answer(self) -> None:
        """Raises Refusal where the study's own specification could not be estimated: the rest has no measure then."""
        own = self.results[0]
        if own.status != "done":
            fix = f"make the study's own report first: make report STUDY={self.sweep.base.study_name}"
            raise Refusal("R302", f"{self.sweep.file}:study", f"its own choices give no estimate: {own.reason}", fix)

    def sentence(self) -> str:
        """What happened, for the terminal."""
        wrong = sum(result.status != "done" for result in self.results)
        total, kept = len(self.specifications), len(self.specifications) - self.fresh
        said = f"{self.sweep.name}: {total} specifications, {self.fresh} run now in {self.seconds:.0f} s"
        said += f", {kept} kept from before" if kept else ""
        said += f"; {wrong} could not be estimated" if wrong else ""
        return said + (f"; {len(self.left)} combinations do not go together" if self.left else "")


def run(sweep: Sweep, *, workers: int = 1, shown: bool = False) -> Run:
    """Every specification of `sweep`, run where it has not been before; `workers` processes, progress where `shown`.

    The numbers are the same whatever the number of workers and the order in which they end. Raises Failed when a
    worker dies; what is finished stays.
    """
    begin = time.monotonic()
    specifications, left = sweep.combinations()
    kept = store.of(sweep)
    found: dict[str, Result | None] = {one.id: kept.read(one) for one in specifications}
    # Those that read the same table are run one after the other, so that a worker reads it once.
    missing = sorted((one for one in specifications if found[one.id] is None), key=lambda one: fit.table_key(one.study))
    progress: AbstractContextManager[Progress | None] = (
        Progress(sweep.name, len(specifications), len(missing)) if shown and missing else nullcontext()
    )
    with progress as bar:
        for fresh in _estimated(missing, kept, workers):
            found[fresh.id] = fresh
            if bar is not None:
                bar.done(fresh)
    results = [done for one in specifications if (done := found[one.id]) is not None]
    return Run(sweep, specifications, results, left, len(missing), time.monotonic() - begin)


def _estimated(missing: Sequence[Specification], kept: Store, workers: int) -> Iterator[Result]:
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    if not missing:
        return
    jobs = (delayed(finish)(specification.id, specification.study, kept) for specification in missing)
    count = min(workers, len(missing))
    try:
        with parallel_config(backend="loky", inner_max_num_threads=1) if count > 1 else nullcontext():
            yield from Parallel(n_jobs=count, return_as="generator_unordered", batch_size=1)(jobs)
    except TerminatedWorkerError:
        problem = "a worker process died, perhaps for want of memory; what is finished is kept"
        raise Failed(f"{problem}. Run the same command again, with fewer workers: WORKERS=1") from None


def finish(name: str, study: Study, kept: Store) -> Result:
    """Estimate one specification and keep it (in a worker)."""
    result = fit.estimate(name, study)
    kept.write(study, result)
    return result
