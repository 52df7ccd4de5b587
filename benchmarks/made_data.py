"""Data of the sizes and formats of public ones, made of noise, where the real ones are not at hand."""

import random
import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

LETTERS = "abcdefghijklmnopqrstuvwxyz"
# How the free spoken digits are read and trained, as in the README
SPOKEN_DIGITS = ["data=audio/files", "model=audio/mel_convnet", "data.root=DATA", r'data.label="^(\d)_"']
SPOKEN_DIGITS += [r'data.test="_[0-4]\.wav$"', "data.sample_rate=8000"]
KINDS = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")


def digits(folder: Path, number: int) -> Path:
    """Files in the format of MNIST: so many images of 28 x 28 pixels for training, 1,000 for the test."""
    raw, generator = folder / "MNIST" / "raw", np.random.default_rng(0)
    raw.mkdir(parents=True)
    for name, count in (("train", number), ("t10k", 1_000)):
        labels = generator.integers(10, size=count, dtype=np.uint8)
        (raw / f"{name}-images-idx3-ubyte").write_bytes(
            struct.pack(">4I", 2051, count, 28, 28) + generator.bytes(count * 784)
        )
        (raw / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 2049, count) + labels.tobytes())
    return folder


def photographs(folder: Path, number: int) -> Path:
    """So many jpegs of 500 x 375 pixels and about 80 kB in 20 classes for training, 20 for the test.

    Noise, smooth as photographs are: each octave of detail is weaker than the one before.
    """
    generator = np.random.default_rng(0)
    scene = np.full((1500, 2000, 3), 127.0, np.float32)
    for octave in range(9):
        noise = generator.integers(256, size=(6 << octave, 8 << octave, 3), dtype=np.uint8)
        enlarged = Image.fromarray(noise).resize((2000, 1500), Image.Resampling.BICUBIC)
        scene += (np.asarray(enlarged, np.float32) - 127) * 0.75**octave
    pixels = scene.clip(0, 255).astype(np.uint8)

    def write(n: int) -> None:
        split = "train" if n < number else "test"
        path = folder / split / f"class{n % 20:02}" / f"{n}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        top, left = (random.Random(n).randrange(size) for size in (1125, 1500))
        Image.fromarray(pixels[top : top + 375, left : left + 500]).save(path, quality=90)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(number + 20)))
    return folder


def spoken_digits(folder: Path, number: int) -> Path:
    """So many wav files of 8 kHz with the names of FSDD; lengths as there: a median of 0.42 s, a few four times it."""
    folder.mkdir(parents=True)
    generator = np.random.default_rng(0)
    for n in range(number):
        seconds = float(np.clip(generator.lognormal(np.log(0.42), 0.35), 0.14, 2.3))
        samples = generator.normal(0, 0.1, int(seconds * 8000)).astype(np.float32)
        speaker, take = "abcdef"[n // 10 % 6], n // 60
        soundfile.write(folder / f"{n % 10}_{speaker}_{take}.wav", samples, 8000, subtype="PCM_16")
    return folder


def questions(folder: Path, number: int) -> Path:
    """Two files in the format of TREC: so many questions, 500 for the test; of 4 to about 30 words, rare and common."""
    folder.mkdir(parents=True)
    chance = random.Random(0)
    words = ["".join(chance.choices(LETTERS, k=chance.randint(2, 9))) for _ in range(9_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    for name, count in (("train_5500.label", number), ("TREC_10.label", 500)):
        lines = []
        for _ in range(count):
            length = max(4, min(37, round(chance.lognormvariate(2.25, 0.38))))
            text = " ".join(chance.choices(words, weights, k=length))
            lines.append(f"{chance.choice(KINDS)}:other {text.capitalize()} ?\n")
        (folder / name).write_text("".join(lines), encoding="latin-1")
    return folder
