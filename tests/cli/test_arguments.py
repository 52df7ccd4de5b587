import pytest

from leyden.cli.arguments import parser
from leyden.errors import UserError


def refused(*words):
    with pytest.raises(UserError) as caught:
        parser().parse_args(words)
    return str(caught.value)


def test_nearest_command_and_choice_are_suggested():
    assert "did you mean 'train'?" in refused("trian")
    assert "did you mean 'jsonl'?" in refused("predict", "latest", ".", "--format", "json")


def test_missing_inputs_are_refused_with_suggestion(tmp_path):
    (tmp_path / "plot.png").touch()
    assert f"there is no file or folder {tmp_path}/pictur.png; did you mean 'plot.png'?" in refused(
        "predict", "latest", f"{tmp_path}/pictur.png"
    )
    assert "there is no file or folder" in refused("predict", "latest", f"{tmp_path}/none/plot.png")


def test_inputs_are_relative_to_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plot.png").touch()
    options = parser().parse_args(["predict", "latest", "plot.png", "--output", "out.csv"])
    assert options.inputs == [tmp_path / "plot.png"]
    assert options.output == tmp_path / "out.csv"


def test_output_needs_a_folder_and_follows_links(tmp_path):
    assert f"there is no folder {tmp_path}/none" in refused(
        "predict", "latest", ".", "--output", f"{tmp_path}/none/out"
    )
    assert f"expected a file, got the folder {tmp_path}" in refused("predict", "latest", ".", "--output", str(tmp_path))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    options = parser().parse_args(["predict", "latest", ".", "--output", f"{tmp_path}/link"])
    assert options.output == tmp_path / "real"


def test_best_is_a_direction_for_compare_and_a_flag_for_clean():
    assert parser().parse_args(["compare", "--best", "min"]).best == "min"
    assert parser().parse_args(["clean", "--best"]).best is True
