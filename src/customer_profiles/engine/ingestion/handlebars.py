"""The subset of Handlebars for the sources of fields, compiled to closures."""

from __future__ import annotations

import re
from itertools import starmap
from typing import TYPE_CHECKING, NamedTuple

from .values import count, follow, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# AG:mapping-field-definitions lists the blocks.
_BLOCKS = ("if", "unless", "each", "with", "removeExtraSpace")
_TAG = re.compile(
    r"\{\{~?!--.*?--~?\}\}|\{\{\{(?P<raw>[^{}]*)\}\}\}|\{\{(?P<tag>[^{}]*)\}\}", re.DOTALL
)
_SEGMENT = re.compile(r"\[([^\]]*)\]|([^\s.\[\]{}()#/=\"'|~&!@^>]+)")


class Scope:
    """The values of names inside a block."""

    __slots__ = ("names", "parent", "source", "value")

    def __init__(
        self, source: object, value: object, parent: Scope | None, names: dict[str, object]
    ) -> None:
        """Open a scope in which `this` is `value`."""
        self.source: object = source
        self.value: object = value
        self.parent: Scope | None = parent
        self.names: dict[str, object] = names


if TYPE_CHECKING:
    Part = Callable[[Scope], str]
    Getter = Callable[[Scope], object]


class _Token(NamedTuple):
    kind: str
    """text, value, open, else or close."""
    words: str
    offset: int


def compile_template(template: str) -> Callable[[object], str | None]:
    """Compile a template to a function that renders it for a source object.

    Raises:
        ValueError: the template is invalid; the message says why, and at which character.
    """
    part = _Parser(list(_tokens(template))).all()

    def render(source: object) -> str | None:
        rendered = part(Scope(source, None, None, {}))
        # Assumed: a template that renders nothing but white space gives an empty value.
        return None if not rendered or rendered.isspace() else rendered

    return render


def _tokens(template: str) -> Iterator[_Token]:
    position, strip = 0, False
    for match in _TAG.finditer(template):
        words = match["raw"] if match["raw"] is not None else match["tag"] or ""
        literal = _literal(template, position, match.start())
        literal = literal.lstrip() if strip else literal
        yield _Token("text", literal.rstrip() if words.startswith("~") else literal, position)
        strip = match.group().endswith("~}}")
        if match["raw"] is not None or match["tag"] is not None:
            inner = words.removeprefix("~").removesuffix("~").strip()
            yield _tag(inner, match.start(), raw=match["raw"] is not None)
        position = match.end()
    literal = _literal(template, position, len(template))
    yield _Token("text", literal.lstrip() if strip else literal, position)


def _literal(template: str, start: int, end: int) -> str:
    literal = template[start:end]
    if "{{" in literal:
        raise _error("a tag is not closed by '}}'", start + literal.index("{{"))
    return literal


def _tag(words: str, offset: int, *, raw: bool) -> _Token:
    if raw or words.startswith("&"):
        return _Token("value", words.removeprefix("&").strip(), offset)
    if words.startswith("!"):
        return _Token("text", "", offset)
    if words.startswith("#"):
        return _Token("open", words[1:].strip(), offset)
    if words.startswith("/"):
        return _Token("close", words[1:].strip(), offset)
    if words == "^" or words.split()[:1] == ["else"]:
        return _Token("else", " ".join(words.split()[1:]), offset)
    return _Token("value", words, offset)


def _error(message: str, offset: int) -> ValueError:
    return ValueError(f"{message}, at character {offset + 1}")


