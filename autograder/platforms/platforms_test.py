"""Each platform's program writes the files that the platform reads.

./kvlab grade is a stand-in here that writes a report with the real one's file
names, each holding its own name, and remembers how it was called. What the
platforms say about a submission is as their own documentation shows it.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import jsonschema

from autograder.platforms import run_grader

HERE = pathlib.Path("autograder/platforms").resolve()
SCHEMAS = pathlib.Path("autograder/platforms/schemas").resolve()

STAND_IN = """#!/bin/bash
printf '<%s>' "$@" >>"$CALLS"
echo >>"$CALLS"
[ "$1 $2" = "grade --out" ] || exit 0
[ -z "$SLOW" ] || sleep 60
[ -z "$BROKEN" ] || { echo "secret of the grader"; exit 1; }
echo "what the grader prints"
mkdir -p "$3/name"
for file in report.txt report.html instructor.txt results.json \\
  prairielearn.json; do
  echo "$file" >"$3/name/$file"
done
echo '{"scores": {"Module 1": 20}}' >"$3/name/autolab.json"
cat >"$3/name/classroom50.json" <<END
{"schema": "classroom50/result/v1", "score": 8750, "max-score": 10000,
 "tests": [{"test-name": "all", "passed": false, "score": 8750,
            "max-score": 10000}]}
