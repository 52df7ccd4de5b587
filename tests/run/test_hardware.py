import logging
import platform
import subprocess
import sys

import pytest
import torch

from leyden.run.hardware import precision, with_supported_precision


@pytest.mark.parametrize(
    ("requested", "capability", "given"),
    [
        ("bf16-mixed", (7, 5), "16-mixed"),
        ("bf16-mixed", (8, 0), "bf16-mixed"),
        ("bf16-mixed", (12, 0), "bf16-mixed"),
        ("32-true", (7, 0), "32-true"),
        (None, (7, 0), None),
    ],
)
def test_gpu_without_bfloat16_falls_back_to_float16(caplog, requested, capability, given):
    caplog.set_level(logging.WARNING, logger="leyden")
    assert precision(requested, capability) == given
    assert [record.getMessage() for record in caplog.records] == (
        []
        if given == requested
        else ["this GPU does not support bfloat16: using trainer.precision=16-mixed instead of bf16-mixed"]
    )


@pytest.mark.parametrize("accelerator", ["gpu", "auto"])
def test_precision_is_changed_only_on_gpu(monkeypatch, accelerator):
    settings = {"accelerator": accelerator, "precision": "bf16-mixed", "devices": 1}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert with_supported_precision(settings) == settings
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 0))
    assert with_supported_precision(settings) == settings | {"precision": "16-mixed"}
    assert with_supported_precision(settings | {"accelerator": "cpu"}) == settings | {"accelerator": "cpu"}


ALLOCATE = """
import resource, sys, torch
from leyden.run.hardware import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for step in range(22):
    if step == 2:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.zeros(40_000_000, dtype=torch.uint8)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's allocator")
def test_freed_memory_is_reused_by_the_next_step():
    faults = {
        how: int(subprocess.run([sys.executable, "-c", ALLOCATE, how], check=True, capture_output=True).stdout)
        for how in ("keep", "give back")
    }
    assert faults["keep"] < 100 < faults["give back"]
