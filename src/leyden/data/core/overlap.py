"""Samples that two splits share: a score on what was trained on says nothing."""

import os
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from .account import printable

MOST_FILES = 50_000  # that are read, some seconds of a disk; those of the rarest sizes come first
PART = 4096  # bytes of the middle and of the end, which tell most files apart

Place = tuple[str, Path]  # a split and a file of it


def overlaps(sources: Mapping[str, Sequence[Path | str]]) -> list[str]:
    """A sentence for each two splits that share samples.

    Args:
        sources: of each split, the files, which are compared by content, or the texts.
    """
    texts = [(split, text) for split, ones in sources.items() for text in ones if isinstance(text, str)]
    files = [(split, path) for split, ones in sources.items() for path in ones if isinstance(path, Path)]
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for same in (*_same_texts(texts), *_same_files(files)):
        splits = list(dict.fromkeys(split for split, _ in same))
        for place, one in enumerate(splits):
            for other in splits[place + 1 :]:
                first = next(name for split, name in same if split == one)
                shared[one, other] += [(first, name) for split, name in same if split == other]
    return [_sentence(*pair, found) for pair, found in sorted(shared.items())]


def _sentence(one: str, other: str, found: list[tuple[str, str]]) -> str:
    first, second = (printable(name)[-80:] for name in found[0])
    example = repr(first) if first == second else f"{first} and {second}"
    return f"warning: {len(found)} samples of the {other} split are in the {one} split, too, such as {example}"


def _same_texts(texts: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for split, text in texts:
        if text.strip():
            places[text].append((split, text))
    return (same for same in places.values() if _crosses(same))


def _same_files(files: list[Place]) -> Iterator[list[tuple[str, str]]]:
    """Files of several splits that are one file, or have one content."""
    by_size: dict[Hashable, list[Place]] = defaultdict(list)
    for split, path in files:
        try:
            size = path.stat().st_size
        except OSError:  # who decodes it says so
            continue
        if size:
            by_size[size].append((split, path))
    budget = MOST_FILES
    for same_size in sorted(filter(_crosses, by_size.values()), key=len):
        budget -= len(same_size)
        if budget < 0:
            return
        for same_part in _alike(same_size, _hash_of_part):
            for same in _alike(same_part, _hash_of_all):
                yield [(split, str(path)) for split, path in same]


def _alike(files: list[Place], key) -> Iterator[list[Place]]:
    """Those of several splits for which the key is the same."""
    found: dict[Hashable, list[Place]] = defaultdict(list)
    for split, path in files:
        try:
            found[key(path)].append((split, path))
        except OSError:
            continue
    return (same for same in found.values() if _crosses(same))


def _crosses(same: Sequence[tuple[str, object]]) -> bool:
    return any(split != same[0][0] for split, _ in same)


def _hash_of_part(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size // 2 - PART))
        content = file.read(PART)
        file.seek(max(0, size - PART))
        return blake2b(content + file.read(PART), digest_size=16).digest()


def _hash_of_all(path: Path) -> bytes:
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while content := file.read(1 << 20):
            digest.update(content)
    return digest.digest()
