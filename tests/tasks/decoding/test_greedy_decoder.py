import torch
from torch.nn.functional import one_hot

from leyden.tasks.decoding import greedy_decoder


def test_repetitions_and_blanks_go_and_padding_is_not_decoded():
    heard = torch.tensor([[1, 1, 0, 1, 2, 2], [0, 2, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0]])
    log_probs = one_hot(heard, 3).float()
    assert greedy_decoder(log_probs, torch.tensor([6, 3, 6])) == [[1, 1, 2], [2], []]
