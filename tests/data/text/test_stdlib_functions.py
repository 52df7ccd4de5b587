import ast
from textwrap import dedent

import pytest
import torch

from leyden.data.text import StdlibFunctions
from leyden.data.text.stdlib_functions import PROPERTIES, functions

SOURCE = '''
def plain():
    """Does nothing."""

class Thing:
    """Not a function's docstring."""
    def __init__(self, *, size=1):
        """Sizes   it."""
        for _ in range(size):
            if not size:
                raise ValueError
    async def wait(self):
        """Waits."""
        def inner(x):
            """Is inside."""
            while x:
                return x
        return

def undocumented(x):
    return lambda: x

def answers(**options):
    """Answers."""
    return options
'''


def test_what_functions_do():
    assert list(functions(ast.parse(dedent(SOURCE)))) == [
        ("Does nothing.", []),
        ("Sizes it.", ["arguments", "loops", "method", "raises"]),
        ("Waits.", ["method"]),
        ("Is inside.", ["arguments", "loops", "returns"]),
        ("Answers.", ["arguments", "returns"]),
    ]


@pytest.mark.slow
def test_samples_of_every_property_in_each_split():
    data = StdlibFunctions()
    data.setup("fit")
    data.setup("test")
    assert data.class_names == PROPERTIES
    assert len(data.samples["train"]) > 900
    for split in (data.samples["train"].dataset, data.samples["test"]):
        shares = split.targets.float().mean(dim=0)
        assert torch.all((shares > 0.1) & (shares < 0.85)), shares  # neither always nor almost never
        assert (split.targets.sum(dim=1) > 1).any()
