"""Commands that execute a run: `leyden resume`, `validate`, `test` and `predict`."""

import argparse
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from ..config.compose import project_root
from ..errors import UserError
from ..run.cleaned import require_checkpoint
from ..run.directory import RunDirectory, find_run
from ..run.extension import LENGTH
from ..run.results import read_results
from .json_output import run_summary


def find(name: str) -> tuple[Path, RunDirectory]:
    """Return the project's folder and a run of it."""
    root = project_root()
    return root, find_run(name, root)


def resume(options: argparse.Namespace) -> int:
    """Continue a run from its last checkpoint."""
    root, run = _find_trusted(options)  # before slow imports
    from ..launch.launch import change, launch
    from ..launch.slurm_queue import require_ended

    if run.status["state"] == "finished" and not any(word.partition("=")[0] in LENGTH for word in options.overrides):
        raise UserError(
            f"{run.path} is finished. To train it for longer, set the new end: leyden resume RUN trainer.max_epochs=N"
        )
    if run.status["state"] == "pruned":
        raise UserError(
            f"{run.path} was pruned by its search and would be pruned again; train a new run with its settings instead"
        )
    require_ended(run)
    require_checkpoint(run)
    if options.overrides:
        change(run, options.overrides, root)
    try:
        return launch(run, "train", root, options.live)
    finally:
        options.result = {"run": run_summary(run)} if options.json else {}


def evaluate(options: argparse.Namespace) -> int:
    """Evaluate a checkpoint of a run on the validation or test split."""
    root, run = _find_trusted(options)
    from ..launch.launch import launch

    # Paths are relative to the current folder.
    checkpoint = options.ckpt if options.ckpt in ("best", "last") else str(Path(options.ckpt).absolute())
    code = launch(run, options.verb, root, options.live, checkpoint=checkpoint)
    if options.json:
        split = "test" if options.verb == "test" else "val"
        options.result = {"run": run_summary(run), "results": read_results(run.path).get(split, {})}
    return code


def predict(options: argparse.Namespace) -> int:
    """Run a trained model on files."""
    root, run = _find_trusted(options)
    from ..launch.launch import launch

    arguments = {"checkpoint": options.ckpt, "form": options.format, "inputs": options.inputs, "output": options.output}
    if not options.json:
        return launch(run, "predict", root, options.live, **arguments)
    if options.output:
        options.result = {"output": options.output}
        return launch(run, "predict", root, options.live, **arguments)
    if not run.is_writable:  # images would be saved beside the temporary file
        raise UserError(f"{run.path} is read-only: predict --json needs --output FILE")
    with TemporaryDirectory() as folder:
        lines = Path(folder, "predictions.jsonl")
        code = launch(run, "predict", root, options.live, **arguments | {"form": "jsonl", "output": lines})
        rows = lines.read_text(encoding="utf-8").splitlines() if lines.exists() else []
        options.result = {"predictions": [json.loads(row) for row in rows]}
    return code


def _find_trusted(options: argparse.Namespace) -> tuple[Path, RunDirectory]:
    """Find a run that may be executed, and record `--live`; print which it is if it is the newest and not finished."""
    from ..run.frozen_code import record_live
    from ..run.newest_remark import newest_remark
    from ..run.trust import require_trust

    root, run = find(options.run)
    if remark := newest_remark(options.run, run, root):
        print(remark, file=sys.stderr)
    require_trust(run, root, options.verb, trusts=options.trust, live=options.live)
    if options.live:
        record_live(run, options.verb)
    return root, run
