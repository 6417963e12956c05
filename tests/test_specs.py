"""What counts as a spec string, and that nothing else is ever read, run or raised."""

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goodinit.errors import ArgumentError, bad_argument, bad_name
from goodinit.specs import Literal, Spec, build, parse, split

CODE = {
    "call": "normal(std=__import__('os').system('touch pwned'))",
    "bare call": "__import__('os').system('touch pwned')",
    "call by keyword": "normal(std=exec('import os'))",
    "nested spec": "normal(std=normal(1))",
    "curried": "normal(1)(2)",
    "lambda": "normal(lambda: 1)",
    "bare lambda": "lambda: 1",
    "attribute": "os.system",
    "attribute argument": "normal(().__class__)",
    "method": "np.random('x')",
    "subscript": "normal(x[0])",
    "subscripted name": "SCHEMES['zeros']",
    "comprehension": "normal([i for i in (1, 2)])",
    "generator": "normal(i for i in (1, 2))",
    "list": "normal([1])",
    "tuple": "normal((1, 2))",
    "dict": "normal({})",
    "set": "normal({1})",
    "arithmetic": "normal(1 + 1)",
    "power": "normal(9**9**9)",
    "comparison": "normal(1 < 2)",
    "conditional": "normal(1 if 1 else 2)",
    "boolean operation": "normal(1or 2)",
    "walrus": "normal(x:=1)",
    "await": "normal(await x)",
    "yield": "normal((yield))",
    "f-string": "normal(f'{1}')",
    "starred": "normal(*args)",
    "starred literal": "normal(*(1,))",
    "double starred": "normal(**kwargs)",
    "double starred literal": "normal(**{'std': 1})",
}
NO_SPECS = {
    "empty": "",
    "blank": " \t\n ",
    "number": "10",
    "string": "'he_normal'",
    "True": "normal(True)",
    "negated True": "normal(-True)",
    "None": "normal(None)",
    "ellipsis": "normal(...)",
    "complex": "normal(1j)",
    "bytes": "normal(b'1')",
    "minus twice": "normal(--1)",
    "inverted": "normal(~1)",
    "repeated argument": "normal(std=1, std=2)",
    "positional after named": "normal(std=1, 2)",
    "open parenthesis": "normal(1",
    "closed twice": "normal(1))",
    "two names": "he normal",
    "two specs": "he_normal, zeros",
    "two lines": "he_normal\nzeros",
    "assignment": "x = 1",
    "statement": "import os",
    "semicolon": "he_normal; zeros",
    "octal of old": "normal(0777)",
    "invalid escape": r"normal('\d')",
    "null byte": "normal\x00(1)",
    "null byte in a literal": "normal('\x00')",
    "lone surrogate": "normal(\ud800)",
    "hyphen": "he-normal",
    "very long": "normal(" + "1" * 10_000 + ")",
    "long name": "n" * 201,
    "deep parentheses": "(" * 5_000 + "he" + ")" * 5_000,
    "deep brackets": "[" * 150,
    "deep minus": "normal(" + "-" * 150 + "1)",
    "parentheses around nothing": "()",
}
# What the Python grammar is made of, so that fuzzing reaches past the tokenizer.
PIECES = st.sampled_from(
    [
        *"()[]{},=*+-./:;@!\\'\"#~<>|&%^ \n\t\x00_0123456789eEjxob",
        *("normal", "he", "std=", "lambda ", "if ", "or ", "for ", "in ", "not ", "f'", "b'", "1e"),
    ]
)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30)
words = st.from_regex(r"[a-z]{1,4}_[a-z]{1,4}", fullmatch=True)
literals: st.SearchStrategy[Literal] = numbers | words


def written(value: Literal) -> str:
    return value if isinstance(value, str) else repr(value)


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("he_normal", Spec("he_normal", (), {})),
        ("  he_normal \n", Spec("he_normal", (), {})),
        ("he_normal()", Spec("he_normal", (), {})),
        ("normal(10)", Spec("normal", (10,), {})),
        ("normal(std=10)", Spec("normal", (), {"std": 10})),
        ("normal( std = 1e-3, )", Spec("normal", (), {"std": 0.001})),
        ("uniform(-1, high=.5)", Spec("uniform", (-1,), {"high": 0.5})),
        ("f(2, fan_in, cut=none)", Spec("f", (2, "fan_in"), {"cut": "none"})),
        ("f('fan_in', \"uniform\")", Spec("f", ("fan_in", "uniform"), {})),
    ],
)
def test_a_spec_is_a_name_with_literals(text: str, spec: Spec) -> None:
    assert parse("init", text) == spec


