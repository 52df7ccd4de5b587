import pytest
import torch

from leyden.data import DataError
from leyden.data.text import Stdlib
from leyden.data.text.stdlib import PACKAGES, docstrings


@pytest.fixture(scope="module")
def splits():
    return Stdlib().load_texts("train"), Stdlib().load_texts("test")


def test_enough_samples_of_every_package_in_both_splits(splits):
    (train, train_labels), (test, test_labels) = splits
    assert 1500 < len(train) + len(test) < 3000
    assert set(train_labels) == set(test_labels) == set(PACKAGES)
    assert len(test) == pytest.approx(0.2 * (len(train) + len(test)), abs=10)


def test_no_docstring_appears_twice(splits):
    (train, _), (test, _) = splits
    texts = train + test
    assert len(set(texts)) == len(texts)


def test_the_same_whenever_it_is_read(splits):
    assert Stdlib().load_texts("train") == splits[0]


def test_classes_in_proportion(splits):
    data = Stdlib()
    data.setup("fit")
    shares = [samples.targets[rows_].bincount() / len(rows_) for samples, rows_ in parts(data)]
    assert torch.allclose(*shares, atol=0.02)


def parts(data):
    return [(subset.dataset, subset.indices) for subset in (data.samples["train"], data.samples["validation"])]


def test_docstrings_of_modules_classes_and_functions_but_not_of_tests(tmp_path):
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "a.py").write_text('"""Left out"""')
    (tmp_path / "b.py").write_text(
        '"""Of the\n   module"""\nclass C:\n    """Of the class"""\n    async def f(self):\n        """Of f"""\n'
    )
    (tmp_path / "c.py").write_text("raise SystemExit  # parsed, never run\n")
    assert docstrings(tmp_path) == ["Of the module", "Of the class", "Of f"]


def test_python_without_sources(tmp_path):
    with pytest.raises(DataError, match="this Python has no source files"):
        docstrings(tmp_path)
