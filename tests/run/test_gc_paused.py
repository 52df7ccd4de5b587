import gc

import pytest

from leyden.run.gc_paused import uncollected


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_what_comes_within_is_never_looked_at_again():
    with uncollected():
        assert not gc.isenabled()
        kept = [[]]
    assert gc.isenabled()
    assert all(one is not kept for one in gc.get_objects())


def test_garbage_is_collected_again_after_a_failed_import():
    with pytest.raises(ModuleNotFoundError), uncollected():
        import nothing_of_that_name  # noqa: F401  # pyrefly: ignore[missing-import]
    assert gc.isenabled()
