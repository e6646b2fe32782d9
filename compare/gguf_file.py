"""Writes GGUF version 3, the format of llama.cpp: counts, keys with their
values, a table of tensors, then the tensors' bytes.
Source: docs/gguf.md of ggml-org/ggml.

Handles only bytes, so it needs no package.
"""

import struct

ALIGNMENT = 32  # the default of general.alignment
VERSION = 3
# Numbers of the format: types of values, types of tensors.
VALUE_UINT32, VALUE_FLOAT32, VALUE_STRING = 4, 6, 8
TENSOR_TYPES = {"F32": 0, "F16": 1}


def _string(text):
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value):
    if isinstance(value, int):
        return struct.pack("<II", VALUE_UINT32, value)
    if isinstance(value, float):
        return struct.pack("<If", VALUE_FLOAT32, value)
    return struct.pack("<I", VALUE_STRING) + _string(value)


def _padding(size):
    return b"\0" * (-size % ALIGNMENT)


def write(path, values, tensors):
    """values: {key: int, float or str}.
    tensors: {name: (type, shape, bytes)}, type "F32" or "F16"; row-major, so
    that the shape's last number counts neighbours. GGUF stores it first."""
    head = struct.pack("<4sIQQ", b"GGUF", VERSION, len(tensors), len(values))
    head += b"".join(_string(key) + _value(v) for key, v in values.items())
    offset = 0
    for name, (kind, shape, data) in tensors.items():
        head += _string(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *reversed(shape))
        head += struct.pack("<IQ", TENSOR_TYPES[kind], offset)
        offset += len(data) + len(_padding(len(data)))
    with open(path, "wb") as file:
        file.write(head + _padding(len(head)))
        for _, _, data in tensors.values():
            file.write(data)
            file.write(_padding(len(data)))