END
exit "${STATUS:-0}"
"""


class PlatformsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.kvlab = self.folder / "source/kvlab"
        self.kvlab.parent.mkdir()
        self.kvlab.write_text(STAND_IN, encoding="utf-8")
        self.kvlab.chmod(0o755)
        (self.folder / "source/autograder").symlink_to(HERE.parent)

    def run_script(self, script, *arguments, cwd=None, **environment):
        return subprocess.run(
            [HERE / script, *arguments],
            cwd=cwd or self.folder,
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "CALLS": str(self.folder / "calls"),
                "KVLAB": str(self.kvlab),
                "KVLAB_HOME": str(self.folder / "source"),
                "AUTOGRADER": str(self.folder),
                "GRADE": str(self.folder),
                **environment,
            },
        )

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def json(self, name):
        return json.loads(self.text(name))

    def give(self, sample, name):
        """What the platform says about a submission."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(HERE / "testdata" / sample, target)

    def classroom50(self, **environment):
        known = json.loads(
            (HERE / "testdata/classroom50_environment.json").read_text(
                encoding="utf-8"
            )
        )
        repository = self.folder / "repository"
        repository.mkdir(exist_ok=True)
        return self.run_script(
            "run_grader.py",
            "classroom50",
            cwd=repository,
            **{**known, **environment},
        )

    def validate(self, schema, document):
        path = SCHEMAS / f"{schema}.schema.json"
        jsonschema.Draft202012Validator(
            json.loads(path.read_text(encoding="utf-8"))
        ).validate(document)

    # --- Gradescope ---

    def test_gradescope_finds_its_results(self):
        run = self.run_script("gradescope/run_autograder")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.text("results/results.json"), "results.json\n")
        self.assertEqual(run.stdout, "instructor.txt\n")

    def test_gradescope_says_whose_it_is_and_when_it_was_handed_in(self):
        self.give(
            "gradescope_submission_metadata.json", "submission_metadata.json"
        )
        self.run_script("gradescope/run_autograder")
        self.assertIn(
            "<--student><student@example.com>"
            "<--submitted-at><2018-07-01T14:22:32.365935-07:00>",
            self.text("calls"),
        )

    def test_gradescope_names_everybody_of_a_group(self):
        (self.folder / "submission_metadata.json").write_text(
            json.dumps(
                {
                    "users": [
                        {"email": "o'brien@example.edu"},
                        {"email": "müller@example.edu"},
                        {"email": None},
                    ]
                }
            ),
            encoding="utf-8",
        )
        self.run_script("gradescope/run_autograder")
        self.assertIn(
            "<--student><o'brien@example.edu>"
            "<--student><müller@example.edu>",
            self.text("calls"),
        )
        self.assertNotIn("--submitted-at", self.text("calls"))

    def test_metadata_that_cannot_be_read_stop_no_grading(self):
        (self.folder / "submission_metadata.json").write_text(
            "{", encoding="utf-8"
        )
        run = self.run_script("gradescope/run_autograder")
        self.assertEqual(run.returncode, 0)
        self.assertIn("not JSON", run.stderr)
        self.assertEqual(self.text("results/results.json"), "results.json\n")

    def test_metadata_of_another_form_say_nothing(self):
        for metadata in [
            [],
            None,
            "ann@example.edu",
            {"users": None, "created_at": 5},
            {"users": "ann@example.edu"},
            {"users": ["ann@example.edu", None, {"email": 7}]},
            {"emails": "ann@example.edu", "email": ["ann@example.edu"]},
            {"params": [], "email": {}},
            {"params": {"kvlab": "ann@example.edu"}},
        ]:
            for name in ["submission_metadata.json", "data/data.json"]:
                path = self.folder / name
                path.parent.mkdir(exist_ok=True)
                path.write_text(json.dumps(metadata), encoding="utf-8")
            for options in [
                run_grader.gradescope_options,
                run_grader.prairielearn_options,
                run_grader.autolab_options,
            ]:
                with self.subTest(options=options, metadata=metadata):
                    self.assertEqual(options(self.folder), [])

    def test_gradescope_sets_up_once(self):
        run = self.run_script("gradescope/setup.sh")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(self.text("calls"), "<setup>\n<grade><--help>\n")

    def test_gradescope_hides_the_solutions_from_other_users(self):
        self.run_script("gradescope/setup.sh")
        mode = self.kvlab.parent.stat().st_mode
        self.assertEqual(mode & 0o077, 0)

    # --- PrairieLearn ---

    def test_prairielearn_finds_its_results_and_prints_nothing(self):
        run = self.run_script("prairielearn/grade")
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(
            self.text("results/results.json"), "prairielearn.json\n"
        )
        self.assertEqual(run.stdout, "")

    def test_prairielearn_says_nothing_of_its_own(self):
        self.give("prairielearn_data.json", "data/data.json")
        self.run_script("prairielearn/grade")
        self.assertNotIn("--student", self.text("calls"))

    def test_a_question_of_prairielearn_may_say_whose_it_is(self):
        self.give("prairielearn_data.json", "data/data.json")
        data = self.json("data/data.json")
        data["params"]["kvlab"] = {
            "student": "ann@example.edu",
            "submitted_at": "2027-01-15T23:59:00+01:00",
        }
        (self.folder / "data/data.json").write_text(
            json.dumps(data), encoding="utf-8"
        )
        self.run_script("prairielearn/grade")
        self.assertIn(
            "<--student><ann@example.edu>"
            "<--submitted-at><2027-01-15T23:59:00+01:00>",
            self.text("calls"),
        )

    # --- Autolab ---

    def test_autolab_gets_the_report_and_then_its_line(self):
        run = self.run_script("autolab/grade", "submission.zip")
        self.assertEqual(run.returncode, 0, run.stderr)
        lines = run.stdout.splitlines()
        self.assertEqual(lines[0], "report.txt")
        self.assertEqual(json.loads(lines[-1]), {"scores": {"Module 1": 20}})

    def test_autolab_says_what_its_hook_wrote(self):
        (self.folder / "submission_metadata.json").write_text(
            json.dumps(
                {
                    "emails": ["ann@example.edu"],
                    "created_at": "2027-01-15T23:59:00-05:00",
                }
            ),
            encoding="utf-8",
        )
        self.run_script("autolab/grade", "submission.zip")
        self.assertIn(
            "<--student><ann@example.edu>"
            "<--submitted-at><2027-01-15T23:59:00-05:00>",
            self.text("calls"),
        )

    # --- Classroom 50 ---

    def test_classroom50_gets_a_complete_result(self):
        run = self.classroom50()
        self.assertEqual(run.returncode, 0, run.stderr)
        result = self.json("repository/result.json")
        self.validate("classroom50", result)
        self.assertEqual(result["owner"], "alice")
        self.assertEqual(result["score"], 8750)
        self.assertEqual(
            result["submitted_by"], {"username": "alice", "id": 4242}
        )
        self.assertIn("<--student><alice>", self.text("calls"))

    def commit(self, date):
        repository = self.folder / "repository"
        git = [
            "git",
            "-C",
            repository,
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
        ]
        subprocess.run(["git", "init", "--quiet", repository], check=True)
        subprocess.run(
            [*git, "commit", "--quiet", "--allow-empty", "--message=x"],
            check=True,
            env={"PATH": os.environ["PATH"], "GIT_COMMITTER_DATE": date},
        )

    def test_classroom50_is_told_when_the_commit_was_made(self):
        self.commit("2026-10-25T23:58:00+01:00")
        run = self.classroom50(
            SUBMISSION_TAG="submit/2026-10-25T22-59-10Z-a1b2c3d"
        )
        self.assertEqual(run.returncode, 0)
        self.assertIn(
            "<--submitted-at><2026-10-25T23:58:00+01:00>", self.text("calls")
        )
        self.assertEqual(
            self.json("repository/result.json")["datetime"],
            "2026-10-25T22:58:00Z",
        )

    def test_a_commit_that_claims_to_be_older_than_its_push_is_not_believed(
        self,
    ):
        self.commit("2026-10-01T12:00:00+02:00")
        self.classroom50(SUBMISSION_TAG="submit/2026-10-25T22-59-10Z-a1b2c3d")
        self.assertIn(
            "<--submitted-at><2026-10-25T22:59:10+00:00>", self.text("calls")
        )

    def test_classroom50_never_keeps_a_result_that_was_handed_in(self):
        (self.folder / "repository").mkdir()
        (self.folder / "repository/result.json").write_text(
            '{"score": 100}', encoding="utf-8"
        )
        run = self.classroom50(BROKEN="yes")
        self.assertNotEqual(run.returncode, 0)
        self.assertFalse((self.folder / "repository/result.json").exists())
        self.assertIn("::error::The grader failed.", run.stdout)

    def test_classroom50s_script_starts_the_grader_of_the_runner(self):
        repository = self.folder / "repository"
        repository.mkdir()
        run = subprocess.run(
            ["python3", HERE / "classroom50/autograder.py"],
            cwd=repository,
            capture_output=True,
            encoding="utf-8",
            check=False,
            env={
                "PATH": os.environ["PATH"],
                "KVLAB": str(self.kvlab),
                "KVLAB_HOME": str(self.folder / "source"),
                "CALLS": str(self.folder / "calls"),
            },
        )
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertTrue((repository / "result.json").is_file())

    # --- all of them ---

    def test_a_grader_that_failed_says_whose_fault_that_is(self):
        for environment in [
            {"BROKEN": "yes"},
            {"SLOW": "yes", "KVLAB_SECONDS": "0.3"},
        ]:
            for script in [
                "gradescope/run_autograder",
                "prairielearn/grade",
                "autolab/grade",
            ]:
                with self.subTest(script=script, **environment):
                    run = self.run_script(
                        script, "submission.zip", **environment
                    )
                    self.assertEqual(run.returncode, 1)
                    if "autolab" in script:
                        *words, last = run.stdout.splitlines()
                        self.assertEqual(json.loads(last), {"scores": {}})
                        told = " ".join(words)
                    else:
                        platform = script.split("/", maxsplit=1)[0]
                        self.validate(
                            platform, self.json("results/results.json")
                        )
                        told = self.text("results/results.json")
                    self.assertIn("not the fault of your submission", told)
                    self.assertNotIn("secret of the grader", told)
                    shutil.rmtree(self.folder / "results", ignore_errors=True)

    def test_a_provisional_mark_is_a_mark(self):
        """Status 3: the machine was too busy for some speed check."""
        for script, result, text in [
            ("gradescope/run_autograder", "results/results.json", "results"),
            ("prairielearn/grade", "results/results.json", "prairielearn"),
        ]:
            run = self.run_script(script, STATUS="3")
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(self.text(result), f"{text}.json\n")
        run = self.run_script("autolab/grade", "submission.zip", STATUS="3")
        self.assertEqual(run.returncode, 0)
        self.assertIn('"Module 1": 20', run.stdout)
        self.assertEqual(self.classroom50(STATUS="3").returncode, 0)
        self.assertEqual(self.json("repository/result.json")["score"], 8750)

    def test_other_statuses_are_failures(self):
        for status in ["2", "139"]:
            run = self.run_script("gradescope/run_autograder", STATUS=status)
            self.assertEqual(run.returncode, 1)
            self.assertIn(
                "not the fault of your submission",
                self.text("results/results.json"),
            )

    def test_only_instructors_read_why_it_failed(self):
        told = {
            script: self.run_script(script, "submission.zip", BROKEN="yes")
            for script in [
                "gradescope/run_autograder",
                "prairielearn/grade",
                "autolab/grade",
            ]
        }
        self.assertIn("secret", told["gradescope/run_autograder"].stdout)
        self.assertNotIn("secret", told["prairielearn/grade"].stdout)
        self.assertNotIn("secret", told["autolab/grade"].stdout)
        self.assertNotIn("secret", self.classroom50(BROKEN="yes").stdout)

    def test_nothing_is_revealed_to_who_knows_whom(self):
        run = self.run_script(
            "prairielearn/grade", KVLAB_REVEAL="after_due_date"
        )
        self.assertNotIn("--reveal", self.text("calls"))
        self.assertIn("did not say whose", run.stderr)
        self.give(
            "gradescope_submission_metadata.json", "submission_metadata.json"
        )
        self.run_script(
            "gradescope/run_autograder", KVLAB_REVEAL="after_due_date"
        )
        self.assertIn("<--reveal><after_due_date>", self.text("calls"))

    def test_more_options_are_words_of_a_shell(self):
        self.run_script(
            "prairielearn/grade", KVLAB_OPTIONS="--rubric 'my rubric.toml'"
        )
        self.assertIn("<--rubric><my rubric.toml>", self.text("calls"))

    def test_a_grader_that_is_built_is_started_itself(self):
        built = self.folder / "bazel-bin/autograder/grade"
        built.parent.mkdir(parents=True)
        built.write_text("#!/bin/sh\n", encoding="utf-8")
        built.chmod(0o755)
        old = run_grader.ROOT
        self.addCleanup(setattr, run_grader, "ROOT", old)
        run_grader.ROOT = self.folder
        self.assertEqual(run_grader.program(), [built.resolve()])
        built.unlink()
        self.assertEqual(run_grader.program(), [self.folder / "kvlab", "grade"])


if __name__ == "__main__":
    unittest.main()
