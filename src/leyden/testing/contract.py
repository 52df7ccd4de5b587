"""Shared setup and failure messages of all contract tests."""

import logging
import random
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import numpy as np
import pytest
import torch

from ..config.compose import project_root
from ..data.storage import storage
from ..run import directory
from ..run.harmless_warnings import HARMLESS

SLOW = "slow: trains whole runs, or many steps"
RESUMED = "Checkpoint directory .* exists and is not empty"  # warning about a resumed run


class Contract:
    """Tests that run in the project's folder, on one thread, without leaving runs or caches in it."""

    # Even if the project turns warnings into errors.
    pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in (*HARMLESS, RESUMED)]

    @pytest.fixture(autouse=True)
    def _isolated(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.chdir(project_root())
        monkeypatch.setattr(storage, "ROOT", tmp_path_factory.getbasetemp())
        for keep in ("remember", "sign"):  # they write to the project's runs/, where `latest` must not find test runs
            monkeypatch.setattr(directory, keep, lambda *_: None)
        threads, log = torch.get_num_threads(), logging.getLogger("lightning.pytorch")
        level = log.level
        torch.set_num_threads(1)
        log.setLevel(logging.WARNING)  # as on the command line
        seed_all(0)
        yield
        torch.set_num_threads(threads)
        log.setLevel(level)


def seed_all(seed: int) -> None:
    """Seed all global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def parametrize(metafunc: pytest.Metafunc, name: str, values: Iterable[Any], is_slow: bool) -> None:
    """Parametrize a test, grouping all tests of a value, so that they share fixtures.

    Args:
        metafunc: the test; unchanged if it does not use `name`.
        name: name of the argument.
        values: values, whose `str` is the id.
        is_slow: whether to mark the test `slow`, which the project need not register.
    """
    if name not in metafunc.fixturenames:
        return
    if not any(str(line).startswith("slow") for line in metafunc.config.getini("markers")):
        metafunc.config.addinivalue_line("markers", SLOW)
    marks = [pytest.mark.slow] if is_slow else []
    cases = [pytest.param(value, id=str(value), marks=marks) for value in values]
    metafunc.parametrize(name, cases, scope="class")


def fail(message: str) -> NoReturn:
    """Fail with a message, without a traceback through these tests, which would not help."""
    pytest.fail(message, pytrace=False)


def expect(condition: object, message: str) -> None:
    """Fail with a message if a condition is false."""
    if not condition:
        fail(message)
