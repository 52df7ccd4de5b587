from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import Tensor

from ..core.samples import Samples
from .alphabet import Unit, encode_transcripts, learn_alphabet, separator
from .audio_data import AudioData
from .transcripts import Transcripts, TranscriptSamples, join_transcripts

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class SpeechData(AudioData):
    """Base class of transcribed speech: the targets of a batch are `Transcripts`.

    A waveform that is too long is never truncated, since it would no longer match its transcript: it is an error, or
    skipped with `on_corrupt=skip`.

    Args:
        tokens: units of a transcript, `characters` or `words`.
        unseen: `raise` an error for tokens that are not in the training transcripts, or `mark` them with a token that no
            model predicts, so that each counts as an error.
        max_seconds: maximum duration of a waveform.
        **audio: arguments of `AudioData`.
    """

    provides: ClassVar[tuple[str, ...]] = ("alphabet", "separator", "num_tokens", "sample_rate")

    def __init__(
        self,
        tokens: Unit = "characters",
        unseen: Literal["raise", "mark"] = "raise",
        max_seconds: float = 35.0,
        **audio,
    ) -> None:
        if tokens not in ("characters", "words"):
            raise ValueError(f"tokens is {tokens!r}; it must be 'characters' or 'words'")
        if unseen not in ("raise", "mark"):
            raise ValueError(f"unseen is {unseen!r}; it must be 'raise' or 'mark'")
        super().__init__(max_seconds=max_seconds, too_long="raise", **audio)
        self.tokens: Unit = tokens
        self.unseen: Literal["raise", "mark"] = unseen
        self.alphabet: list[str] = []

    @property
    def separator(self) -> str:
        """Text between two tokens."""
        return separator(self.tokens)

    @property
    def num_tokens(self) -> int:
        return len(self.alphabet)

    def state(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}

    def transcripts(self, texts: Sequence[str], split: str) -> TranscriptSamples:
        """Targets of a split; those of `train` define the alphabet."""
        if split == "train":
            self.alphabet = learn_alphabet(texts, self.tokens, self.unseen)
        return TranscriptSamples(encode_transcripts(texts, self.alphabet, self.tokens, split))

    def join_targets(self, samples: list[list[Tensor]]) -> Transcripts:
        return join_transcripts([tokens for (tokens,) in samples])

    def text(self, tokens: Tensor) -> str:
        """Decode token indices (token,) to text."""
        return self.separator.join(self.alphabet[token] for token in tokens.tolist())

    def words(self, prediction: Any) -> list[dict[str, Any]]:
        """Words of a prediction, with their start and end in seconds."""
        words: list[dict[str, Any]] = []
        is_inside = False
        for token, start, end in zip(*(values.tolist() for values in prediction), strict=True):
            token = self.alphabet[token]
            if token == " ":
                is_inside = False
            elif is_inside:
                words[-1] |= {"word": words[-1]["word"] + token, "end": round(end, 3)}
            else:
                words.append({"word": token, "start": round(start, 3), "end": round(end, 3)})
                is_inside = self.tokens == "characters"
        return words

    def records(self, samples: Samples, index: int, prediction: Any) -> list[dict[str, Any]]:
        return [{"text": self.text(prediction.tokens), "words": self.words(prediction)}]

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        return {"true": self.text(target), "predicted": self.text(prediction.tokens)}

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Any) -> None:
        """Draw the spectrogram with the predicted words at their times, titled with the predicted transcript and, if it is
        wrong, the reference in red."""
        self.draw(axes, inputs)
        top = self.sample_rate / 2000
        for word in self.words(prediction):
            axes.vlines([word["start"], word["end"]], 0, top, colors="white", linewidth=0.5)
            middle = (word["start"] + word["end"]) / 2
            axes.text(middle, 0.97 * top, word["word"], color="white", ha="center", va="top", fontsize=5, rotation=90)
        predicted, reference = self.text(prediction.tokens), self.text(target)
        # At most two lines each, or the title would overlap the plot above.
        first, second = (fill(text, 45, max_lines=2, placeholder=" ...") for text in (predicted, reference))
        title = first if predicted == reference else f"{first}\nnot {second}"
        axes.set_title(title, color="black" if predicted == reference else "red", fontsize=7, parse_math=False)
