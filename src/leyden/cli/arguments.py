"""What the command line accepts, and how it refuses the rest."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UserError, hint

OVERRIDES = "an experiment, and settings such as trainer.max_epochs=3 or model.optimizer.lr=3e-3, or a group's option such as trainer=cpu"
RUN = "a run directory, `latest`, or an experiment's name for its newest run"


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        chosen = re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message)
        near = hint(chosen[1], re.findall(r"\w+", chosen[2]), few=0) if chosen else ""
        raise UserError(f"{message}{near}\n{self.format_usage().strip()}")


def parser() -> argparse.ArgumentParser:
    text = "Trains, tests and uses models. Every run is a folder with a frozen config."
    top = Parser(prog="leyden", description=text)
    verbs = top.add_subparsers(dest="verb", metavar="COMMAND", required=True)

    def add(verb: str, text: str, arguments: Sequence[tuple[str, dict[str, Any]]]) -> None:
        one = verbs.add_parser(verb, help=text, description=text)
        for name, options in arguments:
            one.add_argument(name, **options)

    overrides = ("overrides", {"nargs": "*", "metavar": "SETTING", "help": OVERRIDES})
    run = ("run", {"metavar": "RUN", "help": RUN})
    checkpoint = ("--ckpt", {"default": "best", "metavar": "NAME", "help": "best (default), last, or a path"})
    inputs = ("inputs", {"nargs": "+", "type": existing, "metavar": "INPUT", "help": "files or folders"})
    output = ("--output", {"type": writable, "metavar": "FILE", "help": "write there instead of to the terminal"})
    form = ("--format", {"choices": ["csv", "jsonl"], "default": "csv", "help": "of the rows"})
    all_ = ("--all", {"action": "store_true", "help": "every experiment of the project"})
    sweep = ("--sweep", {"action": "store_true", "help": "a run for each combination of values, as of seed=0,1,2"})
    dry = ("--dry-run", {"action": "store_true", "help": "print what would be executed or submitted, and stop"})
    runs = ("runs", {"nargs": "+", "metavar": "RUN", "help": RUN})
    live = ("--live", {"action": "store_true", "help": "use the working tree instead of the run's copy of the code"})
    trust = ("--trust", {"action": "store_true", "help": "execute a run that was not made here: it is code"})
    text = "compose, check and freeze a run; train it; test its best checkpoint"
    add("train", text, [overrides, sweep, dry, live])
    moves = (
        "overrides",
        {"nargs": "*", "metavar": "SETTING", "help": "where: trainer.devices=4, launcher.time=8:00:00"},
    )
    add("resume", "continue a run in its directory, from its last checkpoint", [run, moves, live, trust])
    add("status", "what became of runs, and what SLURM says of their jobs", [runs])
    add("cancel", "take the jobs of runs out of SLURM's queue", [runs])
    add("validate", "evaluate a run's checkpoint on the validation split", [run, checkpoint, live, trust])
    add("test", "evaluate a run's checkpoint on the test split", [run, checkpoint, live, trust])
    words = [run, inputs, checkpoint, output, form, live, trust]
    add("predict", "run a trained model on your files", words)
    add("diff", "what differs between a run's copy of the code and the working tree", [run])
    add("sync", "upload to Weights & Biases what runs have logged without a connection", [runs])
    add("list", "experiments and options, a line each", [])
    what = ("run", {"metavar": "RUN", "help": "a run directory, `latest`, or an experiment"})
    clear = ("--clear", {"action": "store_true", "help": "remove the decoded rows from the cache, and stop"})
    stream = ("--write-stream", {"type": Path, "metavar": "FOLDER", "help": "write the rows as chunks for data.stream"})
    add(
        "data",
        "size, place and speed of the decoded data of a run or an experiment",
        [what, overrides, clear, stream, trust],
    )
    add("check", "validate a configuration without running it", [overrides, all_])
    name = ("name", {"metavar": "NAME", "help": "as YAML names it, or the class alone, such as ConvNet"})
    use = ("--use", {"action": "store_true", "help": "change the lines of configs/ that name it"})
    package = ("--package", {"metavar": "PACKAGE", "help": "the folder of src/ to copy into, where there are several"})
    add("eject", "copy a class of the library into the project, to change it", [name, use, package])
    add("doctor", "what this machine has, and what is wrong with it", [])
    return top


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
        raise argparse.ArgumentTypeError(f"{path} is a folder; a file is wanted")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path.parent}")
    return path
