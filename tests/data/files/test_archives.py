"""Libraries extract archives of datasets only below the target folder."""

import tarfile
from io import BytesIO

import pytest

from leyden.data import DataError
from leyden.data.files.archives import checked_archives

if not hasattr(tarfile, "data_filter"):
    pytest.skip("this Python cannot", allow_module_level=True)


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(tarfile.TarFile, "extraction_filter", None)


def member(name, kind=tarfile.REGTYPE, link=""):
    one = tarfile.TarInfo(name)
    one.type, one.linkname = kind, link
    return one


@pytest.mark.parametrize(
    "members",
    [
        [member("../outside")],
        [member("a/../../outside")],
        [member("link", tarfile.SYMTYPE, "../.."), member("link/outside")],
        [member("link", tarfile.SYMTYPE, "/etc")],
        [member("link", tarfile.LNKTYPE, "../outside")],
        [member("device", tarfile.CHRTYPE)],
    ],
    ids=["parent", "deep", "through-link", "absolute-link", "hard-link", "device"],
)
@pytest.mark.parametrize("library", ["torchvision", "torchaudio"])
def test_what_would_leave_the_folder_is_refused(tmp_path, members, library):
    pytest.importorskip(library)
    if library == "torchvision":
        from torchvision.datasets.utils import extract_archive as extract
    else:
        from torchaudio.datasets.utils import _extract_tar as extract
    archive = tmp_path / "data.tar"
    with tarfile.open(archive, "w") as tar:
        for one in members:
            tar.addfile(one, BytesIO())
    (tmp_path / "to").mkdir()
    with pytest.raises(DataError, match="an archive of the dataset was rejected"), checked_archives():
        extract(str(archive), str(tmp_path / "to"))
    assert {path.name for path in tmp_path.iterdir()} == {"data.tar", "to"}


def test_an_archive_as_any_other_is_extracted(tmp_path):
    from torchvision.datasets.utils import extract_archive

    archive = tmp_path / "data.tar"
    with tarfile.open(archive, "w") as tar:
        tar.addfile(member("a/b.txt"), BytesIO())
        tar.addfile(member("a/link", tarfile.SYMTYPE, "b.txt"), BytesIO())
    with checked_archives():
        extract_archive(str(archive), str(tmp_path / "to"))
    assert (tmp_path / "to/a/link").exists()
