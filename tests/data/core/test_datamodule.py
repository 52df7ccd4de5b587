import json

import pytest
import torch
from torch import nn

from leyden.data import Batch, DataError, DataModule
from leyden.data.core.samples import RaggedSamples, TensorSamples


class Counting(DataModule):
    """Sample n is [n]; its class is n modulo 3."""

    def __init__(self, num_samples=60, highest=2, **loading):
        super().__init__(**loading)
        self.num_samples, self.highest = num_samples, highest

    def load(self, split):
        self.class_names = ["a", "b", "c"]
        numbers = torch.arange(self.num_samples)
        return TensorSamples(numbers.unsqueeze(1), (numbers % 3).clamp(max=2) + self.highest - 2)

    def batch_transform(self, stage):
        return nn.Identity()


def test_splits_are_apart_and_the_same_for_every_seed():
    parts = []
    for seed in (0, 1):
        data = Counting(seed=seed, batch_size=6)
        data.setup("fit")
        train, validation = (set(data.samples[name].indices) for name in ("train", "validation"))
        assert not train & validation
        assert len(train | validation) == 60
        parts.append((train, validation))
    assert parts[0] == parts[1]


def test_files_are_not_asked_for_again_once_samples_are_read(monkeypatch):
    asked = []
    monkeypatch.setattr(Counting, "download_files", lambda self: asked.append(self))
    data = Counting(batch_size=6)
    data.prepare_data()
    data.setup("fit")
    assert asked == [data]
    data.prepare_data()  # as Lightning does before each fit and test
    assert asked == [data]


def test_loaders_give_whole_batches():
    data = Counting(batch_size=6)
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert isinstance(batch, Batch)
    assert batch.inputs.shape == (6, 1)
    assert sum(len(batch.targets) for batch in data.val_dataloader()) == 6


def test_workers_read_the_same_batches():
    epochs = []
    for num_workers in (0, 2):
        data = Counting(batch_size=6, num_workers=num_workers)
        data.setup("fit")
        epochs.append([batch.inputs.flatten().tolist() for batch in data.train_dataloader()])
    assert epochs[0] == epochs[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": -4}, "batch_size is -4"),
        ({"validation_fraction": 1.5}, "validation_fraction is 1.5"),
        ({"num_workers": -1}, "num_workers is -1"),
        ({"bucket_batches": -1}, "bucket_batches is -1"),
    ],
)
def test_arguments_out_of_range(arguments, message):
    with pytest.raises(ValueError, match=message):
        Counting(**arguments)


def test_labels_out_of_range():
    with pytest.raises(
        DataError, match="class indices of the train split range from 1 to 3; expected 0 to 2 for 3 classes"
    ):
        Counting(highest=3).setup("fit")


def test_no_samples_and_too_few_samples():
    with pytest.raises(DataError, match="has no samples"):
        Counting(num_samples=0).setup("fit")
    with pytest.raises(DataError, match="leave none for validation"):
        Counting(num_samples=3).setup("fit")


def test_what_is_inferred_from_the_data_survives_in_the_run_directory(tmp_path):
    data = Counting()
    data.setup("fit")
    data.save(tmp_path)
    assert json.loads((tmp_path / "data.json").read_text()) == {
        "class_names": ["a", "b", "c"],
        "class_counts": [18, 18, 18],
        "account": {"samples": {"train": 54, "validation": 6}},
    }
    restored = Counting()
    restored.restore(tmp_path)
    assert restored.provided() == {
        "num_classes": 3,
        "class_names": ["a", "b", "c"],
        "class_counts": [18, 18, 18],
    }


def test_a_checkpoint_of_other_data_is_refused():
    data = Counting()
    data.setup("fit")
    with pytest.raises(DataError, match=r"the checkpoint belongs to other data: its class_names are \['x'\]"):
        data.load_state_dict({"class_names": ["x"], "class_counts": [18], "epoch": 0, "batches_done": 0})


class Stairs(Counting):
    """Sample n repeats the value n times, but every seventh sample has length 1."""

    def load(self, split):
        samples = super().load(split)
        lengths = [1 if n % 7 == 0 else n for n in range(self.num_samples)]
        return RaggedSamples([torch.full((length,), n) for n, length in enumerate(lengths)], samples.targets)


def padding(loader):
    pairs = [(batch.lengths.sum(), batch.inputs.numel()) for batch in loader]
    valid, places = map(sum, zip(*pairs, strict=True))
    return 1 - valid / places


def test_samples_of_similar_length_share_a_batch_in_every_stage():
    for stage in ("train", "validation"):
        shares = []
        for bucket_batches in (0, 10):
            data = Stairs(num_samples=600, batch_size=8, bucket_batches=bucket_batches, validation_fraction=0.5)
            data.setup("fit")
            shares.append(padding(data._loader(stage)))
        assert shares[1] < shares[0] / 4


def test_predictions_come_back_in_the_order_of_the_samples():
    data = Stairs(num_samples=50, batch_size=8)
    data.samples["predict"] = data.load("test")
    batches = list(data.predict_dataloader())
    assert batches[0].lengths.tolist() == [48, 47, 46, 45, 44, 43, 41, 40]
    assert data.in_order([int(sample[0]) for batch in batches for sample in batch.inputs]) == list(range(50))


class Speakers(Counting):
    """Provides a value inferred from the data, logged once."""

    provides = (*DataModule.provides, "num_speakers", "size")

    def __init__(self, **options):
        super().__init__(**options)
        self.size, self.num_speakers = (8, 8), 0

    def load(self, split):
        self.num_speakers = 7
        return super().load(split)


def test_what_is_provided_is_saved_without_a_second_list(tmp_path):
    data = Speakers()
    data.setup("fit")
    data.save(tmp_path)
    other = Speakers()
    other.restore(tmp_path)
    assert other.provided() == data.provided()
    assert (other.num_speakers, other.size) == (7, (8, 8))
    data.num_speakers = torch.tensor(7)
    with pytest.raises(DataError, match="Speakers provides 'num_speakers', a Tensor, which cannot be saved"):
        data.save(tmp_path)
