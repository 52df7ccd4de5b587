"""Memory of four ranks on one node that share a dataset, mapped or each with its own: `python benchmarks/memory.py`.

The set is a few hundred megabytes of pictures in a folder. Each rank is a process of its own, forked from this one, with
torch's process group; it has the files decoded as data modules do, reads the batches of an epoch that are its own, and
waits for the others. Then the kernel tells (smaps_rollup) what of its memory is its own, what it shares, and its part of what is
shared (PSS), of which the sum over ranks is what the node really needs. What a rank needs before there is data is measured
first, and taken off. Both ways run in turn. The cache is built before, by all ranks at once.

    --repeats N      pairs (3)
    --ranks N        processes (4)
    --pictures N     files of 96 x 96 pixels, 27.6 kB each once decoded (10000)
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from pairs import peak
from PIL import Image

from leyden.data.core.sampling import EpochBatches
from leyden.data.storage.decode import decoded
from leyden.data.storage.file_samples import FileSamples
from leyden.data.storage.storage import Storage

SIZE = 96
FIELDS = ("Rss", "Pss", "Private_Clean", "Private_Dirty", "Shared_Clean", "Shared_Dirty")


def memory() -> dict[str, float]:
    """Megabytes of this process, as /proc has them."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/smaps_rollup").read_text().splitlines()[1:])
    known = {name: int(lines[name].split()[0]) / 1e3 for name in FIELDS}
    return {
        "rss": known["Rss"],
        "pss": known["Pss"],
        "private": known["Private_Clean"] + known["Private_Dirty"],
        "shared": known["Shared_Clean"] + known["Shared_Dirty"],
        "peak rss": peak(),
    }


def read(path: Path) -> torch.Tensor:
    with Image.open(path) as picture:
        return torch.from_numpy(np.array(picture)).movedim(-1, 0).contiguous()


def rank(root: Path, cache: str) -> dict[str, Any]:
    """In one of the processes: its memory before and after, and the seconds until its rows were there."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    number, ranks = dist.get_rank(), dist.get_world_size()
    paths = sorted(root.glob("*.png"))
    files = FileSamples(paths, torch.zeros(len(paths), dtype=torch.int64), read, made_of={"of": "pictures"})
    dist.barrier()
    before, begin = memory(), time.perf_counter()
    rows = decoded(files, Storage(cache=cache or None))
    seconds = time.perf_counter() - begin
    seen = 0
    for batch in EpochBatches(len(rows), 64, 0, lambda: 0, shuffle=True, rank=number, num_ranks=ranks):
        seen += int(rows.__getitems__(batch).inputs[:, 0, 0, 0].sum())
    dist.barrier()
    after = memory()
    dist.barrier()  # nobody goes before all have measured
    return {"before": before, "after": after, "seconds": seconds, "seen": seen}


def on_ranks(num_ranks: int, port: int, root: Path, cache: str) -> list[dict[str, Any]]:
    pipes = []
    for number in range(num_ranks):
        read, write = os.pipe()
        if os.fork():
            os.close(write)
            pipes.append(read)
            continue
        known = {"RANK": number, "WORLD_SIZE": num_ranks, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
        os.environ |= {name: str(value) for name, value in known.items()}
        code = 1
        try:
            os.write(write, json.dumps(rank(root, cache)).encode())
            code = 0
        except Exception:
            logging.exception("rank %d", number)
        finally:
            os._exit(code)
    results = []
    for read in pipes:
        with os.fdopen(read) as pipe:
            results.append(json.load(pipe))
    for _ in pipes:
        os.wait()
    return results


def write_pictures(root: Path, number: int) -> None:
    random = np.random.default_rng(0)
    for n in range(number):
        path = root / f"{n}.png"
        path.parent.mkdir(exist_ok=True)
        blocks = random.integers(0, 255, (8, 8, 3), np.uint8)
        Image.fromarray(blocks.repeat(SIZE // 8, axis=0).repeat(SIZE // 8, axis=1)).save(path, compress_level=1)


def growth(ranks: list[dict], name: str) -> list[float]:
    return [one["after"][name] - one["before"][name] for one in ranks]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--ranks", type=int, default=4)
    parser.add_argument("--pictures", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures", options.pictures)
        cache, port = str(folder / "cache"), 29_600 + os.getpid() % 300
        ways = {"mapped": cache, "own": ""}
        found: dict[str, list[list[dict]]] = {"first use": [], **{way: [] for way in ways}}
        found["first use"].append(on_ranks(options.ranks, port, folder / "pictures", cache))
        (size,) = (about.stat().st_size for about in Path(cache).glob("*/rows.bin"))
        print(f"{options.ranks} ranks, rows of {size / 1e6:.0f} MB once decoded")
        for _ in range(options.repeats):
            for way, place in ways.items():
                found[way].append(on_ranks(options.ranks, port, folder / "pictures", place))
        assert len({tuple(one["seen"] for one in ranks) for runs in found.values() for ranks in runs}) == 1  # same rows
        print(
            f"{'MB, medians':<12} {'node, PSS':>10} {'a rank: PSS':>12} {'private':>8} {'shared':>8} {'peak RSS':>9} {'s':>6}"
        )
        for way, runs in found.items():
            node = statistics.median(sum(growth(ranks, "pss")) for ranks in runs)
            one = [
                statistics.median(value for ranks in runs for value in growth(ranks, part))
                for part in ("pss", "private", "shared", "peak rss")
            ]
            seconds = statistics.median(max(one["seconds"] for one in ranks) for ranks in runs)
            print(
                f"{way:<12} {node:>10.0f} {one[0]:>12.0f} {one[1]:>8.0f} {one[2]:>8.0f} {one[3]:>9.0f} {seconds:>6.1f}"
            )


if __name__ == "__main__":
    main()
