"""The kernel a report runs in: this environment's Python, this checkout's code, nothing of the user's own settings.

Hash seed, locale, time zone and the number of threads are fixed (one thread, because sums taken in parallel are
rounded in another order on another machine). Messages go through files (IPC) where the platform has them.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from analysis import paths

LONGEST_SOCKET = 100  # bytes; the shortest limit among current systems is 104
LOG = "kernel.log"
_ONE_THREAD = ("OMP", "OPENBLAS", "MKL", "BLIS", "NUMEXPR", "VECLIB_MAXIMUM")
_FORGOTTEN = (
    "PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONWARNINGS", "PYTHONOPTIMIZE", "PYTHONINSPECT",
    "MPLBACKEND", "MATPLOTLIBRC",
)  # fmt: skip


def environment(runtime: Path) -> dict[str, str]:
    """The kernel's environment variables; IPython's own folder is put under `runtime` so that it is empty."""
    kept = {name: value for name, value in os.environ.items() if name not in _FORGOTTEN}
    threads = {f"{name}_NUM_THREADS": "1" for name in _ONE_THREAD if name != "VECLIB_MAXIMUM"}
    return {
        **kept,
        **threads,
        "VECLIB_MAXIMUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(paths.SOURCE.parent),
        "PYTHONNOUSERSITE": "1",
        "PYTHONUTF8": "1",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "IPYTHONDIR": str(runtime / "ipython"),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


def transport(runtime: Path) -> str:
    """`ipc` where sockets can be files of a permitted length, else `tcp`."""
    return "tcp" if os.name == "nt" or len(os.fsencode(runtime / "k-ipc-999")) > LONGEST_SOCKET else "ipc"


def manager_class(runtime: Path) -> type[Any]:
    """A kernel manager class for nbclient whose connection and log files live in `runtime`, a short private folder."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    class ThisEnvironment(AsyncKernelManager):
        """Starts `sys.executable`, whatever kernels the user has registered under the name python3."""

        def __init__(self, **options: Any) -> None:
            super().__init__(transport=transport(runtime), connection_file=str(runtime / "k.json"), **options)
            self._kernel_spec = KernelSpec(argv=argv, display_name="Python 3", language="python")

        async def start_kernel(self, **options: Any) -> None:  # type: ignore[override]
            with (runtime / LOG).open("ab") as log:
                streams = {"stdout": log, "stderr": log}
                await super().start_kernel(**{**options, **streams, "env": environment(runtime)})

    return ThisEnvironment
