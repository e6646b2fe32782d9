"""Tests third_party/setup, with stand-ins for the system's programs."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PACKAGES = """# a comment
[build]
compiler  # what it is for
library-dev  # another

[docs]
plotter  # draws

[class]
library-dev  # as above
rarity?  # not in every Debian
"""

# Each stand-in writes its call to `calls`.
STAND_INS = {
    "id": 'case "$*" in -u) cat "$SYSTEM/uid" ;; *) exit 0 ;; esac',
    "dpkg-query": """
case "$*" in
  -S*) echo "bazel-bootstrap: $2"; exit ;;
  *Version*) cat "$SYSTEM/bazel_version"; exit ;;
esac
shift 3
for package; do
  ! grep -qx "$package" "$SYSTEM/installed" || printf ' %s=installed ' $package
done""",
    "apt-get": """
case "$*" in
  *update*) touch "$SYSTEM/lists" ;;
  *)
    [ -e "$SYSTEM/lists" ] || { echo "E: Unable to locate" >&2; exit 100; }
    echo "pmstatus:compiler:50.0:Unpacking compiler (amd64)" ;;
esac""",
    "apt-cache": 'grep -x "${*: -1}" "$SYSTEM/archive"',
    "uname": 'cat "$SYSTEM/machine"',
    "sudo": """
[ -e "$SYSTEM/sudoer" ] || { echo "sudo: a password is required" >&2; exit 1; }
case $1 in -n | -v) ;; *) exec "$@" ;; esac""",
}


class SetupTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "third_party").mkdir()
        shutil.copy("third_party/setup", self.folder / "third_party")
        (self.folder / "third_party/packages.txt").write_text(
            PACKAGES, encoding="utf-8"
        )
        (self.folder / "bin").mkdir()
        for name, body in STAND_INS.items():
            self.stand_in(name, body)
        self.stand_in("bazel", "exit 1")
        self.system(uid="0", installed="", lists="", bazel_version="4.2.3+ds")
        self.system(machine="x86_64", archive="rarity\n")
        self.calls = ""

    def stand_in(self, name, body):
        path = self.folder / "bin" / name
        path.write_text(
            f'#!/bin/bash\necho "{name} $*" >>"$SYSTEM/calls"\n' f"{body}\n",
            encoding="utf-8",
        )
        path.chmod(0o755)

    def system(self, **files):
        for name, text in files.items():
            (self.folder / name).write_text(text, encoding="utf-8")

    def setup_script(self, *groups):
        (self.folder / "calls").write_text("", encoding="utf-8")
        # Programs of the real system that the script needs, but not sudo.
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        for name in [
            "bash",
            "cat",
            "cp",
            "dirname",
            "env",
            "grep",
            "mkdir",
            "mktemp",
            "readlink",
            "rm",
            "sed",
            "tail",
            "touch",
        ]:
            if not (tools / name).exists():
                (tools / name).symlink_to(shutil.which(name))
        run = subprocess.run(
            [self.folder / "third_party/setup", *groups],
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={
                "PATH": f"{self.folder}/bin:{tools}",
                "SYSTEM": str(self.folder),
            },
        )
        self.calls = (self.folder / "calls").read_text(encoding="utf-8")
        self.assertEqual(run.stdout, "")
        return run

    def installs(self):
        return [
            line
            for line in self.calls.splitlines()
            if line.startswith("apt-get") and " install " in line
        ]

    def test_does_nothing_if_nothing_is_missing(self):
        self.system(installed="compiler\nlibrary-dev\n")
        run = self.setup_script("build")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertNotIn("apt-get", self.calls)

    def test_installs_what_is_missing_and_says_so(self):
        self.system(installed="compiler\n")
        run = self.setup_script("build", "docs")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("missing: library-dev plotter", run.stderr)
        self.assertEqual(len(self.installs()), 1)
        self.assertTrue(self.installs()[0].endswith(" library-dev plotter"))
        self.assertIn("--no-install-recommends", self.installs()[0])
        self.assertNotIn("sudo", self.calls)
        self.assertNotIn("update", self.calls)

    def test_asks_for_the_list_of_packages_only_if_it_must(self):
        os.remove(self.folder / "lists")
        run = self.setup_script("docs")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.calls.count(" update"), 1)
        self.assertEqual(len(self.installs()), 2)

    def test_passes_on_what_apt_says(self):
        self.stand_in("apt-get", 'echo "E: disk full" >&2; exit 100')
        run = self.setup_script("docs")
        self.assertEqual(run.returncode, 1)
        self.assertIn("E: disk full", run.stderr)

    def test_uses_sudo_where_there_is_no_root(self):
        self.system(uid="1000", sudoer="")
        run = self.setup_script("docs")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertRegex(self.calls, "sudo .*apt-get .*plotter")

    def test_names_the_command_where_sudo_refuses_or_is_not_there(self):
        self.system(uid="1000")
        for why in ["sudo refused", "no sudo"]:
            with self.subTest(why):
                run = self.setup_script("docs")
                self.assertEqual(run.returncode, 1)
                self.assertIn(why, run.stderr)
                self.assertIn(
                    "fix: as root, apt-get install "
                    "--no-install-recommends plotter",
                    run.stderr,
                )
                self.assertEqual(self.installs(), [])
            (self.folder / "bin" / "sudo").unlink(missing_ok=True)

    def chosen_modules(self):
        """What .kvlab/debian.bazelrc says after a run, if it is there."""
        run = self.setup_script()
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        settings = self.folder / ".kvlab/debian.bazelrc"
        return settings.read_text("utf-8") if settings.exists() else None

    def test_modules_are_debians_for_its_bazel_7(self):
        self.system(bazel_version="7.7.1+ds-8+b1")
        self.assertEqual(self.chosen_modules(), "common --config=debian\n")

    def test_modules_are_not_debians_for_bazel_4_and_foreign_ones(self):
        self.assertIsNone(self.chosen_modules())
        self.system(bazel_version="7.7.1+ds-8+b1")
        self.assertIsNotNone(self.chosen_modules())
        self.stand_in("dpkg-query", 'echo "7.7.1"; [ "$1" != -S ]')
        self.assertIsNone(self.chosen_modules())

    def test_instructions_are_chosen_on_arm_alone(self):
        settings = self.folder / ".kvlab/machine.bazelrc"
        for machine, chosen in [
            ("x86_64", None),
            ("aarch64", "build --config=arm\n"),
            ("x86_64", None),
        ]:
            self.system(machine=machine)
            run = self.setup_script()
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            text = settings.read_text("utf-8") if settings.exists() else None
            self.assertEqual(text, chosen)

    def test_libraries_for_arm_are_unpacked_once_for_each_version(self):
        (self.folder / "third_party/packages.txt").write_text(
            "[cross]\nlibrary-dev:arm64  # unpacked\n", encoding="utf-8"
        )
        self.system(version="1.0")
        self.stand_in("dpkg-query", 'echo "$4=$(cat "$SYSTEM/version")"')
        self.stand_in("apt-get", '[ "${*: -2:1}" != download ] || touch a.deb')
        self.stand_in(
            "dpkg-deb",
            """
