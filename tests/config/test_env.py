"""config/env.py: variables in, values or a clear refusal out."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env


@pytest.fixture(autouse=True)
def own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what these tests read out of the list that the docs are held against."""
    monkeypatch.setattr(env, "VARIABLES", {})


def test_it_returns_the_default_of_a_variable_that_is_not_set() -> None:
    assert env.text("COLOUR", "green") == "green"


def test_it_returns_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_COLOUR", "red")

    assert env.text("COLOUR", "green") == "red"


def test_it_remembers_variables_with_their_defaults() -> None:
    env.text("COLOUR", "green")
    env.boolean("LOUD", True)
    env.number("DEPTH", 2.0, 0, 3)

    assert env.VARIABLES == {
        "SCENEWATCH_COLOUR": "green",
        "SCENEWATCH_LOUD": "1",
        "SCENEWATCH_DEPTH": "2",
    }


def test_it_reads_the_file_that_a_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush\n")
    monkeypatch.setenv("SCENEWATCH_WORD_FILE", str(tmp_path / "secret"))

    assert env.text("WORD") == "hush"


def test_it_refuses_a_file_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SCENEWATCH_WORD_FILE", str(tmp_path / "nothing"))

    with pytest.raises(ImproperlyConfigured, match=r"SCENEWATCH_WORD_FILE: cannot read .*nothing"):
        env.text("WORD")


@pytest.mark.parametrize("value", ["1", "true", "YES", " on "])
def test_it_reads_yes(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SCENEWATCH_LOUD", value)

    assert env.boolean("LOUD") is True


@pytest.mark.parametrize("value", ["0", "False", "no", "off", ""])
def test_it_reads_no(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SCENEWATCH_LOUD", value)

    assert env.boolean("LOUD", True) is False


def test_it_refuses_what_is_neither_yes_nor_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_LOUD", "perhaps")

    with pytest.raises(ImproperlyConfigured, match="SCENEWATCH_LOUD is 'perhaps'; write one of"):
        env.boolean("LOUD")


def test_it_reads_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_DEPTH", "2.5")

    assert env.number("DEPTH", 1, 0, 3) == 2.5


@pytest.mark.parametrize("value", ["deep", "", "nan", "-1", "3.01", "inf"])
def test_it_refuses_what_is_no_number_within_the_limits(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SCENEWATCH_DEPTH", value)

    with pytest.raises(ImproperlyConfigured, match=r"SCENEWATCH_DEPTH is .*a number from 0 to 3"):
        env.number("DEPTH", 1, 0, 3)


@pytest.mark.parametrize(("value", "number"), [("0", 0), (" 30 ", 30), ("36500", 36_500)])
def test_it_reads_a_whole_number(monkeypatch: pytest.MonkeyPatch, value: str, number: int) -> None:
    monkeypatch.setenv("SCENEWATCH_DAYS", value)

    assert env.whole("DAYS", 7, 0, 36_500) == number


@pytest.mark.parametrize("value", ["", "1.5", "-1", "36501", "1" * 40, "²", "many"])
def test_it_refuses_what_is_no_whole_number(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SCENEWATCH_DAYS", value)

    with pytest.raises(ImproperlyConfigured, match=r"SCENEWATCH_DAYS is .*whole number from 0 to"):
        env.whole("DAYS", 7, 0, 36_500)


def test_it_takes_one_of_the_options_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_SIZE", "small")

    assert env.choice("SIZE", "LARGE", ("SMALL", "LARGE")) == "SMALL"


def test_it_refuses_what_is_no_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_SIZE", "huge")

    with pytest.raises(ImproperlyConfigured, match=r"SCENEWATCH_SIZE is 'HUGE'.*SMALL, LARGE"):
        env.choice("SIZE", "LARGE", ("SMALL", "LARGE"))


def test_it_splits_words_at_commas_and_drops_empty_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_NAMES", " a, b,,c ,")

    assert env.words("NAMES") == ["a", "b", "c"]


def test_it_reads_a_row_of_numbers() -> None:
    assert env.numbers("DELAYS", "1,2.5,60") == (1, 2.5, 60)


@pytest.mark.parametrize("value", ["", ",", "1,two", "1,0", "1,-2", "nan", "inf"])
def test_it_refuses_a_row_that_is_not_all_positive_numbers(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SCENEWATCH_DELAYS", value)

    with pytest.raises(ImproperlyConfigured, match="SCENEWATCH_DELAYS must be numbers above 0"):
        env.numbers("DELAYS", "1,2")


def test_it_reads_addresses_and_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_CLOSED", "10.8.0.1/16, ::1")

    assert [str(network) for network in env.networks("CLOSED")] == ["10.8.0.0/16", "::1/128"]


def test_it_refuses_what_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_CLOSED", "10.8.0.0/33")

    with pytest.raises(ImproperlyConfigured, match="SCENEWATCH_CLOSED"):
        env.networks("CLOSED")


@pytest.mark.parametrize(("set_to", "path"), [("", ""), ("/", ""), ("/a", "/a"), ("/a/b/", "/a/b")])
def test_it_reads_a_base_path(monkeypatch: pytest.MonkeyPatch, set_to: str, path: str) -> None:
    monkeypatch.setenv("SCENEWATCH_BELOW", set_to)

    assert env.base_path("BELOW") == path


@pytest.mark.parametrize("wrong", ["scenewatch", "/a b", "/a//b", "https://example.org/a", "/ü"])
def test_it_refuses_what_is_no_base_path(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SCENEWATCH_BELOW", wrong)

    with pytest.raises(ImproperlyConfigured, match="SCENEWATCH_BELOW"):
        env.base_path("BELOW")


def test_it_reads_origins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_SITES", "https://tools.example.org, http://localhost:3000")

    assert env.origins("SITES") == ("https://tools.example.org", "http://localhost:3000")


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "tools.example.org",
        "https://tools.example.org/",
        "https://*.example.org",
        "https://Tools.example.org",
        "https://a.example,*",
        "ftp://a.example",
        "https://user@a.example",
    ],
)
def test_it_refuses_what_is_no_exact_origin(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCENEWATCH_SITES", wrong)

    with pytest.raises(ImproperlyConfigured, match=r"SCENEWATCH_SITES: .* is no origin; write"):
        env.origins("SITES")
