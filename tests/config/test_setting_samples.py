"""A part of the benchmark: wrong settings are refused before torch is imported, unusual ones are accepted."""

import sys
from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose, options

ROOT = Path.cwd()
sys.path.insert(0, str(ROOT / "benchmarks"))

from unusual_settings import unusual  # noqa: E402
from wrong_settings import generate, may_be_meant, refused  # noqa: E402

IMAGES = "vision/digits"


def test_wrong_settings_are_refused():
    wrongs, configs = generate(60)
    passed = [wrong for wrong in wrongs if not refused(wrong, configs[wrong.experiment])]
    assert [str(wrong) for wrong in passed if not may_be_meant(wrong, configs[wrong.experiment])] == []


@pytest.mark.slow
@pytest.mark.skipif(IMAGES not in dict(options(ROOT)["experiment"]), reason="no images here")
def test_unusual_settings_are_accepted():
    settings = unusual(IMAGES)
    assert len(settings) >= 150
    found = {" ".join(words): problems(compose(words, ROOT)) for words in settings}
    assert {words: lines for words, lines in found.items() if lines} == {}