case $1 in
  -f) echo "libc6 (>= 2.3), library1 (= 1.0)" ;;
  -x) mkdir -p "$3/usr/lib/aarch64-linux-gnu"
      touch "$3/usr/lib/aarch64-linux-gnu/library.so" ;;
esac""",
        )
        folder = self.folder / "third_party/aarch64/lib"
        for version, downloads in [("1.0", 2), ("1.0", 0), ("1.1", 2)]:
            self.system(version=version)
            run = self.setup_script("cross")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(self.calls.count(" download "), downloads)
            self.assertEqual(self.calls.count(" install "), 0)
            self.assertTrue((folder / "library.so").exists())
        self.assertIn(" download library1", self.calls)
        self.assertIn("APT::Architecture=arm64", self.calls)

    def test_a_package_that_a_debian_lacks_is_done_without(self):
        for archive, asked in [
            ("rarity\n", [" library-dev", " rarity"]),
            ("", [" library-dev"]),
        ]:
            self.system(archive=archive)
            run = self.setup_script("class")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(
                [call[call.rindex(" ") :] for call in self.installs()], asked
            )
        self.system(installed="library-dev\nrarity\n", archive="rarity\n")
        run = self.setup_script("class")
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertEqual(self.installs(), [])

    def test_refuses_a_group_that_is_not_listed(self):
        run = self.setup_script("nonsense")
        self.assertEqual(run.returncode, 2)
        self.assertIn("'nonsense'", run.stderr)


class PackagesTest(unittest.TestCase):
    def test_every_package_says_what_it_is_for(self):
        lines = (
            pathlib.Path("third_party/packages.txt")
            .read_text(encoding="utf-8")
            .splitlines()
        )
        for line in lines:
            if line and not line.startswith(("#", "[")):
                self.assertRegex(line, r"^[a-z0-9.+-]+(:arm64|\?)?  # \w")


if __name__ == "__main__":
    unittest.main()
