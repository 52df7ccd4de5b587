import torch

from leyden.tasks.decoding.alignments import Alignments

# The blank is most likely in frames 0 and 3, token 1 in frames 1 and 4, token 2 in frame 2.
PROBABILITIES = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.1, 0.3, 0.6], [0.8, 0.1, 0.1], [0.3, 0.6, 0.1]]


def aligned(*tokens, frames=5, seconds=10.0):
    log_probs = torch.tensor([PROBABILITIES]).log()
    return Alignments(log_probs, torch.tensor([frames]), [list(tokens)], torch.tensor([seconds]))[0]


def test_tokens_lie_where_they_are_likeliest():
    both = aligned(1, 2)
    assert both.tokens.tolist() == [1, 2]
    assert both.starts.tolist() == [2.0, 4.0]
    assert both.ends.tolist() == [4.0, 6.0]
    (start,) = aligned(2).starts.tolist()
    assert start == 4.0


def test_padding_is_not_aligned():
    both = aligned(2, 1)
    assert both.starts.tolist() == [4.0, 8.0]
    within = aligned(2, 1, frames=4, seconds=8.0)
    assert within.ends[-1] <= 8.0


def test_no_tokens():
    assert [len(part) for part in aligned()] == [0, 0, 0]
