"""What the sanitizers of g++ and clang found, in the lines a student needs.

Of a hundred lines, the kind of the error and the places in the course's code.
"""

import re

SHOWN_FRAMES = 4

# ==12==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x603000004234
_ERROR = re.compile(r"==\d+==ERROR: (\w+Sanitizer): (.+?)(?: on .*|:.*|\(.*)?$")
_ACCESS = re.compile(r"(READ|WRITE) of size (\d+)")
# modules/01_attention/attention.cc:12:5: runtime error: signed integer overflow
_UNDEFINED = re.compile(r"(\S+:\d+):\d+: runtime error: (.*)")
#     #0 0x55cd560c6e05 in kvlab::SoftmaxRows(Matrix) modules/a/a.cc:125:9
_FRAME = re.compile(r" +#\d+ 0x[0-9a-f]+ in (.*) (\S+?:\d+)(?::\d+)?$")
_MEMORY = re.compile(
    r"(?:previously )?(allocated|freed) by thread|"
    r"(Direct|Indirect) leak of (\d+) byte"
)
_OURS = re.compile(r"(?:modules|kit|cli|quiz|lab|solutions)/")


def _frames(lines):
    """Each "file:line, function" of the stack that begins here, as far as it is
    the course's code."""
    found = []
    for line in lines:
        frame = _FRAME.match(line)
        if not frame:
            if not re.match(r" +#\d+ ", line):
                break
            continue
        if _OURS.match(frame[2]):
            found.append(f"{frame[2]}, {frame[1]}")
    return found[:SHOWN_FRAMES]


def excerpt(text):
    """The lines to show of a program's output; none without such a report."""
    lines = text.splitlines()
    shown = []
    for i, line in enumerate(lines):
        following = lines[i + 1 :]
        if found := _ERROR.match(line):
            shown.append(f"{found[1]}: {found[2]}")
        elif found := _UNDEFINED.match(line):
            shown.append(f"UndefinedBehaviorSanitizer: {found[2]}")
            shown.append(f"  at {found[1]}")
            shown += [f"  from {frame}" for frame in _frames(following)]
        elif not shown:
            continue
        elif found := _ACCESS.match(line):
            shown.append(f"  {found[1].lower()} of {found[2]} bytes")
            shown += [f"  at {frame}" for frame in _frames(following)]
        elif found := _MEMORY.match(line):
            what = found[1] or f"{found[3]} bytes that leak were allocated"
            shown += [f"  {what} at {at}" for at in _frames(following)[:1]]
    return shown
