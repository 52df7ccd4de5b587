"""Write a report of one run or of several."""

from pathlib import Path

from ..records import Record
from .run_files import read_files
from .run_page import run_page
from .several_page import several_page


def report(records: list[Record], root: Path | None, title: str, folder: Path | None = None) -> str:
    """Return the page.

    Args:
        records: The runs, at least one.
        root: The project's folder, if there is one.
        title: Of a page of several runs.
        folder: Of a study.
    """
    if len(records) == 1 and folder is None:
        return run_page(read_files(records[0], root))
    return several_page(title, records, root, folder)
