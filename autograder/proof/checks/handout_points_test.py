"""The points that the modules' READMEs promise are those of the rubric."""

import re
import tomllib
import unittest
from pathlib import Path

MODULES = {
    int(readme.parent.name[:2]): readme
    for readme in Path("modules").glob("*/README.md")
}


def promised(readme):
    """{task id: points} of the tasks table: first column, last column."""
    rows = re.findall(
        r"^\| (\d\.\d+|E\.\d+) \|.*\| (\d+(?:\.\d+)?) \|$",
        readme.read_text(encoding="utf-8"),
        re.M,
    )
    return {task: float(points) for task, points in rows}


def read(path):
    return tomllib.loads(path.read_text(encoding="utf-8"))


def given():
    """{task id: points} of the rubric."""
    course = Path("autograder/rubric.toml")
    points = {}
    for part in read(course)["parts"]:
        tasks = {
            task["id"]: sum(check["points"] for check in task["checks"])
            for task in read(course.parent / part["rubric"])["tasks"]
        }
        scale = part["points"] / sum(tasks.values())
        # Rounded, since tenths do not add up exactly in binary.
        points |= {task: round(own * scale, 6) for task, own in tasks.items()}
    return points


class HandoutPointsTest(unittest.TestCase):
    def test_every_task_is_promised_the_points_it_is_given(self):
        all_promised = {}
        for readme in MODULES.values():
            all_promised |= promised(readme)
        self.assertEqual(all_promised, given())

    def test_a_module_lists_its_own_tasks_alone(self):
        for number, readme in MODULES.items():
            own = {t for t in promised(readme) if not t.startswith("E")}
            self.assertTrue(own, readme)
            self.assertEqual(
                {t for t in own if not t.startswith(f"{number}.")}, set()
            )


if __name__ == "__main__":
    unittest.main()
