import pytest

from leyden.errors import UserError
from leyden.study.sweep.grid import plan_grid


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["seed=1,2,1"], "seed=1 and seed=1 are the same run: leave one out"),
        (["model.optimizer.lr=1e-3,0.001"], "model.optimizer.lr=0.001 and model.optimizer.lr=0.001 are the same run"),
        (["model=vision/convnet,vision/vit", "seed=0,0"], "model=vision/vit seed=0 and model=vision/vit seed=0 are"),
    ],
)
def test_runs_are_not_doubled(words, message):
    with pytest.raises(UserError) as error:
        plan_grid(["vision/digits", *words])
    assert message in str(error.value)
