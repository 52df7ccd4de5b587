import pytest
import torch

from leyden.optim import warmup_cosine


def test_rises_then_falls_to_zero():
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=2.0)
    schedule = warmup_cosine(optimizer, total_steps=100, warmup_fraction=0.2)
    rates = []
    for _ in range(100):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[20] == pytest.approx(2.0)
    assert rates[60] == pytest.approx(1.0)  # half-way down the cosine
    assert rates[-1] < 0.002
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0)


def test_a_share_of_one_is_refused():
    with pytest.raises(ValueError, match="warmup_fraction is 1"):
        warmup_cosine(torch.optim.SGD([torch.zeros(1)], lr=1.0), 10, warmup_fraction=1)
