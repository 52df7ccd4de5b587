import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread_for_each_test_process():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)
