from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from ...errors import UserError

BLANK, SPACE = "<blank>", "|"  # as in torchaudio's files


class BeamDecoder:
    """torchaudio's CTC beam search, optionally with a KenLM language model and a lexicon. It runs on the CPU.

    The language model is over tokens without a lexicon, and over words with one. In these files, | is the space.

    Source: Kahn et al., Flashlight: Enabling Innovation in Tools for Machine Learning, 2022,
    https://arxiv.org/abs/2201.12465.

    Args:
        alphabet: tokens; the first is the blank.
        beam_size: number of hypotheses kept after each frame.
        language_model: KenLM file, .arpa or binary.
        lexicon: file with a word and its tokens on each line, separated by spaces, the last token being |, such as
            `go g o |`.
        language_model_weight: weight of the language model score.
        word_score: score added for each word of the lexicon.

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
                "beam search needs flashlight-text, the extra `beam`, and Python before 3.13; or use the greedy decoder"
            ) from error
        for name, file in (("language_model", language_model), ("lexicon", lexicon)):
            if file and not Path(file).is_file():
                raise UserError(f"there is no file {Path(file).absolute()} (model.decoder.{name})")
        if SPACE in alphabet and " " in alphabet:
            raise UserError(f"beam search represents the space by {SPACE}, which the transcripts contain")
        tokens = [BLANK, *(SPACE if token == " " else token for token in alphabet[1:])]
        self.space = tokens.index(SPACE) if SPACE in tokens else 0
        with TemporaryDirectory() as folder:
            # Without this file, torchaudio 2.11 assigns random ids to the tokens of a language model.
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
                log_add=True,  # sum the probabilities of all alignments of a text
            )

    def __call__(self, log_probs: Tensor, frames: Tensor) -> list[list[int]]:
        """Most likely tokens of each sample, from log-probabilities (batch, frame, token) and valid frames (batch,)."""
        samples = self.search(log_probs.float().cpu().contiguous(), frames.cpu())
        return [_strip(best[0].tokens.tolist() if best else [], self.space) for best in samples]


def _strip(tokens: list[int], space: int) -> list[int]:
    """Remove spaces at both ends."""
    positions = [position for position, token in enumerate(tokens) if token != space]
    return tokens[positions[0] : positions[-1] + 1] if positions else []
