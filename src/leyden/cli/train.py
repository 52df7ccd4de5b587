"""`leyden train`, `leyden check` and `leyden list`."""

import argparse
import glob
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..run.checked import checked, checked_run
from .json_output import run_summary

if TYPE_CHECKING:
    from ..run.directory import RunDirectory


def train(options: argparse.Namespace) -> int:
    """Check a configuration, train a run and test its best checkpoint."""
    if options.sweep:
        from .sweep import sweep

        print(
            "warning: train --sweep is deprecated and will be removed in the next version: use leyden sweep",
            file=sys.stderr,
        )
        options.resume, options.trust = None, False
        return sweep(options)
    composed = checked_run(options.overrides)
    root, config = composed.root, composed.frozen
    from ..launch.launch import describe, launch, require_devices  # after the check, since this import is slow
    from ..run.directory import RunDirectory

    if options.dry_run:
        commands = describe([config], root, options.live)
        print(commands, end="")
        options.result = {"commands": commands}
        return 0
    require_devices([config], root)
    command = ["leyden", "train", *(["--live"] * options.live), *options.overrides]
    status: dict[str, Any] = {"live": True} if options.live else {}
    run = _begun_by_agent(config, root) or RunDirectory.create(config, root, command, **status)
    print(f"run              {run.path}", file=sys.stderr)
    try:
        return launch(run, "train", root, options.live)
    finally:
        options.result = {"runs": [run_summary(run)]} if options.json else {}


def _begun_by_agent(config: dict[str, Any], root: Path) -> "RunDirectory | None":
    """Return the run that an agent of a W&B sweep starts again, such as after a preemption; None if it is new."""
    from ..run.directory import RunDirectory, runs_folder
    from ..run.identity import agent_identity

    identity = agent_identity()
    folders = (runs_folder(config, root) / config["name"]).glob(f"*-{glob.escape(identity)}") if identity else ()
    return next(map(RunDirectory, folders), None)


def check(options: argparse.Namespace) -> int:
    """Validate a configuration, or those of all experiments."""
    if not options.all:
        name = checked(options.overrides).config["name"]
        print("no problem found")
        options.result = {"problems": {name: None}}
        return 0
    from ..config.compose import options as group_options
    from ..config.compose import project_root

    problems: dict[str, str | None] = {}
    for name, _ in group_options(project_root())["experiment"]:
        try:
            checked([f"experiment={name}", *options.overrides], looks_for_files=False)
            problems[name] = None
            print(f"{name}: no problem found")
        except UserError as error:
            problems[name] = str(error)
            print(error, file=sys.stderr)
    options.result = {"problems": problems}
    return 2 if any(problems.values()) else 0


def list_options(options: argparse.Namespace) -> int:
    """List experiments and options."""
    from ..config.compose import options as group_options
    from ..config.compose import project_root

    groups = group_options(project_root())
    options.result = {group: dict(members) for group, members in groups.items()}
    for group in sorted(groups, key=lambda group: group != "experiment"):
        print(group)
        for name, text in groups[group]:
            print(f"  {name:<28} {text}")
    return 0
