"""Keeps dead links, paths, verbs and labels out of the pages.

For each Markdown page: a link leads to a file and a heading that exist; code
names only verbs of ./kvlab, groups of third_party/setup, paths and Bazel labels
that exist; a table has a head. The same for <code> in the lab's page.
What has to stay as it is goes into ALLOWED, with the reason.
handout/check_handout.py calls problems() for the pages that students get.

Also runs without Bazel: python3 docs/links_test.py
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

# In Bazel's runfiles this file is a link into the source tree.
ROOT = pathlib.Path(__file__).resolve().parent.parent

# Fetched or generated, at any depth and at the top.
SKIPPED = re.compile(r"\.git|\.kvlab|bazel-.*|node_modules|__pycache__")
GENERATED = {"report"}

# This page becomes the handout's README.md, so its links start at the top.
AT_THE_TOP = {"handout/README.student.md"}

# Page, word, and why it may stay although it does not exist.
ALLOWED = (
    ("autograder/platforms/README.md", "server.py", "PrairieLearn's own"),
    ("docs/class.md", '"roster.csv"', "in the folder of a class"),
    ("docs/grader.md", "alone/", "made by the build, in the worker's kit"),
    (
        "docs/grader.md",
        "precompiled/course.h",
        "made by the build, in the worker's kit",
    ),
    ("docs/instructor.md", "gradebook.csv", "a platform's export"),
    ("docs/instructor.md", "marks.csv", "written by ./kvlab class"),
    ("docs/instructor.md", "roster.csv", "in the folder of a class"),
    ("docs/maintainer.md", "modules/01", "short for the folder, in a diagram"),
    ("lab/page/page.mustache", "csv/", "written beside the page"),
    ("lab/page/page.mustache", "plots/", "written beside the page"),
    ("modules/04_profiling/README.md", "report/csv/", "written by ./kvlab lab"),
)

# Files with these suffixes are written by people; others may be results.
WRITTEN = (
    ".bzl",
    ".cc",
    ".css",
    ".csv",
    ".gnuplot",
    ".h",
    ".md",
    ".mjs",
    ".mustache",
    ".py",
    ".sh",
    ".svg",
    ".toml",
)
OPTIONS = {"--help", "--version", "-h", "help"}

FENCE = re.compile(r"(?ms)^ *(```+)[^\n`]*\n(.*?)^ *\1 *$")
INLINE = re.compile(r"(?s)(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)")
LINK = re.compile(
    r"\[(?:[^][]|\[[^][]*\])*\]\(\s*([^()\s]+)[^()]*\)"
    r"|^ *\[[^][]+\]: *(\S+)",
    re.M,
)
HTML_CODE = re.compile(r"(?s)<code>(.*?)</code>")
LONE_RULE = re.compile(r"(?m)(?:\A|^ *\n)(?= *\|[ :|-]*-[ :|-]*\n)")
LABEL = re.compile(r"(?<![\w@:/])//([A-Za-z_][\w/.-]*)(?::([\w.-]+))?")
PATH = re.compile(r"(?:[\w.+-]+/)*[\w.+-]+/?")


def blank(match):
    """As much space as the match takes, in as many lines."""
    return re.sub(r"[^\n]", " ", match.group())


def code_of(text):
    """(position, code) of each line of a block, and of each inline code."""
    for block in FENCE.finditer(text):
        position = block.start(2)
        for line in block.group(2).splitlines(keepends=True):
            yield position, line.rstrip("\n")
            position += len(line)
    for code in INLINE.finditer(FENCE.sub(blank, text)):
        yield code.start(), " ".join(code.group(2).split())


def links_of(text):
    """(position, target) of each link and picture."""
    prose = INLINE.sub(
        lambda match: re.sub(r"[^\n]", "x", match.group()),
        FENCE.sub(blank, text),
    )
    for link in LINK.finditer(prose):
        yield link.start(), link.group(1) or link.group(2)


def anchors_of(text):
    """The anchors that GitHub gives to a page's headings."""
    seen = {}
    for title in re.findall(r"(?m)^#{1,6} +(.*?) *#*$", FENCE.sub(blank, text)):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        anchor = re.sub(r"[^\w -]", "", title).replace(" ", "-")
        seen[anchor] = seen.get(anchor, 0) + 1
        yield anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor] - 1}"


