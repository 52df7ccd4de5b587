import pytest

from leyden.data.vision.validation_choices import validation_choices


@pytest.mark.parametrize(
    ("train", "choices"),
    [
        (
            {"split": "train", "small": True},
            [{"split": name, "small": True} for name in ("val", "valid", "validation")],
        ),
        ({"version": "2021_train"}, [{"version": "2021_val"}, {"version": "2021_valid"}]),
        ({"split": "train-standard"}, [{"split": "val-standard"}, {"split": "val"}]),
        ({"split": "trainval"}, []),
        ({"split": "train+unlabeled"}, []),
        ({"train": True}, []),
    ],
)
def test_arguments_of_the_validation_split(train, choices):
    found = list(validation_choices(train))
    assert [one for one in found if one in choices] == choices
    assert bool(found) == bool(choices)
