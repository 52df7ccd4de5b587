"""`leyden tour`: compose an experiment, run its first training step and show it. Imports torch only after the check."""

import argparse
import logging
import os
import sys

from ...config.references import resolve
from ...errors import RunError
from ...io import write_atomically
from ..checked import checked


def tour(options: argparse.Namespace) -> int:
    """Show the first training step of an experiment, and write it as a page if `--html` is given.

    Raises:
        UserError: There is no such experiment, or a setting is invalid.
    """
    root, frozen = checked([options.experiment, *options.overrides])
    config = resolve(frozen, root)
    os.chdir(root)  # relative paths in settings begin there
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    from .first_step import first_step  # torch: seconds
    from .page import page
    from .sections import heading, sections
    from .terminal import show

    try:
        step = first_step(config)
        shown = heading(step), sections(step, draws=options.html is not None)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    show(*shown)
    if options.html:
        write_atomically(options.html, page(*shown))
        print(f"\nwritten: {options.html}")
    return 0
