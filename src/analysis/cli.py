"""The command line behind `make`: reads arguments, prints one line per event, returns the exit code.

0 done; 1 a run failed or did not reproduce; 2 input was refused; 130 and 143 interrupted.
Nothing heavy is imported here.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from analysis import paths
from analysis.refusal import Refusal
from analysis.run.failure import Failed

if TYPE_CHECKING:
    from analysis.chooser import Question


class _Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C so that the kernel is shut down and staging removed."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; see `--help`. Returns the exit code."""
    chosen = _parser().parse_args(arguments)
    # Imports make objects that stay; looking for garbage among them costs a tenth of a run's CPU time.
    gc.set_threshold(100_000, 50, 50)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code: int = chosen.run(chosen)
        return code
    except (Refusal, Failed) as problem:
        return _say(problem)
    except BrokenPipeError:
        # The reader of our output has gone (`... | head`); Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except _Terminated:
        print("Stopped. Every published version is whole.", file=sys.stderr)
        return 143
    except KeyboardInterrupt:
        print("Interrupted. Every published version is whole.", file=sys.stderr)
        return 130


def _terminate(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def _say(problem: Refusal | Failed) -> int:
    print(problem, file=sys.stderr, flush=True)
    return problem.code if isinstance(problem, Failed) else 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="analysis", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="command")
    one = commands.add_parser("report", help="make the report of one study, if it is not up to date")
    chosen = one.add_mutually_exclusive_group(required=True)
    chosen.add_argument("study", nargs="?", help="name of the study: params/*/<study>.yml")
    chosen.add_argument("--params", type=Path, help="path of a parameter file")
    one.set_defaults(run=_report)
    checking = commands.add_parser("check-params", help="check one parameter file, or all, without running anything")
    checking.add_argument("path", nargs="?", type=Path)
    checking.set_defaults(run=_check_params)
    showing = commands.add_parser("numbers", help="print the published numbers of a study's latest version")
    showing.add_argument("study")
    showing.set_defaults(run=_numbers)
    choosing = commands.add_parser("choose", help="name the design that fits, after a few questions")
    choosing.add_argument("answers", nargs="*", help="the answers, instead of being asked")
    choosing.set_defaults(run=_choose)
    data = commands.add_parser("data", help="bring all declared datasets into data/raw and verify them")
    data.add_argument("--fetched-only", action="store_true", help="leave out tables that people put there themselves")
    data.set_defaults(run=_data)
    for name, run, text in (
        ("reports", _reports, "make the reports of all parameter files"),
        ("index", _index, "write reports/index.html"),
        ("latest", _latest, "print the latest published notebook of every study"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    return parser


def _report(chosen: argparse.Namespace) -> int:
    from analysis.run import parameters, publish

    path = chosen.params.resolve() if chosen.params else parameters.find(chosen.study)
    outcome = publish.report(path)
    print(outcome.sentence)
    print(outcome.version.report, flush=True)
    return 0


def _reports(chosen: argparse.Namespace) -> int:
    from analysis.run import parameters, publish

    worst = 0
    summary: list[tuple[str, str]] = []
    for path in parameters.every():
        try:
            outcome = publish.report(path)
            print(outcome.sentence, flush=True)
            summary.append((outcome.kind, outcome.version.report))
        except (Refusal, Failed) as problem:
            worst = max(worst, _say(problem))
            summary.append(("failed", paths.shown(path)))
    print()
    for kind, what in summary:
        print(f"{kind:<10}  {what}")
    return worst


def _check_params(chosen: argparse.Namespace) -> int:
    from analysis.data import roles
    from analysis.run import parameters

    worst = 0
    for path in [chosen.path.resolve()] if chosen.path else parameters.every():
        try:
            loaded = parameters.load(path)
            roles.check(loaded.study, loaded.file)
            print(f"{loaded.file}: in order", flush=True)
        except Refusal as refusal:
            worst = _say(refusal)
    return worst


def _choose(chosen: argparse.Namespace) -> int:
    from analysis import chooser

    found = chooser.choose(chosen.answers) if chosen.answers else chooser.walk(_asked)
    print("\n".join(["", *found.lines()]))
    return 0


def _asked(question: Question, words: str) -> str:
    """The answer that is typed; asked again until it is one."""
    print(f"\n{words}")
    for word, answer in question.answers.items():
        print(f"  {word:<10} {answer.means}")
    while True:
        try:
            given = input("> ").strip().lower()
        except EOFError:
            raise Refusal("R302", "ANSWERS", f"no answer to: {words}", "type one of the words shown") from None
        if given in question.answers:
            return given
        print(f"Type one of: {', '.join(question.answers)}")


def _data(chosen: argparse.Namespace) -> int:
    from analysis.data import materialise

    for dataset, path, status in materialise.materialise_all(fetched_only=chosen.fetched_only):
        print(f"{dataset:<20} {status:<10} {paths.shown(path)}")
    return 0


def _index(chosen: argparse.Namespace) -> int:
    from analysis.run import publish

    print(paths.shown(publish.write_index()))
    return 0


def _latest(chosen: argparse.Namespace) -> int:
    from analysis.run import versions

    for version in versions.latest_of_all():
        print(paths.shown(version.folder / versions.NOTEBOOK))
    return 0


def _numbers(chosen: argparse.Namespace) -> int:
    from analysis.run import versions
    from analysis.study import did_you_mean

    latest = {version.folder.parent.name: version for version in versions.latest_of_all()}
    if chosen.study not in latest:
        fix = did_you_mean(chosen.study, latest)
        raise Refusal("R303", f"STUDY={chosen.study}", "this study has no published version", fix)
    print("id\testimate\tstd_error\tlow\thigh\tunit")
    for number in latest[chosen.study].results()["numbers"]:
        print("\t".join(str(number[name]) for name in ("id", "estimate", "std_error", "low", "high", "unit")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
