"""The copy of the project's own files in a run directory: what every later command on the run executes."""

import json
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

from .code_writer import CodeWriter
from .project_files import SOURCE, git_output, own_files

CODE, LISTING = "code", "code.json"
MOST_FILES = 3000  # outside of the source


class CodeCopy:
    """`code/` and its listing, `code.json`: the commit, a hash for each file, and why others were left out.

    Args:
        run: the run directory.
    """

    def __init__(self, run: Path) -> None:
        self.folder, self.listing = run / CODE, run / LISTING

    @property
    def source(self) -> Path | None:
        """The folder of the packages; None where the run has no copy of them."""
        source = self.folder / SOURCE
        return source if source.is_dir() else None

    def read(self) -> dict[str, Any]:
        """The listing; empty for a run without one."""
        return json.loads(self.listing.read_text(encoding="utf-8")) if self.listing.exists() else {"files": {}}

    def source_hashes(self) -> dict[str, str]:
        """As `hashes`, of the packages that are there now."""
        return self.hashes(self.source) if self.source else {}

    @staticmethod
    def hashes(folder: Path) -> dict[str, str]:
        """A hash of each file below a folder, or where it leads to; compiled modules are left out."""
        names: dict[str, str] = {}
        for place, folders, files in os.walk(folder):
            folders[:] = [name for name in folders if name != "__pycache__"]
            for path in (Path(place) / name for name in (*folders, *files)):
                if path.is_symlink():
                    names[str(path.relative_to(folder))] = f"link to {path.readlink()}"
                elif path.is_file():
                    names[str(path.relative_to(folder))] = sha256(path.read_bytes()).hexdigest()
        return names

    def write(self, root: Path, runs: Path, previous: "CodeCopy | None" = None) -> None:
        """Copies the project's own files as they are now.

        Args:
            root: the project's folder.
            runs: folder of the run directories.
            previous: copy of another run; files that are the same share their place on the disk with it.
        """
        self.folder.mkdir()
        writer = CodeWriter(root, self.folder, previous.folder if previous else None)
        num_others = 0
        for name in own_files(root, runs):
            num_others += not name.startswith(f"{SOURCE}/")  # which come first
            if num_others > MOST_FILES:
                writer.left_out["more"] = f"there are more than {MOST_FILES} files"
                break
            writer.copy(name)
        commit = git_output(root, "rev-parse", "HEAD").strip()
        listing = {"commit": commit or None, "files": writer.files, "left_out": writer.left_out}
        self.listing.write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")
        for name, reason in writer.left_out.items():
            if name.startswith(f"{SOURCE}/"):
                print(f"{name} is not in the run's copy of the code: {reason}", file=sys.stderr)
