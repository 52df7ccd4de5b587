"""A job of a search: `python -m leyden.study.sweep.job STUDY`. Torch-free."""

import platform
import sys
from pathlib import Path

import yaml

from ...errors import UserError
from ...run.frozen_code import imported_from
from ...run.history import STUDY


def main() -> int:
    """Train trials of a study with the study's code, and return the exit code: 75 if the job has to be requeued."""
    path, root = Path(sys.argv[1]), Path.cwd()
    try:
        if yaml.safe_load((path / STUDY).read_text(encoding="utf-8")).get("live"):
            from .execute import work_in_job

            return work_in_job(path, root)
        with imported_from(path) as module:
            return module("study.sweep.execute").work_in_job(path, root)
    except UserError as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
