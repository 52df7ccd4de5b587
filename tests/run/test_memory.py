import torch

from leyden.run.memory import GIB, peak_memory


def test_the_peak_stays_after_memory_is_freed():
    tensor = torch.ones(64 * 2**20)  # 256 MiB, written
    during = peak_memory()["process"]
    del tensor
    assert peak_memory()["process"] >= during >= 256 * 2**20 / GIB
    assert ("gpu" in peak_memory()) == torch.cuda.is_initialized()