class _Parser:
    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def all(self) -> Part:
        part = self._parts(depth=0)
        if self._next < len(self._tokens):
            token = self._tokens[self._next]
            raise _error(
                f"'{token.words or token.kind}' does not belong to an open block", token.offset
            )
        return part

    def _parts(self, depth: int) -> Part:
        """Parse up to the end of the template or of the block."""
        parts: list[Part] = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            if token.kind in ("close", "else"):
                break
            self._next += 1
            if token.kind == "open":
                parts.append(self._block(token, depth))
            elif token.kind == "value":
                parts.append(_shown(_path(token.words, depth, token.offset)))
            elif token.words:
                parts.append(_constant(token.words))
        return _joined(parts)

    def _block(self, token: _Token, depth: int) -> Part:
        name, _, argument = token.words.partition(" ")
        part = self._opened(name, argument.strip(), token, depth)
        closing = self._next_token(token)
        if closing.kind != "close" or closing.words != name:
            raise _error(f"the block '#{name}' is closed by '{closing.words}'", closing.offset)
        return part

    def _opened(self, name: str, argument: str, token: _Token, depth: int) -> Part:
        if name not in _BLOCKS:
            raise _error(
                f"'#{name}' is not a block, use one of #{', #'.join(_BLOCKS)}", token.offset
            )
        if name == "removeExtraSpace":
            if argument:
                raise _error("'#removeExtraSpace' takes no value", token.offset)
            return _spaced(self._parts(depth))
        value = _path(argument, depth, token.offset)
        body = self._parts(depth + (name in ("each", "with")))
        return _made(name, value, body, self._otherwise(token, depth))

    def _otherwise(self, opening: _Token, depth: int) -> Part:
        token = self._peek(opening)
        if token.kind != "else":
            return _constant("")
        self._next += 1
        if not token.words:
            return self._parts(depth)
        # `else if` opens a block that is closed by the end of the outer block.
        name, _, argument = token.words.partition(" ")
        return self._opened(name, argument.strip(), token, depth)

    def _peek(self, opening: _Token) -> _Token:
        if self._next >= len(self._tokens):
            raise _error(f"the block '#{opening.words}' is not closed", opening.offset)
        return self._tokens[self._next]

    def _next_token(self, opening: _Token) -> _Token:
        token = self._peek(opening)
        self._next += 1
        return token


def _constant(words: str) -> Part:
    return lambda _scope: words


def _joined(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    return lambda scope: "".join([part(scope) for part in parts])


def _shown(value: Getter) -> Part:
    # Assumed: a template's values are not escaped for HTML.
    return lambda scope: text(value(scope)) or ""


def _spaced(body: Part) -> Part:
    # Assumed: removeExtraSpace removes white space at both ends too.
    return lambda scope: " ".join(body(scope).split())


def _made(name: str, value: Getter, body: Part, otherwise: Part) -> Part:
    if name == "if":
        return lambda scope: body(scope) if value(scope) else otherwise(scope)
    if name == "unless":
        return lambda scope: otherwise(scope) if value(scope) else body(scope)
    if name == "with":
        return _with(value, body, otherwise)
    return _each(value, body, otherwise)


def _with(value: Getter, body: Part, otherwise: Part) -> Part:
    def render(scope: Scope) -> str:
        inner = value(scope)
        if not inner:
            return otherwise(scope)
        return body(Scope(scope.source, inner, scope, scope.names))

    return render


def _each(value: Getter, body: Part, otherwise: Part) -> Part:
    def render(scope: Scope) -> str:
        items = list(_items(value(scope)))
        last = len(items) - 1

        def render_item(position: int, item: tuple[object, object]) -> str:
            key, inner = item
            names = {"key": key, "index": position, "first": not position, "last": position == last}
            rendered = body(Scope(scope.source, inner, scope, names))
            count(scope.source, rendered)
            return rendered

        return "".join(starmap(render_item, enumerate(items))) if items else otherwise(scope)

    return render


def _items(value: object) -> Iterator[tuple[object, object]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _path(words: str, depth: int, offset: int) -> Getter:
    """Compile a path inside `depth` scopes."""
    rest, up = words, 0
    while rest.startswith("../"):
        rest, up = rest[3:], up + 1
    if up > depth:
        raise _error(f"'{words}' goes up beyond the outermost block", offset)
    if rest.startswith("@"):
        return _name_of_loop(rest[1:], up, offset)
    names = _names(rest, words, offset)
    if names[:1] == ["_source"]:
        return lambda scope: follow(scope.source, names[1:])
    if up == depth:
        raise _error(f"'{words or '(nothing)'}' must begin with _source", offset)
    inner = names[1:] if names[:1] == ["this"] else names
    return lambda scope: follow(_outer(scope, up).value, inner)


def _name_of_loop(name: str, up: int, offset: int) -> Getter:
    if name not in ("index", "key", "first", "last"):
        raise _error(f"'@{name}' is unknown, use @index, @key, @first or @last", offset)
    return lambda scope: _outer(scope, up).names.get(name)


def _names(rest: str, words: str, offset: int) -> list[str]:
    if rest in (".", ".."):
        return ["this"]
    names: list[str] = []
    position = 0
    while match := _SEGMENT.match(rest, position):
        names.append(match[2] if match[1] is None else match[1])
        position = match.end()
        if rest[position : position + 1] != ".":
            break
        position += 1
    if position != len(rest) or rest.endswith("."):
        raise _error(f"'{words}' is not a path; the only helpers are the blocks", offset)
    return names


def _outer(scope: Scope, up: int) -> Scope:
    for _ in range(up):
        scope = scope.parent or scope
    return scope
