"""`leyden report`."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from ..config.compose import project_root
from ..errors import UserError
from ..io import write_atomically
from ..run.directory import find_run
from ..run.newest_remark import newest_remark
from ..study.records import Record, read_present, records
from ..study.report.document import is_page
from ..study.report.report import report
from ..study.select import select

LONGEST_TITLE = 60  # characters
NAME = "report.html"
STUDY = "study.yaml"  # in the folder of a study


def write_report(options: argparse.Namespace) -> int:
    """Write a run, several runs or a study as one HTML file.

    Raises:
        UserError: There are no such runs, or the file cannot be written.
    """
    words, study = options.words or ["latest"], None
    if len(words) == 1 and (Path(words[0]) / STUDY).is_file():
        study = Path(words[0]).resolve()
    root, chosen = _chosen(words, study)
    if not chosen:
        raise UserError(f"no runs match {' '.join(words)}")
    file = options.output or (study or (Path(chosen[0].path) if len(chosen) == 1 else Path.cwd())) / NAME
    if not options.output and file.exists() and not is_page(file):
        raise UserError(f"{file} exists and was not written by leyden report: set --output FILE")
    text = report(chosen, root, _title(words, chosen, study), study)
    try:
        write_atomically(file, text)
    except PermissionError as error:
        raise UserError(f"cannot write {file}: {error.strerror}; set --output FILE") from None
    what = "1 run" if len(chosen) == 1 else f"{len(chosen)} runs"
    options.result = {"file": file, "runs": [record.path for record in chosen]}
    print(file)
    print(f"{what}, {len(text.encode()) / 1e6:.2f} MB", file=sys.stderr)
    return 0


def _title(words: list[str], chosen: list[Record], study: Path | None) -> str:
    experiments = ", ".join(dict.fromkeys(record.experiment for record in chosen))
    if study:
        return f"{experiments}: study {study.name}"
    text = " ".join(words)
    return text if len(text) <= LONGEST_TITLE else f"{experiments}: {len(chosen)} runs"


def _chosen(words: list[str], study: Path | None) -> tuple[Path | None, list[Record]]:
    """Return the project's folder, if there is one, and the runs that are meant."""
    root = None
    with suppress(UserError):  # a run or study may have been copied out of its project
        root = project_root()
    if study:
        paths = sorted(file.parent for file in (study / "runs").glob("*/status.json"))
        return root, [read_present(path) for path in paths]
    if words == ["latest"]:
        run = find_run("latest", project_root())
        if remark := newest_remark("latest", run, project_root()):
            print(remark, file=sys.stderr)
        return root, [read_present(run.path)]
    if all((Path(word) / "status.json").is_file() for word in words):
        return root, [read_present(path) for path in dict.fromkeys(Path(word).resolve() for word in words)]
    return root, select(records(project_root()), words, Path.cwd())
