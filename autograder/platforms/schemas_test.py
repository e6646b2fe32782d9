"""Checks that every file for a platform has that platform's format.

The schemas in schemas/ were written from the platforms' documentation, and name
it. Each also has to refuse files with one planted mistake: a schema that
accepts everything proves nothing.
"""

import copy
import json
import pathlib
import subprocess
import tempfile
import unittest

import jsonschema

from autograder.platforms import run_grader

HERE = pathlib.Path("autograder/platforms")
SAMPLES = [
    "mixed",
    "perfect",
    "bonus",
    "broken",
    "concealed",
    "hostile",
    "worst",
]

# Schema, and the file of a report that it is for.
JSON_FILES = {
    "gradescope": "results.json",
    "prairielearn": "prairielearn.json",
    "autolab": "autolab.json",
    "classroom50": "classroom50.json",
}

# The environment of a job of Classroom 50.
ENVIRONMENT = json.loads(
    pathlib.Path(
        "autograder/platforms/testdata/classroom50_environment.json"
    ).read_text(encoding="utf-8")
)


def rename(path, new_name):
    """A mistake: the field at `path` under another name."""

    def plant(document):
        for key in path[:-1]:
            document = document[key]
        document[new_name] = document.pop(path[-1])

    return plant


def put(path, value):
    """A mistake: `value` at `path`."""

    def plant(document):
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return plant


def drop(path):
    """A mistake: nothing at `path`."""

    def plant(document):
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return plant


def both(first, second):
    """Two mistakes that are one only together."""

    def plant(document):
        first(document)
        second(document)

    return plant


MISTAKES = {
    "gradescope": [
        rename(["tests", 0, "max_score"], "maxScore"),
        rename(["tests"], "test"),
        rename(["execution_time"], "executionTime"),
        rename(["leaderboard", 0, "value"], "score"),
        put(["tests", 0, "status"], "pass"),
        put(["tests", 0, "visibility"], "after_publication"),
        put(["tests", 0, "output_format"], "markdown"),
        put(["tests", 0, "score"], "2.0"),
        put(["tests", 0, "tags"], "Module 1"),
        put(["tests", 0, "number"], 1.1),
        put(["stdout_visibility"], "none"),
        put(["leaderboard", 0, "order"], "descending"),
        both(put(["tests"], []), drop(["score"])),
    ],
    "prairielearn": [
        drop(["score"]),
        rename(["tests", 0, "max_points"], "max_score"),
        rename(["images", 0, "url"], "src"),
        put(["score"], 87.5),
        put(["gradable"], "true"),
        put(["gradable"], False),  # and a score all the same
        put(["tests", 0, "points"], None),
        put(["format_errors"], ["of a submission that can be graded"]),
        put(["images", 0, "url"], "data:image/png;base64,<svg>"),
    ],
    "autolab": [
        rename(["scores"], "score"),
        put(["scores", "Module 1"], "20"),
        put(["scores"], {}),
        put(["scoreboard"], {"Speedup": 170}),
        put(["scoreboard", 0], None),
    ],
    "classroom50": [
        drop(["schema"]),
        drop(["owner"]),
        drop(["tests", 0, "passed"]),
        rename(["max-score"], "max_score"),
        rename(["tests", 0, "test-name"], "name"),
        put(["schema"], "classroom50/result/v2"),
        put(["score"], 3.5),
        put(["score"], "350"),
        put(["tests", 0, "score"], 0.5),
        put(["tests", 0, "max-score"], -1),
        put(["tests", 0, "passed"], "true"),
        put(["submission"], "v1"),
        put(["datetime"], "2026-06-01T14:32:01+02:00"),
        put(["assignment_type"], "alone"),
        put(["submitted_by"], {"id": 1}),
        put(["points"], 350),
    ],
}

# Mistakes in JUnit XML: what is replaced, and by what.
JUNIT_MISTAKES = [
    ("<testsuites>", '<testsuites name="kvlab">'),
    ("classname=", "class="),
    (' hostname="localhost"', ""),
    ('failures="2"', 'failures="two"'),
    ('T12:34:56"', 'T12:34:56Z"'),
    ("<skipped />", "<skip />"),
    (' type="CheckFailed"', ""),
    ("<system-out />", ""),
    ('time="0.250"', 'time="0.250 s"'),
    ("</testsuites>", "<testcase /></testsuites>"),
]


class SchemasTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run(
            ["autograder/report/write_samples", cls.folder], check=True
        )

    def document(self, schema, sample):
        path = self.folder / sample / JSON_FILES[schema]
        document = json.loads(path.read_text(encoding="utf-8"))
        if schema == "classroom50":  # as sent to the platform
            document = run_grader.complete(
                document, ENVIRONMENT, "2026-06-01T14:32:01Z"
            )
        return document

    def validator(self, name):
        path = HERE / "schemas" / f"{name}.schema.json"
        schema = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        return jsonschema.Draft202012Validator(schema)

    def junit_errors(self, path):
        """The errors of xmllint for a file; empty if it is valid."""
        run = subprocess.run(
            [
                "xmllint",
                "--noout",
                "--nonet",
                "--schema",
                HERE / "schemas/junit.xsd",
                path,
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return "" if run.returncode == 0 else run.stderr

    def test_each_json_file_keeps_its_format(self):
        for name in JSON_FILES:
            validator = self.validator(name)
            for sample in SAMPLES:
                with self.subTest(schema=name, sample=sample):
                    validator.validate(self.document(name, sample))

    def test_scores_of_classroom50_sum_to_the_whole(self):
        for sample in SAMPLES:
            with self.subTest(sample=sample):
                document = self.document("classroom50", sample)
                for field in ["score", "max-score"]:
                    self.assertEqual(
                        sum(test[field] for test in document["tests"]),
                        document[field],
                    )
                for test in [document, *document["tests"]]:
                    self.assertLessEqual(test["score"], test["max-score"])

    def test_no_file_outgrows_its_platform(self):
        """PrairieLearn discards results over 1 MB."""
        for sample in SAMPLES:
            for path in (self.folder / sample).iterdir():
                if path.name in {"instructor.txt", "report.html"}:
                    continue
                with self.subTest(path=path):
                    self.assertLessEqual(path.stat().st_size, 400000)

    def test_a_failed_grader_leaves_what_each_platform_can_read(self):
        for name in ["gradescope", "prairielearn", "classroom50"]:
            with self.subTest(schema=name):
                self.validator(name).validate(self.document(name, "failed"))
        self.assertEqual(
            self.junit_errors(self.folder / "failed/junit.xml"), ""
        )
        for path in (self.folder / "failed").iterdir():
            text = path.read_text(encoding="utf-8")
            if path.suffix in {".html", ".txt"}:
                self.assertRegex(text, r"kvlab \d{4}\.[12]")
            with self.subTest(path=path):
                self.assertEqual(
                    "the disk is full" in text, path.name == "instructor.txt"
                )
                if path.name in {
                    "report.txt",
                    "report.html",
                    "results.json",
                    "prairielearn.json",
                    "junit.xml",
                }:
                    self.assertIn("not the fault of your submission", text)

    def test_each_mistake_in_a_json_file_is_refused(self):
        for name, mistakes in MISTAKES.items():
            validator = self.validator(name)
            right = self.document(name, "mixed")
            for number, plant in enumerate(mistakes):
                with self.subTest(schema=name, mistake=number):
                    wrong = copy.deepcopy(right)
                    plant(wrong)
                    self.assertNotEqual(wrong, right)
                    self.assertFalse(validator.is_valid(wrong))

    def test_autolabs_scores_are_the_last_line(self):
        for sample in SAMPLES:
            text = (self.folder / sample / "autolab.json").read_text(
                encoding="utf-8"
            )
            self.assertEqual(text.count("\n"), 1)
            self.assertTrue(text.endswith("}\n"))

    def test_each_junit_file_keeps_its_format(self):
        for sample in SAMPLES:
            with self.subTest(sample=sample):
                path = self.folder / sample / "junit.xml"
                self.assertEqual(self.junit_errors(path), "")

    def test_each_mistake_in_a_junit_file_is_refused(self):
        right = (self.folder / "mixed/junit.xml").read_text(encoding="utf-8")
        wrong = self.folder / "wrong.xml"
        for old, new in JUNIT_MISTAKES:
            with self.subTest(mistake=new or old):
                self.assertIn(old, right)
                wrong.write_text(right.replace(old, new, 1), encoding="utf-8")
                self.assertIn("validity error", self.junit_errors(wrong))


if __name__ == "__main__":
    unittest.main()