def is_placeholder(path):
    """Whether a part of it is to be replaced, such as NN_name, MODULE, X."""
    return any(
        re.fullmatch(r"NN_\w+|[A-Z][A-Z_]*(\.\w+)?", part)
        for part in path.split("/")
    )


class Tree:
    """A course's folder, as its pages may speak of it.

    tops: names of folders; a path that starts with one must exist. Those of
    this folder unless given.
    """

    def __init__(self, root, tops=None):
        self.root = root
        self.files, self.folders = set(), set()
        for place, folders, files in os.walk(root):
            here = pathlib.Path(place).relative_to(root)
            folders[:] = sorted(
                name
                for name in folders
                if not SKIPPED.fullmatch(name)
                and not (place == str(root) and name in GENERATED)
            )
            self.folders.update((here / name).as_posix() for name in folders)
            self.files.update((here / name).as_posix() for name in files)
        self.tops = tops or {name for name in self.folders if "/" not in name}
        self.verbs = set(OPTIONS)
        if "kvlab" in self.files:
            listed = subprocess.run(
                [root / "kvlab"], check=True, text=True, capture_output=True
            ).stdout
            self.verbs.update(
                line.split()[0] for line in listed.splitlines()[1:]
            )
        self.groups = set()
        if "third_party/packages.txt" in self.files:
            listed = self.read("third_party/packages.txt")
            self.groups.update(re.findall(r"(?m)^\[([\w-]+)\]", listed))

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def pages(self):
        return sorted(
            name for name in self.files if name.endswith((".md", ".mustache"))
        )

    def has(self, path):
        return path in self.files or path in self.folders

    def ends_with(self, path):
        """Whether some file's or folder's path ends with this one."""
        if path.endswith("/"):
            path = path[:-1]
            among = self.folders
        else:
            among = self.files
        return path in among or any(name.endswith("/" + path) for name in among)

    def link_problem(self, page, target):
        if re.match(r"[a-z]+:", target):
            return None
        path, _, anchor = target.partition("#")
        place = "" if page in AT_THE_TOP else os.path.dirname(page)
        path = os.path.normpath(os.path.join(place, path)) if path else page
        if not self.has(path):
            return f"the link '{target}' leads nowhere"
        if anchor and anchor not in anchors_of(self.read(path)):
            return f"the link '{target}' leads to no heading of {path}"
        return None

    def label_problem(self, package, target):
        package = re.sub(r"/?\.\.\.$", "", package).rstrip("./")
        if is_placeholder(package) or is_placeholder(target or ""):
            return None
        if package not in self.folders:
            return f"there is no package '//{package}'"
        if target is None:
            return None
        if f"{package}/BUILD" not in self.files:
            return f"there is no BUILD in '//{package}'"
        build = self.read(f"{package}/BUILD")
        # A macro of the course may make targets that it does not spell out.
        if f'"{target}"' not in build and not re.search(
            r'load\("(:|//|@course)', build
        ):
            return f"there is no target '//{package}:{target}'"
        return None

    def path_problem(self, word):
        path = re.sub(r"(:\d+)+$", "", word.strip("\"'(),;").rstrip(".:"))
        path = path.removeprefix("./")
        if not PATH.fullmatch(path) or is_placeholder(path):
            return None
        top, slash, _ = path.partition("/")
        if slash and top in self.tops:
            if not self.has(path.rstrip("/")):
                return f"there is no '{path}'"
        elif path.endswith("/") or (
            path.endswith(WRITTEN) and path not in WRITTEN
        ):
            if not self.ends_with(path):
                return f"there is no '{path}', in any folder"
        return None

    def code_problems(self, code):
        """(word, problem) for each word of code that names nothing."""
        for verb in re.findall(r"\./kvlab +([a-z-][\w-]*)", code):
            if verb not in self.verbs:
                yield verb, f"./kvlab has no verb '{verb}'"
        for groups in re.findall(r"third_party/setup((?: +[a-z]+)+)", code):
            for group in groups.split():
                if group not in self.groups:
                    yield group, f"third_party/setup has no group '{group}'"
        for label in LABEL.finditer(code):
            if problem := self.label_problem(*label.groups()):
                yield label.group(), problem
        for word in LABEL.sub(" ", code).split():
            if problem := self.path_problem(word):
                yield word, problem

    def page_problems(self, page):
        """(position, word, problem) for each word or link that is dead."""
        text = self.read(page)
        if page.endswith(".mustache"):
            codes = [
                (code.start(), " ".join(code.group(1).split()))
                for code in HTML_CODE.finditer(text)
            ]
        else:
            codes = code_of(text)
            for rule in LONE_RULE.finditer(FENCE.sub(blank, text)):
                yield rule.end(), "|", "this table has no head"
            for position, target in links_of(text):
                if problem := self.link_problem(page, target):
                    yield position, target, problem
        for position, code in codes:
            for word, problem in self.code_problems(code):
                yield position, word, problem


