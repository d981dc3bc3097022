"""Readable diffs and merges of notebooks in git: nbdime named as the driver, in this checkout's own settings only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from analysis import paths
from analysis.refusal import Refusal

DIFF, MERGE = "diff.jupyternotebook.command", "merge.jupyternotebook.driver"
TOOLS = {"difftool.nbdime.cmd": "git-nbdifftool", "mergetool.nbdime.cmd": "git-nbmergetool"}


def enabled() -> bool:
    """Whether git knows the driver of this environment."""
    return _git("config", "--local", "--get", DIFF) == _own("git-nbdiffdriver diff")


def enable() -> None:
    """Let nbdime write git's settings for this checkout, then name its programs by their full paths.

    By their bare names git would find them only in a terminal in which `.venv` is activated, and `git diff` would
    fail everywhere else. Raises Refusal R373 where there is no git or no checkout.
    """
    _refuse_without_checkout()
    _nbdime("--enable")
    for name in (DIFF, MERGE, *TOOLS):
        command = _git("config", "--local", "--get", name)
        program, _, rest = command.partition(" ")
        if program.startswith("git-nb"):
            _git("config", "--local", name, _own(f"{program} {rest}"))


def disable() -> None:
    """Take the driver out again; git then shows notebooks as text. Raises Refusal R373 as `enable`."""
    _refuse_without_checkout()
    _nbdime("--disable")


def possible() -> bool:
    """Whether git is installed and this project is the top of a checkout."""
    top = _git("rev-parse", "--show-toplevel") if shutil.which("git") else ""
    return bool(top) and paths.ROOT.samefile(top)


def _refuse_without_checkout() -> None:
    if not possible():
        problem = "this folder is not a git checkout, or git is not installed"
        raise Refusal("R373", paths.ROOT.name, problem, "clone the project with git, or leave this step out")


def _own(command: str) -> str:
    program, _, rest = command.partition(" ")
    return f'"{(_programs() / program).as_posix()}" {rest}'.strip()


def _programs() -> Path:
    return Path(sys.executable).parent


def _nbdime(switch: str) -> None:
    path = os.pathsep.join([str(_programs()), os.environ.get("PATH", "")])
    command = [sys.executable, "-m", "nbdime", "config-git", switch]
    environment = {**os.environ, "PATH": path}
    done = subprocess.run(command, cwd=paths.ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[-1][:160]
        raise Refusal("R373", "nbdime config-git", f"it failed ({said})", "run `make setup` and try again")


def _git(*arguments: str) -> str:
    """What git prints; empty where it has nothing to say."""
    git = shutil.which("git") or "git"
    done = subprocess.run([git, *arguments], cwd=paths.ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
