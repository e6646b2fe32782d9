"""Reads and writes safetensors: 8 bytes of length, that many of JSON, then the
tensors' bytes. Source: the format's description at huggingface/safetensors.

Handles only bytes, so it needs no package.
"""

import json
import struct

ALIGNMENT = 64  # of the data, for engines that read tensors in place


def write(path, tensors):
    """tensors: {name: (type, shape, bytes)}, type "F32" or "F16"; row-major."""
    header, end = {}, 0
    for name, (kind, shape, data) in tensors.items():
        header[name] = {
            "dtype": kind,
            "shape": list(shape),
            "data_offsets": [end, end + len(data)],
        }
        end += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def read_header(path):
    """{name: (type, shape, offset in the file, bytes)}"""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    return {
        name: (
            tensor["dtype"],
            tuple(tensor["shape"]),
            8 + length + tensor["data_offsets"][0],
            tensor["data_offsets"][1] - tensor["data_offsets"][0],
        )
        for name, tensor in header.items()
        if name != "__metadata__"
    }
