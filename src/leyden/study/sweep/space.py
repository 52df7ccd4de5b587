"""The space of a search: settings and the values that each of them may take."""

import json
import math
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from ...errors import UserError

if TYPE_CHECKING:
    from optuna.trial import Trial

Choices = dict[str, Any]  # the values of a trial by setting


@dataclass(frozen=True)
class Setting:
    """A setting and the values it may take.

    Attributes:
        name: Dotted name.
        values: Its choices, or None for a range.
        low: Lowest value of a range.
        high: Highest value of a range.
        log: Whether values are drawn on a logarithmic scale.
        step: Distance of values.
        is_integer: Whether the values of a range are integers.
        when: Settings and their values with which this one is searched; else it keeps the experiment's own value.
    """

    name: str
    values: list[Any] | None = None
    low: float = 0
    high: float = 0
    log: bool = False
    step: float | None = None
    is_integer: bool = False
    when: dict[str, list[Any]] = field(default_factory=dict)

    def suggest(self, trial: "Trial") -> Any:
        """Return the value of a trial."""
        if self.values is not None:
            return json.loads(trial.suggest_categorical(self.name, [json.dumps(value) for value in self.values]))
        if self.is_integer:
            return trial.suggest_int(self.name, int(self.low), int(self.high), step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)

    def stored(self, value: Any) -> Any:
        """Return a value as Optuna stores it."""
        return value if self.values is None else json.dumps(value)

    def read(self, stored: Any) -> Any:
        """Return a value that Optuna has stored."""
        return stored if self.values is None else json.loads(stored)

    def contains(self, value: Any) -> bool:
        """Whether a value may be drawn."""
        if self.values is not None:
            return value in self.values
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        step = self.step or (1 if self.is_integer else None)
        return step is None or math.isclose((value - self.low) / step, round((value - self.low) / step), abs_tol=1e-6)

    def ends(self) -> list[Any]:
        """Return the values to check: both ends of a range, or all choices."""
        return [self.low, self.high] if self.values is None else self.values

    def grid(self) -> list[Any]:
        """Return all values.

        Raises:
            UserError: There are infinitely many.
        """
        if self.values is not None:
            return self.values
        step = self.step or (1 if self.is_integer else None)
        if step is None:
            raise UserError(f"search.space.{self.name}: a grid needs a step, or a list of values")
        values = [self.low + index * step for index in range(int((self.high - self.low) / step + 1e-9) + 1)]
        return [int(value) if self.is_integer else round(value, 12) for value in values]

    def is_active(self, chosen: Choices) -> bool:
        """Whether the setting is searched, given the values of those before it."""
        return all(name in chosen and chosen[name] in values for name, values in self.when.items())


@dataclass(frozen=True)
class Space:
    """The settings of a search, each after those that its condition names."""

    settings: list[Setting]

    def suggest(self, trial: "Trial") -> Choices:
        """Return the values of a trial."""
        chosen: Choices = {}
        for setting in self.settings:
            if setting.is_active(chosen):
                chosen[setting.name] = setting.suggest(trial)
        return chosen

    def grid(self) -> list[Choices]:
        """Return every combination of values, without those that differ in inactive settings only.

        Raises:
            UserError: There are infinitely many.
        """
        combinations: list[Choices] = [{}]
        for setting in self.settings:
            values = setting.grid()
            combinations = [
                {**chosen, setting.name: value} if setting.is_active(chosen) else chosen
                for chosen in combinations
                for value in (values if setting.is_active(chosen) else [None])
            ]
        return combinations

    def own(self, values: Choices) -> tuple[Choices, list[str]]:
        """Return those of the experiment's own values that lie in the space, and the names of the other settings."""
        chosen: Choices = {}
        outside = []
        for setting in self.settings:
            if not setting.is_active(chosen):
                continue
            if setting.name in values and setting.contains(values[setting.name]):
                chosen[setting.name] = values[setting.name]
            else:
                outside.append(setting.name)
        return chosen, outside

    def combinations(self, groups: set[str]) -> list[Choices]:
        """Return every combination of options of config groups in the space."""
        searched = [setting for setting in self.settings if setting.name in groups]
        return [
            dict(zip([setting.name for setting in searched], values, strict=True))
            for values in product(*[setting.values or [] for setting in searched])
        ]

    def __getitem__(self, name: str) -> Setting:
        return next(setting for setting in self.settings if setting.name == name)

    def to_json(self) -> list[dict[str, Any]]:
        return [asdict(setting) for setting in self.settings]

    @classmethod
    def from_json(cls, settings: list[dict[str, Any]]) -> "Space":
        return cls([Setting(**setting) for setting in settings])
