import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from .error import DataError

if TYPE_CHECKING:
    from .datamodule import DataModule


def saved(data: "DataModule") -> dict[str, Any]:
    """What describes data without reading it again: its state, and what it provides and keeps as an attribute.

    Raises:
        DataError: it provides what is no plain value.
    """
    known = {name: value for name, value in vars(data).items() if name in data.provides} | data.state()
    for name, value in known.items():
        try:
            json.dumps(value)
        except TypeError:
            raise DataError(
                f"{type(data).__name__} provides {name!r}, a {type(value).__name__}, which cannot be kept for tests: make "
                "it a plain number, a text or a list, or a property"
            ) from None
    return known


def changed(known: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    """Those of the values that were read which are not known already: a tuple is written as a list, and stays one."""
    return {name: one for name, one in read.items() if json.dumps(known.get(name), default=str) != json.dumps(one)}


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


def read_state(path: Path, known: Collection[str]) -> dict[str, Any]:
    """What a file says of data: values of these names and of no others, since they are set on the data module.

    Raises:
        DataError: it says something else.
    """
    with reading(path):
        state = json.loads(path.read_bytes())
        if not isinstance(state, dict):
            raise TypeError("it holds no names and values")
    if not state.keys() <= set(known) or not isinstance(state.get("account", {}), dict):
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
