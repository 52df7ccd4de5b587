"""The copy of the project's files in a run directory, which every later command on the run executes."""

import json
import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from ..errors import UserError
from .code_writer import CodeWriter
from .project_files import SOURCE, git_output, own_files

CODE, LISTING = "code", "code.json"
MAX_OTHER_FILES = 3000  # outside of the source


class CodeCopy:
    """`code/` and its listing, `code.json`: the commit, a hash of each file, and the reason for each omitted file.

    Args:
        run: The run directory.
    """

    def __init__(self, run: Path) -> None:
        self.folder, self.listing = run / CODE, run / LISTING

    @property
    def source(self) -> Path | None:
        """The folder of the packages; None if the run has no copy of them."""
        source = self.folder / SOURCE
        return source if source.is_dir() else None

    def read(self) -> dict[str, Any]:
        """Return the listing; empty for a run without one."""
        return json.loads(self.listing.read_text(encoding="utf-8")) if self.listing.exists() else {"files": {}}

    def source_hashes(self) -> dict[str, str]:
        """Return the current hashes of the copied packages."""
        return self.hashes(self.source) if self.source else {}

    @staticmethod
    def hashes(folder: Path) -> dict[str, str]:
        """Return the hash of each file in a folder, or the target of a link, without compiled modules."""
        names: dict[str, str] = {}
        for parent, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for path in (Path(parent) / name for name in (*folders, *files)):
                if path.is_symlink():
                    names[str(path.relative_to(folder))] = f"link to {path.readlink()}"
                elif path.is_file():
                    names[str(path.relative_to(folder))] = sha256(path.read_bytes()).hexdigest()
        return names

    def make(self, other: "CodeCopy | None", root: Path, runs: Path) -> None:
        """Link the copy of another run, or copy the project's files, of which those that the latest run has are linked."""
        if other:
            self.link(other)
        else:
            previous = CodeCopy((self.folder.parents[1] / "latest").resolve())
            self.write(root, runs, previous if previous.folder.is_dir() else None)

    def link(self, other: "CodeCopy") -> None:
        """Become the copy of another run, by hard links where the file system supports them.

        Raises:
            UserError: The other run has no copy.
        """
        if not other.listing.exists():
            raise UserError(f"{other.folder.parent} has no copy of the code: it was created by an older version")
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(other.folder, self.folder, symlinks=True, copy_function=_link_or_copy, ignore=ignored)
        shutil.copy2(other.listing, self.listing)

    def write(self, root: Path, runs: Path, previous: "CodeCopy | None" = None) -> None:
        """Copy the current files of the project.

        Args:
            root: The project's folder.
            runs: Folder of the run directories.
            previous: Copy of another run; unchanged files become hard links to it.
        """
        self.folder.mkdir()
        writer = CodeWriter(root, self.folder, previous.folder if previous else None)
        num_others = 0
        for name in own_files(root, runs):
            num_others += not name.startswith(f"{SOURCE}/")  # listed after those of the source
            if num_others > MAX_OTHER_FILES:
                writer.left_out["more"] = f"the project has more than {MAX_OTHER_FILES} other files"
                break
            writer.copy(name)
        commit = git_output(root, "rev-parse", "HEAD").strip()
        listing = {"commit": commit or None, "files": writer.files, "left_out": writer.left_out}
        self.listing.write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
        for name, reason in writer.left_out.items():
            if name.startswith(f"{SOURCE}/"):
                print(f"{name} is not in the run's copy of the code: {reason}", file=sys.stderr)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target, follow_symlinks=False)
