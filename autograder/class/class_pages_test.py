"""The pages of ./kvlab class: who is alike, and how the class did."""

import csv
import io
import random
import shutil
import unittest
import zipfile

from class_testing import FAILED, PROVISIONAL, ClassTest


class SimilarFolderTest(ClassTest):
    STUB = """Row Softmax(const Row& row) {
  throw NotImplemented("Softmax", "module 1, task 1");
}
"""

    def setUp(self):
        super().setUp()
        module = self.root / "handout/modules/01_attention"
        module.mkdir(parents=True)
        (module / "module.toml").write_text(
            'number = 1\ntitle = "Attention"\nfiles = ["attention.cc"]\n'
        )
        (module / "attention.cc").write_text(self.STUB)

    def code(self, author, name="row"):
        """The stub with forty statements in it that depend on the author."""
        dice = random.Random(author)
        lines = [
            f"  {name}[{i}]"
            + "".join(dice.choices([" += 1", "(x)", " * y[0]", " - z"], k=4))
            + ";\n"
            for i in range(40)
        ]
        return self.STUB.replace("{\n", "{\n" + "".join(lines))

    def archive(self, path, source):
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("01_attention/attention.cc", source)

    def import_code(self, **sources):
        for person, source in sources.items():
            self.archive(self.root / f"in/{person}.zip", source)
        self.do("import", self.root / "in")

    def similar(self, *options, **more):
        return self.do(
            *("similar", *options),
            STAND_IN_HANDOUT=str(self.root / "handout"),
            **more,
        )


class WithoutSimilarityTesterTest(SimilarFolderTest):
    def test_says_where_it_is_and_writes_the_folders_of_other_tools(self):
        self.make("ann\nbob\n")
        self.import_code(ann=self.code(1), bob=self.code(2))
        said = self.similar(
            *("--folders", "tools"), status=FAILED, PATH="/nowhere"
        )
        self.assertIn("similarity-tester", said)
        self.assertIn("--folders", said)
        self.assertTrue(
            (self.root / "tools/submissions/ann/01_attention").is_dir()
        )
        self.assertFalse((self.course / "similar.html").exists())


@unittest.skipUnless(
    shutil.which("sim_c++"), "this Debian has no similarity-tester"
)
class SimilarTest(SimilarFolderTest):
    def pairs(self):
        text = (self.course / "similar.csv").read_text(encoding="utf-8")
        return {
            (row["one"], row["other"], row["what"])
            for row in csv.DictReader(io.StringIO(text))
        }

    def test_a_copy_is_found_and_stubs_are_not(self):
        self.make("ann\nbob\neve\njo\npat\n")
        self.import_code(
            ann=self.code(1),
            bob=self.code(2),
            eve=self.code(1, "mine"),
            jo=self.STUB,
            pat=self.STUB,
        )
        said = self.similar()
        self.assertIn("5 submissions compared: 1 pair of code", said)
        self.assertIn("not a verdict", said)
        self.assertEqual(self.pairs(), {("ann", "eve", "code")})
        page = (self.course / "similar.html").read_text(encoding="utf-8")
        self.assertIn("mine[39]", page)
        self.assertIn("A reason to look, not a verdict", page)
        self.do("grade")
        self.do("report")
        page = (self.course / "report.html").read_text(encoding="utf-8")
        self.assertIn("100 % and 100 % of their own code", page)

    def test_earlier_terms_are_folders_of_archives_or_of_a_class(self):
        self.make("ann\nbob\n")
        self.import_code(ann=self.code(1), bob=self.code(2))
        self.archive(self.root / "2026/old.zip", self.code(2, "x"))
        self.similar("--earlier", "2026", "--earlier", "course")
        self.assertEqual(
            self.pairs(),
            {
                ("bob", "2026/old", "code"),
                ("ann", "course/ann", "code"),
                ("bob", "course/bob", "code"),
            },
        )

    def test_folders_for_jplag_and_dolos(self):
        self.make("")
        (self.course / "roster.csv").write_text(
            "id,platform_id\nann,1\na/b,2\n"
        )
        self.archive(self.root / "1.zip", self.code(1))
        with zipfile.ZipFile(self.root / "all.zip", "w") as archive:
            for number in (1, 2):
                archive.write(self.root / "1.zip", f"name_{number}_9_s.zip")
        self.do("import", "all.zip")
        self.similar("--folders", "tools")
        tools = self.root / "tools"
        for folder in ("submissions/ann", "submissions/a_b", "given"):
            self.assertTrue(
                (tools / folder / "01_attention/attention.cc").exists()
            )
        with open(tools / "dolos/info.csv", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual([row["full_name"] for row in rows], ["ann", "a/b"])
        for row in rows:
            self.assertTrue((tools / "dolos" / row["filename"]).exists())
        self.do(
            *("similar", "--folders", "tools"),
            status=FAILED,
            STAND_IN_HANDOUT=str(self.root / "handout"),
        )

    def test_what_cannot_be_read_is_listed(self):
        self.make("ann\nbob\n")
        self.hand_in(ann="full", bob="other")
        self.assertIn("0 submissions compared", self.similar())
        page = (self.course / "similar.html").read_text(encoding="utf-8")
        self.assertIn("Not compared", page)


class ReportTest(ClassTest):
    def report(self, *options):
        self.do("report", *options)
        return (self.course / "report.html").read_text(encoding="utf-8")

    def test_a_class_before_and_after_its_grading(self):
        self.make("ann\nbob\neve\npat\n")
        self.assertIn("Nothing is graded", self.report())
        self.hand_in(ann="full", bob="other", eve="blocked")
        self.do("grade", status=PROVISIONAL)
        self.do("override", "bob", "sum", "1", "--why", "<i>x</i>")
        page = self.report()
        self.assertIn("4 people: 3 graded, 1 of them with blocked", page)
        self.assertIn("1 time: too little", page)
        self.assertIn("&lt;i&gt;x&lt;/i&gt;", page)
        self.assertIn("could not be judged", page)
        self.assertIn("Not compared yet", page)
        self.assertNotIn("http", page.replace("http-equiv", ""))

    def test_an_anonymous_report_has_pseudonyms(self):
        self.make("ann_lee,Ann Lee,,,,,,\n")
        self.hand_in(ann_lee="other")
        self.do("grade")
        self.assertIn("ann_lee", self.report())
        page = self.report("--anonymous")
        self.assertNotIn("ann_lee", page)
        self.assertIn("student-", page)


if __name__ == "__main__":
    unittest.main()
