import sys

import pytest
import torch

from leyden.errors import UserError
from leyden.tasks.decoding import BeamDecoder, greedy_decoder

ALPHABET = ["<blank>", " ", "a", "b"]
ARPA = """\\data\\
ngram 1=5
ngram 2=1

\\1-grams:
-99\t<s>\t0
-1\t</s>
-3\t<unk>\t0
-3\ta\t0
-0.1\tb\t0

\\2-grams:
-0.1\tb b

\\end\\
"""


@pytest.fixture
def flashlight():
    pytest.importorskip("flashlight.lib.text", reason="the extra `beam` is not installed")


def frames(*probabilities):
    """Log-probabilities of a batch of one, and its length, from the token probabilities of each frame."""
    return torch.tensor([probabilities]).clamp(min=1e-6).log(), torch.tensor([len(probabilities)])


@pytest.mark.usefixtures("flashlight")
def test_it_sums_over_alignments_where_the_greedy_decoder_does_not():
    # Two frames, blank 0.6 and a 0.4: the empty text has 0.36, while "aa", "a-" and "-a" have 0.64 in sum.
    heard = frames([0.6, 0, 0.4, 0], [0.6, 0, 0.4, 0])
    assert greedy_decoder(*heard) == [[]]
    assert BeamDecoder(ALPHABET)(*heard) == [[2]]


@pytest.mark.usefixtures("flashlight")
def test_padding_is_not_decoded():
    log_probs, _ = frames([0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0])
    both = torch.cat([log_probs, log_probs])
    assert BeamDecoder(ALPHABET)(both, torch.tensor([2, 3])) == [[2, 3], [2, 3, 2]]


@pytest.mark.usefixtures("flashlight")
def test_a_language_model_resolves_ambiguities(tmp_path):
    (tmp_path / "b.arpa").write_text(ARPA)
    heard = frames([0.02, 0, 0.51, 0.47])
    assert BeamDecoder(ALPHABET)(*heard) == [[2]]
    assert BeamDecoder(ALPHABET, language_model=str(tmp_path / "b.arpa"))(*heard) == [[3]]


@pytest.mark.usefixtures("flashlight")
def test_a_lexicon_allows_its_words_alone(tmp_path):
    (tmp_path / "lexicon.txt").write_text("ab a b |\nb b |\n")
    heard = frames([0, 0, 1, 0], [0.1, 0, 0.5, 0.4], [0.3, 0.7, 0, 0])
    assert BeamDecoder(ALPHABET)(*heard) == [[2]]
    assert BeamDecoder(ALPHABET, lexicon=str(tmp_path / "lexicon.txt"))(*heard) == [[2, 3]]


@pytest.mark.usefixtures("flashlight")
def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no file .*lm\.arpa \(model\.decoder\.language_model\)"):
        BeamDecoder(ALPHABET, language_model=str(tmp_path / "lm.arpa"))
    with pytest.raises(UserError, match=r"represents the space by \|"):
        BeamDecoder([*ALPHABET, "|"])
    with pytest.raises(ValueError, match="beam_size is 0"):
        BeamDecoder(ALPHABET, beam_size=0)


def test_without_flashlight_the_error_names_the_package(monkeypatch):
    import torchaudio.models.decoder as decoder

    for name in vars(decoder).keys() & {"ctc_decoder", "_ctc_decoder"}:  # imported on first use
        monkeypatch.delattr(decoder, name)
    monkeypatch.setitem(sys.modules, "torchaudio.models.decoder._ctc_decoder", None)
    with pytest.raises(UserError, match="the extra `beam`"):
        BeamDecoder(ALPHABET)
