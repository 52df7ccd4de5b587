import importlib.util
import json
import os
import sys
from functools import partial

import pytest

from leyden.data.core.datamodule import DataModule
from leyden.data.storage.fingerprint import (
    dataset_name,
    decoder,
    file_states,
    texts_hash,
)

SOURCE = """
from leyden.data import DataModule

class Numbers(DataModule):
    decoding = ("scale",)

    def __init__(self, scale=1, dataset=None, root="here", **loading):
        super().__init__(**loading)
        self.scale, self.dataset, self.root = scale, dataset, root

    def decode(self, path):
        return SCALE * self.scale
"""


@pytest.fixture
def numbers(tmp_path):
    """Create a data module from a class in a source file with this decoding."""

    def numbers(factor=1, **options):
        path = tmp_path / "source" / "numbers_of_a_test.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SOURCE.replace("SCALE", str(factor)))
        spec = importlib.util.spec_from_file_location("numbers_of_a_test", path)
        sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Numbers(**options)

    yield numbers
    sys.modules.pop("numbers_of_a_test", None)


def test_what_decodes_alike_is_known_by_the_same_values(numbers):
    one, other = decoder(numbers()), decoder(numbers(batch_size=3, seed=1))
    assert one == other
    assert json.loads(json.dumps(one)) == one
    assert one["on"]["torch"]


def test_settings_source_and_folder_distinguish_entries(numbers):
    one = decoder(numbers())
    others = [decoder(numbers(scale=2)), decoder(numbers(factor=2)), decoder(numbers(root="there"))]
    assert all(one != other for other in others)
    assert decoder(numbers(), masks="abc") == one | {"masks": "abc"}


def test_a_class_that_names_no_settings_is_not_known(numbers):
    base = type(numbers())

    class Own(base):
        def decode(self, path):
            return 3

    class OwnAndNamed(Own):
        decoding = ("scale",)

    assert decoder(Own()) is None
    assert decoder(OwnAndNamed())
    assert decoder(DataModule())["settings"] == {}


def test_a_dataset_is_known_by_its_class_and_folder(numbers, tmp_path):
    assert dataset_name(numbers(root=str(tmp_path))) == f"numbers_of_a_test.Numbers {tmp_path}"
    assert dataset_name(numbers(dataset=partial(dict), root=None)) == "numbers_of_a_test.Numbers of builtins.dict"


def test_any_change_of_a_file_shows(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("one")
    other.write_text("two")
    states = [file_states([path, other]), file_states([other, path]), file_states([path])]
    known = path.stat()
    path.write_text("eno")
    os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))  # as an archive would
    states.append(file_states([path, other]))
    assert len(set(states)) == 4
    assert states[-1] == file_states([path, other])
    with pytest.raises(FileNotFoundError):
        file_states([tmp_path / "c"])


def test_texts_are_reported_apart_also_where_one_ends():
    assert len({texts_hash(texts) for texts in (["ab"], ["a", "b"], ["b", "a"], [], [""], ["\ud800"])}) == 6
