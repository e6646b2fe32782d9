"""The disk of power_cut.py loses what a disk may lose, and nothing else."""

import itertools
import pathlib
import sys
import tempfile
import unittest

from power_cut import Disk, printed, record

BEGIN = "import os, sys; folder = sys.argv[1]; os.chdir(folder)\n"
REPLACE = """
part = os.open(folder + "/part", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
os.write(part, b"n" * 1000)
{sync_file}
os.close(part)
os.rename(folder + "/part", folder + "/file")
{sync_folder}
print("written", flush=True)
"""
SYNC_FILE = "os.fsync(part)"
SYNC_FOLDER = "os.fsync(os.open(folder, os.O_RDONLY))"


class PowerCutTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        ).resolve()
        self.folder = self.root / "disk"
        self.folder.mkdir()
        (self.folder / "file").write_text("earlier")

    def left(self, program):
        """What `file` may hold once the program has printed: with nothing,
        every second change, and all of what was not synced."""
        disk = Disk(self.folder)
        run, calls = record(
            [sys.executable, "-c", BEGIN + program, self.folder],
            self.root / "calls",
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        found = set()
        for call in calls:
            disk.apply(call)
            if printed(call):
                found.clear()
            for kept in ([False], [True], [False, True], [True, False]):
                chances = itertools.cycle(kept)
                disk.write_after_a_cut(
                    self.root / "left", lambda chances=chances: next(chances)
                )
                file = self.root / "left/file"
                found.add(file.read_bytes() if file.exists() else None)
        self.assertEqual(
            (self.folder / "file").read_bytes(),
            bytes(disk.now[str(self.folder / "file")].now),
        )
        return found

    def replace(self, sync_file="", sync_folder=""):
        return self.left(
            REPLACE.format(sync_file=sync_file, sync_folder=sync_folder)
        )

    def test_what_was_synced_stays(self):
        self.assertEqual(self.replace(SYNC_FILE, SYNC_FOLDER), {b"n" * 1000})

    def test_a_new_name_may_be_lost_without_its_folder(self):
        self.assertEqual(self.replace(SYNC_FILE), {b"earlier", b"n" * 1000})

    def test_bytes_may_be_lost_without_a_sync_and_torn_in_sectors(self):
        self.assertEqual(
            self.replace(sync_folder=SYNC_FOLDER),
            {
                b"",
                b"n" * 1000,
                b"n" * 512,
                bytes(512) + b"n" * 488,
            },
        )

    def test_a_file_that_is_truncated_may_be_empty(self):
        found = self.left(
            'file = os.open(folder + "/file", os.O_WRONLY | os.O_TRUNC)\n'
            'os.write(file, b"new")\n'
            'print("written", flush=True)\n'
        )
        self.assertIn(b"", found)
        self.assertIn(b"earlier", found)
        self.assertIn(b"new", found)

    def test_a_call_that_is_not_replayed_is_refused(self):
        with self.assertRaisesRegex(ValueError, "does not replay"):
            self.left('os.truncate(folder + "/file", 1)')


if __name__ == "__main__":
    unittest.main()
