import numpy as np
import pytest
import soundfile
import torch

from leyden.data import DataError
from leyden.data.audio import YesNo


@pytest.fixture
def root(tmp_path):
    """Ten files named as in the archive: the name is the transcript of eight words."""
    (tmp_path / "waves_yesno").mkdir()
    for number in range(10):
        name = "_".join(f"{number:08b}")
        soundfile.write(tmp_path / "waves_yesno" / f"{name}.wav", np.full(800, number, np.int16), 8000)
    return tmp_path


def test_every_fifth_file_is_for_the_test(root):
    data = YesNo(root=str(root), sample_rate=8000, tokens="words", validation_fraction=0.25)
    data.prepare_data()  # existing files are not downloaded again
    data.setup("fit")
    data.setup("test")
    assert data.alphabet == ["<blank>", "no", "yes"]
    assert {stage: len(samples) for stage, samples in data.samples.items()} == {"train": 6, "validation": 2, "test": 2}
    batch = data.samples["test"].__getitems__([0, 1])
    assert batch.inputs[:, 0].tolist() == [4, 9]
    assert data.text(batch.targets.sample(1)) == "no no no no yes no no yes"
    heard = torch.cat([data.samples[stage].__getitems__([0, 1]).inputs[:, 0] for stage in ("train", "validation")])
    assert not {4, 9} & set(heard.tolist())


def test_nothing_downloaded(tmp_path):
    with pytest.raises(DataError, match="is incomplete"):
        YesNo(root=str(tmp_path)).setup("fit")


def test_no_network(tmp_path, monkeypatch):
    from torchaudio.datasets import yesno

    def refuse(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(yesno, "download_url_to_file", refuse)
    with pytest.raises(DataError, match=r"cannot download YESNO to .*: no route to host"):
        YesNo(root=str(tmp_path)).prepare_data()
