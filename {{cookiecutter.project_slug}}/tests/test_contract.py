"""The library's contract, over every experiment and model of configs/."""

from leyden.testing import TestExperiments, TestNetworks  # noqa: F401
