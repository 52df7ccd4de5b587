"""scripts/demo.py: what ends it, as a `make` that is ended does, ends what it has started."""

import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leyden.config.embedded import embedded_experiments


@pytest.fixture
def demo():
    return runpy.run_path("scripts/demo.py")


def test_it_has_an_experiment_of_each_domain(demo):
    found = list(demo["first_experiments"]())
    assert {name.split("/")[0] for name in found} == {name.split("/")[0] for name in embedded_experiments(Path.cwd())}
    assert len(found) == len({name.split("/")[0] for name in found})


def test_its_processes_end_with_it(demo):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        demo["RUNNING"].add(process)
        with pytest.raises(SystemExit) as ended:
            demo["stop"](signal.SIGTERM, None)
        assert ended.value.code == 128 + signal.SIGTERM
        assert process.wait() == -signal.SIGTERM
