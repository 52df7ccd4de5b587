"""`tour`: composes an experiment, runs its first training step, and shows it. Imports torch only after the check."""

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...config.references import resolve
from ...errors import RunError
from ...io import write_atomically


def tour(overrides: list[str], html: Path | None, check: Callable[[list[str]], tuple[Path, dict[str, Any]]]) -> int:
    """Shows the first training step of an experiment.

    Args:
        overrides: the experiment and its settings, as typed.
        html: where the same is written as a page.
        check: overrides -> the project's folder and the configuration.

    Returns:
        The exit code.

    Raises:
        UserError: there is no such experiment, or a setting is wrong.
    """
    root, frozen = check(overrides)
    config = resolve(frozen, root)
    os.chdir(root)  # relative paths in settings begin there
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    from .first_step import first_step  # torch: seconds
    from .page import page
    from .sections import heading, sections
    from .terminal import show

    try:
        step = first_step(config)
        shown = heading(step), sections(step, draws=html is not None)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    show(*shown)
    if html:
        write_atomically(html, page(*shown))
        print(f"\nwritten: {html}")
    return 0
