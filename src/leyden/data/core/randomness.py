"""Random numbers that are functions of (seed, epoch, step, sample), never of earlier draws.

Augmentations draw from the functions below. The numbers of a sample depend on its position in the global batch, of which a
rank holds the samples `rank`, `rank + num_ranks`, ...: neither the number of ranks nor padding changes them.

Numbers from torch's global generator are a function of (seed, epoch, step, rank) instead: dropout and SpecAugment masks
in networks, mixup, which pairs the samples of one rank, and custom augmentations that call `torch.rand`. They are
reproducible, but differ between ranks and change with the number of ranks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

SAMPLE_SEED = 1  # appended to the seeds of samples, which separates them from the seeds of ranks
BLOCK = 16  # torch draws normal numbers in blocks of 16; an incomplete last block differs


class _Step(NamedTuple):
    seeds: tuple[int, ...]
    rank: int
    num_ranks: int
    calls: Iterator[int]


_step: ContextVar[_Step | None] = ContextVar("step", default=None)


@contextmanager
def step_randomness(seed: int, epoch: int, step: int, rank: int = 0, num_ranks: int = 1) -> Iterator[None]:
    """Seed the functions below for the samples of one step, and torch's global generator for the rest of it."""
    seeds = (seed, epoch, step)
    _seed(_hash(*seeds, rank))
    token = _step.set(_Step(seeds, rank, num_ranks, count()))
    try:
        yield
    finally:
        _step.reset(token)


def uniform(samples: int, *shape: int) -> Tensor:
    """Uniform numbers in [0, 1), drawn on the CPU, so that every device uses the same: (samples, *shape).

    Outside a training step, all functions here draw from torch's global generator.
    """
    return _draw(lambda samples, generator: torch.rand(samples, *shape, generator=generator), samples)


def streams(samples: int, length: int, draw: Callable[..., Tensor] = torch.rand) -> Tensor:
    """Numbers along a padded axis, (samples, length): the first numbers of a sample do not depend on `length`.

    Args:
        samples: number of samples of this rank.
        length: numbers per sample.
        draw: `torch.rand` or `torch.randn`.
    """
    generator, padded_length = Generator(), -(-length // BLOCK) * BLOCK
    drawn = [draw(padded_length, generator=generator.manual_seed(seed)) for seed in _seeds(samples)]
    return torch.stack(drawn)[:, :length]


def each_sample(function: Callable[..., Any], *samples: Any) -> list[Any]:
    """Call a function that uses torch's global generator, such as a torchvision transform, for each sample."""
    results = []
    with torch.random.fork_rng(devices=[]):
        for seed, *sample in zip(_seeds(len(samples[0])), *samples, strict=True):
            torch.default_generator.manual_seed(seed)
            results.append(function(*sample))
    return results


def _seeds(samples: int) -> list[int]:
    return _draw(lambda samples, generator: torch.randint(2**62, (samples,), generator=generator), samples).tolist()


def _draw(draw: Callable[[int, Generator], Tensor], samples: int) -> Tensor:
    if (step := _step.get()) is None:
        return draw(samples, torch.default_generator)
    # A new generator per call: ranks with one sample less in a batch must stay synchronized in later calls.
    generator = Generator().manual_seed(_hash(*step.seeds, next(step.calls), SAMPLE_SEED))
    return draw(samples * step.num_ranks, generator)[step.rank :: step.num_ranks]


def _seed(seed: int) -> None:
    """`torch.manual_seed` without its lazy CUDA call, which stores a stack trace for each call on machines without a GPU."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed(seed)


def _hash(*seeds: int) -> int:
    return int(np.random.SeedSequence(seeds).generate_state(1, np.uint64)[0]) >> 1
