#!/usr/bin/env python3
"""Runs the grader where a learning platform has put a submission.

Usage: run_grader.py PLATFORM [SUBMISSION]

PLATFORM is gradescope, prairielearn, autolab or classroom50. What the platform
says about a submission, whose it is and when it was handed in, becomes options
of `./kvlab grade`; what the grader wrote becomes what the platform reads. If
the grader fails, that file says so, and that it is not the submission's fault.

Environment:
  KVLAB           the program ./kvlab; the grader itself is started if it is
                  built, since a job may have another home than the image, where
                  Bazel would build all of it once more
  KVLAB_OPTIONS   more options of ./kvlab grade, such as --rubric FILE
  KVLAB_REVEAL    after_due_date or after_published: show what is concealed
  KVLAB_SECONDS   how long a submission may take; less than the platform's limit
"""

import datetime
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

FAILED = (
    "The grader failed. This is not the fault of your submission, which "
    "was not graded and has no mark. Your instructor can run the grader "
    "again."
)

# What ./kvlab grade ends with after a mark, and after one that is provisional:
# the machine was too busy to judge some speed check, and the report says so.
GRADED = (0, 3)

# What the author's own files are called in a folder of reports.
AUTHORS_REPORT = "report.txt"


def program():
    """The grader, as the beginning of a command."""
    if "KVLAB" in os.environ:
        return [os.environ["KVLAB"], "grade"]
    built = ROOT / "bazel-bin/autograder/grade"
    if os.access(built, os.X_OK):
        return [built.resolve()]
    return [ROOT / "kvlab", "grade"]


def text_of(value):
    """A text that is not empty, or None."""
    return value.strip() if isinstance(value, str) and value.strip() else None


def object_of(value):
    """A JSON object; an empty one for any other value."""
    return value if isinstance(value, dict) else {}


def list_of(value):
    """A JSON array; an empty one for any other value."""
    return value if isinstance(value, list) else []


def read_json(path):
    """The object in a file of the platform; empty if there is none."""
    try:
        return object_of(json.loads(path.read_text(encoding="utf-8-sig")))
    except OSError:
        return {}
    except ValueError as error:
        print(f"{path}: not JSON: {error}", file=sys.stderr)
        return {}


def who_and_when(students, when):
    """Options of ./kvlab grade."""
    options = []
    for student in students:
        if text_of(student):
            options += ["--student", text_of(student)]
    if text_of(when):
        options += ["--submitted-at", text_of(when)]
    return options


def gradescope_options(root):
    """From submission_metadata.json: e-mail addresses of all submitters."""
    metadata = read_json(root / "submission_metadata.json")
    users = list_of(metadata.get("users"))
    return who_and_when(
        [object_of(user).get("email") for user in users],
        metadata.get("created_at"),
    )


def prairielearn_options(root):
    """From data.json, if the question puts it there.

    PrairieLearn itself says neither. A question whose server.py knows them can
    set params.kvlab = {"student": ..., "submitted_at": ...}.
    """
    data = read_json(root / "data/data.json")
    known = object_of(object_of(data.get("params")).get("kvlab"))
    return who_and_when([known.get("student")], known.get("submitted_at"))


def autolab_options(folder):
    """From submission_metadata.json, which autolab/kvlab.rb adds to a job."""
    metadata = read_json(folder / "submission_metadata.json")
    students = list_of(metadata.get("emails")) or [metadata.get("email")]
    return who_and_when(students, metadata.get("created_at"))


