"""What a disk would hold if the power failed while a program wrote.

strace records the calls by which the program changes files below one folder,
and what it prints. A Disk replays them and keeps apart what is on the disk for
certain: the bytes of a file since its last fsync or fdatasync, and the names in
a folder since the folder's. Of the rest a power cut may keep anything, in the
sectors of 512 bytes that a disk writes whole.
"""

import os
import pathlib
import re
import shutil
import subprocess

CALLS = (
    "openat,write,pwrite64,ftruncate,rename,unlink,unlinkat,mkdir,rmdir,"
    "fsync,fdatasync,lseek"
)
# Those that would change a file past the replay.
UNKNOWN = (
    "creat,writev,pwritev,pwritev2,truncate,fallocate,renameat,renameat2,"
    "mkdirat,link,linkat,symlink,symlinkat,sendfile,copy_file_range,"
    "io_submit,io_uring_enter,sync_file_range"
)
SECTOR = 512

LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (-?\d+)")
BEGUN = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
RESUMED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")


def record(command, log, **options):
    """Runs the command under strace, its lines printed at once as on a
    terminal; its calls as (name, words, result, line of strace)."""
    run = subprocess.run(
        ["strace", "-f", "-qq", "-y", "-xx", "-s", str(2**26), "-e"]
        + [f"trace={CALLS},{UNKNOWN}", "-e", "signal=none", "-o", log]
        + ["stdbuf", "-oL", *command],
        check=False,
        capture_output=True,
        text=True,
        **options,
    )
    begun, calls = {}, []
    for line in pathlib.Path(log).read_text("ascii").splitlines():
        if match := BEGUN.match(line):
            begun[match[1]] = match[2]
            continue
        if match := RESUMED.match(line):
            line = f"{match[1]} {begun.pop(match[1])}{match[2]}"
        if match := LINE.match(line):
            words = match[2].split(", ")
            calls.append((match[1], words, int(match[3]), line))
    return run, calls


def unescape(text):
    return bytes.fromhex(text.replace("\\x", ""))


def quoted(word):
    return unescape(word.strip('"'))


def path_of(word):
    """The path in 3<path>, as strace prints descriptors."""
    match = re.fullmatch(r"-?\w+<((?:\\x..)*)>.*", word)
    return unescape(match[1]).decode() if match else ""


class File:
    """Its bytes, those that are on the disk, and the changes between."""

    def __init__(self, content=b""):
        self.now = bytearray(content)
        self.safe = bytes(content)
        self.changes = []  # (offset, bytes), or the new size alone

    def write(self, offset, data):
        self.now.extend(bytes(max(0, offset - len(self.now))))
        self.now[offset : offset + len(data)] = data
        self.changes.append((offset, bytes(data)))

    def truncate(self, size):
        del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))
        self.changes.append(size)

    def sync(self):
        self.safe = bytes(self.now)
        self.changes.clear()

    def after_a_cut(self, chance):
        """`chance()` says of each change, sector by sector, if it is kept."""
        left = File(self.safe)
        for change in self.changes:
            if isinstance(change, int):
                if chance():
                    left.truncate(change)
                continue
            offset, data = change
            for start in range(0, len(data), SECTOR):
                if chance():
                    left.write(offset + start, data[start : start + SECTOR])
        return bytes(left.now)


