import pytest
import torch
from leyden import Batch

from {{ cookiecutter.package_name }}.data.help_topics import HelpTopics, RemoveSpaces
from {{ cookiecutter.package_name }}.networks.character_bilstm import CharacterBiLSTM
from {{ cookiecutter.package_name }}.tasks.word_segmentation import WordSegmentation

NETWORK = CharacterBiLSTM(vocab_size=9)


def test_data():
    data = HelpTopics()
    train, test = ({tuple(line.tolist()) for line in data.load(split).inputs} for split in ("train", "test"))
    assert len(train) > 4000 < len(train | test) == len(train) + len(test)
    batch = RemoveSpaces(space=2)(Batch(torch.tensor([[5, 2, 6, 7], [8, 9, 0, 0]]), None, torch.tensor([4, 2])))
    assert (batch.inputs.tolist(), batch.lengths.tolist()) == ([[5, 6, 7, 2], [8, 9, 0, 0]], [3, 2])
    assert batch.targets.tolist() == [[0, 1, 0, 0], [0, 0, 0, 0]]


def test_network():
    padded = NETWORK(torch.tensor([[5, 6, 7, 1, 1]]), torch.tensor([3]))[:, :3]
    torch.testing.assert_close(padded, NETWORK(torch.tensor([[5, 6, 7]]), torch.tensor([3])))


def test_task():
    task = WordSegmentation(NETWORK, optimizer=torch.optim.AdamW)
    task.forward, task.log = (lambda inputs, lengths: inputs), (lambda *_, **__: None)
    logits, targets = torch.tensor([[20.0, 20.0, -20.0], [0.0, 9.0, 9.0]]), torch.tensor([[1.0, 0, 1], [0, 1, 1]])
    losses = task.evaluate(Batch(logits, targets, torch.tensor([3, 1])), "test").per_sample_loss
    assert losses.tolist() == pytest.approx([40 / 3, 0.693147])
    assert task.test_f1.compute() == 0.5  # one beginning is found, one is wrong and one is missed
