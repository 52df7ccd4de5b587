from functools import partial
from math import log

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from trainers import trainer

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import MultilabelClassification

PROBABILITIES = torch.tensor([[0.9, 0.6], [0.8, 0.7], [0.3, 0.2], [0.1, 0.4]])
TARGETS = torch.tensor([[1, 1], [0, 0], [1, 0], [0, 0]], dtype=torch.uint8)


class Known(nn.Module):
    """The inputs are the logits, times a trainable scale."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, inputs):
        return inputs * self.scale


def model(**options):
    optimizer = partial(torch.optim.SGD, lr=0.5)
    return MultilabelClassification(network=Known(), class_names=["a", "b"], optimizer=optimizer, **options)


def loader(batch_size=4):
    batches = [
        Batch(PROBABILITIES[start : start + batch_size].logit(), TARGETS[start : start + batch_size])
        for start in range(0, 4, batch_size)
    ]
    return DataLoader(batches, batch_size=None)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 4])
def test_metrics_by_hand_whatever_the_batches(tmp_path, batch_size):
    (results,) = trainer(tmp_path).test(model(), loader(batch_size), verbose=False)
    # Class a is right at ranks one and three: (1/1 + 2/3) / 2. Class b at rank two: 1/2.
    assert results["test/map"] == pytest.approx((5 / 6 + 1 / 2) / 2)
    # Above 0.5: a has 1 right, 1 wrong and 1 missed, 2 / (2 + 1 + 1); b 1 right and 1 wrong, 2 / (2 + 1).
    assert results["test/macro_f1"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    samples = [log(0.9) + log(0.6), log(0.2) + log(0.3), log(0.3) + log(0.8), log(0.9) + log(0.6)]
    assert results["test/loss"] == pytest.approx(-sum(samples) / 8)


def test_classes_that_a_split_has_not_are_left_out_of_means_and_named_once(tmp_path, caplog):
    network = Known()
    network.scale = nn.Parameter(torch.ones(3))
    one = MultilabelClassification(network, class_names=["a", "b", "c"], optimizer=partial(torch.optim.SGD, lr=0.5))
    probabilities = torch.cat([PROBABILITIES, PROBABILITIES[:, :1]], dim=1)
    targets = torch.cat([TARGETS, torch.zeros(4, 1, dtype=torch.uint8)], dim=1)
    for _ in range(2):
        data = DataLoader([Batch(probabilities.logit(), targets)], batch_size=None)
        (results,) = trainer(tmp_path).test(one, data, verbose=False)
    assert results["test/map"] == pytest.approx((5 / 6 + 1 / 2) / 2)
    assert results["test/macro_f1"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert caplog.text.count("the test split has no sample of c") == 1
    (results,) = trainer(tmp_path).test(
        one, DataLoader([Batch(probabilities.logit(), 0 * targets)], batch_size=None), verbose=False
    )
    assert torch.tensor([results["test/map"], results["test/macro_f1"]]).isnan().all()  # without any class


def test_weights_and_smoothing_by_hand():
    one = model(class_weights="balanced", class_counts=[3, 1], label_smoothing=0.2)
    one.log = one.log_dict = one.log_training = lambda *_, **__: None
    loss = one.training_step(Batch(PROBABILITIES[:1].logit(), TARGETS[:1]), 0)
    # The positive weights are 4 / (2 * 3) and 4 / (2 * 1); the predicted probability is 0.9.
    a = 0.9 * 2 / 3 * log(0.9) + 0.1 * log(0.1)
    b = 0.9 * 2 * log(0.6) + 0.1 * log(0.4)
    assert loss.item() == pytest.approx(-(a + b) / 2)


def test_predictions_are_a_probability_for_each_class():
    predicted = model().predict_step(Batch(PROBABILITIES.logit(), TARGETS), 0)
    assert torch.allclose(predicted, PROBABILITIES)


def test_training_moves_the_network(tmp_path):
    one = model()
    trainer(tmp_path).fit(one, loader(), loader())
    assert (one.network.scale != 1).all()


def test_samples_of_one_class_are_refused():
    with pytest.raises(UserError, match=r"set data\.label_separator"):
        model().evaluate(Batch(PROBABILITIES, torch.zeros(4, dtype=torch.int64)), "test")


def test_a_share_of_smoothing_above_one_is_refused():
    with pytest.raises(ValueError, match=r"label_smoothing is 1\.5"):
        model(label_smoothing=1.5)
