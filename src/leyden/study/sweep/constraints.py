"""Conditions that the best trial of a search must meet, such as `seconds<=60`."""

from dataclasses import dataclass
from typing import Any

from ...errors import UserError
from ..select import CONDITION
from .objectives import measure, require_validation

SIGNS = {"<=": 1, "<": 1, ">=": -1, ">": -1}


@dataclass(frozen=True)
class Constraint:
    """A limit of a validation metric or of the seconds of training.

    Attributes:
        name: The metric, or `seconds`.
        sign: 1 if the limit is the highest value, -1 if it is the lowest.
        limit: The limit, which itself is allowed.
    """

    name: str
    sign: int
    limit: float

    def excess(self, value: float) -> float:
        """Return by how much a value is beyond the limit; zero or less if it is not."""
        return self.sign * (value - self.limit)


def constraints(given: Any) -> list[Constraint]:
    """Read `search.constraints`.

    Raises:
        UserError: One is not a condition on a validation metric or `seconds`.
    """
    if isinstance(given, str) or not isinstance(given or [], list):
        raise UserError(f'search.constraints: expected a list, such as ["seconds<=60"], got {given!r}')
    return [_constraint(str(text)) for text in given or []]


def _constraint(text: str) -> Constraint:
    found = CONDITION.fullmatch(text)
    name, sign, limit = found.groups() if found else ("", "", "")
    try:
        made = Constraint(name, SIGNS[sign], float(limit))
    except (KeyError, ValueError):
        raise UserError(f"search.constraints: expected a limit, such as val/loss<=0.5, got {text!r}") from None
    require_validation(name, "search.constraints")
    return made


def constrained(limits: list[Constraint], metrics: dict[str, Any], seconds: float | None) -> dict[str, float]:
    """Return the value of each constrained metric of a trial.

    Raises:
        UserError: One was not measured, or is not finite.
    """
    names = [limit.name for limit in limits]
    return dict(zip(names, measure(metrics, seconds, names), strict=True))
