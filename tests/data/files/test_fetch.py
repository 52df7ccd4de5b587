import time
from threading import Thread

from leyden.data import DataModule


class Downloaded(DataModule):
    def __init__(self, log):
        super().__init__()
        self.log = log

    def download_files(self):
        self.log.append("begins")
        time.sleep(0.1)
        self.log.append("ends")


def download_twice(log):
    threads = [Thread(target=Downloaded(log).prepare_data) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_runs_that_begin_at_once_download_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    log = []
    download_twice(log)
    assert log == ["begins", "ends"] * 2


def test_where_nothing_can_be_locked_they_do_not_wait(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / ".download.lock").mkdir()  # root may write everywhere
    log = []
    download_twice(log)
    assert sorted(log) == ["begins", "begins", "ends", "ends"]
    assert list((tmp_path / "data").iterdir()) == [tmp_path / "data" / ".download.lock"]
