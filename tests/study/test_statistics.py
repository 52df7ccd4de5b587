import math

import numpy as np
import pytest
from scipy import stats

from leyden.study.statistics import Difference, adjust, compare, prediction_interval, summarize

FIRST = [0.912, 0.934, 0.921, 0.905, 0.927]
SECOND = [0.901, 0.915, 0.918, 0.897, 0.911]


def by_seed(values, first=0):
    return {first + number: value for number, value in enumerate(values)}


def test_intervals_are_those_of_scipy():
    summary = summarize(FIRST)
    assert (summary.n, summary.mean) == (5, pytest.approx(np.mean(FIRST)))
    assert summary.std == pytest.approx(np.std(FIRST, ddof=1))
    assert summary.t_interval == pytest.approx(stats.t.interval(0.95, 4, np.mean(FIRST), stats.sem(FIRST)))
    assert summary.t_interval == pytest.approx(tuple(stats.ttest_1samp(FIRST, 0).confidence_interval()))
    bootstrap = stats.bootstrap((FIRST,), np.mean, n_resamples=9999, rng=np.random.default_rng(0)).confidence_interval
    assert summary.bootstrap_interval == pytest.approx(tuple(bootstrap))


def test_a_single_run_has_no_interval():
    summary = summarize([0.9])
    assert (summary.n, summary.mean) == (1, 0.9)
    assert math.isnan(summary.std)
    assert all(map(math.isnan, (*summary.t_interval, *summary.bootstrap_interval)))


def test_equal_values_have_no_width():
    assert summarize([0.5, 0.5, 0.5]).t_interval == (0.5, 0.5)
    assert summarize([0.5, 0.5, 0.5]).bootstrap_interval == (0.5, 0.5)


def test_rounding_of_equal_values_is_no_spread():
    value = 0.1  # three of them have the mean 0.10000000000000002 and a deviation of 1.7e-17
    assert summarize([value] * 3).t_interval == summarize([value] * 3).bootstrap_interval == (value, value)
    assert (summarize([value] * 3).mean, summarize([value] * 3).std) == (value, 0)
    assert prediction_interval([value] * 3) == (value, value)


def test_rounding_of_differences_is_no_spread():
    difference = compare({0: 0.3, 1: 0.2, 2: 0.9}, {0: 0.2, 1: 0.1, 2: 0.8})
    assert difference.interval == (difference.difference, difference.difference)
    assert difference.p == 0


def test_one_group_without_spread_is_compared_without_a_warning():
    values = [0.7, 0.8, 0.97]
    expected = stats.ttest_1samp(values, 0.9)  # to which Welch's test reduces
    assert compare(by_seed(values), by_seed([0.9] * 5, first=10)).p == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(("other", "p"), [(0.8, 0.0), (0.9, 1.0)])
def test_groups_without_spread_are_compared_without_a_warning(other, p):
    difference = compare(by_seed([0.9] * 3), by_seed([other] * 2, first=10))
    assert (difference.p, difference.pairs, difference.interval) == (p, 0, (0.9 - other, 0.9 - other))


def test_shared_seeds_are_pairs():
    difference = compare(by_seed(FIRST), by_seed(SECOND))
    expected = stats.ttest_rel(FIRST, SECOND)
    assert difference.pairs == 5
    assert difference.p == pytest.approx(expected.pvalue)
    assert difference.interval == pytest.approx(tuple(expected.confidence_interval()))
    assert difference.difference == pytest.approx(np.mean(FIRST) - np.mean(SECOND))


def test_other_seeds_are_independent_samples():
    difference = compare(by_seed(FIRST), by_seed(SECOND, first=10))
    expected = stats.ttest_ind(FIRST, SECOND, equal_var=False)
    assert difference.pairs == 0
    assert difference.p == pytest.approx(expected.pvalue)
    assert difference.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_only_what_both_have_is_paired():
    assert compare(by_seed(FIRST), by_seed(SECOND[:3])).pairs == 3


def test_one_run_each_is_a_difference_and_no_test():
    difference = compare({0: 0.9}, {0: 0.8})
    assert difference.difference == pytest.approx(0.1)
    assert math.isnan(difference.p)


def test_holm_adjusts_all_comparisons_together():
    # Each of the sorted p-values times the number of those not smaller, and at least its predecessor (Holm 1979).
    ps = [0.01, 0.04, 0.03, math.nan]
    adjusted = adjust([Difference(0.0, (0.0, 0.0), p, 2) for p in ps])
    assert [d.adjusted_p for d in adjusted[:3]] == pytest.approx([0.03, 0.06, 0.06])
    assert math.isnan(adjusted[3].adjusted_p)
