"""A thin project: settings, and a package of its own beside the installed library."""

import re
from hashlib import sha256
from importlib import invalidate_caches
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import torch

import leyden
from leyden.cli.main import main
from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
LIBRARY = leyden.__name__
SHORT = ("experiment=vision/digits", "trainer=cpu", "trainer.max_epochs=1", "data.num_workers=0")
SMALL = (*SHORT, "model.network.width=4")


class ThinProject:
    """
    Args:
        root: where it is made; its package has the folder's name, so that none is taken for another test's.
    """

    def __init__(self, root):
        self.root, self.package = root, re.sub(r"\W", "_", root.name)
        copytree(ROOT / "configs", root / "configs", ignore=ignore_patterns("local"))
        copy(ROOT / "pyproject.toml", root)
        self.source = root / "src" / self.package
        self.add(self.package)

    def add(self, package):
        (self.root / "src" / package).mkdir(parents=True)
        (self.root / "src" / package / "__init__.py").touch()

    def eject(self, *words, code=0):
        assert main(["eject", *words]) == code
        invalidate_caches()

    def files(self):
        return {path.name for path in self.source.rglob("*.py") if path.name != "__init__.py"}

    def problems(self, *settings):
        return problems(compose([*SMALL, *settings], self.root))

    def trained(self):
        """A run, its test metrics and a hash of its weights."""
        from leyden.run.worker import Worker

        frozen = compose([*SMALL], self.root).frozen
        run = RunDirectory.create(frozen, self.root, ["train"])
        results = Worker(run, trains=True).fit()
        weights = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
        contents = [name.encode() + tensor.numpy().tobytes() for name, tensor in weights.items()]
        return run, results, sha256(b"".join(contents)).hexdigest()
