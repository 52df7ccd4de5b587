"""Which of a folder's files belong to which split: by patterns, or by folders that are called like splits."""

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
    """The files of each official split of a folder, in the order of their names.

    A folder with `train/` has its splits in folders, called as `split_names` lists, in any letter case. A pattern takes
    the place of the folders of its split; where there are no such folders, all that no pattern finds is for training.

    Args:
        root: the folder.
        suffixes: endings of the files to take, in lower case.
        patterns: of `validation` and `test`, regular expressions on the path below `root`.
        only: regular expression on the path below `root`; files that it does not match are left out.
        is_labelled: whether labels come from elsewhere than the names of folders.
        setting: where `only` comes from.

    Raises:
        DataError: nothing is found, or it is not clear what a folder is.
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
        found = scan(self.root, self.suffixes)
        if not found.files:
            raise DataError(no_files(found, self.suffixes))
        if not self.only:
            return found
        only = re.compile(self.only)
        chosen = [path for path in found.files if only.search(self.name(path))]
        if not chosen:
            raise DataError(
                f"{self.setting}={self.only!r} matches none of the {len(found.files)} files in {self.root}, "
                f"such as {self.name(found.files[0])!r}"
            )
        found.ignored.add(f"not matched by {self.setting}", *sorted(set(found.files) - set(chosen)))
        return found._replace(files=chosen)

    def name(self, path: Path) -> str:
        return path_name(path, self.root)

    @cached_property
    def folders(self) -> dict[str, Split]:
        """The folders of the root that are splits; none where the root is not divided so."""
        folders = sorted({parts[0] for path in self.scan.files if len(parts := self._parts(path)) > 1})
        known = splits_of(folders)
        others = [name for name in folders if name not in known]
        unclear = [name for name in others if name.casefold() in EITHER]
        needs_clear_names = not (self.is_labelled or self.patterns)
        if "train" not in known.values() or (others and len({*known.values()}) == 1 and not unclear):
            if needs_clear_names and (called := [*known, *unclear]):
                raise DataError(self._called_like_a_split(called[0], others))
            return {}
        if unclear and not self.patterns:
            raise DataError(
                f"is {unclear[0]}/ in {self.root.absolute()} for validation or for the test? Set "
                f"'data.validation=\"^{unclear[0]}/\"' or 'data.test=\"^{unclear[0]}/\"'"
            )
        return {name: split for name, split in known.items() if split not in self.patterns}

    @cached_property
    def found(self) -> dict[Split, list[Path]]:
        """The files of each split that patterns or folders tell; those of training are all others without folders."""
        found: dict[Split, list[Path]] = {split: [] for split in SPLITS}
        outside: list[Path] = []
        for path in self.scan.files:
            split = self._split_of(path)
            found[split].append(path) if split else outside.append(path)
        self.ignored.add(f"in none of the folders {', '.join(f'{name}/' for name in self.folders)}", *outside)
        for split, pattern in self.patterns.items():
            if not found[split]:
                raise DataError(
                    f"data.{split}={pattern.pattern!r} finds none of the {len(self.scan.files)} files in {self.root}, "
                    f"such as {self.name(self.scan.files[0])!r}"
                )
        if not found["train"]:
            raise DataError(
                f"no file in {self.root.absolute()} is left for training: look at data.validation, data.test"
            )
        return {split: paths for split, paths in found.items() if paths}

    def hidden_training(self) -> Path | None:
        """A folder that is called like the training split and lies below another one, where nobody would find it."""
        for path in self.scan.files if not (self.folders or self.patterns) else ():
            for place, part in enumerate(self._parts(path)[1:-1], start=2):
                if split_of(part) == "train":
                    return self.root.joinpath(*self._parts(path)[:place])
        return None

    def forget_files(self) -> None:
        """Frees the memory of many paths; what is known of folders and of ignored files stays."""
        self.__dict__.pop("found", None)
        self.__dict__["scan"] = self.scan._replace(files=[])

    @property
    def ignored(self) -> Ignored:
        return self.scan.ignored

    @property
    def how(self) -> dict[Split, str]:
        """How each split is found."""
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

    def _called_like_a_split(self, name: str, others: list[str]) -> str:
        beside = f" beside {others[0]}/" if others else ""
        missing = "folder for another split" if split_of(name) == "train" else "folder train/"
        return (
            f"{self.root.absolute()} has the folder {printable(name)}/{beside}, called like a split, but no {missing}: add "
            f"one, or, where {name!r} is a class, set 'data.label=\"([^/]+)/[^/]+$\"'"
        )


def no_files(found: Scan, suffixes: Collection[str]) -> str:
    """What is wrong with a folder that holds nothing of use."""
    ignored = f"; there are: {found.ignored.text()}" if found.ignored else ""
    return f"no {', '.join(sorted(suffixes))} file in {found.folder.absolute()}{ignored}"
