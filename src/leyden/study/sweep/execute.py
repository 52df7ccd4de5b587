"""Begin or continue a study, with the code that is imported here: that of the study."""

import json
import os
import subprocess
import sys
from pathlib import Path

from ...config.build import build
from ...launch.launch import train
from ...launch.launcher import EXECUTE
from ...launch.local import Local
from ...launch.pool import OUTPUT
from ...launch.slurm_queue import is_pending
from ...launch.slurm_workers import submit_workers
from ...run.directory import RunDirectory
from ...run.frozen_code import environment
from ...run.results import read_results
from ..names import REPEATS
from .best_experiment import write_best
from .figures import draw_study
from .grid import grid_rows
from .results_file import write_results
from .rows import Row, averaged, best_rows
from .search_loop import SearchLoop
from .study_directory import StudyDirectory
from .summary import print_summary, varies_data
from .trials import ENDED, Trials


def carry_on(path: Path, root: Path) -> int:
    """Train the missing runs of a study, write its results, figures and best experiment, and return the exit code.

    Args:
        path: The study's folder.
        root: The project's folder.

    Raises:
        UserError: The study cannot be continued.
    """
    os.chdir(root)
    study = StudyDirectory(path)
    return _carry_on_grid(study, root) if study.kind == "grid" else _carry_on_search(study, root)


def _carry_on_grid(study: StudyDirectory, root: Path) -> int:
    commands = study.settings["commands"]
    runs = [study.create_run(n, base.config, root, commands[n]) for n, base in enumerate(study.bases)]
    missing = [run for run in runs if run.status["state"] not in ("finished", "pruned") and not is_pending(run)]
    code = train([run.path for run in missing]) if missing else 0
    rows = grid_rows(study)
    if unfinished := [row for row in rows if row.state not in ENDED]:
        write_results(study, rows)
        text = f"{len(unfinished)} of {len(rows)} runs have not finished"
        print(f"{text}; continue them or see the results with: leyden sweep --resume {study.path}", file=sys.stderr)
    else:
        _conclude(study, rows, root)
    return code


def _carry_on_search(study: StudyDirectory, root: Path) -> int:
    launcher = build(study.config["launcher"], {})
    if isinstance(launcher, Local):
        return _work(study, root, launcher, waits=True)
    trials = Trials(study, root)
    if trials.is_complete:
        _conclude(study, trials.rows(), root, trials)
        return 0
    limit = trials.search["trials"]
    missing = None if limit is None else limit - sum(row.state != "unfinished" for row in trials.rows())
    submit_workers(study, launcher, missing, bool(study.settings.get("live")))
    return 0


def work_in_job(path: Path, root: Path) -> int:
    """Train trials of a search in a SLURM job, several at once with `launcher.runs_per_job`."""
    study = StudyDirectory(path)
    given = study.config["launcher"]
    local = Local(given["devices"], accelerator=given["accelerator"], parallel=given.get("runs_per_job", 1))
    return _work(study, root, local, waits=False)


def _work(study: StudyDirectory, root: Path, local: Local, waits: bool) -> int:
    """Train trials of a search in children of this process until it ends or is stopped, and return the exit code."""
    trials = Trials(study, root)
    loop = SearchLoop(trials, *local.workers(), study.config["preemption"], waits)
    try:
        code = loop.run()
    finally:
        write_results(study, trials.rows())
    if code:
        print(f"stopped; continue with: leyden sweep --resume {study.path}", file=sys.stderr)
        return code
    if trials.is_complete:
        _test_best(study, trials.rows())
        _conclude(study, trials.rows(), root, trials)
    else:
        reason = "search.hours have passed" if loop.is_late else "other workers train the last trials"
        print(f"{reason}; continue with: leyden sweep --resume {study.path}", file=sys.stderr)
    return code


def _test_best(study: StudyDirectory, rows: list[Row]) -> None:
    """Evaluate the best trial of a search on the test split, once."""
    best = best_rows(rows, study.settings["objectives"])
    if len(study.settings["objectives"]) > 1 or not best:
        return
    run = RunDirectory(best[0].path)
    with run.claimed(seconds=600):  # another worker may be testing it
        if read_results(run.path).get("test", {}).get("best"):
            return
        print(f"testing trial {best[0].number}, the best on the validation split", file=sys.stderr, flush=True)
        variables = {**environment(run.path), **run.status.get("share", {})}
        with (run.path / OUTPUT).open("ab") as output:
            command = [sys.executable, "-m", EXECUTE, str(run.path), "test"]
            done = subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode:
        print(f"the test failed, see {run.path / OUTPUT}; run it again with: leyden test {run.path}", file=sys.stderr)


def _conclude(study: StudyDirectory, rows: list[Row], root: Path, trials: Trials | None = None) -> None:
    write_results(study, rows)
    candidates, of = rows, f"{len(rows)} trials"
    if study.kind == "grid" and (repeats := [name for name in study.varied if name in REPEATS]):
        candidates = averaged(rows)
        of = f"{len(candidates)} settings, by the mean over {' and '.join(repeats)}"
    best = [] if varies_data(study) else best_rows(candidates, study.settings["objectives"])
    if best:
        config = json.loads(json.dumps(RunDirectory(best[0].path).frozen_config))
        write_best(study, best[0], config, root, of)
        draw_study(study, rows, trials.importances() if trials else {})
    print_summary(study, rows, best)
