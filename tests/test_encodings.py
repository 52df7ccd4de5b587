"""Text is UTF-8 whatever the locale says: every file, pipe and stream that is opened as text names its encoding.

Python takes the locale's encoding otherwise, and a German name, a Chinese label or the log of a subprocess ends in a traceback.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import leyden

SOURCES = sorted(path for folder in ("src", "scripts", "hooks") for path in Path(folder).rglob("*.py"))
READS = {"read_text": 0, "write_text": 1}  # positional place of the encoding
OPENS = {"open": 0, "fdopen": 1, "makefile": 0, "TemporaryFile": 0, "NamedTemporaryFile": 0}  # place of the mode
RUNS = {"run", "Popen", "check_output", "getoutput"}


def unnamed(path):
    """Calls that open text without an encoding."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and lacks_encoding(node):
            yield f"{path}:{node.lineno} {ast.unparse(node)[:80]}"


def lacks_encoding(call):
    named = {word.arg: word.value for word in call.keywords}
    is_method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if is_method else getattr(call.func, "id", "")
    if "encoding" in named:
        return False
    if is_method and name == "open":  # of a path, not of a library: its first argument is a mode
        is_path = not (isinstance(call.func.value, ast.Name) and call.func.value.id in ("self", "os"))
        first = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else "r"
        if (
            not is_path
            or (call.args and not isinstance(call.args[0], ast.Constant))
            or not set(first) <= set("rwaxbt+")
        ):
            return False
    if name in READS:
        return len(call.args) <= READS[name]
    if name in OPENS:
        place = 1 if name == "open" and not is_method else OPENS[name]
        mode = call.args[place] if len(call.args) > place else named.get("mode")
        binary = "b" if name.endswith("File") else "r"  # the mode of no mode
        return "b" not in (mode.value if isinstance(mode, ast.Constant) and isinstance(mode.value, str) else binary)
    return name == "FileHandler" or (name in RUNS and bool({"text", "universal_newlines"} & named.keys()))


def test_every_file_that_is_read_or_written_as_text_names_its_encoding():
    assert [line for path in SOURCES for line in unnamed(path)] == []


def test_what_is_found():
    wrong = ["p.read_text()", "p.write_text(t)", "p.open('a')", "open(p)", "s.makefile('rw')", "run(c, text=True)"]
    right = ["p.read_text('utf-8')", "p.write_text(t, encoding=e)", "p.open('rb')", "open(p, 'wb')", "os.open(p, f)"]
    assert [lacks_encoding(ast.parse(text, mode="eval").body) for text in wrong] == [True] * len(wrong)
    assert [lacks_encoding(ast.parse(text, mode="eval").body) for text in right] == [False] * len(right)


@pytest.mark.parametrize("name", ["Größe", "数字"])
def test_a_locale_that_is_not_utf_8(name, tmp_path):
    """As of a container without locales, or of an old cluster: a name that it cannot write is no traceback."""
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    (tmp_path / "configs" / "experiment").mkdir(parents=True)
    (tmp_path / "configs" / "train.yaml").touch()
    (tmp_path / "configs" / "experiment" / "one.yaml").write_text(f"# {name}\n", encoding="utf-8")
    command = [sys.executable, "-m", leyden.__name__, "list"]
    environment = {**os.environ, **locale}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, encoding="ascii", errors="replace"
    )
    assert "Traceback" not in done.stderr
    assert ascii(name)[1:-1] in done.stdout, done.stderr
