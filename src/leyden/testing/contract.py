"""What all contract tests share: where they run, and how they fail."""

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
RESUMED = "Checkpoint directory .* exists and is not empty"  # that of a resumed run


class Contract:
    """Tests that run in the project's folder, on one thread, and leave nothing in it: no runs, no cache."""

    # Whatever a project makes of warnings, such as errors.
    pytestmark = [pytest.mark.filterwarnings(f"ignore:{message}") for message in (*HARMLESS, RESUMED)]

    @pytest.fixture(autouse=True)
    def _isolated(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.chdir(project_root())
        monkeypatch.setattr(storage, "ROOT", tmp_path_factory.getbasetemp())
        for keep in ("remember", "sign"):  # in the project's runs/, where `latest` must not find a run of a test
            monkeypatch.setattr(directory, keep, lambda *_: None)
        threads, log = torch.get_num_threads(), logging.getLogger("lightning.pytorch")
        level = log.level
        torch.set_num_threads(1)
        log.setLevel(logging.WARNING)  # as the command line has it
        seed_all(0)
        yield
        torch.set_num_threads(threads)
        log.setLevel(level)


def seed_all(seed: int) -> None:
    """Seeds all global generators."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def parametrize(metafunc: pytest.Metafunc, name: str, values: Iterable[Any], is_slow: bool) -> None:
    """Gives a test one value after the other; all tests of a value follow each other, so that they share its parts.

    Args:
        metafunc: the test; nothing happens where it does not take `name`.
        name: of the argument.
        values: each with its id as `str`.
        is_slow: whether the test has the mark `slow`, which a project need not register.
    """
    if name not in metafunc.fixturenames:
        return
    if not any(str(line).startswith("slow") for line in metafunc.config.getini("markers")):
        metafunc.config.addinivalue_line("markers", SLOW)
    marks = [pytest.mark.slow] if is_slow else []
    cases = [pytest.param(value, id=str(value), marks=marks) for value in values]
    metafunc.parametrize(name, cases, scope="class")


def fail(sentence: str) -> NoReturn:
    """Fails with a sentence alone: a traceback through these tests would tell a researcher nothing."""
    pytest.fail(sentence, pytrace=False)


def expect(condition: object, sentence: str) -> None:
    """Fails with a sentence where something is not as it must be."""
    if not condition:
        fail(sentence)
