"""Contract tests of a project's experiments and networks, found in its configs/. The only package that imports pytest.

Enable them with one line in `tests/test_contract.py`:

    from leyden.testing import TestExperiments, TestNetworks  # noqa: F401

They need only configs/: no network access, no GPU, no settings in pyproject.toml.
"""

from .experiments import TestExperiments
from .networks import TestNetworks

__all__ = ["TestExperiments", "TestNetworks"]
