import logging
import os
import re
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image

from leyden.data import DataError
from leyden.data import decode as decode_module
from leyden.data.audio import AudioFiles
from leyden.data.packed import Packed
from leyden.data.residence import Residence
from leyden.data.rows import FileRows, RaggedRows, TensorRows
from leyden.data.vision import DetectionFiles, ImageFiles, MaskFiles

SETTINGS = {"batch_size": 4, "validation_fraction": 0.25, "num_workers": 0}


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.INFO, logger="leyden.data")
    return caplog


@pytest.fixture
def pictures(tmp_path):
    """Twelve training and four test pictures of two classes."""
    random = np.random.default_rng(0)
    for split, number in (("train", 12), ("test", 4)):
        for n in range(number):
            path = tmp_path / "pictures" / split / "ab"[n % 2] / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 255, (9, 7, 3), np.uint8)).save(path)
    return tmp_path / "pictures"


@pytest.fixture
def sounds(tmp_path):
    random = np.random.default_rng(0)
    for n in range(20):
        path = tmp_path / "sounds" / "ab"[n % 2] / f"{n}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, random.integers(-9000, 9000, 100 + 10 * n, np.int16), 16000)
    return tmp_path / "sounds"


@pytest.fixture
def masks(tmp_path):
    random = np.random.default_rng(0)
    for n in range(12):
        for kind, shape in (("images", (8, 8, 3)), ("masks", (8, 8))):
            path = tmp_path / "masked" / kind / f"{n}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(random.integers(0, 2, shape, np.uint8)).save(path)
    return tmp_path / "masked"


@pytest.fixture
def boxes(tmp_path):
    random = np.random.default_rng(0)
    for split in ("train", "val", "test"):
        for n in range(6):
            for kind in ("images", "labels"):
                (tmp_path / "boxes" / kind / split).mkdir(parents=True, exist_ok=True)
            picture = Image.fromarray(random.integers(0, 255, (20, 30, 3), np.uint8))
            picture.save(tmp_path / "boxes/images" / split / f"{n}.png")
            (tmp_path / "boxes/labels" / split / f"{n}.txt").write_text("0 0.5 0.5 0.4 0.4\n" * (n % 3))
    (tmp_path / "boxes/data.yaml").write_text("names: [ship]\n")
    return tmp_path / "boxes"


@pytest.fixture(params=["pictures", "sounds", "masks", "boxes"])
def dataset(request):
    """Makes the data module of one domain."""
    root = str(request.getfixturevalue(request.param))

    def make(**options):
        options = SETTINGS | options
        if request.param == "pictures":
            return ImageFiles(root, image_size=8, **options)
        if request.param == "sounds":
            return AudioFiles(root, **options)
        if request.param == "masks":
            return MaskFiles(root, class_names=["ground", "sky"], image_size=8, **options)
        return DetectionFiles(root, "yolo", image_size=[16, 24], **options)

    return make


def tensors(part):
    if isinstance(part, torch.Tensor):
        return [part]
    return [one for parts in part for one in tensors(parts)] if isinstance(part, tuple) else []


