"""One file of an honest submission: a solution with the edits of its case.

    apply_case.py CASE SOURCE SOLUTION OUTPUT

CASE is a file of graderlab/cases, SOURCE the name that its edits give the file,
"01_attention/attention.cc", SOLUTION that file of the solutions. The edits mean
what they mean to graderlab (lab_case.h).
"""

import pathlib
import sys
import tomllib


class CaseError(Exception):
    """A case that edits other files than it is listed with, or has rotted."""


def apply(case, source, text):
    """The text of `source` with the edits of the case."""
    edits = [edit for edit in case["edit"] if edit["file"] == source]
    if not edits:
        raise CaseError(f"the case does not edit {source}")
    for edit in edits:
        if "prepend" in edit:
            text = edit["prepend"] + text
        elif "append" in edit:
            text += edit["append"]
        elif "find" in edit:
            times = text.count(edit["find"])
            if times != 1:
                raise CaseError(
                    f"{source}: what is to be replaced occurs "
                    f"{times} times; adapt the edit"
                )
            text = text.replace(edit["find"], edit["replace"])
        else:
            raise CaseError(f"{source}: an edit that a test cannot compile")
    return text


def main():
    case, source, solution, output = sys.argv[1:]
    parsed = tomllib.loads(pathlib.Path(case).read_text(encoding="utf-8"))
    if parsed.get("loses") or parsed.get("halves"):
        sys.exit(f"{case}: a case that loses points need not pass the tests")
    try:
        text = apply(
            parsed, source, pathlib.Path(solution).read_text(encoding="utf-8")
        )
    except CaseError as error:
        sys.exit(f"{case}: {error}")
    pathlib.Path(output).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
