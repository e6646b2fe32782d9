"""Prints the course's tensors in gdb: their shape, and a window of numbers.

    (gdb) print keys
    $1 = [2, 3, 5, 4] {{{{0.5, -1.25, ...}, ...}}}

./kvlab debug loads it; anywhere else: source cli/debugger/tensors.py. NaN is
written "unset": the kit fills what was never written with it. `window N` sets
how many elements of an axis are shown.

https://sourceware.org/gdb/current/onlinedocs/gdb.html/Pretty_002dPrinting-API.html
"""

import math
import re

import gdb
import gdb.printing

_shown = {"window": 6}  # elements of an axis


def _array(value):
    """The elements of a std::array."""
    elements = value["_M_elems"]
    _, last = elements.type.strip_typedefs().range()
    return [int(elements[i]) for i in range(last + 1)]


def _number(value):
    number = float(value)
    return "unset" if math.isnan(number) else f"{number:.5g}"


def _window_of(data, shape, strides, offset=0):
    """The nested text of the numbers from `offset` on."""
    if not shape:
        return _number(data[offset])
    shown = [
        _window_of(data, shape[1:], strides[1:], offset + i * strides[0])
        for i in range(min(shape[0], _shown["window"]))
    ]
    if shape[0] > _shown["window"]:
        shown.append("...")
    return "{" + ", ".join(shown) + "}"


def _text(data, shape, strides):
    return f"{shape} " + _window_of(data, shape, strides)


def _data(storage):
    """Where the numbers begin: a container's field, or an adaptor's."""
    for name in ("p_begin", "p_data"):
        try:
            return storage[name]
        except gdb.error:
            continue  # that is the other kind's
    raise gdb.error(f"{storage.type} has neither p_begin nor p_data")


class TensorPrinter:
    """xt::xtensor<float, N>, and views of it."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        return _text(
            _data(self.value["m_storage"]),
            _array(self.value["m_shape"]),
            _array(self.value["m_strides"]),
        )


class MatrixPrinter:
    """kvlab::Matrix and kvlab::ConstMatrix."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        if not self.value["data"]:
            return "no matrix"
        shape = [int(self.value["rows"]), int(self.value["cols"])]
        return _text(
            self.value["data"], shape, [int(self.value["row_stride"]), 1]
        )


class LayerCachePrinter:
    """kvlab::LayerCache: sizes, and the rows that it holds."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        shape = self.value["shape_"]
        held, room = int(self.value["past_len_"]), int(shape["max_seq_len"])
        return f"past_len {held} of {room}"

    def children(self):
        for name in ("keys_", "values_"):
            yield name, self.value[name]


def printers():
    found = gdb.printing.RegexpCollectionPrettyPrinter("kvlab")
    tensor = r"^xt::(xtensor_container|xtensor_adaptor)<.*(float|int)"
    found.add_printer("tensor", tensor, TensorPrinter)
    found.add_printer("matrix", r"^kvlab::(Const)?Matrix$", MatrixPrinter)
    found.add_printer("cache", r"^kvlab::LayerCache$", LayerCachePrinter)
    return found


class Window(gdb.Command):
    """window N: how many elements of each axis of a tensor are printed."""

    def __init__(self):
        super().__init__("window", gdb.COMMAND_DATA)

    def invoke(self, argument, _):
        if not argument.isdigit() or int(argument) == 0:
            raise gdb.GdbError("window N: N is the number of elements, from 1")
        _shown["window"] = int(argument)


class Ours(gdb.Command):
    """ours: selects the innermost frame in the course's own code.

    A failed assertion stops in GoogleTest, an error in what throws it. After
    `run` and `continue` this happens by itself.
    """

    def __init__(self):
        super().__init__("ours", gdb.COMMAND_STACK)

    def invoke(self, *_):
        try:
            frame = gdb.newest_frame()
        except gdb.error:
            return  # the program has ended
        while frame is not None and not _is_ours(frame):
            frame = frame.older()
        if frame is not None:
            frame.select()
            gdb.execute("frame")


def _is_ours(frame):
    table = frame.find_sal().symtab
    return table is not None and re.search(
        r"\b(modules|solutions)/[^/]+/[^/]+\.cc$", table.filename
    )


Window()
Ours()
for command in ("run", "continue"):
    gdb.execute(f"define hookpost-{command}\nours\nend")
gdb.printing.register_pretty_printer(None, printers(), replace=True)
