import pytest
import torch

from leyden.data import DataError
from leyden.data.text import TextFolders


@pytest.fixture
def reviews(tmp_path):
    """The layout of the Large Movie Review Dataset, with its unlabelled samples and lists of URLs."""
    for split in ("train", "test"):
        for label in ("pos", "neg", "unsup"):
            for number in range(6):
                path = tmp_path / split / label / f"{number}_7.txt"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(f"a {label} film\r\n\r\nnumber {number}<br />\n")
        (tmp_path / split / "urls_pos.txt").write_text("http\n")
    return tmp_path


def test_folders_of_reviews(reviews):
    data = TextFolders(str(reviews), only="/(pos|neg)/", batch_size=2)
    data.setup("fit")
    data.setup("test")
    assert data.class_names == ["neg", "pos"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {
        "train": 10,
        "validation": 2,
        "test": 12,
    }
    assert data.class_counts == [5, 5]
    sample = data.samples["test"].inputs[-1].tolist()
    assert data.tokenizer.decode(sample).startswith("a pos film number 5 <")


def test_files_that_nothing_matches(reviews):
    with pytest.raises(DataError, match=r"data.only='/good/' matches none of the 38 files in .*, such as 'test/neg"):
        TextFolders(str(reviews), only="/good/").setup("fit")


def test_several_labels_in_a_manifest(tmp_path):
    lines = ["path,label,split"]
    for number in range(10):
        (tmp_path / f"{number}.txt").write_text(f"text {number}")
        lines.append(f"{number}.txt,{['a;b', 'b', ''][number % 3]},{'train' if number < 8 else 'test'}")
    (tmp_path / "list.csv").write_text("\n".join(lines))
    data = TextFolders(str(tmp_path), manifest="list.csv", label_separator=";", validation_fraction=0.25)
    data.setup("fit")
    data.setup("test")
    assert data.samples["test"].targets.tolist() == [[0, 0], [1, 1]]
    assert len(data.samples["train"]) == 6
    training = data.samples["train"].dataset.targets[torch.tensor(data.samples["train"].indices)]
    assert data.class_counts == training.sum(dim=0).tolist()


def test_predicting_reads_a_file_as_one_text_as_training_does(reviews, tmp_path):
    data = TextFolders(str(reviews), only="/(pos|neg)/")
    files = data.index.split("train")
    data.setup("fit")
    path = tmp_path / "mine" / "new.txt"
    path.parent.mkdir()
    path.write_bytes((reviews / "train/pos/0_7.txt").read_bytes())
    samples, names = data.read([path.parent])
    assert names == [str(path)]
    trained = data.samples["train"].dataset
    sample = next(number for number, file in enumerate(files) if file.path == reviews / "train/pos/0_7.txt")
    assert samples.inputs[0].equal(trained.inputs[sample])


def test_the_reviews_need_no_setting_and_a_validation_split_is_used(reviews, log):
    for path in (reviews / "test" / "unsup").iterdir():
        path.unlink()  # which the real dataset lacks
    data = TextFolders(str(reviews))
    data.setup("fit")
    data.setup("test")
    assert data.class_names == ["neg", "pos"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {
        "train": 10,
        "validation": 2,
        "test": 12,
    }
    assert "6 without a label: 0_7.txt; 2 not in a class folder: urls_pos.txt" in log.text
    (reviews / "train" / "unsup").rename(reviews / "Dev")
    for label in ("pos", "neg"):
        (reviews / "Dev" / label).mkdir()
        (reviews / "Dev" / label / "1.txt").write_text(f"a new {label} film")
    data = TextFolders(str(reviews))
    data.setup("fit")
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 12, "validation": 2}
