import pytest
from scipy import stats

from leyden.errors import UserError
from leyden.study.comparison import groups
from leyden.study.comparison_tables import notes
from leyden.study.records import Record

METRIC = "test/accuracy"
FIRST, SECOND, THIRD = [0.91, 0.93, 0.92], [0.94, 0.95, 0.96], [0.90, 0.91, 0.92]


def run(model, seed, value, **changes):
    settings = {"name": "a", "seed": seed, "model._target_": "Classification", "model.width": model}
    return Record(
        f"/runs/{model}-{seed}",
        "a",
        "finished",
        settings=settings | changes.get("settings", {}),
        metrics={METRIC: value},
        splits=changes.get("splits", {"test": {"samples": 360, "targets": "ab"}}),
    )


@pytest.fixture
def runs():
    widths = ((16, FIRST), (32, SECOND), (64, THIRD))
    return [run(width, seed, value) for width, values in widths for seed, value in enumerate(values)]


def test_groups_are_summarized_and_compared_by_seed(runs):
    baseline, second, third = groups(runs, ["model.width"], METRIC, "16")
    assert [group.name for group in (baseline, second, third)] == ["width=16", "width=32", "width=64"]
    assert baseline.difference is None
    expected = stats.ttest_rel(SECOND, FIRST).pvalue, stats.ttest_rel(THIRD, FIRST).pvalue
    assert (second.difference.p, third.difference.p) == pytest.approx(expected)
    assert second.difference.adjusted_p == pytest.approx(min(expected) * 2)


def test_another_test_split_is_refused(runs):
    runs.append(run(16, 7, 0.9, splits={"test": {"samples": 300, "targets": "ff"}}))
    with pytest.raises(UserError, match="different samples of the test split"):
        groups(runs, ["model.width"], METRIC, None)


def folds_of(model, num_folds, values):
    return [
        run(
            model,
            0,
            value,
            settings={"data.fold": fold, "data.num_folds": num_folds},
            splits={"test": {"targets": fold}},
        )
        for fold, value in enumerate(values)
    ]


def test_folds_are_pairs_with_samples_of_their_own():
    records = [*folds_of(16, 3, FIRST), *folds_of(32, 3, SECOND)]
    made = groups(records, ["model.width"], METRIC, "16")
    assert made[1].difference.p == pytest.approx(stats.ttest_rel(SECOND, FIRST).pvalue)
    assert notes(made)[0].startswith("Folds share training samples")
    records[-1].splits["test"] = {"targets": "other"}
    with pytest.raises(UserError, match="different samples of the test split"):
        groups(records, ["model.width"], METRIC, None)
    with pytest.raises(UserError, match=r"different numbers of folds \(data.num_folds\): '3' in .* '5' in"):
        groups([*folds_of(16, 3, FIRST), *folds_of(32, 5, SECOND)], ["model.width"], METRIC, None)


def test_another_task_is_refused(runs):
    runs.append(run(128, 0, 0.9, settings={"model._target_": "Segmentation"}))
    with pytest.raises(UserError, match="different task"):
        groups(runs, ["model.width"], METRIC, None)


def test_what_differs_within_a_group_is_named(runs):
    runs.append(run(16, 3, 0.9, settings={"model.dropout": 0.5}))
    with pytest.raises(UserError, match=r"--by model\.dropout"):
        groups(runs, ["model.width"], METRIC, None)


def test_a_seed_twice_is_refused(runs):
    with pytest.raises(UserError, match=r"same seed: .* and .*; select one"):
        groups([*runs, run(16, 0, 0.5)], ["model.width"], METRIC, None)


@pytest.mark.parametrize(
    ("by", "metric", "against", "reason"),
    [
        ("model.widht", METRIC, None, "did you mean 'model.width'"),
        ("model.width", "test/acuracy", None, "did you mean 'test/accuracy'"),
        ("model.width", METRIC, "17", "there is no group with model.width=17"),
        ("model.width,seed", METRIC, "16", "--against 16 is 3 groups: add the other values, one of: 16,0; 16,1"),
    ],
)
def test_names_that_mean_nothing_are_refused(runs, by, metric, against, reason):
    with pytest.raises(UserError, match=reason):
        groups(runs, by.split(","), metric, against)


def test_baseline_is_named_by_numbers_or_all_values(runs):
    assert groups(runs, ["model.width"], METRIC, "1.6e1")[0].name == "width=16"
    assert groups(runs, ["model.width", "seed"], METRIC, "32,1")[0].name == "width=32, seed=1"


def test_part_of_an_experiment_is_the_class_that_differs():
    classes = {name: {"model.network._target_": f"leyden.networks.audio.{name}"} for name in ("M5", "MelConvNet")}
    runs = [run(16, 0, 0.9, settings=settings) for settings in classes.values()]
    made = groups(runs, ["model"], METRIC, "MelConvNet")
    assert [group.name for group in made] == ["network=MelConvNet", "network=M5"]
