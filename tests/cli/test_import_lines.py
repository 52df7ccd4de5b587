import ast

from leyden.cli.import_lines import rewrite_imports

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


def test_changed_statements_are_merged_and_sorted():
    assert rewrite_imports(BEFORE, place, set()) == AFTER


def test_unchanged_statements_keep_order_and_format():
    text = "from b import (\n    c,\n    a,\n)\nimport a\n"
    assert rewrite_imports(text, lambda node, alias: "", set()) == text


def test_names_of_one_module_are_merged_in_isort_order():
    text = "from .a import b2, b10, One\nfrom .b import CONSTANT, Two\n"
    assert rewrite_imports(text, lambda node, alias: "x", set()) == "from x import CONSTANT, One, Two, b2, b10\n"


def test_long_statements_have_one_name_per_line():
    names = [f"name_{number}" for number in range(10, 30)]
    text = rewrite_imports(f"from .a import {', '.join(names)}\n", lambda node, alias: "library", set())
    assert text.splitlines() == ["from library import (", *(f"    {name}," for name in names), ")"]
    assert [alias.name for alias in ast.parse(text).body[0].names] == names


def test_project_packages_come_last():
    text = "from torch import nn\n\nfrom .a import b\n"
    assert rewrite_imports(text, lambda node, alias: "library" if node.level else "", {"library"}) == (
        "from torch import nn\n\nfrom library import b\n"
    )
