"""Input files for `predict`: a project's own in tests/samples/, or those of the library."""

from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
LIBRARY = __name__.partition(".")[0]


def sample_files(root: Path, experiment: str, kind: type) -> Path | None:
    """Folder with input files for an experiment: `tests/samples/<experiment>` or its parent folder, else the library's
    files for the domain of the dataset; None if there is none.

    Args:
        root: root of the project.
        experiment: name of the experiment.
        kind: class of the dataset.
    """
    own = root / "tests" / "samples" / experiment
    folders = [own, own.parent] if "/" in experiment else [own]
    folders += [SAMPLES / domain for domain in _domains(kind)]
    return next((folder for folder in folders if folder.is_dir()), None)


def _domains(kind: type) -> list[str]:
    """Domains of a class and its bases: `vision` for `leyden.data.vision.image_data`."""
    modules = [base.__module__.split(".") for base in kind.__mro__]
    return [names[2] for names in modules if names[:2] == [LIBRARY, "data"] and len(names) > 2]
