"""What the terminal shows is text: brackets of settings, errors and class names are no markup of rich."""

import ast
from pathlib import Path


def test_consoles_read_no_markup():
    count = 0
    for file in Path("src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console":
                keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert (keywords.get("markup"), keywords.get("emoji")) == ("False", "False"), file
                count += 1
    assert count > 5
