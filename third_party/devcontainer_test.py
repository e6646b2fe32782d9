"""Holds .devcontainer to what editors and both kinds of processor need.

.ci/images of the repository builds the image itself; this test needs no root.
"""

import json
import pathlib
import re
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
FOLDER = TOP / ".devcontainer"


def groups(text):
    """Names of the groups in packages.txt."""
    return set(re.findall(r"(?m)^\[(\w+)\]", text))


class DevcontainerTest(unittest.TestCase):
    def setUp(self):
        self.settings = json.loads(
            (FOLDER / "devcontainer.json").read_text("utf-8")
        )
        self.dockerfile = (FOLDER / "Dockerfile").read_text("utf-8")

    def test_the_image_is_built_from_the_top(self):
        build = self.settings["build"]
        self.assertTrue((FOLDER / build["dockerfile"]).is_file())
        self.assertEqual((FOLDER / build["context"]).resolve(), TOP)
        for line in re.findall(r"(?m)^COPY (.*)$", self.dockerfile):
            for source in line.split()[:-1]:
                self.assertTrue((TOP / source).exists(), source)

    def test_the_editor_works_as_the_user_of_the_image(self):
        user = self.settings["remoteUser"]
        self.assertIn(f" {user} \\\n", self.dockerfile)
        self.assertTrue(self.dockerfile.endswith(f"\nUSER {user}\n"))

    def test_no_line_is_for_one_kind_of_processor(self):
        self.assertNotRegex(
            self.dockerfile + json.dumps(self.settings),
            r"(?i)amd64|arm64|aarch64|x86_64|--platform",
        )

    def test_the_groups_of_packages_exist(self):
        wanted = re.search(r"/setup ((?:\w+ ?)+)\n", self.dockerfile)
        listed = groups((TOP / "third_party/packages.txt").read_text("utf-8"))
        self.assertLessEqual(set(wanted.group(1).split()), listed)

    def test_extensions_are_named_as_the_marketplace_names_them(self):
        extensions = self.settings["customizations"]["vscode"]["extensions"]
        self.assertIn("llvm-vs-code-extensions.vscode-clangd", extensions)
        for extension in extensions:
            self.assertRegex(extension, r"^[a-z0-9-]+\.[a-z0-9-]+$")


if __name__ == "__main__":
    unittest.main()
