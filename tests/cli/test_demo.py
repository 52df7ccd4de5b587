"""`leyden demo`: whatever stops it, as a `make` that is stopped does, stops the processes that it has started."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leyden.cli import demo
from leyden.config.embedded import embedded_experiments


def test_it_has_an_experiment_of_each_domain():
    root = Path.cwd()
    first = list(demo.first_experiments(root))
    domains = {name.split("/")[0] for name in embedded_experiments(root)}
    assert {name.split("/")[0] for name in first} == domains
    assert len(first) == len(domains)


def test_its_processes_end_with_it():
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        demo.RUNNING.add(process)
        with pytest.raises(SystemExit) as ended:
            demo.stop(signal.SIGTERM, None)
        demo.RUNNING.remove(process)
        assert ended.value.code == 128 + signal.SIGTERM
        assert process.wait() == -signal.SIGTERM
