import sys

import pytest
import torch

from leyden.run.history import HISTORY


@pytest.fixture(autouse=True, scope="session")
def one_thread_for_each_test_process():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """What tests decode is not kept in the project's folder."""
    # Where it has not been imported, no test has to do with data.
    if storage := sys.modules.get("leyden.data.storage.storage"):
        storage.ROOT = tmp_path_factory.mktemp("project")


@pytest.fixture(autouse=True, scope="session")
def no_history(tmp_path_factory):
    """Runs of tests are forgotten, or `latest` would name them."""
    yield
    if HISTORY.exists():
        lines = HISTORY.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if not line.startswith(f'["{tmp_path_factory.getbasetemp().parent}')]
        HISTORY.write_text("".join(kept), encoding="utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    report = yield
    # Processes of the suite hand reports on as UTF-8, whatever a test has logged of file names.
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
