"""Files for `predict`: a project's own in tests/samples/, or those that come with the library."""

from pathlib import Path

SAMPLES = Path(__file__).parent / "samples"
LIBRARY = __name__.partition(".")[0]


def sample_files(root: Path, experiment: str, kind: type) -> Path | None:
    """The folder with files for an experiment: `tests/samples/<experiment>` or that of the folder it is in, else the
    library's for the domain of the dataset's class; None where nothing is known.

    Args:
        root: of the project.
        experiment: its name.
        kind: the dataset's class.
    """
    own = root / "tests" / "samples" / experiment
    folders = [own, own.parent] if "/" in experiment else [own]
    folders += [SAMPLES / domain for domain in _domains(kind)]
    return next((folder for folder in folders if folder.is_dir()), None)


def _domains(kind: type) -> list[str]:
    """Of a class and its bases: `leyden.data.vision.image_data` is of `vision`."""
    modules = [one.__module__.split(".") for one in kind.__mro__]
    return [names[2] for names in modules if names[:2] == [LIBRARY, "data"] and len(names) > 2]
