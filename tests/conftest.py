import sys

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread_for_each_test_process():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def own_cache(tmp_path_factory):
    """What tests decode is not kept in the project's folder."""
    if residence := sys.modules.get("leyden.data.residence"):  # else no test has to do with data
        residence.ROOT = tmp_path_factory.mktemp("project")


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
