from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from torch import Tensor

from ..core.samples import Samples
from .alphabet import Unit, learn_alphabet, separator, token_numbers
from .audio_data import AudioData
from .transcripts import Transcripts, TranscriptSamples, join_transcripts

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class SpeechData(AudioData):
    """Base of all speech with transcripts: the targets of a batch are `Transcripts`.

    A recording that is too long is never cut, since its transcript would not fit any more: it is an error, or skipped
    with `on_corrupt=skip`.

    Args:
        tokens: what a transcript is made of, `characters` or whole `words`.
        unseen: `raise` at tokens that the training transcripts lack, or `mark` them with a token of its own, which
            no model predicts, so that each counts as a mistake.
        max_seconds: longest recording.
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
        """What stands between two tokens of a text."""
        return separator(self.tokens)

    @property
    def num_tokens(self) -> int:
        return len(self.alphabet)

    def state(self) -> dict[str, Any]:
        return {"alphabet": self.alphabet}

    def transcripts(self, texts: Sequence[str], split: str) -> TranscriptSamples:
        """The targets of a split; those of `train` tell the alphabet."""
        if split == "train":
            self.alphabet = learn_alphabet(texts, self.tokens, self.unseen)
        return TranscriptSamples(token_numbers(texts, self.alphabet, self.tokens, split))

    def join_targets(self, samples: list[list[Tensor]]) -> Transcripts:
        return join_transcripts([tokens for (tokens,) in samples])

    def text(self, tokens: Tensor) -> str:
        """Token numbers [token] -> a text."""
        return self.separator.join(self.alphabet[token] for token in tokens.tolist())

    def words(self, prediction: Any) -> list[dict[str, Any]]:
        """The words of a prediction, each with the seconds where it starts and ends."""
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

    def records(self, samples: Samples, number: int, prediction: Any) -> list[dict[str, Any]]:
        return [{"text": self.text(prediction.tokens), "words": self.words(prediction)}]

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Any) -> None:
        """The spectrogram with the borders of the predicted words, and the transcripts above: what is said, and where
        it is wrong, in red, what should be."""
        self.draw(axes, inputs)
        top = self.sample_rate / 2000
        for word in self.words(prediction):
            axes.vlines([word["start"], word["end"]], 0, top, colors="white", linewidth=0.5)
            middle = (word["start"] + word["end"]) / 2
            axes.text(middle, 0.97 * top, word["word"], color="white", ha="center", va="top", fontsize=5, rotation=90)
        said, reference = self.text(prediction.tokens), self.text(target)
        # Two lines each: longer ones would run into the plot above.
        first, second = (fill(text, 45, max_lines=2, placeholder=" ...") for text in (said, reference))
        title = first if said == reference else f"{first}\nnot {second}"
        axes.set_title(title, color="black" if said == reference else "red", fontsize=7, parse_math=False)