def all_batches(data):
    data.setup("fit")
    data.setup("test")
    loaders = (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    return [tensors(batch) for loader in loaders for batch in loader]


def same(ones, others):
    return len(ones) == len(others) and all(
        left.dtype == right.dtype and left.equal(right)
        for one, other in zip(ones, others, strict=True)
        for left, right in zip(one, other, strict=True)
    )


def test_batches_are_the_same_wherever_the_rows_live(dataset, tmp_path, log):
    cache = str(tmp_path / "cache")
    kept = all_batches(dataset(cache=None))
    assert "mapped" not in log.text
    ways = {
        "first run": {"cache": cache},
        "second run": {"cache": cache},
        "workers": {"cache": cache, "num_workers": 2},
        "on the device": {"cache": cache, "residence": "device", "num_workers": 2},
        "on the device, without a cache": {"cache": None, "residence": "device"},
        "on disk": {"cache": cache, "residence": "disk"},
    }
    for name, options in ways.items():
        log.clear()
        assert same(kept, all_batches(dataset(**options))), name
        assert ("decoded in" in log.text) == (name in ("first run", "on the device, without a cache")), name
        assert ("mapped from" in log.text) == (name not in ("on disk", "on the device, without a cache")), name
        assert ("rows live on cpu" in log.text) == name.startswith("on the device"), name


def images(root, tmp_path, **options):
    data = ImageFiles(str(root), image_size=8, **{"cache": str(tmp_path / "cache"), **SETTINGS, **options})
    return data.load("train").__getitems__(list(range(12))).inputs


def entries(tmp_path):
    return sorted(path for path in (tmp_path / "cache").iterdir() if path.is_dir())


@pytest.mark.parametrize("keeps_times", [False, True])
def test_a_file_that_changes_is_decoded_again(pictures, tmp_path, keeps_times):
    before = images(pictures, tmp_path)
    path = pictures / "train/a/0.png"
    known = path.stat()
    picture = Image.open(pictures / "train/b/1.png").copy()
    path.unlink()
    picture.save(path)
    if keeps_times:
        os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    after = images(pictures, tmp_path)
    assert after[0].equal(before[6])
    assert after[1:].equal(before[1:])


def test_a_file_more_is_a_row_more(pictures, tmp_path):
    images(pictures, tmp_path)
    Image.new("RGB", (8, 8), "white").save(pictures / "train/a/00.png")
    rows = ImageFiles(str(pictures), image_size=8, cache=str(tmp_path / "cache"), **SETTINGS).load("train")
    assert len(rows) == 13
    assert (rows[1].inputs == 255).all()


@pytest.mark.parametrize("options", [{"image_size": 9}, {"in_channels": 1}])
def test_other_settings_are_another_part_of_the_cache(pictures, tmp_path, options):
    settings = {"image_size": 8, "in_channels": 3, "cache": str(tmp_path / "cache")} | SETTINGS
    ImageFiles(str(pictures), **settings).load("train")
    assert len(entries(tmp_path)) == 1
    rows = ImageFiles(str(pictures), **(settings | options)).load("train")
    plain = ImageFiles(str(pictures), **(settings | options | {"cache": None})).load("train")
    assert len(entries(tmp_path)) == 2
    assert rows.inputs.equal(plain.inputs)


def test_settings_that_change_no_row_share_the_cache(pictures, tmp_path):
    images(pictures, tmp_path)
    images(pictures, tmp_path, batch_size=2, seed=3, mean=0.1, on_corrupt="skip", residence="memory")
    assert len(entries(tmp_path)) == 1


class Inverted(ImageFiles):
    """Decodes in its own way, with a setting that nobody is told of."""

    def __init__(self, *arguments, top=255, **options):
        super().__init__(*arguments, **options)
        self.top = top

    def decode(self, path):
        return self.top - super().decode(path)


class InvertedAndSaid(Inverted):
    decoding = (*ImageFiles.decoding, "top")


def test_a_class_that_names_its_settings_is_cached_and_another_is_not(pictures, tmp_path):
    settings = {"image_size": 8, "cache": str(tmp_path / "cache")} | SETTINGS
    plain = images(pictures, tmp_path, cache=None)
    for top in (255, 254):
        assert Inverted(str(pictures), top=top, **settings).load("train").inputs.equal(top - plain)
    assert not (tmp_path / "cache").exists()
    for top in (255, 254):
        assert InvertedAndSaid(str(pictures), top=top, **settings).load("train").inputs.equal(top - plain)
    assert len(entries(tmp_path)) == 2


def test_a_corrupt_file_is_named_in_every_run_and_used_once_it_is_mended(pictures, tmp_path, capsys):
    path = pictures / "train/a/4.png"
    content = path.read_bytes()
    path.write_bytes(content[:40])
    options = {"cache": str(tmp_path / "cache"), "on_corrupt": "skip"} | SETTINGS
    for _ in range(2):
        rows = ImageFiles(str(pictures), image_size=8, **options).load("train")
        assert len(rows) == len(rows.targets) == 11
        assert capsys.readouterr().out.count("skipped") == 1
    with pytest.raises(DataError, match=r"cannot read .*a/4\.png"):
        ImageFiles(str(pictures), image_size=8, **(options | {"on_corrupt": "raise"})).load("train")
    path.write_bytes(content)
    assert len(ImageFiles(str(pictures), image_size=8, **options).load("train")) == 12


def test_a_file_that_could_not_be_read_for_a_moment_is_a_row_again(tmp_path):
    """An error of the network leaves no trace in the file itself."""
    paths = [tmp_path / f"{n}.bin" for n in range(4)]
    for path in paths:
        path.write_bytes(b"")
    away = {2}

    def read(path):
        if int(path.stem) in away:
            raise OSError("input/output error")
        return torch.full((2,), int(path.stem), dtype=torch.uint8)

    residence = Residence(cache=str(tmp_path / "cache"))

    def rows():
        files = FileRows(paths, torch.arange(4), read, on_corrupt="skip", made_of={"of": "test"})
        return decode_module.decoded(files, residence)

    assert rows().targets.tolist() == [0, 1, 3]
    assert rows().targets.tolist() == [0, 1, 3]
    away.clear()
    assert rows().inputs[:, 0].tolist() == [0, 1, 2, 3]


def test_a_cache_that_cannot_be_written_costs_a_line(pictures, tmp_path, log):
    (tmp_path / "file").write_text("")
    rows = images(pictures, tmp_path, cache=str(tmp_path / "file" / "cache"))
    assert rows.equal(images(pictures, tmp_path, cache=None))
    assert "cannot be used, so that each process keeps its own rows" in log.text


def test_a_full_disk_costs_a_line(pictures, tmp_path, log, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10))
    rows = images(pictures, tmp_path)
    assert rows.equal(images(pictures, tmp_path, cache=None))
    assert "GB free" in log.text
    log.clear()
    data = ImageFiles(
        str(pictures), image_size=8, memory_gb=0, residence="memory", cache=str(tmp_path / "cache"), **SETTINGS
    )
    assert isinstance(data.load("train"), FileRows)  # neither disk nor memory has room
    assert "without a cache" in log.text


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"memory_gb": 0}, FileRows),
        ({"memory_gb": 0, "residence": "memory"}, TensorRows),
        ({"memory_gb": 0, "residence": "device"}, TensorRows),
        ({"residence": "disk"}, FileRows),
        ({}, TensorRows),
    ],
)
def test_the_size_decides_unless_the_user_does(pictures, tmp_path, log, options, kind):
    data = ImageFiles(str(pictures), image_size=8, cache=str(tmp_path / "cache"), **SETTINGS, **options)
    for _ in range(2):
        assert type(data.load("train")) is kind
    assert ("decoded in every epoch" in log.text) == (options == {"memory_gb": 0})


