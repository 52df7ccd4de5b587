import torch

from ..core.samples import RaggedSamples
from ..core.split_names import Split
from .speech_data import SpeechData
from .vowels import SAMPLE_RATE, WORDS, synthesise


class VowelSequences(SpeechData):
    """SYNTHETIC: two to five vowels of one voice in a row, with pauses and noise. Nobody recorded them.

    The vowels and voices are those of `Vowels`, and those of the test split are heard nowhere else. The transcript
    names the words of which they are the vowels, such as "heed hod". Pauses, also before and after, last 0.05 to 0.3 s;
    all is in noise 20 to 40 dB below full scale. Always the same, whatever `seed`.

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
    """Single vowels, sorted by voice -> `sequences` waveforms of each voice, int16 [time], and their texts."""
    generator = torch.Generator().manual_seed(seed)

    def whole(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    def pause() -> torch.Tensor:
        return torch.zeros(whole(SAMPLE_RATE // 20, 3 * SAMPLE_RATE // 10))

    of_voice = len(vowels) // voices
    waveforms, texts = [], []
    for voice in range(voices):
        for _ in range(sequences):
            chosen = [voice * of_voice + whole(0, of_voice - 1) for _ in range(whole(2, 5))]
            parts = [pause()]
            for sample in chosen:
                parts += [vowels.inputs[sample].float(), pause()]
            joined = torch.cat(parts)
            level = 32768 * 10 ** (-whole(20, 40) / 20)
            noisy = joined + level * torch.randn(len(joined), generator=generator)
            waveforms.append(noisy.round().clamp(-32768, 32767).to(torch.int16))
            texts.append(" ".join(WORDS[int(vowels.targets[sample])] for sample in chosen))
    return waveforms, texts
