"""Which part of a file a player asks for."""

import pytest

from history.scene_page.ranges import Beyond, part_of


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, 99),
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=90-1000", 90, 99),
        ("bytes=-10", 90, 99),
        ("bytes=-1000", 0, 99),
        (" bytes=99- ", 99, 99),
    ],
)
def test_it_knows_the_part(asked, first, last):
    part = part_of(asked, 100)

    assert (part.first, part.last) == (first, last)
    assert part.told == f"bytes {first}-{last}/100"


@pytest.mark.parametrize(
    "asked",
    ["", "bytes=", "bytes=-", "bytes=5-4", "bytes=1-2,5-6", "items=1-2", "bytes=a-b", "bytes=0x1-"],
)
def test_what_asks_for_nothing_that_it_knows_gets_the_whole(asked):
    assert part_of(asked, 100) is None


def test_a_number_of_thousands_of_digits_gets_the_whole():
    assert part_of(f"bytes={'9' * 5000}-", 100) is None


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_it_says_what_is_beyond_the_end(asked):
    with pytest.raises(Beyond):
        part_of(asked, 100)


def test_an_empty_file_has_no_part():
    with pytest.raises(Beyond):
        part_of("bytes=-5", 0)
