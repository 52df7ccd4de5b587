"""Refuses, before anything is written, answers from which no working project can be made."""

import builtins
import json
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LONGEST_NAME = 45  # the generated code passes its own format check up to this length
OWN_FOLDERS = "audio build configs data dist notebooks requirements runs src tests text vendor vision wandb"
# Import names that the names of the locked packages do not tell.
IMPORT_NAMES = """
    absl antlr4 attr coreweave_evaluations cuda databricks dateutil dotenv flashlight functorch git google grpc hydra
    hydra_plugins ipykernel_launcher isympy jupyter leyden licensing lightning_fabric markdown_it mlflow mpl_toolkits
    multipart nvidia opentelemetry pip
    pkg_resources py pydevd_plugins pylab rpds setuptools sklearn slugify torchgen torchtext torio uv xdist yaml zmq
"""
# Modules of Python that `sys.stdlib_module_names` leaves out, or that only another version has than the running one.
STANDARD_LIBRARY = """
    annotationlib asynchat asyncore binhex cgi cgitb chunk compression crypt distutils formatter imghdr imp lib2to3 macpath
    mailcap msilib nis nntplib ossaudiodev parser pipes smtpd sndhdr spwd sunau symbol telnetlib test this uu
    xdrlib xxlimited xxlimited_35 xxsubtype
"""
CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"


def problem_with_package_name(name: str, locked: set[str]) -> str | None:
    """Says why `name` cannot be the package, or None; `locked` are the packages of the environment."""
    if not re.fullmatch(r"[a-z]([a-z0-9_]*[a-z0-9])?", name):
        return "use lower-case letters, digits and underscores, with a letter first and no underscore last"
    if len(name) > LONGEST_NAME:
        return f"it has {len(name)} characters; use at most {LONGEST_NAME}"
    if keyword.iskeyword(name):
        return "it is a keyword of Python"
    if name in sys.stdlib_module_names.union(STANDARD_LIBRARY.split()):
        return "it is a module of Python's standard library"
    if name in locked.union(IMPORT_NAMES.split()):
        return "it is a package that the project depends on"
    if name in dir(builtins):
        return "it is a function of Python"
    if name in OWN_FOLDERS.split():
        return "it is the name of a folder of the project"
    return None


def locked_packages(template: Path) -> set[str]:
    """The names in the lock files, as they are imported in most cases."""
    text = "".join(path.read_text(encoding="utf-8") for path in (template / "requirements").glob("*.txt"))
    return {re.sub(r"[-.]+", "_", name.lower()) for name in re.findall(r"(?m)^([\w.-]+)==", text)}


def problems(answers: dict[str, str], template: Path) -> Iterator[str]:
    if not all(path.is_dir() for path in template.glob("*cookiecutter*/configs")):
        yield (
            f"the template in {template} arrived without its links (as in a zip download, or on Windows without "
            "the right to make links): use git clone, on Windows with `git config --global core.symlinks true`"
        )
    for key in ("project_name", "description", "author_name"):
        if re.search(CONTROL, answers[key]):
            yield f"{key} {answers[key]!a} holds a control character: write it on one line"
    for key in ("project_name", "author_name"):
        if not answers[key].strip():
            yield f"{key} is empty"
    slug, package = answers["project_slug"], answers["package_name"]
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?", slug):
        yield f"project_slug {slug!r} cannot be a folder: use letters, digits, dots and hyphens, at most 100"
    if reason := problem_with_package_name(package, locked_packages(template)):
        yield f"package_name {package!r} cannot be a package: {reason}"
    if answers["text_stack"] == "torchtext":
        if answers["python_version"] == "3.13":
            yield "text_stack 'torchtext' needs Python 3.11 or 3.12, not 3.13: torch 2.3 has no later one"
        if answers["domains"] != "all" and "text" not in answers["domains"].split("+"):
            yield f"text_stack 'torchtext' is for texts, which domains {answers['domains']!r} leave out"
    for key in ("wandb_entity", "wandb_project"):
        if not re.fullmatch(r"[A-Za-z0-9_. -]{0,128}", answers[key]):
            yield f"{key} {answers[key]!r}: W&B takes letters, digits, hyphens, underscores and dots, at most 128"


def main() -> None:
    answers = json.loads(r"""{{ cookiecutter | jsonify }}""")
    template = Path(json.loads(r"""{{ [template_directory] | jsonify }}""")[0])
    if found := list(problems(answers, template)):
        sys.exit("\n".join(["", *(f"Refused: {problem}." for problem in found)]))


if __name__ == "__main__":
    main()
