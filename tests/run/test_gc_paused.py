import gc

import pytest

from leyden.run.gc_paused import gc_paused


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_objects_created_within_are_frozen():
    with gc_paused():
        assert not gc.isenabled()
        kept = [[]]
    assert gc.isenabled()
    assert all(one is not kept for one in gc.get_objects())


def test_collection_resumes_after_failed_import():
    with pytest.raises(ModuleNotFoundError), gc_paused():
        import nothing_of_that_name  # noqa: F401  # pyrefly: ignore[missing-import]
    assert gc.isenabled()
