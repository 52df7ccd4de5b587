import torch

from ..core.samples import RaggedSamples
from ..core.split_names import Split
from .speech_data import SpeechData
from .vowels import SAMPLE_RATE, WORDS, synthesise


class VowelSequences(SpeechData):
    """SYNTHETIC: sequences of two to five vowels of one voice, with pauses and noise.

    Vowels and voices are those of `Vowels`; no voice of the test split is in another one. The transcript consists of the
    words that the vowels stand for, such as "heed hod". Pauses, also at both ends, last 0.05 to 0.3 s; the noise is 20 to
    40 dB below full scale. The samples do not depend on `seed`.

    Args:
        **speech: arguments of `SpeechData`; `sample_rate` is 8000 Hz.
    """

    is_embedded = True
    origin = "computed at each start"

    def __init__(self, **speech) -> None:
        super().__init__(sample_rate=SAMPLE_RATE, **speech)

    def load(self, split: Split) -> RaggedSamples:
        if split == "train":
            waveforms, texts = join(synthesise(voices=30, takes=5, seed=1952), voices=30, sequences=20, seed=1952)
        else:
            waveforms, texts = join(synthesise(voices=12, takes=4, seed=1953), voices=12, sequences=15, seed=1953)
        return RaggedSamples(waveforms, self.transcripts(texts, split))


def join(vowels: RaggedSamples, voices: int, sequences: int, seed: int) -> tuple[list[torch.Tensor], list[str]]:
    """Join vowels, sorted by voice, to `sequences` waveforms per voice, int16 (time,), with their transcripts."""
    generator = torch.Generator().manual_seed(seed)

    def integer(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    def pause() -> torch.Tensor:
        return torch.zeros(integer(SAMPLE_RATE // 20, 3 * SAMPLE_RATE // 10))

    per_voice = len(vowels) // voices
    waveforms, texts = [], []
    for voice in range(voices):
        for _ in range(sequences):
            chosen = [voice * per_voice + integer(0, per_voice - 1) for _ in range(integer(2, 5))]
            parts = [pause()]
            for sample in chosen:
                parts += [vowels.inputs[sample].float(), pause()]
            joined = torch.cat(parts)
            level = 32768 * 10 ** (-integer(20, 40) / 20)
            noisy = joined + level * torch.randn(len(joined), generator=generator)
            waveforms.append(noisy.round().clamp(-32768, 32767).to(torch.int16))
            texts.append(" ".join(WORDS[int(vowels.targets[sample])] for sample in chosen))
    return waveforms, texts
