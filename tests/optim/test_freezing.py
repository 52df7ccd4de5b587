from functools import partial

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader
from trainers import trainer

from leyden.data import Batch
from leyden.errors import UserError
from leyden.tasks import Classification

BATCHES = [Batch(torch.rand(8, 3, 8, 8) + 5, torch.arange(8) % 2) for _ in range(3)]


def network():
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5))
    return nn.Sequential(body, nn.Sequential(nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)))


def model(**options):
    optimizer = partial(torch.optim.SGD, lr=0.1)
    return Classification(network=network(), class_names=["a", "b"], optimizer=optimizer, **options)


def fit(tmp_path, one):
    trainer(tmp_path, max_epochs=2).fit(one, DataLoader(BATCHES, batch_size=None), DataLoader(BATCHES, batch_size=None))


def test_a_run_that_is_resumed_ends_with_the_bits_of_one_left_alone(tmp_path):
    """Frozen parts and learning rates per layer are the same after resuming."""

    def trained(max_epochs, checkpoint=None):
        torch.manual_seed(0)
        one = model(frozen=["0.0"], layer_decay=0.5)
        one.scheduler = partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5)
        one.network[0][2].p = 0.0  # dropout is seeded by the data module
        training = trainer(tmp_path, max_epochs=max_epochs)
        loaders = (DataLoader(BATCHES, batch_size=None), DataLoader(BATCHES, batch_size=None))
        training.fit(one, *loaders, ckpt_path=checkpoint)
        training.save_checkpoint(tmp_path / "saved.ckpt")
        return one.network.state_dict()

    left_alone = trained(2)
    begun = trained(1)
    resumed = trained(2, tmp_path / "saved.ckpt")
    assert all(value.equal(resumed[name]) for name, value in left_alone.items())
    assert not all(value.equal(begun[name]) for name, value in left_alone.items())


def changed(tmp_path, one):
    """Parts whose parameters or running means have changed after training."""
    before = {name: value.clone() for name, value in one.network.state_dict().items()}
    fit(tmp_path, one)
    return {name.split(".")[0] for name, value in one.network.state_dict().items() if not value.equal(before[name])}


def test_without_freezing_everything_changes(tmp_path):
    assert changed(tmp_path, model()) == {"0", "1"}


def test_a_frozen_part_changes_nothing_of_itself_not_even_its_running_means(tmp_path):
    one = model(frozen=["0"])
    assert changed(tmp_path, one) == {"1"}
    assert not any(module.training for module in one.network[0].modules())
    assert all(module.training for module in one.network[1].modules())


def test_it_stays_so_whoever_switches_the_mode():
    one = model(frozen=["0"])
    one.eval()
    one.train()
    assert [part.training for part in one.network] == [False, True]


def test_a_frozen_norm_stays_frozen_where_trainer_sync_batchnorm_replaces_it():
    one = model(frozen=["0.1"])
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(one).train()
    assert isinstance(converted.network[0][1], nn.SyncBatchNorm)
    assert not converted.network[0][1].training
    assert converted.network[1][0].training


def test_frozen_parameters_are_not_handed_to_the_optimizer():
    one = model(frozen=["0"])
    one.scheduler = None
    groups = one.configure_optimizers().param_groups
    assert {p for group in groups for p in group["params"]} == set(one.network[1].parameters())


@pytest.mark.parametrize(
    ("frozen", "message"),
    [
        (["0.9"], r"has no module '0\.9'; did you mean '0\.\d'\? Its top-level modules: 0, 1"),
        (["features"], "has no module 'features'; Its top-level modules: 0, 1"),
        (["0", "1"], "leaves no parameters to train"),
    ],
)
def test_parts_that_cannot_be_frozen(frozen, message):
    with pytest.raises(UserError, match=message):
        model(frozen=frozen)


def test_a_network_without_parameters_is_not_blamed_on_frozen_parts():
    with pytest.raises(UserError, match="Identity, has no parameters to train"):
        Classification(network=nn.Identity(), class_names=["a", "b"], optimizer=torch.optim.SGD)
