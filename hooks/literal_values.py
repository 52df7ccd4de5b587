"""A Jinja extension that keeps what the user types as it is, braces and all.

cookiecutter renders each value of its command line and config files as a template, so that a title such as
`On {{ braces }}` fails or is evaluated. Here only what the template itself wrote is rendered.
"""

import json
import os
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import Extension

TEMPLATE = Path(__file__).resolve().parent.parent


class LiteralValues(Extension):
    """Also provides `template_directory`, since hooks run as copies in another folder."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.globals["template_directory"] = str(TEMPLATE)
        defaults = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8")).values()
        hooks = [path.read_text(encoding="utf-8") for path in (TEMPLATE / "hooks").glob("*_project.py")]
        (folder,) = (path for path in TEMPLATE.glob("*cookiecutter*") if path.is_dir())
        self.templates = {text for text in (*defaults, *hooks, folder.name) if isinstance(text, str)}
        self.paths = {path.relative_to(folder).as_posix() for path in (folder / "src").rglob("*")}

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        if name is not None or source in self.templates:  # a named source is a file of the template
            return source
        literal, separator, path = source.rpartition("/./")  # of a folder in that of the project
        if path.replace(os.sep, "/") in self.paths:
            return "{{ " + ascii(literal + separator) + " }}" + path
        return "{{ " + ascii(source) + " }}"
