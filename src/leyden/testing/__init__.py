"""Contract tests of a project's experiments and networks, found in its configs/. The only part that imports pytest.

A project switches them on with one line in `tests/test_contract.py`:

    from leyden.testing import TestExperiments, TestNetworks  # noqa: F401

They need no files beside configs/: no network, no GPU, no settings in pyproject.toml.
"""

from .experiments import TestExperiments
from .networks import TestNetworks

__all__ = ["TestExperiments", "TestNetworks"]
