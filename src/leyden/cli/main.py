"""The command line. Torch-free, so that help, lists and configuration errors appear immediately."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 for success, 1 for a failed run, 2 for an error in the command."""
    if sys.stdout is not None and sys.stdout.errors == "strict":  # the terminal may not support all characters
        getattr(sys.stdout, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        options, more = parser().parse_known_args(arguments)
        if more:  # words after a flag
            words: list[str] | None = getattr(options, "overrides", getattr(options, "words", None))
            if words is None or any(word.startswith("-") for word in more):
                parser().error(f"unrecognized arguments: {' '.join(more)}")
            words += more
        return VERBS[options.verb](options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has exited
        sys.stderr.close()
        return 0
    except UnicodeEncodeError as error:  # such as a path
        print(f"{error}: the locale of this machine does not support this character; set PYTHONUTF8=1", file=sys.stderr)
        return 2
    except OSError as error:
        from ..io import disk_error

        if not disk_error(error):
            raise
        print(error, file=sys.stderr)
        return 1


def _train(options: argparse.Namespace) -> int:
    from ..config.compose import combinations

    words = combinations(options.overrides) if options.sweep else [options.overrides]
    checked = [_checked(overrides) for overrides in words]
    root, configs = checked[0][0], [config for _, config in checked]
    from ..launch.launch import describe, launch_all  # after the check, since this import is slow
    from ..run.directory import RunDirectory

    if options.dry_run:
        print(describe(configs, root, options.live), end="")
        return 0
    begin = ["leyden", "train", *(["--live"] * options.live)]
    commands = [[*begin, *overrides] for overrides in words]
    status = {"live": True} if options.live else {}
    pairs = zip(configs, commands, strict=True)
    runs = [RunDirectory.create(config, root, command, **status) for config, command in pairs]
    for run in runs:
        print(f"run              {run.path}", file=sys.stderr)
    return launch_all(runs, root)


def _jobs(options: argparse.Namespace) -> int:
    from . import jobs

    return getattr(jobs, options.verb)(options.runs, lambda name: _find(name)[1])


def _on_run(options: argparse.Namespace) -> int:
    root, run = _find_trusted(options)  # before slow imports
    from ..launch.launch import change, launch
    from ..launch.slurm_queue import require_ended

    if options.verb == "resume":
        if run.status["state"] == "finished":
            raise UserError(
                f"{run.path} is finished and cannot be resumed; train a new run with a larger trainer.max_epochs"
            )
        require_ended(run)
        if options.overrides:
            change(run, options.overrides, root)
        return launch(run, "train", root, options.live)
    # Paths are relative to the current folder.
    checkpoint = options.ckpt if options.ckpt in ("best", "last") else str(Path(options.ckpt).absolute())
    return launch(run, options.verb, root, options.live, checkpoint=checkpoint)


def _predict(options: argparse.Namespace) -> int:
    root, run = _find_trusted(options)
    from ..launch.launch import launch

    arguments = {"checkpoint": options.ckpt, "form": options.format, "inputs": options.inputs, "output": options.output}
    return launch(run, "predict", root, options.live, **arguments)


def _diff(options: argparse.Namespace) -> int:
    from ..run.code_diff import diff
    from ..run.directory import runs_folder

    root, run = _find(options.run)
    return diff(run.path, root, runs_folder(run.frozen_config, root))


def _sync(options: argparse.Namespace) -> int:
    from .sync import sync

    return sync([_find(name)[1] for name in options.runs])


def _list(options: argparse.Namespace) -> int:
    from ..config.compose import options as group_options
    from ..config.compose import project_root

    groups = group_options(project_root())
    for group in sorted(groups, key=lambda group: group != "experiment"):
        print(group)
        for name, text in groups[group]:
            print(f"  {name:<28} {text}")
    return 0


def _check(options: argparse.Namespace) -> int:
    if not options.all:
        _checked(options.overrides)
        print("no problem found")
        return 0
    from ..config.compose import options as group_options
    from ..config.compose import project_root

    problems = []
    for name, _ in group_options(project_root())["experiment"]:
        try:
            _checked([f"experiment={name}", *options.overrides], looks_for_files=False)
            print(f"{name}: no problem found")
        except UserError as error:
            problems.append(str(error))
            print(error, file=sys.stderr)
    return 2 if problems else 0


def _study(options: argparse.Namespace) -> int:
    from . import study

    return getattr(study, options.verb)(options)


def _data(options: argparse.Namespace) -> int:
    from .inspect_data import inspect

    return inspect(options.run, options.overrides, options.clear, _checked, options.write_stream, options.trust)


def _tour(options: argparse.Namespace) -> int:
    from .tour.command import tour

    return tour([options.experiment, *options.overrides], options.html, _checked)


def _demo(options: argparse.Namespace) -> int:
    from .demo import demo

    return demo()


def _doctor(options: argparse.Namespace) -> int:
    from .doctor import examine

    return examine()


def _eject(options: argparse.Namespace) -> int:
    from .eject import eject

    return eject(options.name, options.package, options.use)


def _checked(overrides: list[str], looks_for_files: bool = True) -> tuple[Path, dict[str, Any]]:
    from ..config.check import problems
    from ..config.compose import compose, project_root

    root = project_root()
    composed = compose(overrides, root)
    if messages := problems(composed, looks_for_files):
        raise UserError("\n".join(messages))
    return root, composed.frozen


def _find(name: str) -> tuple[Path, Any]:
    from ..config.compose import project_root
    from ..run.directory import find_run

    root = project_root()
    return root, find_run(name, root)


def _find_trusted(options: argparse.Namespace) -> tuple[Path, Any]:
    """Find a run that may be executed, and record `--live`."""
    from ..run.frozen_code import record_live
    from ..run.trust import require_trust

    root, run = _find(options.run)
    require_trust(run, root, options.verb, trusts=options.trust, live=options.live)
    if options.live:
        record_live(run, options.verb)
    return root, run


VERBS = {
    "train": _train,
    "resume": _on_run,
    "status": _jobs,
    "cancel": _jobs,
    "validate": _on_run,
    "test": _on_run,
    "predict": _predict,
    "diff": _diff,
    "sync": _sync,
    "list": _list,
    "data": _data,
    "runs": _study,
    "compare": _study,
    "tour": _tour,
    "check": _check,
    "demo": _demo,
    "doctor": _doctor,
    "eject": _eject,
}
