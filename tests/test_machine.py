import logging

import pytest
import torch

from leyden.machine import for_this_gpu, precision


@pytest.mark.parametrize(
    ("asked", "capability", "given"),
    [
        ("bf16-mixed", (7, 5), "16-mixed"),
        ("bf16-mixed", (8, 0), "bf16-mixed"),
        ("bf16-mixed", (12, 0), "bf16-mixed"),
        ("32-true", (7, 0), "32-true"),
        (None, (7, 0), None),
    ],
)
def test_a_gpu_without_bfloat16_computes_in_float16_and_says_so(caplog, asked, capability, given):
    caplog.set_level(logging.WARNING, logger="leyden")
    assert precision(asked, capability) == given
    assert [record.getMessage() for record in caplog.records] == (
        [] if given == asked else ["this GPU has no bfloat16: trainer.precision=16-mixed in place of bf16-mixed"]
    )


@pytest.mark.parametrize("accelerator", ["gpu", "auto"])
def test_only_a_trainer_that_uses_a_gpu_is_changed(monkeypatch, accelerator):
    settings = {"accelerator": accelerator, "precision": "bf16-mixed", "devices": 1}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert for_this_gpu(settings) == settings
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (7, 0))
    assert for_this_gpu(settings) == settings | {"precision": "16-mixed"}
    assert for_this_gpu(settings | {"accelerator": "cpu"}) == settings | {"accelerator": "cpu"}
