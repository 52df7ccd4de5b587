import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import Any

from .error import DataError


@contextmanager
def reading(path: Path) -> Iterator[Path]:
    """Says of a file that a run has kept what is wrong with it.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        yield path
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no {path}: was this run stopped before its data was ready? Train it first") from None
    except Exception as error:  # each format and library has its own
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{path} is damaged ({reason}); bring it back from a copy, or from a run on the same data"
        ) from None


def read_state(path: Path, known: dict[str, Any]) -> dict[str, Any]:
    """What a file says of data: values of these names and of no others, since they are set on the data module.

    Raises:
        DataError: it says something else.
    """
    with reading(path):
        state = json.loads(path.read_bytes())
        if not isinstance(state, dict):
            raise TypeError("it holds no names and values")
    if not state.keys() <= known.keys() or not isinstance(state.get("account", {}), dict):
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
