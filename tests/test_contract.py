from leyden.testing import TestExperiments, TestNetworks  # noqa: F401
