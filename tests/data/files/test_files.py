import pytest

from leyden.data.files.files import expand_inputs
from leyden.errors import UserError


def test_inputs_of_a_command_line(folder):
    root = folder("a/1.x", "a/2.x", "b.x", "c.y")
    assert [path.name for path in expand_inputs([root / "b.x", root / "a"], {".x"})] == ["b.x", "1.x", "2.x"]
    with pytest.raises(UserError, match="there is no file or folder"):
        expand_inputs([root / "none.x"], {".x"})
    with pytest.raises(UserError, match=r"c\.y: expected a file with the suffix \.x"):
        expand_inputs([root / "c.y"], {".x"})
    with pytest.raises(UserError, match=r"no \.z file in"):
        expand_inputs([root], {".z"})