def test_the_size_decides_also_of_what_is_in_the_cache(pictures, tmp_path):
    images(pictures, tmp_path)
    data = ImageFiles(str(pictures), image_size=8, cache=str(tmp_path / "cache"), memory_gb=0, **SETTINGS)
    assert type(data.load("train")) is FileRows


def test_rows_read_batch_by_batch_cannot_live_on_a_device(tmp_path):
    files = FileRows([1], torch.zeros(1), lambda path: torch.zeros(1))
    with pytest.raises(DataError, match=r"residence=device, but the rows \(FileRows\) are read batch by batch"):
        Residence("device").move(files, torch.device("cpu"))
    assert not Residence("memory").move(files, torch.device("cpu"))


def test_a_device_makes_the_batches_that_main_memory_makes():
    lengths = [3, 1, 7, 2]
    packed = Packed.of([torch.arange(n, dtype=torch.int16) + 10 * n for n in lengths])
    rows = RaggedRows(packed, torch.arange(4), padding=9)
    listed = RaggedRows(list(packed), torch.arange(4), padding=9)
    assert rows.lengths.tolist() == listed.lengths.tolist() == lengths
    for indices in ([2, 0], [1], [3, 3, 1]):
        one, other = rows.__getitems__(indices), listed.__getitems__(indices)
        assert all(left.equal(right) and left.dtype == right.dtype for left, right in zip(one, other, strict=True))
        chosen = torch.tensor(indices)
        starts, sizes = packed.starts[chosen], packed.lengths[chosen]
        assert packed.gathered(starts, sizes, int(sizes.max()), 9).equal(one.inputs)


def test_packed_rows():
    packed = Packed.of([torch.tensor([1, 2]), torch.tensor([3])])
    assert [row.tolist() for row in packed] == [[1, 2], [3]]
    assert packed[-1].tolist() == [3]
    assert [row.tolist() for row in packed[:1]] == [[1, 2]]
    with pytest.raises(IndexError):
        packed[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"residence": "gpu"}, "residence is 'gpu'; it must be device, memory, disk"),
        ({"memory_gb": -1}, "memory_gb is -1"),
    ],
)
def test_wrong_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        ImageFiles("nowhere", **options)
