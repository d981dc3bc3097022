"""The project's folders, found from this file and never from the working directory."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
PARAMS = ROOT / "params"
RAW = ROOT / "data" / "raw"
PROCESSED = ROOT / "data" / "processed"
REPORTS = ROOT / "reports"
SOURCE = ROOT / "src" / "analysis"
LOCK = ROOT / "requirements.lock"


def shown(path: Path) -> str:
    """`path` as people know it: relative to the project when inside it."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.as_posix()