def committed_at(folder):
    """When the commit was made that is checked out; None without git."""
    run = subprocess.run(
        [
            "git",
            "-c",
            "safe.directory=*",
            "-c",
            "log.showSignature=false",
            "-C",
            folder,
            "log",
            "-1",
            "--format=%cI",
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return run.stdout


def handed_in_at(folder, tag):
    """When a commit was handed in: as it says, unless that is made up.

    Who commits sets the clock; the platform's tag has its own time in its name.
    """
    committed = committed_at(folder)
    form = re.fullmatch(
        r"submit/(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z-.*", tag or ""
    )
    if form is None:
        return committed
    day, hour, minute, second = form.groups()
    tagged = f"{day}T{hour}:{minute}:{second}+00:00"
    try:
        apart = datetime.datetime.fromisoformat(
            tagged
        ) - datetime.datetime.fromisoformat(committed.strip())
    except ValueError:
        return tagged
    # Grading begins a little after a push.
    return tagged if apart > datetime.timedelta(minutes=10) else committed


def classroom50_options(folder):
    """From the job's environment, and the commit that is graded."""
    owner = os.environ.get("OWNER") or os.environ.get("USERNAME")
    if os.environ.get("ASSIGNMENT_TYPE", "individual") != "individual":
        owner = os.environ.get("GITHUB_ACTOR") or owner
    return who_and_when(
        [owner], handed_in_at(folder, os.environ.get("SUBMISSION_TAG"))
    )


def reveal_options(options):
    """The --reveal option, or none if the submission's author is unknown."""
    reveal = os.environ.get("KVLAB_REVEAL")
    if not reveal:
        return []
    if "--student" not in options:
        print(
            "KVLAB_REVEAL is passed over: the platform did not say whose "
            "submission this is",
            file=sys.stderr,
        )
        return []
    return ["--reveal", reveal]


def grade(submission, options, seconds):
    """The folder of reports of one submission, or None if the grader failed."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="kvlab-reports-"))
    command = [
        *program(),
        "--out",
        out,
        *options,
        *reveal_options(options),
        *shlex.split(os.environ.get("KVLAB_OPTIONS", "")),
        submission,
    ]
    seconds = float(os.environ.get("KVLAB_SECONDS", seconds))
    log = out / "log.txt"
    found = False
    try:
        with open(log, "wb") as stream:
            run = subprocess.run(
                command,
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        found = run.returncode in GRADED
        if not found:
            print(
                f"the grader failed: its status is {run.returncode}",
                file=sys.stderr,
            )
    except subprocess.TimeoutExpired:
        print(
            f"the grader took longer than {seconds:g} seconds", file=sys.stderr
        )
    except OSError as error:
        print(f"the grader failed: {error}", file=sys.stderr)
    folders = [path for path in out.iterdir() if path.is_dir()]
    return out, (folders[0] if found and len(folders) == 1 else None)


def place(source, target, failure):
    """Copies a report, or writes what a failure leaves."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source is not None and source.is_file():
        shutil.copyfile(source, target)
    else:
        target.write_text(
            json.dumps(failure, indent=2) + "\n", encoding="utf-8"
        )


def gradescope(_):
    """Standard output is for instructors alone."""
    root = pathlib.Path(os.environ.get("AUTOGRADER", "/autograder"))
    out, reports = grade(root / "submission", gradescope_options(root), 2400)
    place(
        reports and reports / "results.json",
        root / "results/results.json",
        {
            "score": 0,
            "output": FAILED,
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
        },
    )
    shown = reports / "instructor.txt" if reports else out / "log.txt"
    print(shown.read_text(encoding="utf-8", errors="replace"), end="")
    return out, reports


def prairielearn(_):
    """Nothing on standard output: students may see it."""
    root = pathlib.Path(os.environ.get("GRADE", "/grade"))
    out, reports = grade(root / "student", prairielearn_options(root), 540)
    place(
        reports and reports / "prairielearn.json",
        root / "results/results.json",
        {"gradable": False, "format_errors": [FAILED], "message": FAILED},
    )
    return out, reports


def autolab(submission):
    """All output is the student's; its last line is the scores."""
    submission = pathlib.Path(submission)
    out, reports = grade(submission, autolab_options(submission.parent), 1800)
    if reports:
        print((reports / AUTHORS_REPORT).read_text(encoding="utf-8"))
        print((reports / "autolab.json").read_text(encoding="utf-8"), end="")
    else:
        print(FAILED)
        print('{"scores":{}}')  # those that are there stay
    return out, reports


def complete(result, environment, now):
    """A result of the grader with what Classroom 50 wants to know beside it."""

    def of(name, otherwise=""):
        return environment.get(name) or otherwise

    commit = of("COMMIT_URL")
    whole = {
        "schema": result["schema"],
        "classroom": of("CLASSROOM"),
        "assignment": of("ASSIGNMENT"),
        "assignment_type": of("ASSIGNMENT_TYPE", "individual"),
        "owner": of("OWNER", of("USERNAME")),
        "submission": of("SUBMISSION_TAG"),
        "commit": commit,
        "release": of("RELEASE_URL", commit),
        "review": of("REVIEW_URL", commit),
        "datetime": now,
        "score": result["score"],
        "max-score": result["max-score"],
        "tests": result["tests"],
    }
    if of("GITHUB_ACTOR"):
        actor = of("GITHUB_ACTOR_ID")
        whole["submitted_by"] = {
            "username": of("GITHUB_ACTOR"),
            "id": int(actor) if actor.isdecimal() else None,
        }
    return whole


def instant(text):
    """A time of git in UTC, as Classroom 50 writes it."""
    try:
        time = datetime.datetime.fromisoformat(text.strip())
    except ValueError:
        time = datetime.datetime.now(datetime.timezone.utc)
    return time.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def classroom50(_):
    """Writes ./result.json; that of a failed grader is the runner's to make.

    Its log and its release are read by students: nothing of the instructor's
    goes there.
    """
    here = pathlib.Path.cwd()
    result = here / "result.json"
    result.unlink(missing_ok=True)  # a student may have handed one in
    out, reports = grade(here, classroom50_options(here), 1800)
    if not reports:
        print(f"::error::{FAILED}")
        return out, None
    graded = read_json(reports / "classroom50.json")
    whole = complete(graded, os.environ, instant(committed_at(here)))
    result.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    shutil.copyfile(reports / "report.html", here / "report.html")
    return out, reports


PLATFORMS = {
    "gradescope": gradescope,
    "prairielearn": prairielearn,
    "autolab": autolab,
    "classroom50": classroom50,
}


def main(arguments):
    if not arguments or arguments[0] not in PLATFORMS:
        print(__doc__, file=sys.stderr)
        return 2
    out, reports = PLATFORMS[arguments[0]](*(arguments[1:] or [None]))
    shutil.rmtree(out, ignore_errors=True)
    return 0 if reports else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
