"""`$filter`, as text, into the values of model/query.py.

The grammar is odata-query's (https://github.com/gorilla-co/odata-query). Graph's dialect is a little wider, and
GraphLexer is where the two are reconciled: function names in any case, `not(`, `in ('one')`, `x/$count`, property
names that begin like a keyword, instants before the year 1000. Whatever a client sends, the answer is a Filter
or an Invalid, in bounded time and depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from itertools import pairwise

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODATA_FUNCTIONS, ODataLexer, ODataParser
from sly.lex import Token

from unsecret.errors import Invalid
from unsecret.model.identifiers import canonical_guid
from unsecret.model.query import And, AnyOf, Comparison, Filter, Guid, Literal, Not, Operator, Or
from unsecret.wire.instants import parse_instant
from unsecret.wire.queryable import UNSUPPORTED

LONGEST_FILTER = 8 * 1024
"""Bytes. Graph's own limit is that of the URL, which is of this order."""

_LONGEST_COUNT = 4
"""Digits and sign of a number that `$count` is compared with, before it is read as one."""

DEEPEST = 32
"""How far parentheses, `not` and lambdas may nest, and how many names a path may have."""

_ELEMENT = ""
"""How AnyOf names the element itself."""

_OPERATORS: dict[type, Operator] = {
    ast.Eq: Operator.EQ,
    ast.NotEq: Operator.NE,
    ast.GtE: Operator.GE,
    ast.Gt: Operator.GT,
    ast.LtE: Operator.LE,
    ast.Lt: Operator.LT,
    ast.In: Operator.IN,
}
_MIRRORED = {Operator.GE: Operator.LE, Operator.GT: Operator.LT, Operator.LE: Operator.GE, Operator.LT: Operator.GT}
_FUNCTIONS = {op.value: op for op in (Operator.STARTS_WITH, Operator.ENDS_WITH, Operator.CONTAINS)}


def parse_filter(text: str) -> Filter:
    """The question that `text` asks. Property names stay as sent; instants become aware UTC datetimes.

    Raises Invalid: Request_BadRequest when it is not OData, Request_UnsupportedQuery when it is and Graph's
    directory does not answer it.
    """
    if len(text.encode(errors="replace")) > LONGEST_FILTER:
        raise _bad(f"the filter is longer than {LONGEST_FILTER} bytes")
    return _translate(_parsed(text), variable=None, depth=0)


