"""Your own audio files and transcripts, from the manifest to the predictions, with YAML only."""

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from lightning.pytorch import Callback

from leyden.config.compose import compose
from leyden.errors import Stopped
from leyden.run.directory import RunDirectory
from leyden.run.predict import predict
from leyden.run.worker import Worker

# Also hidden on the command line: see execute.py.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Checkpoint directory .* exists and is not empty"),
    pytest.mark.filterwarnings("ignore:.*using a custom batch sampler.*for prediction"),
    pytest.mark.filterwarnings("ignore:.*your dataloader is not resumable"),
]

ROOT = Path.cwd()
TONES = {"a": 440, "b": 1500, "c": 3000}


@pytest.fixture(scope="module")
def audio_folder(tmp_path_factory):
    """Words of tones, and their letters."""
    folder = tmp_path_factory.mktemp("audio")
    generator = np.random.default_rng(0)
    lines = ["path,text,split"]
    time = np.arange(1600) / 8000
    for number in range(30):
        letters = generator.choice(list(TONES), size=generator.integers(1, 4))
        sound = [np.append(0.3 * np.sin(2 * np.pi * TONES[letter] * time), np.zeros(800)) for letter in letters]
        soundfile.write(folder / f"{number}.wav", np.concatenate(sound), 8000)
        lines.append(f"{number}.wav,{''.join(letters)},{'test' if number >= 24 else 'train'}")
    (folder / "manifest.csv").write_text("\n".join(lines))
    return folder


def create(audio_folder, runs):
    words = ["experiment=audio/vowels_transcription", "data=audio/speech_files", f"data.root={audio_folder}"]
    words += ["data.sample_rate=8000", "data.batch_size=6", "data.num_workers=0", "trainer=cpu", "trainer.max_epochs=3"]
    words += ["trainer.log_every_n_steps=1"]
    words += ["data.augment=[{_target_:leyden.data.audio.AddNoise}]"]
    words += ["model.network.width=16", "model.network.mask_mels=4", f"runs={runs}"]
    return RunDirectory.create(compose(words, ROOT).config, ROOT, words)


class Stop(Callback):
    """Simulates Ctrl-C in the middle of the second epoch."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 1):
            os.kill(os.getpid(), signal.SIGINT)


def weights(run):
    return torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]


@pytest.fixture(scope="module")
def undisturbed(audio_folder, tmp_path_factory):
    run = create(audio_folder, tmp_path_factory.mktemp("runs"))
    return run, Worker(run, trains=True).fit()


@pytest.mark.slow
def test_a_stopped_training_ends_with_the_same_bits(undisturbed, audio_folder, tmp_path):
    whole, results = undisturbed
    stopped = create(audio_folder, tmp_path)
    worker = Worker(stopped, trains=True)
    worker.trainer.callbacks.append(Stop())
    with pytest.raises(Stopped):
        worker.fit()
    assert Worker(stopped, trains=True).fit() == results
    first, second = weights(whole), weights(stopped)
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def test_predictions_lie_within_the_waveform(undisturbed, audio_folder, tmp_path):
    run, _ = undisturbed
    files = [audio_folder / "24.wav", audio_folder / "25.wav"]
    output = tmp_path / "predictions.csv"
    predict(Worker(run, trains=False), files, "best", output, "csv")
    samples = list(csv.DictReader(output.read_text().splitlines()))
    assert [sample["input"] for sample in samples] == list(map(str, files))
    for sample, file in zip(samples, files, strict=True):
        words = json.loads(sample["words"])
        assert " ".join(word["word"] for word in words) == sample["text"].strip()
        times = [time for word in words for time in (word["start"], word["end"])]
        assert times == sorted(times)
        assert all(0 <= time <= soundfile.info(file).duration + 1e-3 for time in times)
