from collections.abc import Callable

from ..core.groups import group_ids
from ..core.samples import Samples
from ..core.split_names import Split
from ..storage.decode import decoded
from ..storage.file_samples import FileSamples
from .indexed_files import IndexedFiles


class LabelledFiles(IndexedFiles):
    """Your own labelled files, see `IndexedFiles`; decoded once if the samples fit into the cache or memory.

    Inherit from it before the class of the domain, which defines `suffixes` and `file_samples`.
    """

    file_samples: Callable[..., FileSamples]

    def load(self, split: Split) -> Samples:
        labels = self.labels_of(split)
        if split == "train":
            self.class_names = self.labels.class_names(labels, self.labels_of("validation") + self.labels_of("test"))
        targets = self.labels.targets(labels, self.class_names, split)
        files = self.file_samples(self.sources(split), targets, self.on_corrupt)
        if groups := self.groups_of(split):
            files.groups = group_ids(groups)
        return decoded(files, self.storage)