def problems(tree, allowed=ALLOWED):
    """ "page:line: problem" for whatever is dead in the tree's pages, and for
    each entry of `allowed` that is needed no longer."""
    found, used, pages = [], set(), tree.pages()
    for page in pages:
        for position, word, problem in tree.page_problems(page):
            entry = next(
                (each for each in allowed if each[:2] == (page, word)), None
            )
            if entry:
                used.add(entry)
            else:
                line = tree.read(page).count("\n", 0, position) + 1
                found.append(f"{page}:{line}: {problem}")
    return found + [
        f"{page}: '{word}' need no longer be allowed"
        for page, word, why in allowed
        if page in pages and (page, word, why) not in used
    ]


class LinksTest(unittest.TestCase):
    def test_nothing_is_dead_in_the_pages(self):
        if found := problems(Tree(ROOT)):
            self.fail("\n" + "\n".join(found))

    def test_reads_every_page(self):
        pages = Tree(ROOT).pages()
        for name in (
            "README.md",
            "CONTRIBUTING.md",
            "compare/README.md",
            ".github/ISSUE_TEMPLATE/wrong-mark.md",
            "docs/maintainer.md",
            "handout/README.student.md",
            "lab/page/page.mustache",
            "modules/01_attention/README.md",
        ):
            self.assertIn(name, pages)
        self.assertFalse([name for name in pages if "node_modules" in name])


KVLAB = """#!/bin/sh
echo "usage: ./kvlab VERB"
echo "  test [MODULE]     run tests"
"""


