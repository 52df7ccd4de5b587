import json
from pathlib import Path
from textwrap import shorten
from typing import Any

from .error import DataError


def read_state(path: Path, known: dict[str, Any]) -> dict[str, Any]:
    """What a file says of data: values of these names and of no others, since they are set on the data module.

    Raises:
        DataError: it says something else.
    """
    state = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(state, dict) or not state.keys() <= known.keys():
        names = ", ".join(map(str, state))
        raise DataError(f"{path} describes {names}; of this data it has to describe {', '.join(known)}")
    return state


def check_same(known: dict[str, Any], other: dict[str, Any], what: str) -> None:
    """Refuses what was learnt from other data than this; anything will do where nothing is known yet.

    Args:
        known: what this data has told.
        other: the same values, from elsewhere.
        what: from where, as the beginning of a sentence.

    Raises:
        DataError: a value differs.
    """
    for name, value in known.items():
        if value and other[name] != value:
            raise DataError(
                f"{what} other data: its {name} are {shorten(str(other[name]), 80)}, those of this run "
                f"{shorten(str(value), 80)}"
            )
