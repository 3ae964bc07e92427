"""Who is who: the same person however a roster writes them, and nobody twice."""

import unicodedata

import pytest

from autograder.course.people import NOT_THERE, match

ELODIE = "Élodie"


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("ada", "ada"),
        ("ada", " ADA "),
        ("ada", "ada@uni.example"),
        ("ada@uni.example", "ada"),
        ("Ada.L@Uni.Example", "ada.l@uni.example"),
        (unicodedata.normalize("NFD", ELODIE), unicodedata.normalize("NFC", ELODIE)),
        ("STRASSE", "straße"),
        ("007", "007"),
    ],
)
def test_the_same_person_is_found(name: str, cell: str) -> None:
    assert match({name: [name]}, [["other", "1"], [cell, "2"]]).rows == {name: 1}


@pytest.mark.parametrize(
    ("name", "cell"), [("ada", "adam"), ("7", "007"), ("ada", ""), ("", "ada"), ("ada", "l@ada.org")]
)
def test_others_are_not(name: str, cell: str) -> None:
    found = match({name: [name]}, [[cell]])
    assert found.rows == {}
    assert found.unmatched == {name: NOT_THERE} == {name: "this id is not in the roster"}


def test_an_email_address_serves_as_well() -> None:
    assert match({"s1": ["s1", "ada@x.org"]}, [["ada@x.org"]]).rows == {"s1": 0}


def test_what_fits_several_rows_is_matched_to_none() -> None:
    found = match({"ada": ["ada"]}, [["ada@a.org"], ["ada@b.org"]])
    assert found.unmatched == {"ada": "2 rows of the roster fit"}


def test_a_sure_match_goes_before_a_likely_one() -> None:
    found = match({"Ada": ["Ada"], "ada": ["ada"]}, [["ada"]])
    assert found.rows == {"ada": 0}
    assert found.unmatched == {"Ada": "the row that fits belongs to ada"}


def test_exact_goes_before_alike_among_rows() -> None:
    assert match({"ada": ["ada"]}, [["ADA"], ["ada"]]).rows == {"ada": 1}