class Disk:
    """The files below a folder, all of them safe at first."""

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.now = {}  # from each path to its File; None for a folder
        for path in pathlib.Path(self.root).rglob("*"):
            known = None if path.is_dir() else File(path.read_bytes())
            self.now[str(path)] = known
        self.safe = dict(self.now)
        self.names = []  # changes of names: (folder, path, what is there now)
        self.at = {}  # from each descriptor to the place of its next write

    def holds(self, path):
        return path.startswith(self.root + "/")

    def name(self, path, file, there=True):
        if there:
            self.now[path] = file
        else:
            del self.now[path]
        self.names.append((os.path.dirname(path), path, file, there))

    def apply(self, call):
        """Whether the call changed what may be on the disk."""
        name, words, result, line = call
        if result < 0:
            return False
        if name in UNKNOWN.split(
            ","
        ) and self.root.encode().hex() in line.replace("\\x", ""):
            raise ValueError(f"power_cut.py does not replay: {line[:200]}")
        return getattr(self, "do_" + name)(words, result)

    @staticmethod
    def absolute(word, folder="/"):
        """The path in a word, which is relative to that folder."""
        path = quoted(word).decode()
        if folder == "/" and not path.startswith("/"):
            raise ValueError(f"power_cut.py needs whole paths, not {path}")
        return os.path.normpath(os.path.join(folder, path))

    def do_openat(self, words, result):
        path = self.absolute(words[1], path_of(words[0]))
        if not self.holds(path) or "O_DIRECTORY" in words[2]:
            return False
        file = self.now.get(path)
        appends = file is not None and "O_APPEND" in words[2]
        self.at[result] = len(file.now) if appends else 0
        if "O_CREAT" in words[2] and path not in self.now:
            self.name(path, File())
            return True
        if file is not None and "O_TRUNC" in words[2] and file.now:
            file.truncate(0)
            return True
        return False

    def file(self, word):
        path = path_of(word)
        return self.now.get(path) if self.holds(path) else None

    def do_write(self, words, result):
        file = self.file(words[0])
        if file is None:
            return False
        descriptor = int(words[0].split("<")[0])
        file.write(self.at[descriptor], quoted(words[1]))
        self.at[descriptor] += result
        return True

    def do_pwrite64(self, words, _):
        file = self.file(words[0])
        if file is None:
            return False
        file.write(int(words[3]), quoted(words[1]))
        return True

    def do_ftruncate(self, words, _):
        file = self.file(words[0])
        if file is None:
            return False
        file.truncate(int(words[1]))
        return True

    def do_lseek(self, words, result):
        if self.file(words[0]) is not None:
            self.at[int(words[0].split("<")[0])] = result
        return False

    def do_rename(self, words, _):
        old, new = (self.absolute(word) for word in words)
        if not self.holds(new):
            return False
        self.name(new, self.now[old])
        self.name(old, None, there=False)
        return True

    def do_unlink(self, words, _):
        return self.remove(self.absolute(words[0]))

    do_rmdir = do_unlink

    def do_unlinkat(self, words, _):
        return self.remove(self.absolute(words[1], path_of(words[0])))

    def remove(self, path):
        if path not in self.now:
            return False
        self.name(path, None, there=False)
        return True

    def do_mkdir(self, words, _):
        path = self.absolute(words[0])
        if not self.holds(path):
            return False
        self.name(path, None)
        return True

    def do_fsync(self, words, _):
        path = path_of(words[0])
        if isinstance(self.now.get(path), File):
            self.now[path].sync()
            return True
        left = []
        for change in self.names:
            if change[0] == path:
                self.change_name(self.safe, change)
            else:
                left.append(change)
        changed = len(left) != len(self.names)
        self.names = left
        return changed

    do_fdatasync = do_fsync

    @staticmethod
    def change_name(names, change):
        _, path, file, there = change
        if there:
            names[path] = file
        else:
            names.pop(path, None)

    def write_after_a_cut(self, to, chance):
        """Writes what is left if the power fails now."""
        names = dict(self.safe)
        stopped = set()
        # Names of one folder change in order.
        for change in self.names:
            if change[0] not in stopped and chance():
                self.change_name(names, change)
            else:
                stopped.add(change[0])
        shutil.rmtree(to, ignore_errors=True)
        os.makedirs(to)
        for path, file in sorted(names.items()):
            copy = os.path.join(to, os.path.relpath(path, self.root))
            if not os.path.isdir(os.path.dirname(copy)):
                continue  # its folder is lost
            if file is None:
                os.mkdir(copy)
            else:
                pathlib.Path(copy).write_bytes(file.after_a_cut(chance))


def printed(call):
    """What the call printed, if anything."""
    name, words, result, _ = call
    if name != "write" or result < 0 or words[0].split("<")[0] not in "12":
        return ""
    return quoted(words[1]).decode()
