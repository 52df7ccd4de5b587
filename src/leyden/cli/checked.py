"""Compose and check a configuration."""

from pathlib import Path
from typing import Any

from ..errors import UserError


def checked(overrides: list[str], looks_for_files: bool = True) -> tuple[Path, dict[str, Any]]:
    """Return the project's folder and the configuration of an experiment, as a run stores it.

    Args:
        overrides: The experiment and its settings, as typed.
        looks_for_files: Whether files and folders that the settings name have to exist.

    Raises:
        UserError: The configuration has errors, all of which are listed.
    """
    from ..config.check import problems
    from ..config.compose import compose, project_root

    root = project_root()
    composed = compose(overrides, root)
    if messages := problems(composed, looks_for_files):
        raise UserError("\n".join(messages))
    if looks_for_files and (source := composed.config.get("init_from")):
        from ..run.init_from import check_source

        check_source(source, root)
    return root, composed.frozen
