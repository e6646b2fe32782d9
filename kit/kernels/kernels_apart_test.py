"""The AVX-512 kernels share no inline function with the rest of a program.

If two files use, say, std::fill, each contains a copy, and the linker keeps
one of them. If that were the one compiled for AVX-512, the program would crash
on a processor without it, far from any kernel. So every weak symbol of this
object has to be in the namespace of its instruction set.
"""

import pathlib
import subprocess
import unittest


def archive():
    found = sorted(pathlib.Path("kit/kernels").glob("libkernels_avx512*.a"))
    assert (
        found
    ), "no archive of //kit/kernels:kernels_avx512 in the test's data"
    return found[0]


def shared_symbols(nm_output):
    """Weak functions outside kvlab::kernels::avx512 in nm's output."""
    weak = []
    for line in nm_output.splitlines():
        words = line.split(maxsplit=2)
        if len(words) == 3 and words[1] in "Wui":
            weak.append(words[2])
    return [name for name in weak if "kvlab::kernels::avx512::" not in name]


class KernelsApart(unittest.TestCase):
    def test_no_weak_symbol_is_shared(self):
        listing = subprocess.run(
            ["nm", "--demangle", "--defined-only", archive()],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertIn("kAvx512Kernels", listing)
        self.assertEqual(shared_symbols(listing), [])

    def test_a_shared_one_would_be_seen(self):
        self.assertEqual(
            shared_symbols(
                "0000 W float* std::fill_n<float*>(float*, int)\n"
                "0000 W kvlab::kernels::avx512::Add()\n"
                "0000 D kvlab::kernels::kAvx512Kernels\n"
            ),
            ["float* std::fill_n<float*>(float*, int)"],
        )


if __name__ == "__main__":
    unittest.main()
