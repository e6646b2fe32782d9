"""Which errors are made of a solution: the operators of the campaign.

Everything is found in clang's syntax tree; the text of the source is only cut
at the places that the tree names.
"""

import functools
import itertools
import zlib

from clang.cindex import CursorKind, Index, TokenKind, TypeKind

from autograder.proof.mutate.schemata import Edit, Mutation
from solutions import regions

# A mutant of each of these kinds is active only once a size has got there.
GATES = (2, 3, 9, 65, 257)

RELATIONS = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
ARITHMETIC = {
    "+": ("-", "*"),
    "-": ("+",),
    "*": ("+", "/"),
    "/": ("*",),
    "%": ("/",),
}
LOGIC = {"&&": ("||",), "||": ("&&",)}
ASSIGNMENTS = {
    "+=": ("-=", "="),
    "-=": ("+=", "="),
    "*=": ("/=", "="),
    "/=": ("*=", "="),
}
# Calls that are easily taken for each other.
OTHER_CALLS = {
    "min": "max",
    "max": "min",
    "front": "back",
    "back": "front",
    "Keys": "Values",
    "Values": "Keys",
    "In": "Out",
    "Out": "In",
    "max_element": "min_element",
    "sqrt": "abs",
    "Sum": "SumOfSquares",
    "Hits": "Misses",
    "Misses": "Hits",
}
_INTEGERS = {
    TypeKind.INT,
    TypeKind.UINT,
    TypeKind.LONG,
    TypeKind.ULONG,
    TypeKind.LONGLONG,
    TypeKind.ULONGLONG,
}
_WIDE = {TypeKind.LONG, TypeKind.ULONG, TypeKind.LONGLONG, TypeKind.ULONGLONG}
_LOOPS = {
    CursorKind.FOR_STMT,
    CursorKind.WHILE_STMT,
    CursorKind.CXX_FOR_RANGE_STMT,
}
_FUNCTIONS = {
    CursorKind.FUNCTION_DECL,
    CursorKind.CXX_METHOD,
    CursorKind.CONSTRUCTOR,
    CursorKind.FUNCTION_TEMPLATE,
}
_STATEMENT_EXPRESSIONS = {
    CursorKind.CALL_EXPR,
    CursorKind.BINARY_OPERATOR,
    CursorKind.COMPOUND_ASSIGNMENT_OPERATOR,
    CursorKind.UNARY_OPERATOR,
    CursorKind.CXX_THROW_EXPR,
}
_TRANSPARENT = {CursorKind.UNEXPOSED_EXPR, CursorKind.PAREN_EXPR}


class ParseError(Exception):
    """The source does not compile for clang."""


def _inner(cursor):
    """The expression inside casts that the source does not show."""
    while cursor.kind in _TRANSPARENT:
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


def _plain(type_):
    """A type without references, const and typedefs, as text."""
    canonical = type_.get_canonical()
    if canonical.kind in (TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE):
        canonical = canonical.get_pointee().get_canonical()
    if canonical.kind == TypeKind.POINTER:
        return canonical.spelling
    return canonical.spelling.removeprefix("const ")


def _kind(type_):
    canonical = type_.get_canonical()
    if canonical.kind in (TypeKind.LVALUEREFERENCE, TypeKind.RVALUEREFERENCE):
        canonical = canonical.get_pointee().get_canonical()
    return canonical.kind


def _spans(text, path):
    """Where a student could err: begin and end of each region, in bytes."""
    lines = text.splitlines(keepends=True)
    places = list(
        itertools.accumulate((len(l.encode()) for l in lines), initial=0)
    )
    return [
        (places[region.begin], places[region.end])
        for region in regions.read(text, path)
    ]


