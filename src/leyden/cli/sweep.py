"""`leyden sweep`: every combination of settings, or a search."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ..config.compose import compose, is_sweep, project_root
from ..errors import UserError


def sweep(options: argparse.Namespace) -> int:
    """Begin or continue a study."""
    from ..run.identity import agent_identity

    root = project_root()
    if agent_identity():
        raise UserError(
            "a W&B agent starts one run at a time: in the W&B sweep, use leyden train instead of leyden sweep"
        )
    if options.resume:
        study = _find(options, root)
    else:
        from ..study.sweep.prepare import SEARCH

        config = compose([word for word in options.overrides if not is_sweep(word)], root).config
        target = (config.get("search") or {}).get("_target_")
        is_search = target == SEARCH or any(word.startswith("search=") for word in options.overrides)
        planned = _search(options, root) if is_search else _grid(options, root)
        if planned is None:
            return 0
        study = planned
    print(f"study            {study.path}", file=sys.stderr)
    try:
        return _carry_on(study, root)
    finally:
        options.result = _result(study) if options.json else {}


def _result(study: Any) -> dict[str, Any]:
    from ..run.directory import RunDirectory
    from .json_output import run_summary

    files = sorted(study.path.glob("runs/*/status.json"))
    return {"study": str(study.path), "runs": [run_summary(RunDirectory(file.parent)) for file in files]}


def _find(options: argparse.Namespace, root: Path) -> Any:
    from ..run.trust import require_trust
    from ..study.sweep.study_directory import find_study

    if options.overrides:
        raise UserError(f"a study cannot change after it has begun: remove {' '.join(options.overrides)}")
    study = find_study(options.resume, root)
    require_trust(study, root, "resume", trusts=options.trust)  # type: ignore
    return study


def _grid(options: argparse.Namespace, root: Path) -> Any:
    from ..study.sweep.grid import objectives_of, plan_grid

    bases, words, choices = plan_grid(options.overrides)
    if options.dry_run:
        from ..launch.launch import describe

        commands = describe([base.config for base in bases], root, options.live)
        print(commands, end="")
        options.result = {"commands": commands}
        return None
    begin = ["leyden", "train", *(["--live"] * options.live)]
    return _begin(
        options,
        root,
        bases,
        kind="grid",
        overrides=[word for word in options.overrides if not is_sweep(word)],
        objectives=objectives_of(bases[0]),
        grid=choices,
        commands=[[*begin, *combination] for combination in words],
    )


def _search(options: argparse.Namespace, root: Path) -> Any:
    from ..study.sweep.prepare import plan_search

    plan = plan_search(options.overrides, root)
    inside, outside = plan.space.own(plan.own)
    for name in outside:
        value = f"= {plan.own[name]} is not in search.space" if name in plan.own else "has no value of its own"
        print(f"{name} {value}: sampled in the first trial", file=sys.stderr)
    if options.dry_run:
        options.result = _describe(plan, inside)
        return None
    return _begin(options, root, plan.bases, **plan.settings)


def _begin(options: argparse.Namespace, root: Path, bases: list[Any], **settings: Any) -> Any:
    """Create the folder of a study, unless its runs need more devices than there are."""
    from ..launch.launch import require_devices
    from ..study.sweep.study_directory import StudyDirectory

    require_devices([base.config for base in bases], root)
    command = ["leyden", "sweep", *options.overrides]
    return StudyDirectory.create(root, bases, live=options.live, command=command, **settings)


def _describe(plan: Any, own: dict[str, Any]) -> dict[str, Any]:
    """Print what a search would do, and return it."""
    import yaml

    space = {s["name"]: {k: v for k, v in s.items() if k != "name" and v} for s in plan.space.to_json()}
    content = {"objectives": plan.objectives, "search": plan.search, "first trial": own, "space": space}
    print(yaml.safe_dump(content, sort_keys=False), end="")
    return content


def _carry_on(study: Any, root: Path) -> int:
    if study.settings.get("live"):
        from ..study.sweep.execute import carry_on

        return carry_on(study.path, root)
    from ..launch.launch import own_module

    os.chdir(root)
    with own_module(study.path, "study.sweep.execute") as own:
        return own.carry_on(study.path, root)
