from collections.abc import Callable

from ..core.groups import group_ids
from ..core.rows import Rows
from ..core.split_names import Split
from ..storage.decode import decoded
from ..storage.file_rows import FileRows
from .indexed_files import IndexedFiles


class LabelledFiles(IndexedFiles):
    """Makes a domain's data of your own files, see `IndexedFiles`; decoded once where memory allows.

    A class names it before its domain's data, which has the `suffixes` of its files and how to read them as rows.
    """

    file_rows: Callable[..., FileRows]

    def load(self, split: Split) -> Rows:
        labels = self.labels_of(split)
        if split == "train":
            self.class_names = self.labels.class_names(labels, self.labels_of("validation") + self.labels_of("test"))
        targets = self.labels.targets(labels, self.class_names, split)
        files = self.file_rows(self.sources(split), targets, self.on_corrupt)
        if groups := self.groups_of(split):
            files.groups = group_ids(groups)
        return decoded(files, self.residence)
