import pytest
import torch
from torchvision.models import resnet18

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import Classification


def test_batch_norm_of_one_value_gives_a_clear_error():
    """A residual network has one output pixel for 32 pixels: one value per channel for a batch of one image."""
    model = Classification(network=resnet18(num_classes=2), optimizer=torch.optim.SGD, class_names=["a", "b"])
    batch = Batch(torch.rand(1, 3, 32, 32), torch.zeros(1, dtype=torch.int64))
    with pytest.raises(UserError, match=r"batch norm .* data\.batch_size .* data\.image_size"):
        model.training_step(batch, 0)
    with torch.no_grad():
        assert model.eval()(batch.inputs).shape == (1, 2)
    with pytest.raises(ValueError, match="another reason"):
        Classification(network=Refusing(1, 1), optimizer=torch.optim.SGD, class_names=["a", "b"])(batch.inputs)


class Refusing(torch.nn.Linear):
    def forward(self, inputs):
        raise ValueError("another reason")
