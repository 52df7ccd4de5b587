from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from ...errors import UserError

BLANK, SPACE = "<blank>", "|"  # as torchaudio's files have them


class BeamDecoder:
    """torchaudio's beam search over tokens, optionally with a KenLM language model and a lexicon.

    Without a lexicon the language model is one of tokens, with one it is one of words. In these files | stands for the
    space between words. It runs on the CPU.

    Source: Kahn et al., Flashlight: Enabling Innovation in Tools for Machine Learning, 2022,
    https://arxiv.org/abs/2201.12465.

    Args:
        alphabet: the tokens; the first is the blank.
        beam_size: hypotheses that are kept after each frame.
        language_model: a KenLM file, .arpa or binary.
        lexicon: a file with a word and its tokens, all separated by spaces and the last one |, on each line, as in
            `go g o |`.
        language_model_weight: of the language model.
        word_score: added for each word of the lexicon.

    Raises:
        UserError: flashlight-text is not installed, or a file is missing.
    """

    def __init__(
        self,
        alphabet: Sequence[str],
        beam_size: int = 50,
        language_model: str | None = None,
        lexicon: str | None = None,
        language_model_weight: float = 2.0,
        word_score: float = 0.0,
    ) -> None:
        if beam_size < 1:
            raise ValueError(f"beam_size is {beam_size}; it must be at least 1")
        try:
            from torchaudio.models.decoder import ctc_decoder
        except (ImportError, RuntimeError) as error:
            raise UserError(
                "beam search needs flashlight-text, the extra `beam`, before Python 3.13; or take the greedy decoder"
            ) from error
        for name, file in (("language_model", language_model), ("lexicon", lexicon)):
            if file and not Path(file).is_file():
                raise UserError(f"there is no file {Path(file).absolute()} (model.decoder.{name})")
        if SPACE in alphabet and " " in alphabet:
            raise UserError(f"beam search writes {SPACE} for the space, which the transcripts also hold")
        tokens = [BLANK, *(SPACE if token == " " else token for token in alphabet[1:])]
        self.space = tokens.index(SPACE) if SPACE in tokens else 0
        with TemporaryDirectory() as folder:
            # Unless it is told the order of the tokens, torchaudio 2.11 numbers those of a language model at random.
            order = Path(folder) / "tokens.txt"
            order.write_text("\n".join([*tokens, "<unk>"]), encoding="utf-8")
            self.search: Any = ctc_decoder(
                lexicon=lexicon,
                tokens=tokens,
                lm=language_model,
                lm_dict=str(order) if language_model and not lexicon else None,
                beam_size=beam_size,
                lm_weight=language_model_weight,
                word_score=word_score,
                blank_token=BLANK,
                sil_token=SPACE if SPACE in tokens else BLANK,
                log_add=True,  # the probability of a text is the sum over its alignments
            )

    def __call__(self, log_probs: Tensor, frames: Tensor) -> list[list[int]]:
        """Log-probabilities [batch, frame, token] and valid frames [batch] -> the likeliest tokens of each sample."""
        samples = self.search(log_probs.float().cpu().contiguous(), frames.cpu())
        return [_strip(best[0].tokens.tolist() if best else [], self.space) for best in samples]


def _strip(tokens: list[int], space: int) -> list[int]:
    """A text without spaces at its ends."""
    said = [number for number, token in enumerate(tokens) if token != space]
    return tokens[said[0] : said[-1] + 1] if said else []
