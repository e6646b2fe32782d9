"""The progress of a long run."""

import sys
import time

NOW_AND_THEN_S = 15  # where a line cannot be overwritten
WIDTH = 79


class Progress:
    """One line on stderr: the current step and the time left."""

    def __init__(self, turns):
        self.turns, self.done, self.start = turns, 0, time.monotonic()
        self.shown = 0.0
        self.terminal = sys.stderr.isatty()

    def show(self, words):
        passed = time.monotonic() - self.start
        left = ""
        if self.done > 0 and passed > 5:
            seconds = passed / self.done * max(0, self.turns - self.done)
            left = (
                f", about {seconds / 60:.0f} min left"
                if (seconds >= 90)
                else f", about {seconds:.0f} s left"
            )
        line = f"  {100 * self.done / self.turns:3.0f} %{left}: {words}"
        if self.terminal:
            print(
                f"\r\033[K{line[:WIDTH]}", end="", file=sys.stderr, flush=True
            )
        elif time.monotonic() - self.shown > NOW_AND_THEN_S:
            print(line, file=sys.stderr, flush=True)
            self.shown = time.monotonic()

    def step(self, cost):
        self.done += cost

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
