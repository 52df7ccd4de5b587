"""Assignment of a folder's files to splits, by regular expressions or by folders named like splits."""

import re
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path

from ..core.account import Ignored, printable
from ..core.error import DataError
from ..core.split_names import EITHER, SPLITS, Split, split_of, splits_of
from .path_patterns import path_name
from .scan import Scan, scan


class FileSplits:
    """The files of each official split of a folder, sorted by name.

    If there is a folder `train/`, folders named like splits (see `split_names`, ignoring case) are the splits. A regular
    expression replaces the folder of its split. Without such folders, files that match no expression are for training.

    Args:
        root: the folder.
        suffixes: suffixes of the files to use, in lower case.
        patterns: regular expressions on the path below `root`, for `validation` and `test`.
        only: regular expression on the path below `root`; other files are ignored.
        is_labelled: whether labels come from elsewhere than folder names.
        setting: name of the setting of `only`, for messages.

    Raises:
        DataError: no files are found, or the meaning of a folder is ambiguous.
    """

    def __init__(
        self,
        root: Path,
        suffixes: Collection[str],
        patterns: Mapping[Split, str | None],
        only: str | None = None,
        is_labelled: bool = True,
        setting: str = "data.only",
    ) -> None:
        self.setting = setting
        self.root, self.suffixes, self.only, self.is_labelled = root, suffixes, only, is_labelled
        self.patterns = {split: re.compile(pattern) for split, pattern in patterns.items() if pattern}

    @cached_property
    def scan(self) -> Scan:
        if not self.root.is_dir():
            raise DataError(f"there is no folder {self.root.absolute()}: set data.root to the folder of your files")
        result = scan(self.root, self.suffixes)
        if not result.files:
            raise DataError(no_files(result, self.suffixes))
        if not self.only:
            return result
        only = re.compile(self.only)
        matches = [path for path in result.files if only.search(self.name(path))]
        if not matches:
            raise DataError(
                f"{self.setting}={self.only!r} matches none of the {len(result.files)} files in {self.root}, "
                f"such as {self.name(result.files[0])!r}"
            )
        result.ignored.add(f"not matched by {self.setting}", *sorted(set(result.files) - set(matches)))
        return result._replace(files=matches)

    def name(self, path: Path) -> str:
        return path_name(path, self.root)

    @cached_property
    def folders(self) -> dict[str, Split]:
        """Top-level folders that are splits; empty if the root is not divided into splits."""
        folders = sorted({parts[0] for path in self.scan.files if len(parts := self._parts(path)) > 1})
        splits = splits_of(folders)
        others = [name for name in folders if name not in splits]
        unclear = [name for name in others if name.casefold() in EITHER]
        needs_clear_names = not (self.is_labelled or self.patterns)
        if "train" not in splits.values() or (others and len({*splits.values()}) == 1 and not unclear):
            if needs_clear_names and (names := [*splits, *unclear]):
                raise DataError(self._named_like_a_split(names[0], others))
            return {}
        if unclear and not self.patterns:
            raise DataError(
                f"{unclear[0]}/ in {self.root.absolute()} may hold validation or test files: set "
                f"'data.validation=\"^{unclear[0]}/\"' or 'data.test=\"^{unclear[0]}/\"'"
            )
        return {name: split for name, split in splits.items() if split not in self.patterns}

    @cached_property
    def by_split(self) -> dict[Split, list[Path]]:
        """The files of each official split; without split folders, all other files are for training."""
        files: dict[Split, list[Path]] = {split: [] for split in SPLITS}
        outside: list[Path] = []
        for path in self.scan.files:
            split = self._split_of(path)
            files[split].append(path) if split else outside.append(path)
        self.ignored.add(f"in none of the folders {', '.join(f'{name}/' for name in self.folders)}", *outside)
        for split, pattern in self.patterns.items():
            if not files[split]:
                raise DataError(
                    f"data.{split}={pattern.pattern!r} matches none of the {len(self.scan.files)} files in {self.root}, "
                    f"such as {self.name(self.scan.files[0])!r}"
                )
        if not files["train"]:
            raise DataError(
                f"no file in {self.root.absolute()} is left for training: check data.validation and data.test"
            )
        return {split: paths for split, paths in files.items() if paths}

    def hidden_training(self) -> Path | None:
        """A folder named like the training split that lies below another folder, where it has no effect."""
        for path in self.scan.files if not (self.folders or self.patterns) else ():
            for depth, part in enumerate(self._parts(path)[1:-1], start=2):
                if split_of(part) == "train":
                    return self.root.joinpath(*self._parts(path)[:depth])
        return None

    def forget_files(self) -> None:
        """Free the memory of the paths; keep the folders and the ignored files."""
        self.__dict__.pop("by_split", None)
        self.__dict__["scan"] = self.scan._replace(files=[])

    @property
    def ignored(self) -> Ignored:
        return self.scan.ignored

    @property
    def how(self) -> dict[Split, str]:
        """How each split was determined."""
        names = {split: f"{name}/" for name, split in sorted(self.folders.items(), reverse=True)}
        return names | {split: f"data.{split}={pattern.pattern}" for split, pattern in self.patterns.items()}

    def _split_of(self, path: Path) -> Split | None:
        name = self.name(path)
        for split in ("test", "validation"):
            if split in self.patterns and self.patterns[split].search(name):
                return split
        if not self.folders:
            return "train"
        return self.folders.get(self._parts(path)[0])

    def _parts(self, path: Path) -> tuple[str, ...]:
        return path.relative_to(self.root).parts

    def _named_like_a_split(self, name: str, others: list[str]) -> str:
        beside = f" beside {others[0]}/" if others else ""
        missing = "folder for another split" if split_of(name) == "train" else "folder train/"
        return (
            f"{self.root.absolute()} has the folder {printable(name)}/{beside}, named like a split, but no {missing}: add "
            f"one, or, if {name!r} is a class, set 'data.label=\"([^/]+)/[^/]+$\"'"
        )


def no_files(result: Scan, suffixes: Collection[str]) -> str:
    """Error message for a folder without suitable files."""
    ignored = f"; ignored: {result.ignored.text()}" if result.ignored else ""
    return f"no {', '.join(sorted(suffixes))} file in {result.folder.absolute()}{ignored}"
