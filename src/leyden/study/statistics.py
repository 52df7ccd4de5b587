"""Means, intervals and paired differences over seeds or folds, by SciPy."""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
RESAMPLES = 9999  # of the bootstrap, as SciPy has it by default


@dataclass(frozen=True)
class Summary:
    """Of the values of one setting over its runs.

    Attributes:
        n: number of runs.
        mean: of them.
        std: the standard deviation of a sample; NaN for one run.
        t_interval: 95 % confidence interval of the mean by Student's t.
        bootstrap_interval: the same by the bias-corrected and accelerated bootstrap (Efron 1987).
    """

    n: int
    mean: float
    std: float
    t_interval: tuple[float, float]
    bootstrap_interval: tuple[float, float]


@dataclass(frozen=True)
class Difference:
    """Of one setting's mean from another's.

    Attributes:
        difference: of the means; of the pairs, where they are paired.
        interval: its 95 % confidence interval.
        p: two-sided, of the hypothesis that there is no difference.
        adjusted_p: by Holm's method, over all comparisons that are made together.
        pairs: number of pairs; 0 where the runs are independent samples (Welch's test).
    """

    difference: float
    interval: tuple[float, float]
    p: float
    pairs: int
    adjusted_p: float = math.nan


def summarize(values: list[float]) -> Summary:
    """Mean, standard deviation and intervals; NaN where one run alone says nothing of them."""
    sample = np.asarray(values, dtype=np.float64)
    mean, nothing = float(sample.mean()), (math.nan, math.nan)
    if len(sample) < 2:
        return Summary(len(sample), mean, math.nan, nothing, nothing)
    std = float(sample.std(ddof=1))
    if std == 0:
        return Summary(len(sample), mean, 0.0, (mean, mean), (mean, mean))
    low, high = stats.t.interval(CONFIDENCE, len(sample) - 1, loc=mean, scale=stats.sem(sample))
    return Summary(len(sample), mean, std, (float(low), float(high)), _bootstrap(sample))


def _bootstrap(sample: np.ndarray) -> tuple[float, float]:
    with warnings.catch_warnings():  # of a distribution that has too few values
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            (sample,), np.mean, confidence_level=CONFIDENCE, n_resamples=RESAMPLES, rng=np.random.default_rng(0)
        )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def compare(values: dict[object, float], baseline: dict[object, float]) -> Difference:
    """Compares two settings: paired where runs share seeds or folds, else as independent samples.

    Args:
        values: of each seed or fold.
        baseline: the same of what is compared with.
    """
    shared = [key for key in values if key in baseline]
    if len(shared) >= 2:
        first, second = ([side[key] for key in shared] for side in (values, baseline))
        differences = np.subtract(first, second)
        if np.ptp(differences) == 0:
            each = float(differences[0])
            return Difference(each, (each, each), 1.0 if each == 0 else 0.0, len(shared))
        result, pairs = stats.ttest_rel(first, second), len(shared)
        difference = float(differences.mean())
    elif min(len(values), len(baseline)) >= 2:
        first, second = list(values.values()), list(baseline.values())
        result, pairs = stats.ttest_ind(first, second, equal_var=False), 0
        difference = float(np.mean(first) - np.mean(second))
    else:
        difference = float(np.mean(list(values.values())) - np.mean(list(baseline.values())))
        return Difference(difference, (math.nan, math.nan), math.nan, 0)
    interval = result.confidence_interval(CONFIDENCE)
    return Difference(difference, (float(interval.low), float(interval.high)), float(result.pvalue), pairs)


def adjust(differences: list[Difference]) -> list[Difference]:
    """Holm's step-down adjustment (Holm 1979) of the p-values of comparisons that are made together."""
    tested = sorted((d.p, place) for place, d in enumerate(differences) if not math.isnan(d.p))
    adjusted, highest = list(differences), 0.0
    for rank, (p, place) in enumerate(tested):
        highest = max(highest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = Difference(**vars(differences[place]) | {"adjusted_p": highest})
    return adjusted
