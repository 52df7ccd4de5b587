"""The command line. Torch-free, so that help, lists and configuration errors appear immediately."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import RunError, UserError
from .arguments import parser

# Module and function of each command, imported when it is used
COMMANDS = {
    "train": "train.train",
    "sweep": "sweep.sweep",
    "resume": "on_run.resume",
    "status": "jobs.status",
    "cancel": "jobs.cancel",
    "validate": "on_run.evaluate",
    "test": "on_run.evaluate",
    "predict": "on_run.predict",
    "diff": "diff.diff",
    "sync": "sync.sync_runs",
    "list": "train.list_options",
    "data": "inspect_data.inspect_data",
    "runs": "study.runs",
    "watch": "watch.watch",
    "clean": "clean.clean",
    "compare": "study.compare",
    "reproduce": "reproduce.reproduce",
    "report": "report.write_report",
    "tour": "tour.command.tour",
    "check": "train.check",
    "demo": "demo.demo",
    "doctor": "doctor.examine",
    "eject": "eject.eject_class",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit code: 0 for success, 1 for a failed run, 2 for an error in the command."""
    if sys.stdout is not None and sys.stdout.errors == "strict":  # the terminal may not support all characters
        getattr(sys.stdout, "reconfigure", lambda **_: None)(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    try:
        options = _parse(words)
        module, _, function = COMMANDS[options.verb].rpartition(".")
        command = getattr(import_module(f".{module}", __package__), function)
        if options.json:
            from .json_output import with_json

            return with_json(command, options, _explain)
        return command(options)
    except BrokenPipeError:  # the reader, such as `head`, has exited
        sys.stderr.close()
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code, message = _explain(error)
        if "--json" in words:  # the command was not understood
            from .json_output import document

            print(document({}, code, message), end="")
        return code


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    options, more = parser().parse_known_args(arguments)
    if more:  # words after a flag
        words: list[str] | None = getattr(options, "overrides", getattr(options, "words", None))
        if words is None or any(word.startswith("-") for word in more):
            from .unknown_options import unknown_option_hint

            near = unknown_option_hint(options.verb, words or [], more) if more[0].startswith("-") else ""
            parser().error(f"unrecognized arguments: {' '.join(more)}{near}")
        words += more
    return options


def _explain(error: BaseException) -> tuple[int, str]:
    """Print how to fix the cause of an exception, and return exit code and message; raise unknown exceptions."""
    code, message = 2, str(error)
    if isinstance(error, KeyboardInterrupt):
        code, message = 130, "stopped"
    elif isinstance(error, UnicodeEncodeError):  # such as a path
        message += ": the locale of this machine does not support this character; set PYTHONUTF8=1"
    elif isinstance(error, RunError):
        code = 1
    elif not isinstance(error, UserError):
        from ..io import disk_error

        if not isinstance(error, OSError) or not disk_error(error):
            raise error
        code = 1
    print(message, file=sys.stderr)
    return code, message
