"""The rules of plain English that a program can check, over the package, the tests and the README."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PLACES = ("claudemeter_tui", "tests", "README.md")

FIRST_WORDS = re.compile(
    r"(?:What|Whether|That|How|Where|Who|Whoever|When|Since when|Until when"
    r"|Nor|And|Or|But|Also|Not even)\b(?! this)"
)
"""Words that begin a riddle or a fragment; a docstring begins with a verb or a noun phrase."""
ODD_WORDS = re.compile(
    r"\b(?:told|tells|stands (?:there|beside|where|in for|behind|above)|is so|nobody|somebody|at hand"
    r"|to be had|reckon\w*|whence|purse|lest|anew|thereof|worked out|goes on)\b",
    re.IGNORECASE,
)
"""Odd or archaic words without a meaning in the field."""
ODD_NAMES = re.compile(r"(?:^|_)(?:told|nobody|somebody|anew|whence|reckon\w*|purse|lest)(?:_|$)")
"""The same in names."""
PERCENT_GAP = re.compile(r"[0-9}] %(?![a-zA-Z0-9(])")


def iterate_sources(place: str) -> Iterator[Path]:
    """Yield every source file of a folder, without this one."""
    yield from (path for path in sorted((ROOT / place).rglob("*.py")) if path != Path(__file__))


def iterate_docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every docstring, and of every string below a constant or a field."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text


def iterate_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of every function, class, parameter, variable and attribute set."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.alias(asname=str(name)):
                yield node.lineno, name


def iterate_comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of every comment."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def find_faults_in(source: str) -> Iterator[str]:
    """Yield the line and the fault of each place that breaks a rule."""
    tree = ast.parse(source)
    docstrings = list(iterate_docstrings(tree))
    for line, text in docstrings:
        if FIRST_WORDS.match(text):
            yield f"{line}: begins with {text.split()[0]}"
    for line, text in (*docstrings, *iterate_comments(source)):
        for pattern in (ODD_WORDS, PERCENT_GAP):
            yield from (f"{line}: {found[0]!r}" for found in pattern.finditer(text))
    for line, name in iterate_names(tree):
        if ODD_NAMES.search(name):
            yield f"{line}: the name {name}"


def find_faults(place: str) -> list[str]:
    """Return a line for each fault in a folder of sources or in a text."""
    path = ROOT / place
    if path.is_file():
        text = path.read_text("utf-8")
        return [
            f"{place}: {found[0]!r}" for rule in (ODD_WORDS, PERCENT_GAP) for found in rule.finditer(text)
        ]
    return [
        f"{source.relative_to(ROOT)}:{fault}"
        for source in iterate_sources(place)
        for fault in find_faults_in(source.read_text("utf-8"))
    ]


@pytest.mark.parametrize("place", PLACES)
def test_place_is_plain_english(place: str) -> None:
    """No docstring begins a riddle, and no odd word is in a docstring, a comment, a name or a text."""
    assert find_faults(place) == []


def test_faults_are_found() -> None:
    """The checker finds each kind of fault."""
    source = '''\
def test_age_is_told() -> None:
    """What is so."""
    # nobody fills 50 % of it
    told = lambda lest: 1
'''
    assert list(find_faults_in(source)) == [
        "2: begins with What",
        "2: 'is so'",
        "3: 'nobody'",
        "3: '0 %'",
        "1: the name test_age_is_told",
        "4: the name told",
        "4: the name lest",
    ]
