import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from .error import DataError

if TYPE_CHECKING:
    from .datamodule import DataModule


def state_to_save(data: "DataModule") -> dict[str, Any]:
    """State that describes the data without reading it: `DataModule.state` and provided instance attributes.

    Raises:
        DataError: a provided value is not JSON-serializable.
    """
    state = {name: value for name, value in vars(data).items() if name in data.provides} | data.state()
    for name, value in state.items():
        try:
            json.dumps(value)
        except TypeError:
            raise DataError(
                f"{type(data).__name__} provides {name!r}, a {type(value).__name__}, which cannot be saved in the run "
                "directory: make it a number, a string or a list, or a property"
            ) from None
    return state


def changed_values(current: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    """Values read from JSON that differ from the current ones; a tuple equals the list that it is written as."""
    return {
        name: value for name, value in read.items() if json.dumps(current.get(name), default=str) != json.dumps(value)
    }


@contextmanager
def clear_read_errors(path: Path) -> Iterator[Path]:
    """Turn errors while reading a file of a run directory into a `DataError` with its path.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        yield path
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"there is no {path}: was this run stopped before its data was ready? Train it first") from None
    except Exception as error:  # each format and library has its own exceptions
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{path} is damaged ({reason}); restore it from a backup, or from a run on the same data"
        ) from None


def read_state(path: Path, names: Collection[str]) -> dict[str, Any]:
    """Read the saved state of a data module, which may hold only these names, since they become attributes.

    Raises:
        DataError: the file is missing or damaged, or holds other names.
    """
    with clear_read_errors(path):
        state = json.loads(path.read_bytes())
        if not isinstance(state, dict):
            raise TypeError("expected a mapping")
    if not state.keys() <= set(names) or not isinstance(state.get("account", {}), dict):
        raise DataError(f"{path} holds {', '.join(map(str, state))}; expected only {', '.join(names)}")
    return state


def check_same(expected: dict[str, Any], other: dict[str, Any], what: str) -> None:
    """Check that a state belongs to the same data; empty expected values match anything.

    Args:
        expected: state of this data module.
        other: state from another source.
        what: where `other` comes from, as the beginning of the error message.

    Raises:
        DataError: a value differs.
    """
    for name, value in expected.items():
        if value and other[name] != value:
            raise DataError(
                f"{what} other data: its {name} are {shorten(str(other[name]), 80)}, those of this run "
                f"{shorten(str(value), 80)}"
            )
