import numpy as np
import pytest
import soundfile

from leyden.data.audio import AudioFiles


@pytest.fixture
def sounds(tmp_path):
    random = np.random.default_rng(0)
    for n in range(20):
        path = tmp_path / "sounds" / "ab"[n % 2] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, random.integers(-9000, 9000, 100 + 10 * n, np.int16), 16000)
    return tmp_path / "sounds"


def test_batches_are_the_same_wherever_samples_are_kept(sounds, check_residences):
    check_residences(lambda **options: AudioFiles(str(sounds), batch_size=4, validation_fraction=0.25, **options))
