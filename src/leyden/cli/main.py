"""The command line. Torch-free, so that help, lists and configuration errors appear immediately."""

import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import UserError
from .arguments import parser

# Module and function of each command, imported when it is used
COMMANDS = {
    "train": "train.train",
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
    try:
        options, more = parser().parse_known_args(arguments)
        if more:  # words after a flag
            words: list[str] | None = getattr(options, "overrides", getattr(options, "words", None))
            if words is None or any(word.startswith("-") for word in more):
                parser().error(f"unrecognized arguments: {' '.join(more)}")
            words += more
        module, _, function = COMMANDS[options.verb].rpartition(".")
        return getattr(import_module(f".{module}", __package__), function)(options)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has exited
        sys.stderr.close()
        return 0
    except UnicodeEncodeError as error:  # such as a path
        print(f"{error}: the locale of this machine does not support this character; set PYTHONUTF8=1", file=sys.stderr)
        return 2
    except OSError as error:
        from ..io import disk_error

        if not disk_error(error):
            raise
        print(error, file=sys.stderr)
        return 1
