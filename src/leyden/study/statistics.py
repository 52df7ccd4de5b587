"""Means, intervals and paired differences over seeds or folds, by SciPy."""

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
ROUNDING = 1e-12  # relative size of differences that are none
RESAMPLES = 9999  # of the bootstrap, as SciPy has it by default


@dataclass(frozen=True)
class Summary:
    """Statistics of a metric over the runs of a group.

    Attributes:
        n: Number of runs.
        mean: Their mean.
        std: Sample standard deviation; NaN for one run.
        t_interval: 95 % confidence interval of the mean by Student's t.
        bootstrap_interval: The same by the bias-corrected and accelerated bootstrap (Efron 1987).
    """

    n: int
    mean: float
    std: float
    t_interval: tuple[float, float]
    bootstrap_interval: tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """Difference of the means of two groups.

    Attributes:
        difference: Of the means; of the shared pairs if the groups are paired.
        interval: Its 95 % confidence interval.
        p: Two-sided p-value of the hypothesis of no difference.
        pairs: Number of pairs; 0 for independent samples (Welch's test).
        adjusted_p: By Holm's method, over all comparisons made together.
    """

    difference: float
    interval: tuple[float, float]
    p: float
    pairs: int
    adjusted_p: float = math.nan


def summarize(values: list[float], resamples: int = RESAMPLES) -> Summary:
    """Return mean, standard deviation and intervals; of a single run, the mean alone.

    Args:
        values: Of the runs.
        resamples: Of the bootstrap; 0 leaves its interval out.
    """
    sample = np.asarray(values, dtype=np.float64)
    mean, nothing = float(sample.mean()), (math.nan, math.nan)
    if len(sample) < 2:
        return Summary(len(sample), mean, math.nan, nothing, nothing)
    if not _has_spread(sample):
        mean = float(sample[0])
        return Summary(len(sample), mean, 0.0, (mean, mean), (mean, mean))
    std = float(sample.std(ddof=1))
    low, high = stats.t.interval(CONFIDENCE, len(sample) - 1, loc=mean, scale=stats.sem(sample))
    bootstrap = _bootstrap(sample, resamples) if resamples else nothing
    return Summary(len(sample), mean, std, (float(low), float(high)), bootstrap)


def _bootstrap(sample: np.ndarray, resamples: int) -> tuple[float, float]:
    with warnings.catch_warnings():  # degenerate distributions
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            (sample,), np.mean, confidence_level=CONFIDENCE, n_resamples=resamples, rng=np.random.default_rng(0)
        )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def compare(values: Mapping[Any, float], baseline: Mapping[Any, float]) -> Difference:
    """Compare two groups: paired if they share seeds or folds, else as independent samples.

    Args:
        values: Metric by seed or fold.
        baseline: The same for the baseline.
    """
    shared = [key for key in values if key in baseline]
    if len(shared) >= 2:
        first, second = ([side[key] for key in shared] for side in (values, baseline))
        differences = np.subtract(first, second)
        if not _has_spread(differences, size=np.max(np.abs(first))):
            return _without_spread(float(differences[0]), len(shared))
        result, pairs = stats.ttest_rel(first, second), len(shared)
        difference = float(differences.mean())
    elif min(len(values), len(baseline)) >= 2:
        first, second = list(values.values()), list(baseline.values())
        if not _has_spread(first) and not _has_spread(second):
            return _without_spread(first[0] - second[0], 0)
        with warnings.catch_warnings():  # of one group without spread
            warnings.simplefilter("ignore", RuntimeWarning)
            result, pairs = stats.ttest_ind(first, second, equal_var=False), 0
        difference = float(np.mean(first) - np.mean(second))
    else:
        difference = float(np.mean(list(values.values())) - np.mean(list(baseline.values())))
        return Difference(difference, (math.nan, math.nan), math.nan, 0)
    interval = result.confidence_interval(CONFIDENCE)
    return Difference(difference, (float(interval.low), float(interval.high)), float(result.pvalue), pairs)


def _has_spread(values: Sequence[float] | np.ndarray, size: float | None = None) -> bool:
    """Whether values differ by more than rounding: the deviation of three times 0.1 is not 0, nor that of differences
    of 0.3 - 0.2 and 0.2 - 0.1.

    Args:
        values: The values.
        size: Of the numbers that they were computed from; by default of themselves.
    """
    size = float(np.max(np.abs(values))) if size is None else size
    return bool(np.ptp(values) > ROUNDING * size)


def _without_spread(difference: float, pairs: int) -> Difference:
    """Return the limit of the tests for a spread of zero, by which they cannot judge."""
    return Difference(difference, (difference, difference), 1.0 if difference == 0 else 0.0, pairs)


def adjust(differences: list[Difference]) -> list[Difference]:
    """Adjust the p-values of comparisons made together by Holm's step-down method (Holm 1979)."""
    tested = sorted((d.p, place) for place, d in enumerate(differences) if not math.isnan(d.p))
    adjusted, highest = list(differences), 0.0
    for rank, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = replace(differences[place], adjusted_p=highest)
    return adjusted


def prediction_interval(values: list[float]) -> tuple[float, float]:
    """Return the 95 % interval of one further value of a normal distribution, given at least two values."""
    sample = np.asarray(values, dtype=np.float64)
    if not _has_spread(sample):
        return float(sample[0]), float(sample[0])
    scale = float(sample.std(ddof=1)) * math.sqrt(1 + 1 / len(sample))
    low, high = stats.t.interval(CONFIDENCE, len(sample) - 1, loc=sample.mean(), scale=scale)
    return float(low), float(high)
