import multiprocessing

import pytest
import torch

from leyden.data.storage.decode import decoded
from leyden.data.storage.decoding_warnings import DecodingWarnings
from leyden.data.storage.file_samples import FileSamples
from leyden.data.storage.storage import Storage


def test_one_of_each_kind(caplog):
    warnings = DecodingWarnings()
    for text in ("first", "second"):
        warnings.warn("clipped", text)
        warnings.warn("cut", f"{text} \udcff \u00e9 {'x' * 5000}")
    assert [record.message[:5] for record in caplog.records] == ["first", "first"]
    assert warnings.texts["clipped"] == "first"
    assert warnings.texts["cut"].startswith("first \\udcff \u00e9 x")


@pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="loaders have no processes here")
def test_what_a_process_warned_of_is_known_to_the_others(caplog):
    warnings = DecodingWarnings()
    process = multiprocessing.Process(target=warnings.warn, args=("clipped", "from the child"))
    process.start()
    process.join()
    warnings.warn("clipped", "from the parent")
    assert warnings.texts == {"clipped": "from the child"}
    assert not caplog.records


def test_a_cache_keeps_the_warnings_for_the_runs_that_find_its_samples_decoded(tmp_path, caplog):
    paths = [tmp_path / f"{number}.bin" for number in range(3)]
    for path in paths:
        path.write_bytes(b"")

    def samples(cache):
        storage = Storage(cache=cache)

        def read(path):
            storage.warnings.warn("clipped", f"{path} is clipped")
            return torch.zeros(2, dtype=torch.uint8)

        return decoded(FileSamples(paths, torch.arange(3), read, made_of={"of": "test"}), storage)

    for _ in range(3):  # decoded, mapped, mapped
        caplog.clear()
        samples(str(tmp_path / "cache"))
        assert [record.message for record in caplog.records] == [f"{paths[0]} is clipped"]
