import pytest

pytest.importorskip("litdata")
