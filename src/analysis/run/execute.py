"""Run a notebook once with Papermill, in a kernel of its own, and hand back the executed notebook."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from analysis.run import kernel, progress, source_notebook
from analysis.run.parameters import Parameters

CELL_TIMEOUT = 1800  # seconds
RUNTIME_PREFIX = "analysis-kernel-"
RUNTIME_NOTE = "runtime-folder"
_OPTIONS: dict[str, Any] = {
    "kernel_name": "python3",
    "language": "python",
    "request_save_on_cell_execute": False,
    "progress_bar": False,
    "execution_timeout": CELL_TIMEOUT,
    "record_timing": False,
    "coalesce_streams": True,
    "shutdown_kernel": "immediate",
}


class NotebookFailed(Exception):
    """The notebook did not run to its end.

    `reason` is one line naming the cell and the error; `notebook` the notebook as far as it got; `refusal` the line
    of a Refusal raised by the project's own code in the kernel, if that is what stopped it.
    """

    def __init__(self, reason: str, notebook: Any, refusal: str | None = None) -> None:
        self.reason, self.notebook, self.refusal = reason, notebook, refusal
        super().__init__(reason)


def execute(parameters: Parameters, staging: Path) -> Any:
    """The executed notebook (nbformat node) of `parameters`. All parameters are injected, in the notebook's order.

    Works in the folder `staging`. Raises NotebookFailed for an error in a cell, a cell that takes longer than
    CELL_TIMEOUT seconds, or a kernel that dies. The kernel is shut down whatever happens.
    """
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import execute_notebook
    from papermill.exceptions import PapermillExecutionError

    titles = _headings(parameters)
    seen: dict[str, Any] = {}
    with _runtime_folder(staging) as runtime, progress.shown(parameters.study_name, titles) as shown:

        def on_cell_start(cell: Any, cell_index: int) -> None:
            seen["index"] = cell_index
            shown.cell(cell_index)

        try:
            return execute_notebook(
                str(parameters.notebook_path),
                str(staging / "executed.ipynb"),
                dict(parameters.values),
                cwd=str(staging),
                kernel_manager_class=kernel.manager_class(runtime),
                **_OPTIONS,
                on_notebook_start=lambda notebook: seen.update(notebook=notebook),
                on_cell_start=on_cell_start,
            )
        except PapermillExecutionError as error:
            raise _cell_failed(error, titles, seen["notebook"]) from None
        except (CellTimeoutError, DeadKernelError) as error:
            index = seen["index"]
            what = f"took longer than {CELL_TIMEOUT} s" if isinstance(error, CellTimeoutError) else _died(runtime)
            raise NotebookFailed(f"cell {index + 1}{_under(titles[index])}: {what}", seen["notebook"]) from None


def remove_runtime_folder(staging: Path) -> None:
    """Remove the kernel's private folder that a killed run noted down in `staging`."""
    note = staging / RUNTIME_NOTE
    if note.is_file():
        folder = Path(note.read_text(encoding="utf-8"))
        if folder.parent == Path(tempfile.gettempdir()) and folder.name.startswith(RUNTIME_PREFIX):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _runtime_folder(staging: Path) -> Iterator[Path]:
    """A folder of its own in the system's temporary folder: socket paths must be short."""
    folder = Path(tempfile.mkdtemp(prefix=RUNTIME_PREFIX))
    (staging / RUNTIME_NOTE).write_text(str(folder), encoding="utf-8")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _headings(parameters: Parameters) -> list[str]:
    """The heading above each cell of the notebook with its injected cell."""
    cells = source_notebook.cells(parameters.notebook_path)
    pairs = []
    for cell in cells:
        pairs.append((cell.kind, cell.source))
        if cell.parameters:
            pairs.append(("code", ""))
    return progress.headings(pairs)


def _cell_failed(error: Any, titles: list[str], notebook: Any) -> NotebookFailed:
    last = (str(error.evalue).strip().splitlines() or [""])[-1]
    reason = f"cell {error.cell_index + 1}{_under(titles[error.cell_index])}: {error.ename}: {last}"
    return NotebookFailed(reason, notebook, last if error.ename == "Refusal" else None)


def _under(title: str) -> str:
    return f' under "{title}"' if title else ""


def _died(runtime: Path) -> str:
    log = runtime / kernel.LOG
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.is_file() else []
    return "the kernel died" + (f" ({said[-1][:200]})" if said else "")
