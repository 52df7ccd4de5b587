import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
NotebookClient = pytest.importorskip("nbclient").NotebookClient

NOTEBOOKS = sorted(Path("notebooks").rglob("*.ipynb"))
HIDDEN = re.compile(r"<details>.*?</details>", re.DOTALL)  # the answer of an exercise
CODE = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def answers(notebook):
    """Cells with the code of the hidden answers, which continue from the notebook's last cell."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    blocks = [block for text in texts for answer in HIDDEN.findall(text) for block in CODE.findall(answer)]
    return [nbformat.v4.new_code_cell(block) for block in blocks]


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)  # half a minute each, but on a machine that does other things, too
@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_notebook_and_its_answers_run(path, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # the other test processes need the cores, too
    (tmp_path / "configs").symlink_to(Path("configs").absolute())  # its runs are kept beside them
    folder = tmp_path / "notebooks"
    folder.mkdir()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells += answers(notebook)
    NotebookClient(notebook, timeout=None, resources={"metadata": {"path": folder}}).execute()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=str)
def test_notebook_is_kept_without_outputs(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
