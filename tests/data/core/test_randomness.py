import pytest
import torch
from torchvision.transforms import v2

from leyden.data.core.randomness import (
    each_sample,
    step_randomness,
    streams,
    uniform,
)


def on_ranks(draw, samples, num_ranks, step=3):
    """Draws of all ranks for a batch, in the order of a single rank."""
    together = [None] * samples
    for rank in range(num_ranks):
        with step_randomness(1, 2, step, rank, num_ranks):
            own = range(rank, samples, num_ranks)
            for number, value in zip(own, draw(len(own)), strict=True):
                together[number] = value
    return torch.stack(together)


def twice(samples):
    """A later call must not depend on how many samples a rank has."""
    uniform(samples, 3)
    return uniform(samples, 2, 5)


DRAWS = {
    "uniform": twice,
    "streams": lambda samples: streams(samples, 40),
    "normal": lambda samples: streams(samples, 40, torch.randn),
    "a library's transform": lambda samples: each_sample(
        v2.Compose([v2.RandomHorizontalFlip(), v2.RandomResizedCrop(6), v2.ColorJitter(0.5)]),
        torch.arange(64).reshape(8, 8).expand(samples, 3, 8, 8) / 64,
    ),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("samples", [8, 7, 4])
def test_a_sample_draws_the_same_on_any_number_of_ranks(name, samples):
    alone = on_ranks(DRAWS[name], samples, 1)
    for num_ranks in (2, 3, 4):
        assert on_ranks(DRAWS[name], samples, num_ranks).equal(alone)
    assert len({tuple(sample.flatten().tolist()) for sample in alone}) == samples
    assert not on_ranks(DRAWS[name], samples, 1, step=4).equal(alone)


@pytest.mark.parametrize("draw", [torch.rand, torch.randn])
@pytest.mark.parametrize("length", [1, 15, 16, 33, 1000])
def test_padding_does_not_change_what_is_drawn(draw, length):
    drawn = []
    for longer in (length, length + 1, length + 500):
        with step_randomness(0, 0, 0):
            drawn.append(streams(4, longer, draw)[:, :length])
    assert drawn[0].equal(drawn[1])
    assert drawn[0].equal(drawn[2])


def test_numbers_have_their_distributions():
    with step_randomness(0, 0, 0):
        assert streams(4, 10_000, torch.randn).std().item() == pytest.approx(1, abs=0.02)
        assert uniform(10_000).mean().item() == pytest.approx(0.5, abs=0.02)
        assert streams(4, 10_000).max() <= 1


def test_ranks_draw_other_dropout_and_the_same_one_again():
    seen = []
    for rank in (0, 1, 0):
        with step_randomness(0, 1, 2, rank, 2):
            uniform(3)
            each_sample(lambda sample: sample + torch.rand(1), torch.zeros(3))
        seen.append(torch.rand(4))
    assert seen[0].equal(seen[2])
    assert not seen[0].equal(seen[1])


def test_outside_of_training_the_global_generator_is_asked():
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(torch.cat([uniform(3), streams(3, 2).flatten()]))
    assert drawn[0].equal(drawn[1])
    assert not drawn[0].equal(torch.cat([uniform(3), streams(3, 2).flatten()]))


@pytest.mark.skipif(torch.cuda.is_initialized(), reason="there, each seed takes effect at once")
def test_steps_leave_nothing_behind_for_a_gpu_that_may_come():
    waiting = len(torch.cuda._queued_calls)
    with step_randomness(0, 0, 0):
        each_sample(lambda sample: torch.rand(1), [0, 1])
    assert len(torch.cuda._queued_calls) == waiting