class GraphLexer(ODataLexer):
    """odata-query's tokens as Graph's clients write them. Rules of the same name replace the library's."""

    tokens = ODataLexer.tokens

    # A keyword ends where the word ends: `anything` and `nullable` are names.
    @_(r"any\s*(?=\()")  # noqa: F821  # ty: ignore[unresolved-reference]
    def ANY(self, token: Token) -> Token:
        token.value = ast.Any()
        return token

    @_(r"all\s*(?=\()")  # noqa: F821  # ty: ignore[unresolved-reference]
    def ALL(self, token: Token) -> Token:
        token.value = ast.All()
        return token

    @_(r"null\b")  # noqa: F821  # ty: ignore[unresolved-reference]
    def NULL(self, token: Token) -> Token:
        token.value = ast.Null()
        return token

    @_(r"(?:true|false)\b")  # noqa: F821  # ty: ignore[unresolved-reference]
    def BOOLEAN(self, token: Token) -> Token:
        token.value = ast.Boolean(token.value)
        return token

    @_(r"not(?:\s+|(?=\())")  # noqa: F821  # ty: ignore[unresolved-reference]
    def NOT(self, token: Token) -> Token:
        token.value = ast.Not()
        return token

    @_(r"\s+in\s*(?=\()")  # noqa: F821  # ty: ignore[unresolved-reference]
    def IN(self, token: Token) -> Token:
        token.value = ast.In()
        return token

    # The library wants years from 1000 on; .NET clients send DateTime.MinValue.
    @_(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?")  # noqa: F821  # ty: ignore[unresolved-reference]
    def DATETIME(self, token: Token) -> Token:
        token.value = ast.DateTime(token.value.upper())
        return token

    @_(r"\d{4}-\d\d-\d\d")  # noqa: F821  # ty: ignore[unresolved-reference]
    def DATE(self, token: Token) -> Token:
        token.value = ast.Date(token.value)
        return token

    @_(r"[_a-z](?:\.?\w){0,127}|\$count\b")  # noqa: F821  # ty: ignore[unresolved-reference]
    def ODATA_IDENTIFIER(self, token: Token) -> Token:
        *namespace, name = token.value.split(".")
        token.value = ast.Identifier(name, tuple(namespace))
        return token


def _parsed(text: str) -> ast._Node:
    try:
        tokens = list(_bounded(GraphLexer().tokenize(text.strip())))
        return ODataParser().parse(_lists(_functions(tokens)))
    except ODataException as error:
        raise _bad(_where_it_failed(error)) from None
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        # What the library's actions stumble over: a lambda below a path of three names, a list of lists.
        raise _bad("the expression is not understood") from None


def _bounded(tokens: Iterable[Token]) -> Iterator[Token]:
    """The tokens, while they nest no deeper than the recursive parts below can bear."""
    open_parentheses = names = 0
    for token in tokens:
        open_parentheses += {"(": 1, ")": -1}.get(token.type, 0)
        names = names + 1 if token.type == "/" else names if token.type == "ODATA_IDENTIFIER" else 0
        if open_parentheses > DEEPEST or names > DEEPEST:
            raise _bad("the expression nests too deeply")
        yield token


def _functions(tokens: list[Token]) -> list[Token]:
    """Function names in lower case, and the white space between them and their parentheses gone."""
    kept = [
        token
        for before, token, after in zip([None, *tokens], tokens, [*tokens[1:], None], strict=False)
        if not (token.type == "WS" and before and after and _is_function(before) and after.type == "(")
    ]
    for name, after in pairwise(kept):
        if after.type == "(" and _is_function(name):
            name.value = ast.Identifier(name.value.name.lower(), name.value.namespace)
    return kept


def _is_function(token: Token) -> bool:
    return token.type == "ODATA_IDENTIFIER" and token.value.name.lower() in ODATA_FUNCTIONS


def _lists(tokens: Iterable[Token]) -> Iterator[Token]:
    """The library tells a list of one from a value in parentheses by a comma at its end, as Python does."""
    in_list = single = False
    for token in tokens:
        if token.type == "IN":
            in_list = single = True
        elif token.type == ",":
            single = False
        elif token.type == ")" and in_list:
            if single:
                yield _comma(token)
            in_list = False
        yield token


def _comma(at: Token) -> Token:
    comma = Token()
    comma.type = comma.value = ","
    comma.lineno, comma.index = at.lineno, at.index
    return comma


def _where_it_failed(error: ODataException) -> str:
    token = getattr(error, "token", None)
    if token is None:
        return "the expression ends too early" if getattr(error, "eof", False) else str(error)[:128]
    return f"syntax error at position {token.index}"


def _translate(node: ast._Node, *, variable: str | None, depth: int) -> Filter:
    """`variable` is the name that the surrounding lambda gave to the element, None outside of one."""
    if depth > DEEPEST:
        raise _bad("the expression nests too deeply")
    match node:
        case ast.BoolOp():
            parts = tuple(_translate(part, variable=variable, depth=depth + 1) for part in _chain(node))
            return And(parts) if isinstance(node.op, ast.And) else Or(parts)
        case ast.UnaryOp(op=ast.Not()):
            return Not(_translate(node.operand, variable=variable, depth=depth + 1))
        case ast.Compare():
            return _comparison(node, variable=variable, depth=depth)
        case ast.Call():
            return _call(node, variable)
        case ast.CollectionLambda():
            return _lambda(node, variable=variable, depth=depth)
        case _:
            raise _bad("the expression is not a condition")


def _chain(node: ast.BoolOp) -> list[ast._Node]:
    """`a and b and c` leans to the left however long it is: unrolled here, so that its length costs no depth."""
    parts: list[ast._Node] = []
    left: ast._Node = node
    while isinstance(left, ast.BoolOp) and type(left.op) is type(node.op):
        parts.append(left.right)
        left = left.left
    return [left, *reversed(parts)]


def _comparison(node: ast.Compare, *, variable: str | None, depth: int) -> Filter:
    operator = _OPERATORS[type(node.comparator)]
    left, right = node.left, node.right
    if isinstance(left, ast._Literal) and operator is not Operator.IN:
        left, right, operator = right, left, _MIRRORED.get(operator, operator)
    if isinstance(left, ast.Call | ast.CollectionLambda) and isinstance(right, ast.Boolean):
        asked = _translate(left, variable=variable, depth=depth + 1)
        if operator in (Operator.EQ, Operator.NE):
            return asked if right.py_val is (operator is Operator.EQ) else Not(asked)
    path = _path(left, variable)
    if path.rpartition("/")[2] == "$count":
        return _count(path, operator, right)
    return Comparison(path, operator, _values(right) if operator is Operator.IN else _value(right))


def _count(path: str, operator: Operator, right: ast._Node) -> Filter:
    """`owners/$count eq 0` asks for objects without owners; Graph answers no other number but 1."""
    collection = path.rpartition("/")[0]
    number = int(right.val) if isinstance(right, ast.Integer) and len(right.val) <= _LONGEST_COUNT else None
    if not collection or number not in (0, 1):
        raise _unsupported("$count can only be compared with 0 and 1")
    some, more = AnyOf(collection, None, at_least=max(number, 1)), AnyOf(collection, None, at_least=number + 1)
    match operator:
        case Operator.LE:
            return Not(more)
        case Operator.GT:
            return more
        case Operator.EQ:
            return And((some, Not(more))) if number else Not(more)
        case Operator.NE:
            return Or((Not(some), more)) if number else more
        case _:
            raise _unsupported(f"$count cannot be compared by '{operator}'")


def _call(node: ast.Call, variable: str | None) -> Filter:
    operator = _FUNCTIONS.get(node.func.full_name())
    if operator is None:
        raise _unsupported(f"the function '{node.func.full_name()[:64]}' is not supported")
    property_, value = node.args
    if not isinstance(value, ast.String):
        raise _bad(f"the function '{operator}' takes a property and a string")
    return Comparison(_path(property_, variable), operator, _string(value.val))


def _lambda(node: ast.CollectionLambda, *, variable: str | None, depth: int) -> Filter:
    if isinstance(node.operator, ast.All):
        raise _unsupported("the operator 'all' is not supported")
    if variable is not None:
        raise _unsupported("a lambda inside a lambda is not supported")
    collection = _path(node.owner, None)
    if node.lambda_ is None:
        return AnyOf(collection, None)
    name = node.lambda_.identifier.full_name()
    return AnyOf(collection, _translate(node.lambda_.expression, variable=name, depth=depth + 1))


def _path(node: ast._Node, variable: str | None) -> str:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.owner
    if not isinstance(node, ast.Identifier):
        raise _unsupported("only a property can be compared, and only with a value")
    if node.namespace:
        raise _unsupported(f"the type cast '{node.full_name()[:64]}' is not supported")
    names.append(node.name)
    if variable is None:
        return "/".join(reversed(names))
    if names.pop() != variable:
        raise _unsupported(f"inside a lambda only its own variable '{variable[:64]}' can be asked about")
    return "/".join(reversed(names)) or _ELEMENT


def _values(node: ast._Node) -> tuple[Literal, ...]:
    if not isinstance(node, ast.List):
        raise _bad("the operator 'in' takes a list of values in parentheses")
    return tuple(_value(item) for item in node.val)


def _value(node: ast._Node) -> Literal:
    match node:
        case ast.Null() | ast.Boolean():
            return node.py_val
        case ast.String():
            return _string(node.val)
        case ast.Integer():
            return _integer(node.val)
        case ast.GUID():
            return Guid(canonical_guid(node.val))
        case ast.DateTime():
            return _instant(node.val)
        case ast.Date():
            return _day(node.val)
        case ast.Identifier() | ast.Attribute():
            raise _unsupported("a property can only be compared with a value")
        case _:
            raise _unsupported("a value of this type cannot be compared")


def _string(text: str) -> str:
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _bad("the string is not valid Unicode")
    return text


def _integer(text: str) -> int:
    if len(text) > 20 or not -(2**63) <= int(text) < 2**63:
        raise _bad("the number is out of range")
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text.rstrip("Z"))
    except ValueError:
        instant = None
    if instant is not None and instant.tzinfo is None and not text.endswith("Z"):
        # Graph takes no local time here, whatever it does in bodies.
        raise _bad(f"The DateTimeOffset text '{text[:64]}' should be in format 'yyyy-mm-ddThh:mm:ss('.'s+)?(zzzzzz)?'")
    try:
        return parse_instant(text)
    except Invalid as error:
        raise _bad(error.message) from None


def _day(text: str) -> datetime:
    try:
        return datetime.combine(datetime.fromisoformat(text).date(), time(), UTC)
    except ValueError:
        raise _bad(f"'{text}' is not a date") from None


def _bad(what: str) -> Invalid:
    return Invalid(f"Invalid filter clause: {what.rstrip('.')}.", target="$filter")


def _unsupported(what: str) -> Invalid:
    return Invalid(f"Unsupported filter clause: {what}.", code=UNSUPPORTED, target="$filter")
