import ast

from leyden.cli.import_lines import moved

BEFORE = '''import os
from typing import TYPE_CHECKING

import numpy as np
from torch import nn  # kept

from ..core.samples import Samples, TensorSamples
# of this folder
from .fit import Fit, height_and_width as size
from .near import near  # stays

if TYPE_CHECKING:
    from ..core.datamodule import DataModule

TEXT = """
from ..core.samples import Samples
"""


def late():
    from matplotlib.figure import Figure  # half a second

    from ..core.samples import Samples  # noqa: F401

    if Figure:
        from .near import other
    return other
'''
AFTER = '''import os
from typing import TYPE_CHECKING

import numpy as np
from library.data import Samples
from library.data.samples import TensorSamples
# of this folder
from library.data.vision.fit import Fit
from library.data.vision.fit import height_and_width as size
from torch import nn  # kept

from .near import near  # stays

if TYPE_CHECKING:
    from library.data import DataModule

TEXT = """
from ..core.samples import Samples
"""


def late():
    from library.data import Samples  # noqa: F401
    from matplotlib.figure import Figure  # half a second

    if Figure:
        from .near import other
    return other
'''
PLACES = {"Samples": "library.data", "DataModule": "library.data", "TensorSamples": "library.data.samples"}


def place(node, alias):
    known = {**PLACES, "Fit": "library.data.vision.fit", "height_and_width": "library.data.vision.fit"}
    return known.get(alias.name, "") if node.level else ""


def test_statements_are_moved_merged_and_sorted_and_all_else_stays():
    assert moved(BEFORE, place, set()) == AFTER


def test_what_does_not_move_keeps_its_order_and_form():
    text = "from b import (\n    c,\n    a,\n)\nimport a\n"
    assert moved(text, lambda node, alias: "", set()) == text


def test_names_of_one_place_are_one_statement_in_the_order_of_isort():
    text = "from .a import b2, b10, One\nfrom .b import CONSTANT, Two\n"
    assert moved(text, lambda node, alias: "x", set()) == "from x import CONSTANT, One, Two, b2, b10\n"


def test_long_statements_have_a_name_a_line():
    names = [f"name_{number}" for number in range(10, 30)]
    text = moved(f"from .a import {', '.join(names)}\n", lambda node, alias: "library", set())
    assert text.splitlines() == ["from library import (", *(f"    {name}," for name in names), ")"]
    assert [alias.name for alias in ast.parse(text).body[0].names] == names


def test_packages_of_the_project_come_after_others():
    text = "from torch import nn\n\nfrom .a import b\n"
    assert moved(text, lambda node, alias: "library" if node.level else "", {"library"}) == (
        "from torch import nn\n\nfrom library import b\n"
    )