class _File:
    """One parsed source and the mutations found in it."""

    def __init__(self, path, text, arguments):
        self.path = path
        self.text = text.encode()
        self.lines = text.splitlines()
        self.regions = _spans(text, path)
        self.unit = Index.create().parse(
            path, args=arguments, unsaved_files=[(path, text)]
        )
        errors = [str(d) for d in self.unit.diagnostics if d.severity >= 3]
        if errors:
            raise ParseError("\n".join(errors[:5]))
        self.mutations = []
        self.wraps = []
        self.function = ""
        self.scopes = []  # lists of (name, cursor) of what is declared

    # --- text ---

    def cut(self, cursor):
        extent = cursor.extent
        return self.text[extent.start.offset : extent.end.offset].decode()

    def in_region(self, cursor):
        begin, end = cursor.extent.start.offset, cursor.extent.end.offset
        return any(
            first <= begin and end <= last for first, last in self.regions
        )

    def touches_region(self, cursor):
        begin, end = cursor.extent.start.offset, cursor.extent.end.offset
        return any(begin < last and first < end for first, last in self.regions)

    def token_between(self, cursor, first, last, spellings):
        """(begin, end, spelling) of the operator between two operands."""
        for token in cursor.get_tokens():
            begin = token.extent.start.offset
            if (
                first.extent.end.offset <= begin < last.extent.start.offset
                and token.kind == TokenKind.PUNCTUATION
                and token.spelling in spellings
            ):
                return begin, token.extent.end.offset, token.spelling
        return None

    # --- what is found ---

    def add(self, operator, cursor, after, edits, before=None, never=""):
        """Adds a mutation; `never` is a size that cannot be 1 where it acts."""
        extent = cursor.extent
        number = extent.start.line
        normal = " ".join((before or self.cut(cursor)).split())
        mutation = Mutation(
            operator=operator,
            before=normal,
            after=" ".join(after.split()),
            edits=edits,
            function=self.function,
            line=self.lines[number - 1].strip(),
            line_number=number,
        )
        mutation.sizes = self.choose_sizes(mutation, extent, never)
        self.mutations.append(mutation)

    def replace(self, operator, cursor, after):
        extent = cursor.extent
        self.add(
            operator,
            cursor,
            after,
            [Edit(extent.start.offset, extent.end.offset, after)],
        )

    # --- sizes in scope ---

    def sizes_in_scope(self, extent):
        names = []
        for scope in self.scopes:
            for name, end, always in scope:
                if always or end <= extent.start.offset:
                    names.append(name)
        return list(dict.fromkeys(names))

    def choose_sizes(self, mutation, extent, never):
        """A size for each gate, by a choice that other code does not move."""
        names = [name for name in self.sizes_in_scope(extent) if name != never]
        if not names:
            return {}

        def draw(gate, name):
            text = (
                f"{mutation.function}|{mutation.operator}|"
                f"{mutation.before}|{mutation.after}|{gate}|{name}"
            )
            return zlib.crc32(text.encode())

        return {
            gate: max(names, key=functools.partial(draw, gate))
            for gate in GATES
        }

    def sizes_of(self, name, type_, depth=0):
        """Expressions for the sizes that a variable holds."""
        canonical = type_.get_canonical()
        if canonical.kind in (
            TypeKind.LVALUEREFERENCE,
            TypeKind.RVALUEREFERENCE,
        ):
            canonical = canonical.get_pointee().get_canonical()
        if canonical.kind in _WIDE:
            return [name]
        if canonical.kind != TypeKind.RECORD:
            return []
        record = canonical.get_declaration()
        spelling = record.spelling
        if spelling.startswith("xtensor_container"):
            return [
                f"{name}.shape({axis})" for axis in range(self.rank(canonical))
            ]
        if spelling.startswith("xtensor_adaptor"):
            return [f"{name}.shape({axis})" for axis in (1, 2)]
        if spelling in ("span", "vector"):
            return [f"{name}.size()"]
        if (
            depth < 2
            and record.location.file
            and not record.location.file.name.startswith("/usr/")
        ):
            found = []
            for field in canonical.get_fields():
                if (
                    field.access_specifier.name in ("PUBLIC", "INVALID")
                    or name == ""
                ):
                    inner = (
                        f"{name}.{field.spelling}" if name else field.spelling
                    )
                    found += self.sizes_of(inner, field.type, depth + 1)
            return found
        return []

    @staticmethod
    def rank(canonical):
        for piece in canonical.spelling.replace(">", ",").split(","):
            if piece.strip().isdigit():
                return int(piece)
        return 0

    # --- the walk ---

    def run(self):
        self.walk_declarations(self.unit.cursor)
        self.name_and_number()
        return self.mutations

    def walk_declarations(self, cursor):
        for child in cursor.get_children():
            file = child.location.file
            if not file or file.name != self.path:
                continue
            if child.kind in _FUNCTIONS and child.is_definition():
                if self.touches_region(child):
                    self.walk_function(child)
            else:
                self.walk_declarations(child)

    def walk_function(self, function):
        parent = function.semantic_parent
        self.function = function.spelling
        if parent.kind in (CursorKind.CLASS_DECL, CursorKind.STRUCT_DECL):
            self.function = f"{parent.spelling}::{function.spelling}"
        scope = []
        if function.kind in (CursorKind.CXX_METHOD, CursorKind.CONSTRUCTOR):
            scope += [
                (name, 0, True) for name in self.sizes_of("", parent.type)
            ]
        self.scopes = [scope]
        for child in function.get_children():
            if child.kind == CursorKind.PARM_DECL:
                self.declare(child)
        for child in function.get_children():
            if child.kind == CursorKind.COMPOUND_STMT:
                self.visit(child, None)
        self.scopes = []

    def declare(self, variable):
        if not variable.spelling or self.in_the_making(variable):
            return
        end = variable.extent.end.offset
        for name in self.sizes_of(variable.spelling, variable.type):
            self.scopes[-1].append((name, end, False))

    @staticmethod
    def in_the_making(variable):
        """Whether it is an object whose fields are set one by one.

        Its sizes are unset until the function sets them, so a mutant that waits
        for one could wait without end.
        """
        canonical = variable.type.get_canonical()
        if (
            variable.kind != CursorKind.VAR_DECL
            or canonical.kind != TypeKind.RECORD
            or canonical.is_const_qualified()
        ):
            return False
        file = canonical.get_declaration().location.file
        return file is not None and not file.name.startswith("/usr/")

    def visit(self, cursor, parent):
        kind = cursor.kind
        if kind == CursorKind.DECL_STMT and self.cut(cursor).startswith(
            ("constexpr", "using")
        ):
            return
        if kind == CursorKind.LAMBDA_EXPR:
            self.visit_lambda(cursor)
            return
        scoped = kind == CursorKind.COMPOUND_STMT or kind in _LOOPS
        if scoped:
            self.scopes.append([])
        if kind == CursorKind.CXX_FOR_RANGE_STMT:
            self.visit_range_for(cursor)
        else:
            if self.in_region(cursor):
                self.mutate(cursor, parent)
            # The words of an error are no part of the contract.
            for child in (
                cursor.get_children()
                if kind != CursorKind.CXX_THROW_EXPR
                else ()
            ):
                self.visit(child, cursor)
            if kind == CursorKind.VAR_DECL:
                self.declare(cursor)
        if scoped:
            self.scopes.pop()

    def visit_lambda(self, cursor):
        tokens = [token.spelling for token in cursor.get_tokens()][:3]
        kept = self.scopes
        if tokens[:3] != ["[", "&", "]"]:
            self.scopes = []  # what it does not capture is out of reach
        self.scopes = self.scopes + [[]]
        for child in cursor.get_children():
            if child.kind == CursorKind.PARM_DECL:
                self.declare(child)
        for child in cursor.get_children():
            if child.kind == CursorKind.COMPOUND_STMT:
                self.visit(child, cursor)
        self.scopes = kept

    # --- operators ---

    def mutate(self, cursor, parent):
        kind = cursor.kind
        if kind == CursorKind.BINARY_OPERATOR:
            self.binary(cursor, list(cursor.get_children()))
        elif kind == CursorKind.COMPOUND_ASSIGNMENT_OPERATOR:
            first, last = list(cursor.get_children())
            self.operators("assignment", cursor, first, last, ASSIGNMENTS)
        elif kind == CursorKind.CALL_EXPR:
            self.call(cursor)
        elif kind in (CursorKind.INTEGER_LITERAL, CursorKind.FLOATING_LITERAL):
            self.literal(cursor)
        elif kind == CursorKind.DECL_REF_EXPR:
            self.constant(cursor)
        elif kind == CursorKind.UNARY_OPERATOR:
            self.unary(cursor)
        elif kind == CursorKind.CXX_BOOL_LITERAL_EXPR:
            self.replace("constant", cursor, f"!{self.cut(cursor)}")
        elif kind == CursorKind.IF_STMT:
            children = [
                c
                for c in cursor.get_children()
                if c.kind != CursorKind.DECL_STMT
            ]
            self.condition(children[0])
        elif kind == CursorKind.CONDITIONAL_OPERATOR:
            self.condition(list(cursor.get_children())[0])
        elif kind == CursorKind.FOR_STMT:
            self.for_loop(cursor)
        elif kind == CursorKind.RETURN_STMT:
            self.returned(cursor)
        elif kind == CursorKind.VAR_DECL:
            self.variable(cursor)
        elif kind == CursorKind.INIT_LIST_EXPR:
            self.fields(cursor)
        elif kind in (CursorKind.CONTINUE_STMT, CursorKind.BREAK_STMT):
            self.jump(cursor)
        if parent is not None and self.is_statement(cursor, parent):
            self.remove(cursor)

    def operators(self, name, cursor, first, last, table):
        found = self.token_between(cursor, first, last, table)
        if not found:
            return None
        begin, end, spelling = found
        extent = cursor.extent
        for other in table[spelling]:
            text = (
                self.text[extent.start.offset : begin]
                + other.encode()
                + self.text[end : extent.end.offset]
            ).decode()
            self.replace(name, cursor, text)
        return spelling

    def binary(self, cursor, operands):
        if len(operands) < 2:
            return
        first, last = operands[0], operands[-1]
        self.operators("relation", cursor, first, last, RELATIONS)
        if self.operators("logic", cursor, first, last, LOGIC):
            self.replace("condition", cursor, self.cut(first))
            self.replace("condition", cursor, self.cut(last))
        if self.operators("arithmetic", cursor, first, last, ARITHMETIC):
            self.replace("operand", cursor, self.cut(first))
            self.replace("operand", cursor, self.cut(last))

    def literal(self, cursor):
        text = self.cut(cursor)
        if cursor.kind == CursorKind.INTEGER_LITERAL:
            self.replace("constant", cursor, f"{text} + 1")
            self.replace("constant", cursor, f"{text} - 1")
        else:
            one = "1.0F" if text[-1] in "fF" else "1.0"
            changes = [f"{text} + {one}", f"{text} - {one}"]
            if float(text.rstrip("fFlL")) != 0:
                # Nearly right: a constant with too few digits.
                changes.append(f"{text} * 1.001{one[3:]}")
            for change in changes:
                self.replace("constant", cursor, change)

    def constant(self, cursor):
        """A use of a constexpr number."""
        declared = cursor.referenced
        if declared is None or declared.kind != CursorKind.VAR_DECL:
            return
        if (
            not declared.location.file
            or declared.location.file.name != self.path
        ):
            return
        tokens = [token.spelling for token in declared.get_tokens()]
        if "constexpr" not in tokens:
            return
        if _kind(cursor.type) in _INTEGERS | {TypeKind.FLOAT, TypeKind.DOUBLE}:
            name = self.cut(cursor)
            self.replace("constant", cursor, f"{name} + 1")
            self.replace("constant", cursor, f"{name} - 1")

    def unary(self, cursor):
        operand = list(cursor.get_children())[0]
        begin, inner = cursor.extent.start.offset, operand.extent.start.offset
        sign = self.text[begin:inner].decode().strip()
        text = self.cut(operand)
        if sign in ("-", "!"):
            self.replace("unary", cursor, text)
        elif sign == "++" and _kind(operand.type) in _WIDE:
            self.replace(
                "type",
                cursor,
                f"({text} = static_cast<std::uint8_t>({text} + 1))",
            )

    def condition(self, cursor):
        text = self.cut(cursor)
        self.replace("condition", cursor, f"true || ({text})")
        self.replace("condition", cursor, f"false && ({text})")
        if (
            _inner(cursor).kind != CursorKind.BINARY_OPERATOR
            or "&&" in text
            or "||" in text
        ):
            self.replace("condition", cursor, f"!({text})")

    def for_loop(self, cursor):
        children = list(cursor.get_children())
        test = next(
            (
                c
                for c in children[:-1]
                if _inner(c).kind == CursorKind.BINARY_OPERATOR
                and _kind(c.type) == TypeKind.BOOL
            ),
            None,
        )
        if test is not None:
            first, last = list(_inner(test).get_children())
            found = self.token_between(test, first, last, ("<", "<="))
            if found:
                self.replace(
                    "loop",
                    test,
                    f"{self.cut(first)} + 1 {found[2]} " f"{self.cut(last)}",
                )
        if children and children[0].kind == CursorKind.DECL_STMT:
            for variable in children[0].get_children():
                values = [
                    c for c in variable.get_children() if c.kind.is_expression()
                ]
                if (
                    variable.kind == CursorKind.VAR_DECL
                    and values
                    and _inner(values[-1]).kind != CursorKind.INTEGER_LITERAL
                ):
                    self.replace(
                        "loop", values[-1], f"{self.cut(values[-1])} + 1"
                    )

    def visit_range_for(self, cursor):
        children = list(cursor.get_children())
        variable, body = children[0], children[-1]
        items = next((c for c in children[1:-1]), None)
        counter = f"kvlab_item_{cursor.extent.start.offset}"
        inside = self.in_region(cursor)
        if inside and items is not None:
            self.wraps.append(
                Edit(
                    variable.extent.start.offset,
                    variable.extent.end.offset,
                    f"std::size_t {counter} = 0; {{body}}",
                    "wrap",
                )
            )
            self.wraps.append(
                Edit(
                    body.extent.start.offset,
                    body.extent.end.offset,
                    f"if (++{counter}, false) {{}} else {{body}}".replace(
                        "{}", "{{}}", 1
                    ).replace("{{}}", "{}"),
                    "wrap",
                )
            )
            self.visit(items, cursor)
            self.scopes[-1].append((counter, variable.extent.end.offset, False))
            self.declare(variable)
            text = self.cut(items)
            header = self.cut(variable) + " " + text
            for what, test, never in (
                ("without the first", f"{counter} == 1", counter),
                (
                    "without the last",
                    f"{counter} == kvlab_mutant::Size({text})",
                    "",
                ),
            ):
                self.add(
                    "loop",
                    body,
                    what,
                    [
                        Edit(
                            body.extent.start.offset,
                            body.extent.end.offset,
                            test,
                            "jump",
                        )
                    ],
                    before=header,
                    never=never,
                )
        self.visit(body, cursor)

    def call(self, cursor):
        name = cursor.spelling
        children = list(cursor.get_children())
        if name.startswith("operator"):
            operator = name[len("operator") :]
            if operator in RELATIONS or operator in ARITHMETIC:
                self.binary(cursor, children)
                return
            if operator not in ("()", "[]"):
                return
        arguments = [a for a in cursor.get_arguments() if a is not None]
        if name.startswith("operator"):
            arguments = arguments[1:]
        if name in OTHER_CALLS:
            self.other_call(cursor, name)
        if name in ("min", "max") and len(arguments) == 2:
            for argument in arguments:
                self.replace("operand", cursor, self.cut(argument))
        else:  # of those two it would change nothing
            self.exchange(arguments)

    def other_call(self, cursor, name):
        for token in cursor.get_tokens():
            if token.spelling == name and token.kind == TokenKind.IDENTIFIER:
                extent, place = cursor.extent, token.extent
                text = (
                    self.text[extent.start.offset : place.start.offset]
                    + OTHER_CALLS[name].encode()
                    + self.text[place.end.offset : extent.end.offset]
                ).decode()
                self.replace("call", cursor, text)
                return

    def exchange(self, values, names=None):
        """Two values of one type trade places."""
        for i, first in enumerate(values):
            for j in range(i + 1, len(values)):
                last = values[j]
                a, b = self.cut(first), self.cut(last)
                same = _plain(_inner(first).type) == _plain(_inner(last).type)
                if not same or a == b or not a or not b:
                    continue
                if first.extent.end.offset > last.extent.start.offset:
                    continue
                edits = [
                    Edit(first.extent.start.offset, first.extent.end.offset, b),
                    Edit(last.extent.start.offset, last.extent.end.offset, a),
                ]
                before = (
                    f"{a}, {b}"
                    if not names
                    else f"{names[i]} = {a}, {names[j]} = {b}"
                )
                after = (
                    f"{b}, {a}"
                    if not names
                    else f"{names[i]} = {b}, {names[j]} = {a}"
                )
                self.add("exchange", first, after, edits, before=before)

    def fields(self, cursor):
        values, names = [], []
        for child in cursor.get_children():
            parts = list(child.get_children())
            if len(parts) == 2 and parts[0].kind == CursorKind.MEMBER_REF:
                values.append(parts[1])
                names.append(parts[0].spelling)
            else:
                values.append(child)
                names.append("")
        if names and all(names):
            self.exchange(values, names)
        else:
            self.exchange(values)

    def returned(self, cursor):
        children = list(cursor.get_children())
        if not children:
            self.jump(cursor)
            return
        value = children[0]
        if _inner(value).kind == CursorKind.INIT_LIST_EXPR or not self.cut(
            value
        ):
            return
        self.replace(
            "return", value, f"kvlab_mutant::Altered({self.cut(value)})"
        )

    def variable(self, cursor):
        values = [c for c in cursor.get_children() if c.kind.is_expression()]
        if not values:
            return
        value, kind = values[-1], _kind(cursor.type)
        text = self.cut(value)
        if not text or _inner(value).kind in (
            CursorKind.INIT_LIST_EXPR,
            CursorKind.INTEGER_LITERAL,
            CursorKind.FLOATING_LITERAL,
            CursorKind.LAMBDA_EXPR,
        ):
            return
        narrower = ()
        if kind in _WIDE:
            narrower = ("std::uint8_t",)
            if "uint64_t" in cursor.type.spelling:
                narrower = ("std::uint8_t", "std::uint32_t", "std::int32_t")
        elif kind == TypeKind.DOUBLE:
            narrower = ("float",)
        for type_ in narrower:
            self.replace("type", value, f"static_cast<{type_}>({text})")

    @staticmethod
    def is_statement(cursor, parent):
        """Whether the expression is a statement of its own."""
        inner = _inner(cursor)
        if inner.kind not in _STATEMENT_EXPRESSIONS:
            return False
        if parent.kind == CursorKind.COMPOUND_STMT:
            return True
        children = list(parent.get_children())
        if parent.kind == CursorKind.IF_STMT:
            return cursor.hash != children[0].hash
        if parent.kind in _LOOPS:
            return cursor.hash == children[-1].hash
        return False

    def remove(self, cursor):
        extent = cursor.extent
        self.add(
            "statement",
            cursor,
            "",
            [Edit(extent.start.offset, extent.end.offset, "", "void")],
        )

    def jump(self, cursor):
        extent = cursor.extent
        self.add(
            "statement",
            cursor,
            "",
            [Edit(extent.start.offset, extent.end.offset, "", "jump")],
        )

    def name_and_number(self):
        """Numbers mutations of the same name, and drops duplicates."""
        seen, kept = {}, []
        places = set()
        for mutation in self.mutations:
            place = tuple(
                (e.begin, e.end, e.text, e.kind) for e in mutation.edits
            )
            if place in places:
                continue
            places.add(place)
            key = mutation.key[:-1]
            seen[key] = seen.get(key, 0) + 1
            mutation.ordinal = seen[key]
            kept.append(mutation)
        self.mutations = kept


def find(path, text, arguments):
    """The mutations of a source, and the wraps that they need.

    Args:
      path: of the source, as clang is to know it
      text: what is in it
      arguments: for clang

    Raises MarkerError for bad markers, ParseError for what does not compile.
    """
    file = _File(path, text, ["-x", "c++", *arguments])
    return file.run(), file.wraps
