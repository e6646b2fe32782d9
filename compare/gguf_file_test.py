"""GGUF files can be read again by an independent reader of the format, in the
order of docs/gguf.md."""

import pathlib
import struct
import tempfile
import unittest

from compare import gguf_file


class Reader:
    """Takes bytes from the front."""

    def __init__(self, data):
        self.data, self.place = data, 0

    def take(self, form):
        numbers = struct.unpack_from("<" + form, self.data, self.place)
        self.place += struct.calcsize("<" + form)
        return numbers if len(numbers) > 1 else numbers[0]

    def string(self):
        length = self.take("Q")
        self.place += length
        return self.data[self.place - length : self.place].decode()

    def value(self):
        kind = self.take("I")
        return {
            4: lambda: self.take("I"),
            6: lambda: self.take("f"),
            8: self.string,
        }[kind]()


def read(data):
    reader = Reader(data)
    magic, version, tensors, values = reader.take("4sIQQ")
    keys = {}
    for _ in range(values):
        key = reader.string()
        keys[key] = reader.value()
    table = {}
    for _ in range(tensors):
        name = reader.string()
        shape = [reader.take("Q") for _ in range(reader.take("I"))]
        table[name] = (shape, *reader.take("IQ"))
    begin = (reader.place + 31) // 32 * 32
    return magic, version, keys, table, data[begin:]


class WrittenFile(unittest.TestCase):
    def setUp(self):
        # 5 bytes and 12: neither fills the 32 that tensors are aligned to.
        self.tensors = {
            "odd": ("F16", (5, 1), b"0123456789"),
            "matrix": ("F32", (1, 3), b"abcdefghijkl"),
        }
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.gguf"
            gguf_file.write(
                path, {"name": "gpt2", "layers": 6, "eps": 0.5}, self.tensors
            )
            self.data = path.read_bytes()
        (self.magic, self.version, self.keys, self.table, self.body) = read(
            self.data
        )

    def test_begins_as_the_format_asks(self):
        self.assertEqual((self.magic, self.version), (b"GGUF", 3))

    def test_keeps_numbers_and_words(self):
        self.assertEqual(self.keys, {"name": "gpt2", "layers": 6, "eps": 0.5})

    def test_tells_the_shape_from_the_innermost_axis(self):
        self.assertEqual(self.table["matrix"][0], [3, 1])

    def test_tells_the_type(self):
        self.assertEqual(
            (self.table["odd"][1], self.table["matrix"][1]), (1, 0)
        )  # F16, F32

    def test_a_tensor_lies_where_the_table_says_aligned(self):
        for name, (_, _, data) in self.tensors.items():
            offset = self.table[name][2]
            self.assertEqual(offset % 32, 0)
            self.assertEqual(self.body[offset : offset + len(data)], data)

    def test_the_file_ends_aligned(self):
        self.assertEqual(len(self.data) % 32, 0)


if __name__ == "__main__":
    unittest.main()