class PlantedTest(unittest.TestCase):
    """Pages of a small stand-in for the project."""

    def setUp(self):
        self.root = pathlib.Path(
            self.enterContext(tempfile.TemporaryDirectory())
        )
        self.write("kvlab", KVLAB)
        (self.root / "kvlab").chmod(0o755)
        self.write("third_party/setup", "")
        self.write("third_party/packages.txt", "[build]\ng++  # compiler\n")
        self.write("kit/BUILD", 'cc_library(name = "tensor")\n')
        self.write("kit/tensor/tensor.h", "")
        self.write("kit/made/BUILD", 'load(":made.bzl", "made")\nmade("x")\n')
        self.write(
            "docs/other.md",
            "# Other: the *page* of `x`\n\n## Twice\n"
            "\n## Twice\n\n```sh\n# a comment\n```\n",
        )

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def found(self, text, name="docs/page.md", **more):
        self.write(name, text)
        return problems(Tree(self.root, **more), ())

    def assertFinds(self, problem, text, line=1, name="docs/page.md"):
        self.assertEqual(self.found(text, name), [f"{name}:{line}: {problem}"])

    def assertFine(self, text, **more):
        self.assertEqual(self.found(text, **more), [])

    def test_links(self):
        for target in (
            "other.md",
            "../kit/tensor/tensor.h",
            "../kit",
            "#here",
            "other.md#twice",
            "other.md#twice-1",
            "other.md#other-the-page-of-x",
            "https://example.org/x",
            "mailto:a@example.org",
        ):
            self.assertFine(f"# Here\n\n[`a` and\nb]({target}), text\n")
        self.assertFinds(
            "the link 'gone.md' leads nowhere", "A\n[page](gone.md)\n", line=2
        )
        self.assertFinds(
            "the link 'kit/tensor/tensor.h' leads nowhere",
            "![picture of\na](kit/tensor/tensor.h)\n",
        )
        self.assertFinds(
            "the link 'other.md#a-comment' leads to no heading of "
            "docs/other.md",
            "[a](other.md#a-comment)",
        )
        self.assertFinds(
            "the link 'gone' leads nowhere", "[a]\n\n[a]: gone\n", line=3
        )
        self.assertFine("`[a](gone)`\n\n```\n[b](gone)\n```\n")

    def test_links_of_the_page_that_moves_to_the_top(self):
        self.assertFine(
            "[a](kit/tensor/tensor.h)", name="handout/README.student.md"
        )
        self.assertFinds(
            "the link 'BUILD' leads nowhere",
            "[a](BUILD)",
            name="handout/README.student.md",
        )

    def test_verbs(self):
        self.assertFine(
            "`./kvlab`, `./kvlab test 1`, `./kvlab --version`, "
            "`./kvlab VERB`; ./kvlab says\n\n"
            "```sh\n./kvlab    # words\n./kvlab test\n```\n"
        )
        self.assertFinds(
            "./kvlab has no verb 'grade'", "text `./kvlab\ngrade x`\n"
        )
        self.assertFinds(
            "./kvlab has no verb 'grade'",
            "```sh\n./kvlab test\n./kvlab grade\n```\n",
            line=3,
        )
        self.assertFinds("./kvlab has no verb '--fast'", "`./kvlab --fast`")

    def test_groups_of_packages(self):
        self.assertFine("`third_party/setup build`; `third_party/setup GROUP`")
        self.assertFinds(
            "third_party/setup has no group 'gold'",
            "`third_party/setup build gold`",
        )

    def test_paths(self):
        self.write("kit/data/seed.json", "")
        for path in (
            "kit/tensor/tensor.h",
            "kit/",
            "./kit/tensor/tensor.h:12",
            "tensor.h",
            "data/",
            "kit/*.h",
            "kit/NN_name/x.h",
            "kit/FILE",
            "results.json",
            "/usr/include/x.h",
            "a/b",
            "X.cc",
            ".cc",
            "kit/<name>/x.h",
            "kit/data/seed.json",
        ):
            self.assertFine(f"`{path}`\n\n```\ncommand {path}\n```\n")
        for path in ("kit/gone.h", "kit/gone", "kit/gone/"):
            self.assertFinds(f"there is no '{path}'", f"`{path}`, text")
        for path in ("gone.h", "data/gone.h", "gone/"):
            self.assertFinds(
                f"there is no '{path}', in any folder",
                f"```\nfind {path}\n```\n",
                line=2,
            )

    def test_paths_into_folders_that_the_handout_lacks(self):
        self.assertFine("`solutions/x`")
        self.assertEqual(
            self.found("`solutions/x`", tops={"solutions"}),
            ["docs/page.md:1: there is no 'solutions/x'"],
        )

    def test_labels(self):
        for label in (
            "//kit/tensor",
            "//kit/...",
            "//...",
            "//kit:TARGET",
            "//kit/made:derived",
            "//kit/NN_name:x",
            "@course//:x.bzl",
            "https://example.org/x:y",
        ):
            self.assertFine(f"`bazel test {label}`")
        self.write("docs/x.txt", "")
        self.assertFinds("there is no package '//gone'", "`bazel test //gone`")
        self.assertFinds(
            "there is no package '//kit/gone'", "`bazel test //kit/gone/...`"
        )
        self.assertFinds("there is no BUILD in '//docs'", "`//docs:x`")
        self.assertFinds("there is no target '//kit:gone'", "`//kit:gone`")

    def test_tables(self):
        self.assertFine("| a | b |\n|---|:-:|\n| 1 | 2 |\n")
        self.assertFinds(
            "this table has no head",
            "| a | b |\n\n|---|---|\n| 1 | 2 |\n",
            line=3,
        )

    def test_code_in_a_page_of_html(self):
        self.assertFinds(
            "./kvlab has no verb 'grade'",
            "<p>`gone.h`\n<code>./kvlab grade</code>",
            line=2,
            name="lab/page.mustache",
        )

    def test_an_exception_holds_for_its_page_and_must_be_needed(self):
        self.write("docs/page.md", "`gone.h`")
        tree = Tree(self.root)
        self.assertEqual(
            problems(tree, [("docs/page.md", "gone.h", "why")]), []
        )
        self.assertEqual(
            problems(tree, [("other.md", "gone.h", "why")]), problems(tree, ())
        )
        self.assertEqual(
            problems(
                tree,
                [
                    ("docs/page.md", "gone.h", ""),
                    ("docs/page.md", "tensor.h", ""),
                ],
            ),
            ["docs/page.md: 'tensor.h' need no longer be allowed"],
        )


if __name__ == "__main__":
    unittest.main()
