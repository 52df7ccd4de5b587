"""Compose and check the configuration of a new run. Torch-free."""

from ..config.check import problems
from ..config.compose import Composed, compose, project_root
from ..errors import UserError
from .init_from import check_source


def checked(overrides: list[str], looks_for_files: bool = True) -> Composed:
    """Return the configuration of an experiment.

    Args:
        overrides: The experiment and its settings, as typed.
        looks_for_files: Whether files and folders that the settings name, and the weights of `init_from`, have to exist.

    Raises:
        UserError: The configuration has errors, all of which are listed.
    """
    composed = compose(overrides, project_root())
    if messages := problems(composed, looks_for_files):
        raise UserError("\n".join(messages))
    if looks_for_files and (source := composed.config.get("init_from")):
        check_source(source, composed.root)
    return composed


def checked_run(overrides: list[str]) -> Composed:
    """Return the configuration of a run that is not part of a search.

    Raises:
        UserError: The configuration has errors, all of which are listed, or describes a search.
    """
    composed = checked(overrides)
    if (composed.config.get("search") or {}).get("_target_"):
        raise UserError("search=NAME needs leyden sweep: use that command, or remove search to train one run")
    return composed