@given(words, st.lists(literals, max_size=3), st.dictionaries(words, literals, max_size=3))
def test_what_is_written_is_what_is_read(
    name: str, args: list[Literal], kwargs: dict[str, Literal]
) -> None:
    inside = [*map(written, args), *(f"{key}={written(value)}" for key, value in kwargs.items())]
    text = f"{name}({', '.join(inside)})"
    if len(text) <= 200:
        assert parse("init", text) == Spec(name, tuple(args), kwargs)


@pytest.mark.parametrize("text", [*CODE.values(), *NO_SPECS.values()], ids=[*CODE, *NO_SPECS])
def test_anything_else_is_refused_in_one_line(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError) as caught:
        parse("init", text)
    message = str(caught.value)
    assert message.startswith("init: got ")
    assert message.endswith("such as he_normal or normal(std=10)")
    assert len(message.splitlines()) == 1
    assert len(message) < 200
    assert not list(tmp_path.iterdir()), "the text was run"


@given(st.text() | st.lists(PIECES, max_size=40).map("".join))
@example("a" * 201)
@example("normal(std=1, std=2)")
def test_no_text_raises_anything_but_an_argument_error(text: str) -> None:
    try:
        spec = parse("init", text)
    except ArgumentError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert spec.name.isidentifier()
        read = (*spec.args, *spec.kwargs.values())
        assert all(type(value) in (int, float, str) for value in read)


@pytest.mark.parametrize("text", ["normal(1or 2)", r"normal('\d')", "normal(0x1for x in y)"])
def test_pythons_own_warnings_about_a_text_stay_off_the_screen(text: str) -> None:
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        with pytest.raises(ArgumentError):
            parse("init", text)
    assert not shown


def square(side: int) -> int:
    return side * side


def oblong(width: int, height: int = 2) -> int:
    return width * height


SIZES: dict[str, Callable[..., int]] = {"square": square, "oblong": oblong}


def test_build_calls_the_maker_that_the_spec_names() -> None:
    assert build("size", "square(3)", SIZES) == 9
    assert build("size", "oblong(3)", SIZES) == 6
    assert build("size", "oblong(height=5, width=3)", SIZES) == 15


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sqare(3)", "size: got 'sqare', takes one of square, oblong (did you mean 'square'?)"),
        ("SQUARE(3)", "size: got 'SQUARE', takes one of square, oblong (did you mean 'square'?)"),
        ("zzz", "size: got 'zzz', takes one of square, oblong"),
        ("square", "size: got 'square', takes square(side)"),
        ("square(1, 2)", "size: got 'square(1, 2)', takes square(side)"),
        ("oblong(1, depth=2)", "size: got 'oblong(1, depth=2)', takes oblong(width, height)"),
        ("oblong(1, width=2)", "size: got 'oblong(1, width=2)', takes oblong(width, height)"),
    ],
)
def test_build_says_what_the_makers_take(text: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        build("size", text, SIZES)
    assert str(caught.value) == message


def test_build_says_where_a_makers_own_refusal_came_from() -> None:
    def positive(side: float) -> int:
        raise bad_argument("side", side, "a number above 0")

    with pytest.raises(ArgumentError) as caught:
        build("size", "positive(-1)", {"positive": positive})
    assert str(caught.value) == "size 'positive(-1)': side: got -1, takes a number above 0"


@given(st.lists(words | st.builds("{}({}, {})".format, words, numbers, words), min_size=1))
def test_a_list_is_split_at_its_outer_commas_only(specs: list[str]) -> None:
    assert split("init", ", ".join(specs)) == specs
    assert split("init", ",".join(specs)) == specs


@pytest.mark.parametrize(
    "text", ["", " ", ",", "he,", ",he", "he,,zeros", "normal(1", "normal(1))"]
)
def test_a_list_with_a_gap_or_a_loose_parenthesis_is_refused(text: str) -> None:
    with pytest.raises(ArgumentError, match="takes specs with commas between them"):
        split("init", text)


@given(st.text())
def test_splitting_raises_nothing_but_an_argument_error(text: str) -> None:
    try:
        specs = split("init", text)
    except ArgumentError:
        return
    assert all(specs)


@given(st.text(), st.text())
def test_an_error_is_one_line_of_bounded_length_whatever_was_given(argument: str, got: str) -> None:
    message = str(bad_argument(argument or "x", [got, got], "a number"))
    assert len(message.splitlines()) == 1
    assert len(message) < 120 + len(argument)
    assert str(bad_name("x", got, ["circles"])).startswith("x: got ")
