"""`leyden tour`: compose an experiment, run its first training step and show it. Imports torch only after the check."""

import argparse
import logging
import os
import sys

from ...config.references import resolve
from ...io import write_atomically
from ...run.checked import checked


def tour(options: argparse.Namespace) -> int:
    """Show the first training step of an experiment, and write it as a page if `--html` is given.

    Raises:
        UserError: There is no such experiment, or a setting is invalid.
        RunError: The data or the model cannot be used as it is.
    """
    composed = checked([options.experiment, *options.overrides])
    config = resolve(composed.frozen, composed.root)
    os.chdir(composed.root)  # relative paths in settings begin there
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    from .first_step import first_step  # torch: seconds
    from .page import page
    from .result import result
    from .sections import heading, sections
    from .terminal import show

    step = first_step(config)
    shown = heading(step), sections(step, draws=options.html is not None)
    show(*shown)
    options.result = result(step) | {"page": options.html}
    if options.html:
        write_atomically(options.html, page(*shown))
        print(f"\nwritten: {options.html}")
    return 0
