"""What the command line accepts, and how it refuses the rest."""

import argparse
import re
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UserError, hint

SETTINGS = "an experiment, and settings such as trainer.max_epochs=3 or model.optimizer.lr=3e-3, or a group's option such as trainer=cpu"
A_RUN = "a run directory, `latest`, or an experiment's name for its newest run"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        chosen = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        near = hint(chosen[1], re.findall(r"\w+", chosen[2]), few=0) if chosen else ""
        raise UserError(f"{message}{near}\n{self.format_usage().strip()}")


def existing(text: str) -> Path:
    """The file or folder of that name, absolute: a path is relative to where the command was typed."""
    path = Path(text).absolute()
    if path.exists():
        return path
    names = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    raise argparse.ArgumentTypeError(f"there is no file or folder {path}{hint(path.name, names, few=0)}")


def writable(text: str) -> Path:
    """A file to be written, absolute, in a folder that is there."""
    path = Path(text).resolve()  # what a link names is written, and the link stays
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a folder; expected a file")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path


Argument = tuple[str, dict[str, Any]]

RUN: Argument = ("run", {"metavar": "RUN", "help": A_RUN})
RUNS: Argument = ("runs", {"nargs": "+", "metavar": "RUN", "help": A_RUN})
RUN_OR_EXPERIMENT: Argument = ("run", {"metavar": "RUN", "help": "a run directory, `latest`, or an experiment"})
OVERRIDES: Argument = ("overrides", {"nargs": "*", "metavar": "SETTING", "help": SETTINGS})
MOVES: Argument = (
    "overrides",
    {"nargs": "*", "metavar": "SETTING", "help": "where: trainer.devices=4, launcher.time=8:00:00"},
)
CHECKPOINT: Argument = ("--ckpt", {"default": "best", "metavar": "NAME", "help": "best (default), last, or a path"})
INPUTS: Argument = ("inputs", {"nargs": "+", "type": existing, "metavar": "INPUT", "help": "files or folders"})
OUTPUT: Argument = ("--output", {"type": writable, "metavar": "FILE", "help": "write there instead of to the terminal"})
FORMAT: Argument = ("--format", {"choices": ["csv", "jsonl"], "default": "csv", "help": "of the rows"})
ALL: Argument = ("--all", {"action": "store_true", "help": "every experiment of the project"})
SWEEP: Argument = (
    "--sweep",
    {"action": "store_true", "help": "a run for each combination of values, as of seed=0,1,2"},
)
DRY_RUN: Argument = (
    "--dry-run",
    {"action": "store_true", "help": "print what would be executed or submitted, and stop"},
)
LIVE: Argument = (
    "--live",
    {"action": "store_true", "help": "use the working tree instead of the run's copy of the code"},
)
TRUST: Argument = ("--trust", {"action": "store_true", "help": "execute a run that was not made here: it is code"})
CLEAR: Argument = ("--clear", {"action": "store_true", "help": "remove the decoded samples from the cache, and stop"})
STREAM: Argument = (
    "--write-stream",
    {"type": Path, "metavar": "FOLDER", "help": "write the samples as chunks for data.stream"},
)
EXPERIMENT: Argument = ("experiment", {"metavar": "EXPERIMENT", "help": "such as vision/digits; see `leyden list`"})
HTML: Argument = (
    "--html",
    {"type": writable, "metavar": "FILE", "help": "write the same as a page, with the samples drawn"},
)
NAME: Argument = ("name", {"metavar": "NAME", "help": "as YAML names it, or the class alone, such as ConvNet"})
USE: Argument = ("--use", {"action": "store_true", "help": "change the lines of configs/ that name it"})
INTO: Argument = (
    "--package",
    {"metavar": "PACKAGE", "help": "the folder of src/ to copy into, where there are several"},
)

COMMANDS: list[tuple[str, str, list[Argument]]] = [
    ("train", "compose, check and freeze a run; train it; test its best checkpoint", [OVERRIDES, SWEEP, DRY_RUN, LIVE]),
    ("resume", "continue a run in its directory, from its last checkpoint", [RUN, MOVES, LIVE, TRUST]),
    ("status", "what became of runs, and what SLURM says of their jobs", [RUNS]),
    ("cancel", "take the jobs of runs out of SLURM's queue", [RUNS]),
    ("validate", "evaluate a run's checkpoint on the validation split", [RUN, CHECKPOINT, LIVE, TRUST]),
    ("test", "evaluate a run's checkpoint on the test split", [RUN, CHECKPOINT, LIVE, TRUST]),
    ("predict", "run a trained model on your files", [RUN, INPUTS, CHECKPOINT, OUTPUT, FORMAT, LIVE, TRUST]),
    ("diff", "what differs between a run's copy of the code and the working tree", [RUN]),
    ("sync", "upload to Weights & Biases what runs have logged without a connection", [RUNS]),
    ("list", "experiments and options, a line each", []),
    (
        "data",
        "size, place and speed of the decoded data of a run or an experiment",
        [RUN_OR_EXPERIMENT, OVERRIDES, CLEAR, STREAM, TRUST],
    ),
    ("tour", "one batch on its way through an experiment, step by step", [EXPERIMENT, OVERRIDES, HTML]),
    ("check", "validate a configuration without running it", [OVERRIDES, ALL]),
    ("eject", "copy a class of the library into the project, to change it", [NAME, USE, INTO]),
    ("demo", "train, test and predict an experiment of each domain on embedded data", []),
    ("doctor", "what this machine has, and what is wrong with it", []),
]


def parser() -> argparse.ArgumentParser:
    text = "Trains, tests and uses models. Every run is a folder with a frozen config."
    top = Parser(prog="leyden", description=text)
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)
    for verb, text, arguments in COMMANDS:
        command = verbs.add_parser(verb, help=text, description=text)
        for name, options in arguments:
            command.add_argument(name, **options)
    return top
