"""Datasets as templates ship them: one row at a time, decoded and transformed by Python in worker processes."""

import re
from collections import Counter
from pathlib import Path

import soundfile
import torch
from PIL import Image
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from torchvision.datasets import MNIST
from torchvision.transforms import v2

WORDS = re.compile(r"\w+|[^\w\s]+")


def transforms(size: int, mean: float, std: float, in_channels: int) -> v2.Compose:
    return v2.Compose(
        [
            v2.Resize((size, size)),
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([mean] * in_channels, [std] * in_channels),
        ]
    )


def digits(root: Path) -> Dataset:
    return MNIST(str(root), train=True, transform=transforms(28, mean=0.1307, std=0.3081, in_channels=1))


class Photographs(Dataset):
    def __init__(self, folder: Path, size: int) -> None:
        self.paths = sorted(folder.rglob("*.jpg"))
        classes = sorted({path.parent.name for path in self.paths})
        self.labels = [classes.index(path.parent.name) for path in self.paths]
        self.transforms = transforms(size, mean=0.5, std=0.25, in_channels=3)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        with Image.open(self.paths[index]) as picture:
            return self.transforms(picture.convert("RGB")), self.labels[index]


class Waveforms(Dataset):
    def __init__(self, folder: Path) -> None:
        self.paths = [path for path in sorted(folder.glob("*.wav")) if not re.search(r"_[0-4]\.wav$", path.name)]

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        samples, _ = soundfile.read(self.paths[index], dtype="float32", always_2d=True)
        return torch.from_numpy(samples).mean(dim=1), int(self.paths[index].name[0])


class Questions(Dataset):
    def __init__(self, file: Path) -> None:
        lines = [line.split(" ", 1) for line in file.read_text(encoding="latin-1").splitlines()]
        kinds = sorted({label.partition(":")[0] for label, _ in lines})
        self.labels = [kinds.index(label.partition(":")[0]) for label, _ in lines]
        self.texts = [text for _, text in lines]
        counts = Counter(word for text in self.texts for word in WORDS.findall(text))
        self.vocabulary = {word: number for number, (word, _) in enumerate(counts.most_common(), start=2)}

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        tokens = [self.vocabulary.get(word, 1) for word in WORDS.findall(self.texts[index])]
        return torch.tensor(tokens), self.labels[index]


def padded(rows: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor, Tensor]:
    """Collates rows of many lengths."""
    inputs, labels = zip(*rows, strict=True)
    lengths = torch.tensor([len(one) for one in inputs])
    return pad_sequence(list(inputs), batch_first=True), torch.tensor(labels), lengths
