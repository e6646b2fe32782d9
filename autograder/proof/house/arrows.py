"""Which room of the course may use which, and whether the build complies.

A room is a folder with everything below it, unless a folder below is a room of
its own. A target uses another if Bazel needs that one to build or run it.
Descriptions and data (module.toml, quiz.toml, models, VERSION, the README's
picture) may be read by everyone.
"""

import re
import xml.etree.ElementTree

# Folder: the rooms that it may use.
ROOMS = {
    "kit": (),
    "modules": ("kit", "implementation"),
    "implementation": ("modules", "solutions"),
    "solutions": ("kit", "modules"),
    "quiz": ("kit",),
    "cli": ("kit", "modules", "implementation"),
    "lab": ("kit", "modules", "implementation", "cli"),
    "compare": ("kit", "modules", "implementation"),
    "docs": ("kit", "modules", "implementation"),
    "handout": ("modules", "solutions", "cli"),
    "autograder/machine": ("kit",),
    "autograder/exam": ("kit", "quiz", "autograder/machine"),
    "autograder/judges": (
        "kit",
        "quiz",
        "modules",
        "solutions",
        "autograder/machine",
        "autograder/exam",
    ),
    "autograder/worker_kit": (
        "kit",
        "modules",
        "solutions",
        "autograder/machine",
        "autograder/judges",
    ),
    "autograder/scoring": ("kit", "autograder/machine", "autograder/exam"),
    "autograder/report": (
        "autograder/machine",
        "autograder/exam",
        "autograder/scoring",
    ),
    "autograder/class": (
        "kit",
        "quiz",
        "autograder/machine",
        "autograder/exam",
        "autograder/scoring",
        "autograder/report",
    ),
    "autograder/platforms": ("autograder/report",),
    "autograder": (
        "kit",
        "quiz",
        "cli",
        "compare",
        "modules",
        "solutions",
        "autograder/machine",
        "autograder/exam",
        "autograder/judges",
        "autograder/worker_kit",
        "autograder/scoring",
        "autograder/report",
        "autograder/class",
    ),
    "autograder/proof": (
        "kit",
        "quiz",
        "cli",
        "modules",
        "solutions",
        "autograder",
        "autograder/machine",
        "autograder/exam",
        "autograder/judges",
        "autograder/worker_kit",
        "autograder/scoring",
        "autograder/report",
        "autograder/class",
    ),
}

DATA = re.compile(
    r"//models\b|//:|.*:(module|quiz)\.toml$|.*:README\.md$"
    r"|//docs:speedup\.(csv|svg)$"
)

# A folder of module N uses folders of modules up to N.
NUMBERED = re.compile(r"//(modules|solutions|autograder/judges)/(\d\d)_")


class Graph:
    """The targets of the build, and what each needs."""

    def __init__(self, xml_text):
        """xml_text: of `bazel query --output=xml`."""
        self.needs = {}  # target: labels
        self.links = {}  # target: those of them that become part of it
        self.compiled = set()  # libraries, programs and tests in C++
        for rule in xml.etree.ElementTree.fromstring(xml_text).iter("rule"):
            name = rule.get("name")
            if rule.get("class").startswith("cc_"):
                self.compiled.add(name)
            self.needs[name] = labels_of(rule.iter("rule-input"), "name")
            # An alias refers to the target that a build setting chooses.
            self.links[name] = (
                self.needs[name]
                if (rule.get("class") == "alias")
                else [
                    label
                    for attribute in rule
                    if attribute.get("name") in ("deps", "srcs")
                    for label in labels_of(attribute.iter("label"), "value")
                ]
            )

    def edges(self):
        """(target, label it needs), each pair once."""
        return sorted(
            {
                (name, label)
                for name, labels in self.needs.items()
                for label in labels
            }
        )

    def linked(self, target):
        """What a program consists of: not the files that it reads."""
        found, waiting = set(), [target]
        while waiting:
            new = set(self.links.get(waiting.pop(), ())) - found
            found |= new
            waiting += new
        return found


def labels_of(elements, attribute):
    return [
        label
        for label in (each.get(attribute) for each in elements)
        if label and label.startswith("//")
    ]


def room_of(label):
    """The innermost room; None for a label that is in no room."""
    folder = label[2:].split(":")[0]
    inside = [
        room
        for room in ROOMS
        if folder == room or folder.startswith(room + "/")
    ]
    return max(inside, key=len, default=None)


def wrong_arrows(graph):
    """A sentence for each arrow between rooms that ROOMS does not have."""
    for user, used in graph.edges():
        if DATA.match(used):
            continue
        room, other = room_of(user), room_of(used)
        if room is None or other is None or room == other:
            continue
        if other not in ROOMS[room]:
            yield (
                f"{user} uses {used}: {room}/ may not use {other}/, see "
                "ROOMS in autograder/proof/house/arrows.py"
            )


def unused_arrows(graph):
    """A sentence for each arrow of ROOMS that the build does not need."""
    drawn = {
        (room_of(user), room_of(used))
        for user, used in graph.edges()
        if not DATA.match(used)
    }
    for room, others in ROOMS.items():
        for other in others:
            if (room, other) not in drawn:
                yield f"{room}/ does not use {other}/ any more: remove it there"


def circles():
    """A sentence for each room that can reach itself. `implementation`, which
    modules' tests link, is what they do not know."""
    for start, others in ROOMS.items():
        reached, waiting = set(), list(others)
        while waiting:
            room = waiting.pop()
            if room not in reached and room != "implementation":
                reached.add(room)
                waiting += ROOMS[room]
        if start in reached:
            yield f"the arrows from {start}/ lead back to it"


def later_modules(graph):
    """A sentence for each use of a later module by an earlier one."""
    for user, used in graph.edges():
        mine, others = NUMBERED.match(user), NUMBERED.match(used)
        if mine and others and others[2] > mine[2]:
            yield f"{user} uses {used}, of a later module"


def student_code(graph):
    """A pattern of the targets that contain a student's code."""
    labels = [r"//implementation:.*"]
    for name in graph.needs:
        if re.match(r"//modules/\w+:student$", name):
            labels += [
                name,
                *(
                    source
                    for source in graph.links[name]
                    if source.endswith(".cc")
                ),
            ]
    return "|".join(labels)


def walls(graph):
    """(targets, targets not to be linked with them, why); two are patterns."""
    return (
        (
            r"//autograder(?!/worker_kit)[/:].*",
            student_code(graph),
            "the grader must not be linked with a student's code",
        ),
        (
            r"//autograder/judges/\w+:(operations|checks)$",
            r"//solutions/.*",
            "a worker has operations, so they must not contain an answer",
        ),
        (
            r"//autograder/machine/.*",
            r"//modules/.*",
            "the machine must not know what it runs",
        ),
        (
            r"//(cli|lab|compare|quiz|docs)[/:].*",
            r"//autograder.*",
            "what a student runs must not need the grader",
        ),
    )


def breached_walls(graph):
    """A sentence for each forbidden link of a target."""
    for inside, outside, why in walls(graph):
        matching = [
            name for name in sorted(graph.compiled) if re.match(inside, name)
        ]
        if not matching:
            yield f"no target matches {inside}: the wall has moved"
        for name in matching:
            for label in sorted(graph.linked(name)):
                if re.fullmatch(outside, label) and not DATA.match(label):
                    yield f"{name} is linked with {label}: {why}"


def problems(graph):
    return [
        *wrong_arrows(graph),
        *unused_arrows(graph),
        *circles(),
        *later_modules(graph),
        *breached_walls(graph),
    ]
