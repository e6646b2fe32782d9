"""./kvlab class grade --on slurm, with a grader that pretends, on a cluster of
four nodes that is started here. It is attacked: nodes, jobs, the controller and
the grading process itself end in the middle.

Usage: cluster_test.py CLASS [unittest's words]; CLASS is stand_in_class.
"""

import collections
import importlib
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

# The name of the folder `class` is a keyword.
slurm_cluster = importlib.import_module(
    "autograder.class.cluster.slurm_cluster"
)

CLASS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "").resolve()
NODES = ["n1", "n2", "n3", "n4"]
KINDS = ["full", "other", "timed", "some 50"]

PATIENCE = 120  # seconds; all of it takes less
FAILED, USAGE, PROVISIONAL = 1, 2, 3  # exit statuses


class ClusterTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.course = self.root / "course"
        self.began = self.root / "began"
        self.ran = self.root / "ran"
        self.cluster = self.enterContext(
            slurm_cluster.SlurmCluster(self.root / "slurm", NODES)
        )

    def words(self, verb, *words, course="course", **environment):
        return {
            "args": [CLASS, verb, "--in", course, *words],
            "cwd": self.root,
            "env": {
                **os.environ,
                **self.cluster.environment,
                "STAND_IN_LOG": str(self.began),
                "STAND_IN_RUNS": str(self.ran),
                **environment,
            },
        }

    def do(self, verb, *words, status=0, **more):
        run = subprocess.run(
            **self.words(verb, *words, **more),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        self.assertEqual(run.returncode, status, run.stdout + run.stderr)
        return run.stdout + run.stderr

    def grade(self, *words, **more):
        return self.do("grade", "--on", "slurm", *words, **more)

    def start_grading(self, milliseconds, *words):
        grading = self.enterContext(
            subprocess.Popen(
                **self.words(
                    *("grade", "--on", "slurm", *words),
                    STAND_IN_MS=str(milliseconds),
                ),
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        # Before the process is waited for, or a test that fails never ends.
        self.addCleanup(grading.kill)
        return grading

    def said(self, grading):
        try:
            return grading.communicate(timeout=PATIENCE)[0]
        finally:
            grading.kill()

    def make(self, contents):
        """A class of these people, and a copy that one machine grades."""
        subprocess.run(
            [CLASS, "init", "course"],
            cwd=self.root,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        handed_in = self.root / "in"
        handed_in.mkdir()
        with open(self.course / "roster.csv", "a", encoding="utf-8") as file:
            file.writelines(f"{person}\n" for person in contents)
        for person, content in contents.items():
            (handed_in / f"{person}.zip").write_text(content)
        self.do("import", handed_in)
        shutil.copytree(self.course, self.root / "alone")

    def make_class(self, people):
        self.make({f"s{i:03}": KINDS[i % 4] for i in range(people)})

    def exported(self, course):
        """The bytes of all that a class exports."""
        folder = self.root / f"{course}-exported"
        shutil.rmtree(folder, ignore_errors=True)
        self.do(
            *("export", "--long", f"{course}.csv", "--gradescope", "g.csv"),
            *("--reports", folder),
            course=course,
        )
        files = [
            path
            for path in sorted(folder.rglob("*"))
            if path.name in ("report.txt", "results.json", "instructor.txt")
        ]
        return (
            {str(path.relative_to(folder)): path.read_bytes() for path in files}
            | {name: (self.root / name).read_bytes() for name in ("g.csv",)}
            | {"long": (self.root / f"{course}.csv").read_bytes()}
        )

    def assert_as_on_one_machine(self):
        self.do("grade", course="alone")
        self.assertEqual(self.exported("course"), self.exported("alone"))
        self.assertEqual(
            list((self.course / "cluster/jobs").iterdir()), [], "left behind"
        )

    def checks_run(self):
        return collections.Counter(
            self.ran.read_text(encoding="utf-8").splitlines()
        )

    def jobs(self, state):
        """The jobs in this state: {"12_3": "n1"}."""
        lines = self.cluster.ask(
            *("squeue", "-h", "--array", "-t", state, "-o", "%F_%K %N")
        )
        return {
            job: node
            for job, _, node in (
                line.partition(" ") for line in lines.splitlines()
            )
        }


class MarksTest(ClusterTest):
    def test_four_nodes_give_the_marks_of_one_machine(self):
        self.make_class(12)
        self.assertIn("12 submissions graded", self.grade())
        self.assertEqual(set(self.checks_run().values()), {1})
        self.assert_as_on_one_machine()
        self.assertIn("0 submissions graded", self.grade())

    def test_blocked_checks_and_faults_are_as_on_one_machine(self):
        self.make({"ann": "blocked", "bob": "broken", "eve": "full"})
        text = self.grade(status=FAILED)
        self.assertIn("bob: the grader failed: the disk is full", text)
        self.do("grade", course="alone", status=FAILED)
        self.assertEqual(self.exported("course"), self.exported("alone"))
        self.ran.unlink()
        self.grade(status=FAILED)
        self.assertEqual(self.checks_run(), {"ann speed": 1})

    def test_what_a_mark_rests_on_names_the_node(self):
        self.make({"ann": "timed"})
        self.grade()
        database = sqlite3.connect(self.course / "class.sqlite")
        machines = database.execute("SELECT machine FROM grading").fetchall()
        database.close()
        self.assertEqual(len(machines), 2, "first what is not timed")
        for (machine,) in machines:
            self.assertRegex(machine, r"^a stand-in, node n\d$")


class AttackTest(ClusterTest):
    """What ends in the middle costs no mark and no other work."""

    def test_a_node_that_dies(self):
        self.make_class(12)
        grading = self.start_grading(1500)
        slurm_cluster.wait_until(
            lambda: "n2" in self.jobs("RUNNING").values(), "jobs on n2"
        )
        self.cluster.end("n2")
        self.assertIn("12 submissions graded", self.said(grading))
        self.assertNotEqual(self.cluster.states()["n2"], "idle")
        self.assert_as_on_one_machine()

    def test_a_job_that_is_cancelled_is_submitted_by_the_next_call(self):
        self.make_class(12)
        grading = self.start_grading(1500)
        slurm_cluster.wait_until(lambda: self.jobs("RUNNING"), "a job")
        job = next(iter(self.jobs("RUNNING")))
        self.cluster.ask("scancel", job)
        said = self.said(grading)
        self.assertEqual(grading.returncode, FAILED)
        self.assertRegex(said, f"s...: .* job {job} .*: CANCELLED")
        self.assertIn("11 submissions graded", said)
        self.assertIn("CANCELLED", self.do("status"))
        self.assertIn("1 submission graded", self.grade())
        self.assert_as_on_one_machine()

    def test_a_controller_that_restarts(self):
        self.make_class(12)
        # Long enough that no job ends before the controller does.
        grading = self.start_grading(2000)
        slurm_cluster.wait_until(self.began.exists, "the first grading")
        self.cluster.end("slurmctld", signal.SIGTERM)
        folders = len(self.job_folders())
        slurm_cluster.wait_until(
            lambda: self.has_results() or len(self.job_folders()) < folders,
            "results meanwhile",
        )
        self.cluster.start_controller()
        self.assertIn("12 submissions graded", self.said(grading))
        self.assertEqual(set(self.checks_run().values()), {1})
        self.assert_as_on_one_machine()

    def test_a_controller_that_crashes_and_forgets_what_runs(self):
        """It starts jobs again that run, and takes their nodes out of service
        when they refuse; the administrator brings the nodes back."""
        self.make_class(12)
        grading = self.start_grading(1000)
        slurm_cluster.wait_until(self.began.exists, "the first grading")
        self.cluster.end("slurmctld")
        self.cluster.start_controller()
        while grading.poll() is None:
            self.cluster.ask(
                *("scontrol", "update", "State=resume"),
                "NodeName=" + ",".join(NODES),
            )
            time.sleep(1)
        self.assertIn("12 submissions graded", self.said(grading))
        self.assert_as_on_one_machine()

    def job_folders(self):
        """One for each submission whose result was not taken in."""
        return list((self.course / "cluster/jobs").iterdir())

    def has_results(self):
        return any((self.course / "cluster/jobs").glob("*/result.json"))

    def test_the_process_that_waits_is_killed_and_begun_again(self):
        self.make_class(12)
        grading = self.start_grading(1000)
        slurm_cluster.wait_until(lambda: self.jobs("RUNNING"), "a job")
        grading.send_signal(signal.SIGKILL)
        grading.wait()
        # The next one takes up these jobs, and submits none of them again.
        self.assertIn("12 submissions graded", self.grade())
        self.assertEqual(set(self.checks_run().values()), {1})
        self.assert_as_on_one_machine()

    def test_a_job_that_ends_without_a_result_three_times(self):
        self.make({"ann": "crash", "bob": "full"})
        text = self.grade(status=FAILED)
        self.assertIn("1 submission graded", text)
        self.assertRegex(text, "ann: .* ended without a result: .*, 3 times")


class NodeTest(ClusterTest):
    def test_a_slow_node_must_not_time(self):
        self.make_class(16)
        text = self.grade(STAND_IN_SLOW="n1,n3")
        self.assertIn("16 submissions graded", text)
        self.assertRegex(text, "(?m)^n[13] took no part: it is slow$")
        self.assert_as_on_one_machine()

    def test_without_a_fit_node_speed_is_blocked(self):
        self.make({"ann": "timed", "bob": "full"})
        text = self.grade(STAND_IN_SLOW=",".join(NODES), status=PROVISIONAL)
        self.assertIn("1 submission left, since no node may judge", text)
        self.assertIn("1 graded, 1 blocked", self.do("status"))
        self.assertEqual(self.checks_run()["ann speed"], 0)
        self.assertIn("1 submission graded", self.grade())
        self.assert_as_on_one_machine()

    def test_a_node_that_does_not_see_the_folder(self):
        self.make_class(8)
        self.cluster.end("n4")
        hide = 'mount -t tmpfs tmpfs "$1"; shift; exec "$@"'
        self.cluster.start_node(
            *("n4", "unshare", "--mount", "sh", "-c", hide, "sh", self.course)
        )
        slurm_cluster.wait_until(self.cluster.all_idle, "idle nodes")
        text = self.grade()
        self.assertIn("8 submissions graded", text)
        self.assertRegex(
            text, "(?m)^n4 took no part: it does not see .* --shared$"
        )

    def test_a_node_whose_grader_does_not_start(self):
        self.make_class(8)
        text = self.grade(STAND_IN_ABSENT="n2")
        self.assertIn("8 submissions graded", text)
        self.assertIn("n2 took no part: its grader fails: no sandbox", text)
        self.assert_as_on_one_machine()

    def test_a_node_with_another_rubric(self):
        self.make({"ann": "full"})
        (self.root / "rubric").write_text("sum 1.1 0\n", encoding="utf-8")
        (self.root / "other").write_text("sum 2.2 0\n", encoding="utf-8")
        change = 'mount --bind "$1" "$2"; shift 2; exec "$@"'
        for node in NODES:
            self.cluster.end(node)
            self.cluster.start_node(
                *(node, "unshare", "--mount", "sh", "-c", change, "sh"),
                *(self.root / "other", self.root / "rubric"),
            )
        slurm_cluster.wait_until(self.cluster.all_idle, "idle nodes")
        text = self.grade("--rubric", "rubric", status=PROVISIONAL)
        self.assertRegex(text, "n1 took no part: .* another rubric")


class ErrorTest(ClusterTest):
    """Each says what is wrong and what to do."""

    def setUp(self):
        super().setUp()
        self.make({"ann": "full"})

    def fails(self, *words, **environment):
        return self.grade(*words, status=FAILED, **environment)

    def test_slurm_is_not_installed(self):
        text = self.fails(PATH="/nowhere")
        self.assertIn("there is no sbatch", text)
        self.assertIn("install slurm-client", text)

    def test_slurm_is_not_configured(self):
        (self.root / "empty.conf").touch()
        self.assertIn(
            "copy the cluster's",
            self.fails(SLURM_CONF=str(self.root / "empty.conf")),
        )

    def test_munge_does_not_run(self):
        self.cluster.end("munged")
        text = self.fails()
        self.assertIn("munge does not answer", text)
        self.assertIn("systemctl start munge", text)

    def test_the_controller_does_not_answer(self):
        self.cluster.end("slurmctld")
        self.assertIn("systemctl start slurmctld", self.fails())

    def test_there_is_no_such_partition(self):
        text = self.fails(SBATCH_PARTITION="gone")
        self.assertIn("no partition for these jobs", text)
        self.assertIn("SBATCH_PARTITION=NAME", text)

    def test_one_process_takes_in_the_results(self):
        grading = self.start_grading(1500)
        slurm_cluster.wait_until(lambda: self.jobs("RUNNING"), "a job")
        self.assertIn("another class grade --on slurm", self.fails())
        self.assertIn("1 submission graded", self.said(grading))

    def test_mistakes_on_the_command_line(self):
        self.do("grade", "--on", "pbs", status=USAGE)
        self.do("grade", "--shared", "x", status=USAGE)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[2:])
