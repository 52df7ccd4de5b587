"""The page of a run."""

from .curves import curves
from .document import document
from .elements import element, join
from .origin import data, log, origin, speed
from .outcome import notices, results, state_badge, tiles
from .predictions import predictions
from .run_files import RunFiles
from .settings import settings

TITLES = ("Results", "Curves", "Predictions", "Data", "Speed and memory", "Settings", "Origin", "Log")


def run_page(run: RunFiles) -> str:
    """Return the page of a run."""
    record = run.record
    subtitle = join(
        [
            state_badge(record.state),
            element("span", f"run {run.path.name}", class_="path"),
            f"{record.created[:16].replace('T', ' ')} UTC",
        ],
        " ",
    )
    makers = (results, curves, predictions, data, speed, settings, origin, log)
    body = [*notices(run), tiles(run), *(make(run) for make in makers)]
    return document(record.experiment or run.path.name, subtitle, TITLES, body)
