from functools import partial

import pytest
import torch
from lightning.pytorch.plugins.precision import MixedPrecision

from leyden.optim.fused import fused

NO_KERNEL = torch.__version__.startswith("2.3.")  # on CPUs


def groups():
    torch.manual_seed(0)
    parameter = torch.nn.Parameter(torch.randn(5, 3))
    parameter.grad = torch.randn(5, 3)
    return [{"params": [parameter]}]


@pytest.mark.skipif(NO_KERNEL, reason="this torch has no fused kernels for CPUs")
@pytest.mark.parametrize("kind", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
def test_the_kernel_does_what_the_optimizer_does(kind):
    one, other = fused(partial(kind, lr=0.1), groups(), scales=False, clips=True), kind(groups(), lr=0.1)
    assert one.defaults["fused"]
    assert not other.defaults["fused"]
    for _ in range(3):
        one.step()
        other.step()
    torch.testing.assert_close(one.param_groups[0]["params"][0], other.param_groups[0]["params"][0])


@pytest.mark.parametrize(
    "optimizer",
    [
        partial(torch.optim.AdamW, fused=False),
        partial(torch.optim.AdamW, foreach=True),
        torch.optim.RMSprop,  # has no fused kernel
    ],
)
def test_a_choice_stands(optimizer):
    assert not fused(optimizer, groups(), scales=False, clips=False).param_groups[0].get("fused")


@pytest.mark.skipif(not NO_KERNEL, reason="this torch has fused kernels for CPUs")
@pytest.mark.parametrize("kind", [torch.optim.AdamW, partial(torch.optim.SGD, lr=0.1)])
def test_without_a_kernel_the_optimizer_is_as_ever(kind):
    optimizer = fused(kind, groups(), scales=False, clips=False)
    optimizer.step()
    assert not optimizer.param_groups[0]["fused"]


def test_scaled_gradients_that_are_clipped_are_not_left_to_the_kernel():
    assert not fused(torch.optim.AdamW, groups(), scales=True, clips=True).defaults["fused"]


def test_gradients_in_bfloat16_can_be_clipped():
    optimizer = fused(torch.optim.AdamW, groups(), scales=False, clips=True)
    MixedPrecision("bf16-mixed", "cpu").clip_gradients(optimizer, clip_val=0.01)
    assert optimizer.param_groups[0]["params"][0].grad.norm() == pytest.approx(0.01, rel=1e-3)
