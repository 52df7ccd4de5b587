"""The command line. Nothing here imports torch: help, lists and refused configurations answer at once."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from .arguments import parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit code: 0 done, 1 the run failed, 2 a mistake in what was typed."""
    if sys.stdout is not None and sys.stdout.errors == "strict":  # a terminal of another encoding is no reason to fail
        getattr(sys.stdout, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        options, more = parser().parse_known_args(arguments)
        if more and (
            options.verb not in ("train", "resume", "check", "data", "tour")
            or any(word.startswith("-") for word in more)
        ):
            parser().error(f"unrecognized arguments: {' '.join(more)}")
        if more:  # settings after a flag
            options.overrides += more
        return VERBS[options.verb](options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `| head` has read enough
        sys.stderr.close()
        return 0
    except UnicodeEncodeError as error:  # a path
        print(f"{error}: the locale of this machine cannot write that; set PYTHONUTF8=1", file=sys.stderr)
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
    from ..launch.launch import describe, launch_all  # after what is refused: it takes time to import
    from ..run.directory import RunDirectory

    if options.dry_run:
        print(describe(configs, root, options.live), end="")
        return 0
    begin = ["leyden", "train", *(["--live"] * options.live)]
    commands = [[*begin, *overrides] for overrides in words]
    status = {"live": True} if options.live else {}
    made = zip(configs, commands, strict=True)
    runs = [RunDirectory.create(config, root, command, **status) for config, command in made]
    for run in runs:
        print(f"run              {run.path}", file=sys.stderr)
    return launch_all(runs, root)


def _status(options: argparse.Namespace) -> int:
    from ..launch.slurm_queue import is_here, state
    from ..run.lifetime import has_died

    code = 0
    for name in options.runs:
        try:
            run = _found(name)[1]
            status = run.status
        except UserError as error:  # no reason to be silent about the others
            code = 2
            print(error, file=sys.stderr)
            continue
        said = "ask where SLURM is installed" if not is_here() else state(status["job"]) if "job" in status else ""
        job = f"job {status['job']}: {said or 'forgotten by SLURM'}" if "job" in status else ""
        error = (status.get("error") or "").partition("\n")[0] if status["state"] == "failed" else ""
        now = status["state"]
        if has_died(run):
            now = f"killed; go on with: leyden resume {run.path}"
        print("  ".join(filter(None, [str(run.path), now, status.get("changed"), job, error])))
    return code


def _cancel(options: argparse.Namespace) -> int:
    from ..launch.slurm_queue import cancel

    for run in [_found(name)[1] for name in options.runs]:
        if not (job := run.status.get("job")):
            raise UserError(f"{run.path} is no job of SLURM: stop it with Ctrl-C where it runs")
        cancel(job)
        again = f"go on with: leyden resume {run.path}"
        print(f"job {job} of {run.path} is cancelled; {again}", file=sys.stderr)
    return 0


def _on_run(options: argparse.Namespace) -> int:
    root, run = _ready(options)  # before what takes time to import
    from ..launch.launch import change, launch
    from ..launch.slurm_queue import require_ended

    if options.verb == "resume":
        if run.status["state"] == "finished":
            raise UserError(f"{run.path} is finished: there is nothing to resume")
        require_ended(run)
        if options.overrides:
            change(run, options.overrides, root)
        return launch(run, "train", root, options.live)
    # A path is relative to where the command was typed.
    checkpoint = options.ckpt if options.ckpt in ("best", "last") else str(Path(options.ckpt).absolute())
    return launch(run, options.verb, root, options.live, checkpoint=checkpoint)


def _predict(options: argparse.Namespace) -> int:
    root, run = _ready(options)
    from ..launch.launch import launch

    known = {"checkpoint": options.ckpt, "form": options.format, "inputs": options.inputs, "output": options.output}
    return launch(run, "predict", root, options.live, **known)


def _diff(options: argparse.Namespace) -> int:
    from ..run.code_diff import diff
    from ..run.directory import runs_folder

    root, run = _found(options.run)
    return diff(run.path, root, runs_folder(run.frozen_config, root))


def _sync(options: argparse.Namespace) -> int:
    from .sync import sync

    return sync([_found(name)[1] for name in options.runs])


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
    if found := problems(composed, looks_for_files):
        raise UserError("\n".join(found))
    return root, composed.frozen


def _found(name: str) -> tuple[Path, Any]:
    from ..config.compose import project_root
    from ..run.directory import find_run

    root = project_root()
    return root, find_run(name, root)


def _ready(options: argparse.Namespace) -> tuple[Path, Any]:
    """A run that may be executed, as far as whoever made it is trusted; what `--live` changes is on record."""
    from ..run.frozen_code import go_live
    from ..run.trust import require_trust

    root, run = _found(options.run)
    require_trust(run, root, options.verb, trusts=options.trust, live=options.live)
    if options.live:
        go_live(run, options.verb)
    return root, run


VERBS = {
    "train": _train,
    "resume": _on_run,
    "status": _status,
    "cancel": _cancel,
    "validate": _on_run,
    "test": _on_run,
    "predict": _predict,
    "diff": _diff,
    "sync": _sync,
    "list": _list,
    "data": _data,
    "tour": _tour,
    "check": _check,
    "demo": _demo,
    "doctor": _doctor,
    "eject": _eject,
}
