"""What a program does whose output is read no further, as in `| head`."""

import signal


def end_when_no_longer_read():
    """Ends the process as other programs end then, without a word.

    Python would raise BrokenPipeError instead, and show where.
    """
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
