"""Reads the file of an offline run of Weights & Biases: a LevelDB log of protocol buffers."""

import json
import struct

from wandb.proto.wandb_internal_pb2 import Record

BLOCK, HEADER = 32768, 7
FULL, FIRST, LAST = 1, 2, 4


def records(path):
    content, position, pending = path.read_bytes(), HEADER, b""
    while position + HEADER <= len(content):
        if BLOCK - position % BLOCK < HEADER:
            position += BLOCK - position % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[position : position + HEADER])
        position += HEADER
        chunk = content[position : position + length]
        pending = chunk if kind in (FULL, FIRST) else pending + chunk
        position += length
        if kind in (FULL, LAST):
            record = Record()
            record.ParseFromString(pending)
            yield record


def history(path):
    """The logged rows."""
    items = (record.history.item for record in records(path) if record.WhichOneof("record_type") == "history")
    return [{one.key or "/".join(one.nested_key): json.loads(one.value_json) for one in row} for row in items]


def config(path):
    found = {}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        update = {"run": record.run.config.update, "config": record.config.update}.get(kind, ())
        found |= {one.key: json.loads(one.value_json) for one in update}
    return found
