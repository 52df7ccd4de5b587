"""Samples shared by two splits, which make the score on one of them meaningless."""

import os
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path

from .account import printable

MAX_FILES = 50_000  # read for comparison, rarest sizes first; takes seconds
HASHED_BYTES = 4096  # from the middle and the end, which distinguish most files

Place = tuple[str, Path]  # split and file


def overlaps(sources: Mapping[str, Sequence[Path | str]]) -> list[str]:
    """One warning for each pair of splits that share samples.

    Args:
        sources: files, which are compared by content, or texts of each split.
    """
    texts = [(split, text) for split, items in sources.items() for text in items if isinstance(text, str)]
    files = [(split, path) for split, items in sources.items() for path in items if isinstance(path, Path)]
    shared: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for same in (*_same_texts(texts), *_same_files(files)):
        splits = list(dict.fromkeys(split for split, _ in same))
        for position, first_split in enumerate(splits):
            for other in splits[position + 1 :]:
                first = next(name for split, name in same if split == first_split)
                shared[first_split, other] += [(first, name) for split, name in same if split == other]
    return [_warning(*splits, pairs) for splits, pairs in sorted(shared.items())]


def _warning(split: str, other: str, pairs: list[tuple[str, str]]) -> str:
    first, second = (printable(name)[-80:] for name in pairs[0])
    example = repr(first) if first == second else f"{first} and {second}"
    return f"warning: {len(pairs)} samples of the {other} split are also in the {split} split, such as {example}"


def _same_texts(texts: list[tuple[str, str]]) -> Iterator[list[tuple[str, str]]]:
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for split, text in texts:
        if text.strip():
            places[text].append((split, text))
    return (same for same in places.values() if _spans_splits(same))


def _same_files(files: list[Place]) -> Iterator[list[tuple[str, str]]]:
    """Files of several splits with the same content."""
    by_size: dict[Hashable, list[Place]] = defaultdict(list)
    for split, path in files:
        try:
            size = path.stat().st_size
        except OSError:  # reported by the decoder
            continue
        if size:
            by_size[size].append((split, path))
    budget = MAX_FILES
    for same_size in sorted(filter(_spans_splits, by_size.values()), key=len):
        budget -= len(same_size)
        if budget < 0:
            return
        for same_part in _alike(same_size, _hash_of_part):
            for same in _alike(same_part, _hash_of_all):
                yield [(split, str(path)) for split, path in same]


def _alike(files: list[Place], key) -> Iterator[list[Place]]:
    """Files with equal keys that span several splits."""
    by_key: dict[Hashable, list[Place]] = defaultdict(list)
    for split, path in files:
        try:
            by_key[key(path)].append((split, path))
        except OSError:
            continue
    return (same for same in by_key.values() if _spans_splits(same))


def _spans_splits(same: Sequence[tuple[str, object]]) -> bool:
    return any(split != same[0][0] for split, _ in same)


def _hash_of_part(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        file.seek(max(0, size // 2 - HASHED_BYTES))
        content = file.read(HASHED_BYTES)
        file.seek(max(0, size - HASHED_BYTES))
        return blake2b(content + file.read(HASHED_BYTES), digest_size=16).digest()


def _hash_of_all(path: Path) -> bytes:
    digest = blake2b(digest_size=16)
    with path.open("rb") as file:
        while content := file.read(1 << 20):
            digest.update(content)
    return digest.digest()
