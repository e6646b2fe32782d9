"""Tests ./kvlab doctor on made-up machines."""

import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from cli import doctor
from cli.doctor import Machine

FLAGS = "fpu sse4_2 popcnt avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
CPUINFO = f"processor\t: 0\nmodel name\t: A CPU\nflags\t\t: {FLAGS}\n"


class DoctorTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.system = self.folder / "system"
        self.write("project/kvlab", "#!/bin/bash\n")
        self.write("project/third_party/packages.txt", "[build]\nx  # y\n")
        self.write("system/proc/cpuinfo", CPUINFO)
        self.write("system/usr/bin/bazel", "")
        self.environment = {
            "HOME": str(self.folder),
            "PATH": str(self.system / "usr/bin"),
        }

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        path.chmod(0o755)
        return path

    def machine(self, root="project", architecture="x86_64"):
        return Machine(
            self.folder / root, self.system, self.environment, architecture
        )

    def assert_problem(self, finding, words, fix):
        self.assertIn(words, finding.text)
        self.assertIn(fix, finding.fix)

    def test_a_good_machine_has_no_problem_and_the_quick_part_is_silent(self):
        findings = doctor.examine(self.machine(), doctor.QUICK)
        self.assertEqual([f for f in findings if f.fix], [])
        self.assertEqual(doctor.report(findings, everything=False), [])
        self.assertEqual(len(doctor.report(findings, True)), len(doctor.QUICK))

    def test_a_problem_is_told_with_what_to_do(self):
        finding = doctor.Finding("disk", "full", "empty it")
        self.assertEqual(
            doctor.report([finding], everything=False),
            ["PROBLEM disk        full", "        fix         empty it"],
        )

    def test_a_path_with_a_space(self):
        self.assert_problem(
            doctor.folder(self.machine("my project")),
            "has a space in it",
            "without spaces",
        )

    def test_a_tree_with_carriage_returns(self):
        self.assertEqual(doctor.line_ends(self.machine()).fix, "")
        self.write("project/third_party/packages.txt", "[build]\r\nx\r\n")
        self.assert_problem(
            doctor.line_ends(self.machine()),
            "packages.txt has carriage returns",
            "core.autocrlf false",
        )

    def test_a_home_that_cannot_be_written(self):
        for path in ("", str(self.folder / "nowhere")):
            with self.subTest(path):
                self.environment["HOME"] = path
                self.assert_problem(
                    doctor.home(self.machine()),
                    "cannot be written",
                    "export HOME=",
                )

    def test_a_full_disk(self):
        usage = mock.Mock(free=doctor.GIB)
        with mock.patch("shutil.disk_usage", return_value=usage):
            self.assert_problem(
                doctor.disk(self.machine()), "only 1.0 GiB", "free some"
            )

    def test_a_foreign_bazel_before_debians(self):
        foreign = self.write("local/bin/bazel", "").parent
        self.environment["PATH"] = f"{foreign}:{self.system}/usr/bin"
        self.assert_problem(
            doctor.bazel(self.machine()),
            f"{foreign}/bazel comes before Debian's",
            f"export PATH={self.system}/usr/bin:$PATH",
        )
        self.environment["PATH"] = f"{self.system}/usr/bin:{foreign}"
        self.assertEqual(doctor.bazel(self.machine()).fix, "")

    def test_debians_bazel_by_another_name_is_the_same(self):
        (self.folder / "bin").symlink_to(self.system / "usr/bin")
        self.environment["PATH"] = str(self.folder / "bin")
        self.assertEqual(doctor.bazel(self.machine()).fix, "")

    def test_a_processor_without_avx2(self):
        self.write("system/proc/cpuinfo", CPUINFO.replace(" avx2", ""))
        self.assert_problem(
            doctor.processor(self.machine()), "lacks avx2", "2013 or later"
        )

    def test_a_64_bit_arm_has_neon_and_needs_no_avx2(self):
        self.write("system/proc/cpuinfo", "Features\t: fp asimd fphp\n")
        for name in ("aarch64", "arm64"):
            with self.subTest(name):
                finding = doctor.processor(self.machine(architecture=name))
                self.assertEqual(finding.fix, "")
                self.assertEqual(finding.text, "64-bit ARM, with NEON")

    def test_another_kind_of_processor(self):
        self.assert_problem(
            doctor.processor(self.machine(architecture="riscv64")),
            "this is riscv64",
            "64-bit ARM",
        )

    def test_the_compiler_is_asked_for_the_instructions_of_the_machine(self):
        arm = self.machine(architecture="aarch64")
        x86 = self.machine()
        self.assertEqual(doctor.instructions(x86).fix, "")
        self.assert_problem(
            doctor.instructions(arm),
            "of x86-64, and this machine needs those of ARM",
            "./kvlab setup",
        )
        self.write("project/.kvlab/machine.bazelrc", "build --config=arm\n")
        self.assertEqual(doctor.instructions(arm).fix, "")
        # A folder that was copied from another machine.
        self.assert_problem(
            doctor.instructions(x86),
            "of ARM, and this machine needs those of x86-64",
            "./kvlab setup",
        )

    def test_another_system_may_work(self):
        self.write(
            "system/etc/os-release",
            'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n',
        )
        finding = doctor.operating_system(self.machine())
        self.assertEqual(finding.fix, "")
        self.assertIn("Ubuntu 24.04; kvlab is tested on Debian", finding.text)

    def test_a_debian_is_known_by_its_name(self):
        for release, text in (
            ("bookworm", "Debian bookworm"),
            ("sid", "Debian sid; kvlab is tested on Debian 12 alone, so"),
        ):
            with self.subTest(release):
                self.write(
                    "system/etc/os-release",
                    f"ID=debian\nVERSION_CODENAME={release}\n"
                    f'PRETTY_NAME="Debian {release}"\n',
                )
                finding = doctor.operating_system(self.machine())
                self.assertEqual(finding.fix, "")
                self.assertIn(text, finding.text)

    def test_packages_that_are_missing(self):
        self.write(
            "project/third_party/packages.txt",
            "# all\n[build]\nno-such-package  # why\n[lab]\nnor-this  # why\n",
        )
        self.assert_problem(
            doctor.packages(self.machine()),
            "1 of 1 are missing: no-such-package",
            "./kvlab setup",
        )

    def test_too_little_memory(self):
        self.write(
            "system/proc/meminfo", "MemTotal: 9 kB\nMemAvailable:  1048576 kB\n"
        )
        self.assert_problem(
            doctor.memory(self.machine()), "1.0 GiB are available", "--jobs=1"
        )

    def test_a_sanitizer_that_does_not_start(self):
        self.write("system/usr/bin/g++", "")
        self.write("system/proc/sys/vm/mmap_rnd_bits", "32\n")
        failed = subprocess.CompletedProcess([], 1)
        with mock.patch("subprocess.run", return_value=failed):
            self.assert_problem(
                doctor.sanitizer(self.machine()),
                "do not start (vm.mmap_rnd_bits is 32)",
                "sysctl vm.mmap_rnd_bits=28",
            )

    def test_a_sandbox_that_cannot_be_made(self):
        self.assertIsNone(doctor.isolation(self.machine()))  # the handout
        (self.folder / "project" / "autograder").mkdir()
        self.write("system/usr/bin/bwrap", "")
        failed = subprocess.CompletedProcess([], 1, stderr="bwrap: no right\n")
        with mock.patch("subprocess.run", return_value=failed):
            self.assert_problem(
                doctor.isolation(self.machine()),
                "bwrap: no right",
                "user namespaces",
            )

    def test_status_and_streams(self):
        root = self.folder / "my project"
        root.mkdir()
        run = subprocess.run(
            [sys.executable, "-B", doctor.__file__, root, "--quick"],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        self.assertEqual((run.returncode, run.stdout), (1, ""))
        self.assertIn("PROBLEM folder", run.stderr)


if __name__ == "__main__":
    unittest.main()
