"""safetensors files can be read again, and their data is aligned."""

import pathlib
import tempfile
import unittest

from compare import safetensors_file

TENSORS = {
    "wte.weight": ("F16", (2, 3), b"aabbccddeeff"),
    "ln_f.bias": ("F32", (1,), b"1234"),
}


class WrittenFile(unittest.TestCase):
    def setUp(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "model.safetensors"
            safetensors_file.write(path, TENSORS)
            self.data = path.read_bytes()
            self.header = safetensors_file.read_header(path)

    def test_tells_type_and_shape(self):
        self.assertEqual(
            {name: entry[:2] for name, entry in self.header.items()},
            {name: entry[:2] for name, entry in TENSORS.items()},
        )

    def test_a_tensor_lies_where_the_header_says(self):
        for name, (_, _, data) in TENSORS.items():
            offset, size = self.header[name][2:]
            self.assertEqual(self.data[offset : offset + size], data)

    def test_the_first_tensor_is_aligned(self):
        self.assertEqual(
            self.header["wte.weight"][2] % safetensors_file.ALIGNMENT, 0
        )


if __name__ == "__main__":
    unittest.main()
