from typing import Any, Literal


class Search:
    """The settings of a search: `search=tpe` and the like in `configs/search/`.

    Args:
        sampler: How values are chosen: `tpe` (tree-structured Parzen estimator,
            https://papers.nips.cc/paper/4443-algorithms-for-hyper-parameter-optimization), `cmaes` (CMA-ES,
            https://arxiv.org/abs/1604.00772), `random`, or `grid`, every combination.
        trials: Number of trials, failed ones included; None for all combinations of a grid.
        hours: Hours from the start of the command or job after which no trial is started; running trials are
            completed.
        objectives: Validation metric, or `seconds` of training -> `min` or `max`. By default, the metric that selects
            the best checkpoint. With several objectives, the best trials are the Pareto-optimal ones.
        constraints: Conditions that the best trial must meet, such as `[seconds<=60, val/loss<=0.5]`. Other trials are
            `infeasible`; TPE avoids their values. The pruner does not consider constraints.
        pruner: When to stop a trial early: `median` (below the median of the trials before it), `hyperband`
            (https://jmlr.org/papers/v18/16-558.html), or `none`.
        min_validations: Number of validations before a trial may be pruned.
        seed: Seed of the sampler.
        storage: URL of a database for the trials, such as `mysql://host/name`. Default: a file in the study.
        space: Setting -> its values; see `space`.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        sampler: Literal["tpe", "cmaes", "random", "grid"] = "tpe",
        trials: int | None = 30,
        hours: float | None = None,
        objectives: dict[str, Literal["min", "max"]] | None = None,
        constraints: list[str] | None = None,
        pruner: Literal["median", "hyperband", "none"] = "median",
        min_validations: int = 3,
        seed: int = 0,
        storage: str | None = None,
        space: dict[str, Any] | None = None,
    ) -> None:
        if trials is not None and trials < 1:
            raise ValueError(f"expected search.trials of at least 1, got {trials}")
        if trials is None and hours is None and sampler != "grid":
            raise ValueError("a search needs an end: set search.trials or search.hours")
        if hours is not None and hours <= 0:
            raise ValueError(f"expected search.hours above 0, got {hours}")
        if min_validations < 1:
            raise ValueError(f"expected search.min_validations of at least 1, got {min_validations}")
        if seed < 0:
            raise ValueError(f"expected search.seed of at least 0, got {seed}")
        self.sampler, self.trials, self.hours = sampler, trials, hours
        self.pruner, self.min_validations, self.seed = pruner, min_validations, seed
        self.objectives, self.constraints = objectives or {}, constraints or []
        self.storage, self.space = storage, space or {}
