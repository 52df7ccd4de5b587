"""Random numbers that are functions of (seed, epoch, step, sample), never of what was drawn before.

Augmentation draws its numbers here, for each sample by its place in the global batch, of which a rank holds the samples
`rank`, `rank + num_ranks`, ...: a sample is augmented the same way on any number of ranks, and however far it is padded.

All that is drawn from torch's global generator is a function of (seed, epoch, step, rank) instead: dropout and
SpecAugment's masks in the networks, mixup, which pairs the samples of one rank, and an augmentation of one's own that calls
`torch.rand`. It can be repeated and differs from rank to rank, but another number of ranks draws other numbers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

ROWS = 1  # tells what samples draw from what the ranks draw, whose seeds have a number less
BLOCK = 16  # torch draws normal numbers in blocks of so many; the last one differs where it is not full


class _Step(NamedTuple):
    numbers: tuple[int, ...]
    rank: int
    num_ranks: int
    calls: Iterator[int]


_step: ContextVar[_Step | None] = ContextVar("step", default=None)


@contextmanager
def step_randomness(seed: int, epoch: int, step: int, rank: int = 0, num_ranks: int = 1) -> Iterator[None]:
    """Within it, the functions below draw for the samples of this step. Seeds torch's global generator, for what follows."""
    numbers = (seed, epoch, step)
    _seed(_hash(*numbers, rank))
    token = _step.set(_Step(numbers, rank, num_ranks, count()))
    try:
        yield
    finally:
        _step.reset(token)


def uniform(samples: int, *shape: int) -> Tensor:
    """Numbers from 0 to 1, on the CPU, whatever the device: every device sees the same [samples, *shape].

    Outside of a training step all functions here draw from torch's global generator.
    """
    return _rows(lambda samples, generator: torch.rand(samples, *shape, generator=generator), samples)


def streams(samples: int, length: int, draw: Callable[..., Tensor] = torch.rand) -> Tensor:
    """Numbers along an axis that is padded: the first ones of a sample do not depend on `length` [samples, length].

    Args:
        samples: of this rank.
        length: numbers a sample.
        draw: `torch.rand`, from 0 to 1, or `torch.randn`, normal.
    """
    generator, whole = Generator(), -(-length // BLOCK) * BLOCK
    drawn = [draw(whole, generator=generator.manual_seed(seed)) for seed in _seeds(samples)]
    return torch.stack(drawn)[:, :length]


def each_sample(function: Callable[..., Any], *samples: Any) -> list[Any]:
    """Calls a function that draws from torch's global generator, such as a transform of torchvision, for each sample."""
    results = []
    with torch.random.fork_rng(devices=[]):
        for seed, *sample in zip(_seeds(len(samples[0])), *samples, strict=True):
            torch.default_generator.manual_seed(seed)
            results.append(function(*sample))
    return results


def _seeds(samples: int) -> list[int]:
    return _rows(lambda samples, generator: torch.randint(2**62, (samples,), generator=generator), samples).tolist()


def _rows(draw: Callable[[int, Generator], Tensor], samples: int) -> Tensor:
    if (step := _step.get()) is None:
        return draw(samples, torch.default_generator)
    # A generator for each call, so that ranks with a sample less in a batch draw the same next time.
    generator = Generator().manual_seed(_hash(*step.numbers, next(step.calls), ROWS))
    return draw(samples * step.num_ranks, generator)[step.rank :: step.num_ranks]


def _seed(seed: int) -> None:
    """As `torch.manual_seed`, which without a GPU keeps a stack trace of each call, for one that might come."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


def _hash(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0]) >> 1
