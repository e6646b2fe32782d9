"""What errors of the C++ library and ends by a signal mean, in a sentence."""

import re

_BELOW_ZERO = (
    "usually a size that became enormous, as when an unsigned difference would "
    "be below 0"
)

# What an error says, or the end of a program's output: what that means. The
# first that matches counts, so what says more comes before.
_MEANINGS = (
    (
        r"bad_function_call",
        "A std::function that is empty is called: one that may be empty has to "
        "be asked before.",
    ),
    (
        r"_M_range_check|\b(array|map|string_view|_Map_base)::at\b|bitset::"
        r"|out_of_range"
        r"|basic_string::\w+: __pos",
        "at() or substr() is asked for an index or a key that is not there: at "
        "or after the end, or never put in.",
    ),
    (
        r"bad_array_new_length",
        f"An array is asked for with an impossible length: {_BELOW_ZERO}.",
    ),
    (
        r"bad_alloc",
        f"More memory is asked for than there is: {_BELOW_ZERO}.",
    ),
    (
        r"length_error|larger than max_size|vector::(reserve|_M_\w+)"
        r"|basic_string::_(M|S)_\w+$",
        f"A container is asked to be longer than any can be: {_BELOW_ZERO}.",
    ),
    (
        r"bad.optional.access",
        "value() is asked of a std::optional that is empty.",
    ),
    (
        r"bad_variant_access|std::get: (wrong|variant)",
        "A std::variant is asked for another alternative than it holds.",
    ),
    (
        r"bad_weak_ptr",
        "A shared_ptr is made of a weak_ptr whose object is gone.",
    ),
    (
        r"bad_cast|bad_any_cast",
        "An object is cast to a type that it does not have.",
    ),
    (
        r"construction from null|_M_construct null",
        "A std::string is made of a null pointer.",
    ),
    (
        r"\bsto(i|l|ul|ll|ull|f|d|ld)\b",
        "A text is read as a number, and is none or too large.",
    ),
    (
        r"Incompatible dimension of arrays|broadcast_error",
        "xtensor is given two shapes that do not fit: axes must be equal, or "
        "one of them 1.",
    ),
    (
        r"system_error|Resource deadlock avoided",
        "A thread or a lock is used as the system does not allow, such as a "
        "lock that the thread has already.",
    ),
    (
        r"AddressSanitizer",
        "Memory is read or written that is not the program's to use; the lines "
        "below that report's first name the place.",
    ),
    (
        r"double free|free\(\): |munmap_chunk|malloc\(\)|malloc_consolidate"
        r"|corrupted|realloc\(\): |stack smashing",
        "Memory was damaged before, and is noticed only now: something is "
        "written beyond its end, or freed twice. ./kvlab test with "
        "--config=sanitize shows where.",
    ),
    (
        r"Assertion '.*' failed",
        "A container of the library is used against its rules: an index at or "
        "after its end, or the first of none.",
    ),
    (
        r"pure virtual method called",
        "A virtual function is called while its object is being made or "
        "destroyed.",
    ),
    (
        r"Terminated by signal 11|Segmentation fault|SIGSEGV|error code 139",
        "Memory is touched that is not the program's (SIGSEGV): an index far "
        "beyond an end, end() or a null pointer dereferenced, a view of what "
        "is gone, or a recursion that does not end.",
    ),
    (
        r"Terminated by signal 8|Floating point exception|SIGFPE"
        r"|error code 136",
        "An integer is divided by 0, or its remainder taken (SIGFPE).",
    ),
    (
        r"Terminated by signal 7|Bus error|SIGBUS|error code 135",
        "Memory is touched that a file or the system no longer gives (SIGBUS).",
    ),
    (
        r"Terminated by signal 4|Illegal instruction|SIGILL|error code 132",
        "A place is reached that the compiler took for impossible (SIGILL), "
        "such as the end of a function that returns nothing where it must.",
    ),
    (
        r"Terminated by signal 9|\bKilled\b|SIGKILL|error code 137",
        "The system ended it (SIGKILL), as a rule since memory ran out.",
    ),
    (
        r"terminate called",
        "An error is thrown where none can be caught: in a function that is "
        "noexcept, a destructor or another thread.",
    ),
    (
        r"Terminated by signal 6|Aborted|SIGABRT|error code 134",
        "The program ended itself (SIGABRT): a check of the library failed, or "
        "an error was thrown where none can be caught.",
    ),
)


def of_wrapped(text):
    """A sentence about the first whole number in the text that is a little less
    than 2^64; "" if it has none."""
    for number in re.findall(r"(?<![\d.])\d{20}(?![\d.])", text):
        below = 2**64 - int(number)
        if 0 < below <= 10**9:
            return (
                f"{number} is 2^64 - {below}: an unsigned number went below 0, "
                f"to -{below}."
            )
    return ""


def meaning(text):
    """A sentence about the first known error or signal in the text; "" if it
    has none."""
    for pattern, sentence in _MEANINGS:
        if re.search(pattern, text, re.M):
            return sentence
    return ""
