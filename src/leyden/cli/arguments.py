"""Arguments and help texts of the command line."""

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UserError, hint

SETTINGS = (
    "an experiment, settings such as trainer.max_epochs=3 or model.optimizer.lr=3e-3, or options such as optim=sgd"
)
RUN_HELP = "a run directory, an experiment's name (its newest run), or `latest`"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        chosen = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        near = hint(chosen[1], re.findall(r"\w+", chosen[2]), few=0) if chosen else ""
        raise UserError(f"{message}{near}\n{self.format_usage().strip()}")


def existing(text: str) -> Path:
    """Return the absolute path of an existing file or folder."""
    path = Path(text).absolute()
    if path.exists():
        return path
    names = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    raise argparse.ArgumentTypeError(f"there is no file or folder {path}{hint(path.name, names, few=0)}")


def positive(text: str) -> int:
    """Return a whole number of at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def writable(text: str) -> Path:
    """Return the absolute path of a file to write in an existing folder."""
    path = Path(text).resolve()  # follows links, so that the target is written and the link is kept
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"expected a file, got the folder {path}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


def figure(text: str) -> Path:
    """Return the absolute path of a figure to write."""
    path = writable(text)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise argparse.ArgumentTypeError(f"expected a file with the suffix .png, .svg or .pdf, got {path.name}")
    return path


Argument = tuple[str, dict[str, Any]]

RUN: Argument = ("run", {"metavar": "RUN", "help": RUN_HELP})
RUNS: Argument = ("runs", {"nargs": "+", "metavar": "RUN", "help": RUN_HELP})
OTHER_RUN: Argument = ("other", {"nargs": "?", "metavar": "RUN", "help": "another run to compare with"})
RUN_OR_EXPERIMENT: Argument = ("run", {"metavar": "RUN", "help": "a run directory, `latest`, or an experiment"})
OVERRIDES: Argument = ("overrides", {"nargs": "*", "metavar": "SETTING", "help": SETTINGS})
RESUME_OVERRIDES: Argument = (
    "overrides",
    {
        "nargs": "*",
        "metavar": "SETTING",
        "help": "a new end, such as trainer.max_epochs=60; hardware, such as trainer.devices=4, launcher.time=8:00:00",
    },
)
CHECKPOINT: Argument = ("--ckpt", {"default": "best", "metavar": "NAME", "help": "best (default), last, or a path"})
INPUTS: Argument = ("inputs", {"nargs": "+", "type": existing, "metavar": "INPUT", "help": "files or folders"})
OUTPUT: Argument = ("--output", {"type": writable, "metavar": "FILE", "help": "output file (default: standard output)"})
FORMAT: Argument = ("--format", {"choices": ["csv", "jsonl"], "default": "csv", "help": "output format"})
ALL: Argument = ("--all", {"action": "store_true", "help": "check every experiment of the project"})
SWEEP: Argument = ("--sweep", {"action": "store_true", "help": "deprecated: use leyden sweep"})
SWEPT: Argument = (
    "overrides",
    {"nargs": "*", "metavar": "SETTING", "help": f"{SETTINGS}; several values to try, such as seed=0,1,2; search=tpe"},
)
RESUME: Argument = (
    "--resume",
    {"metavar": "STUDY", "help": "continue a study: its folder, an experiment's name (its newest study), or `latest`"},
)
DRY_RUN: Argument = (
    "--dry-run",
    {"action": "store_true", "help": "print what would be executed or submitted, and exit"},
)
LIVE: Argument = (
    "--live",
    {"action": "store_true", "help": "use the working tree instead of the run's copy of the code"},
)
TRUST: Argument = (
    "--trust",
    {"action": "store_true", "help": "execute a run that was not created in this project; it contains code"},
)
CLEAR: Argument = ("--clear", {"action": "store_true", "help": "remove the decoded samples from the cache, and exit"})
STREAM: Argument = (
    "--write-stream",
    {"type": Path, "metavar": "FOLDER", "help": "write the samples as chunks for data.stream"},
)
EXPERIMENT: Argument = ("experiment", {"metavar": "EXPERIMENT", "help": "such as vision/digits; see `leyden list`"})
HTML: Argument = (
    "--html",
    {"type": writable, "metavar": "FILE", "help": "also write an HTML page, with figures of the samples"},
)
NAME: Argument = ("name", {"metavar": "NAME", "help": "dotted name as in YAML, or the class name, such as ConvNet"})
USE: Argument = ("--use", {"action": "store_true", "help": "make configs/ use the copy"})
INTO: Argument = (
    "--package",
    {"metavar": "PACKAGE", "help": "the package in src/ to copy into, if there are several"},
)

WORDS: Argument = (
    "words",
    {
        "nargs": "*",
        "metavar": "RUN|CONDITION",
        "help": "experiments, run directories or globs; conditions such as 'test/accuracy>0.9', seed=0, state=failed",
    },
)
REPORT_WORDS: Argument = (
    "words",
    WORDS[1]
    | {"metavar": "RUN|STUDY|CONDITION", "help": "as for `leyden runs`, or the folder of a study; default: latest"},
)
SORT: Argument = ("--sort", {"metavar": "NAME", "help": "metric or setting to sort by"})
REVERSE: Argument = ("--reverse", {"action": "store_true", "help": "sort in descending order"})
COLUMNS: Argument = ("--columns", {"metavar": "NAMES", "help": "metrics and settings to show, separated by commas"})
LIMIT: Argument = (
    "--limit",
    {"type": positive, "metavar": "N", "help": "show only the first N after sorting, or the N newest"},
)
LISTING: Argument = ("--format", {"choices": ["table", "csv"], "default": "table"})
BY: Argument = ("--by", {"metavar": "NAMES", "help": "settings that define the groups (default: experiment)"})
METRIC: Argument = ("--metric", {"metavar": "NAME", "help": "metric to compare (default: the test metric of the runs)"})
AGAINST: Argument = (
    "--against",
    {"metavar": "VALUE", "help": "baseline group: the value of the first --by setting, or of all, with commas"},
)
BEST: Argument = (
    "--best",
    {
        "choices": ["min", "max"],
        "help": "whether the lowest or highest mean is bold in LaTeX (default: as in checkpoint selection)",
    },
)
PLOT: Argument = (
    "--plot",
    {"type": figure, "metavar": "FILE", "help": "draw the learning curves of the groups as .png, .svg or .pdf"},
)
TABLES: Argument = ("--format", {"choices": ["table", "csv", "markdown", "latex"], "default": "table"})

REPRODUCIBLE: Argument = (
    "target",
    {"metavar": "RUN|FOLDER|FILE.csv", "help": "a run, a folder of runs such as a study, or a table of results"},
)
ENVIRONMENT: Argument = (
    "--environment",
    {"action": "store_true", "help": "recreate the recorded environment if packages have changed"},
)
COMPARE_WITH: Argument = (
    "--with",
    {"dest": "compare_with", "metavar": "RUN", "help": "compare with this run instead of training one"},
)
REPORT: Argument = (
    "--output",
    {
        "type": writable,
        "metavar": "FILE",
        "help": "output file (default: report.html in the run, study or, for several runs, current folder)",
    },
)
ONCE: Argument = ("--once", {"action": "store_true", "help": "print the table once and exit, as without a terminal"})
ALSO_BEST: Argument = ("--best", {"action": "store_true", "help": "also remove the best checkpoints of finished runs"})
YES: Argument = ("--yes", {"action": "store_true", "help": "remove without confirmation"})
JSON: Argument = (
    "--json",
    {"action": "store_true", "help": "print the result as one JSON object; everything else goes to standard error"},
)

COMMANDS: list[tuple[str, str, list[Argument]]] = [
    ("train", "check a configuration, train a run and test its best checkpoint", [OVERRIDES, SWEEP, DRY_RUN, LIVE]),
    (
        "sweep",
        "train every combination of settings, or search for the best ones (search=tpe)",
        [SWEPT, RESUME, DRY_RUN, LIVE, TRUST],
    ),
    ("resume", "continue a run in its directory, from its last checkpoint", [RUN, RESUME_OVERRIDES, LIVE, TRUST]),
    ("status", "show the state of runs and of their SLURM jobs", [RUNS]),
    ("cancel", "cancel the SLURM jobs of runs", [RUNS]),
    ("validate", "evaluate a run's checkpoint on the validation split", [RUN, CHECKPOINT, LIVE, TRUST]),
    ("test", "evaluate a run's checkpoint on the test split", [RUN, CHECKPOINT, LIVE, TRUST]),
    ("predict", "run a trained model on your files", [RUN, INPUTS, CHECKPOINT, OUTPUT, FORMAT, LIVE, TRUST]),
    ("diff", "show what differs between a run's code and the working tree, or between two runs", [RUN, OTHER_RUN]),
    ("sync", "upload runs that were logged without a connection to Weights & Biases or MLflow", [RUNS]),
    ("list", "list experiments and options", []),
    (
        "data",
        "show size, storage and loading speed of the data of a run or an experiment",
        [RUN_OR_EXPERIMENT, OVERRIDES, CLEAR, STREAM, TRUST],
    ),
    (
        "runs",
        "list the runs of this project, with main metrics and the settings that differ",
        [WORDS, SORT, REVERSE, COLUMNS, LIMIT, LISTING],
    ),
    ("watch", "show the progress of the runs that are being trained", [WORDS, ONCE]),
    ("clean", "show disk usage of the runs, or remove checkpoints of selected runs", [WORDS, ALSO_BEST, YES]),
    ("compare", "compare groups of runs over seeds or folds", [WORDS, BY, METRIC, AGAINST, BEST, TABLES, PLOT]),
    (
        "reproduce",
        "train a run again from its frozen code and settings, and compare the results",
        [REPRODUCIBLE, ENVIRONMENT, COMPARE_WITH, TRUST],
    ),
    ("report", "write a run, several runs or a study as one HTML file", [REPORT_WORDS, REPORT]),
    ("tour", "follow one batch through an experiment, step by step", [EXPERIMENT, OVERRIDES, HTML]),
    ("check", "validate a configuration without running it", [OVERRIDES, ALL]),
    ("eject", "copy a class of the library into the project to change it", [NAME, USE, INTO]),
    ("demo", "train, test and predict one experiment per domain on embedded data", []),
    ("doctor", "show installed versions and devices, and report problems", []),
]


def parser() -> argparse.ArgumentParser:
    text = "Train, test and use models. Every run is a folder with a frozen configuration."
    top = Parser(prog="leyden", description=text)
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for verb, text, arguments in COMMANDS:
        command = verbs.add_parser(verb, help=text, description=text)
        for name, options in [*arguments, JSON]:
            command.add_argument(name, **options)
    return top
