import contextlib
import random
import re
from pathlib import Path

import pytest

from image_search.command_line import read_settings
from nas.errors import NasError
from nas.study.storage import open_storage
from nas.values.redaction import hide, redact, secrets_of, shown_url
from nas.watchers import dashboard
from run_search import main

SECRET = "Qw7xZk9vPm"
RIGHT = (
    f"postgresql://ann:{SECRET}@host.example:5432/db",
    f"postgresql+psycopg://ann:{SECRET}@127.0.0.1:1/db?sslmode=require",
    f"postgresql://host.example/db?user=ann&password={SECRET}",
    f"mysql://ann:{SECRET}@host/db",
)


def mistyped(url: str, draw: random.Random) -> str:
    """One or two slips of the hand, never in the secret: a character too few, doubled, of another key, too many, or two swapped."""
    for _ in range(draw.choice((1, 1, 2))):
        start = url.index(SECRET)
        places = [place for place in range(len(url)) if not start <= place < start + len(SECRET)]
        place = draw.choice(places)
        slip = draw.randrange(6)
        other = draw.choice(":/@?&#;, .=%_-~'\"|!$\\xyz019[](){}*")
        if slip == 0:
            url = url[:place] + url[place + 1 :]
        elif slip == 1:
            url = url[: place + 1] + url[place:]
        elif slip == 2:
            url = url[:place] + other + url[place + 1 :]
        elif slip == 3:
            url = url[:place] + other + url[place:]
        elif slip == 4 and place + 1 in places:
            url = url[:place] + url[place + 1] + url[place] + url[place + 2 :]
        else:
            url = url[:start] + draw.choice(("@", ":", "/", " ", "%", "'", "#", "?", "//")) + url[start:]
    return url


def mistypings(count: int, seed: int = 0) -> list[str]:
    draw = random.Random(seed)
    return [mistyped(draw.choice(RIGHT), draw) for _ in range(count)]


def test_no_mistyping_of_a_url_shows_its_password() -> None:
    for url in mistypings(5_000):
        assert SECRET not in shown_url(url), url
        if not {*url} & {*" '\""}:  # where a URL ends in a text, these tell
            assert SECRET not in redact(f"--search.workers: expected an integer, got {url!r}"), url
            assert SECRET not in redact(f"the storage {url}: cannot be opened"), url


def opened(url: str) -> str:
    """What is said of a storage; those that a network would be asked for are left out."""
    if re.match(r"postgres\w*(\+psycopg)?://", url):
        return ""
    with contextlib.suppress(NasError):
        open_storage(url)
        return ""
    try:
        open_storage(url)
    except NasError as error:
        return str(error)
    return ""


def test_what_is_said_of_a_storage_that_cannot_be_opened_shows_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = [text for url in mistypings(400, seed=1) if (text := opened(url))]
    assert len(said) > 30
    assert not [text for text in said if SECRET in text or len(text.splitlines()) > 1]


@pytest.mark.parametrize(
    "words", ["--search.storage {}", "--search.storge {}", "-search.storage {}", "{}", "--search.seed {}"]
)
def test_no_message_of_the_command_line_shows_it(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    for url in mistypings(6, seed=len(words)):
        # As a shell splits it, into words that end at blanks.
        assert main([*words.format(url).split(), "--search.trials", "0"]) == 2
    told = "".join(capsys.readouterr())
    assert SECRET not in told
    assert "Traceback" not in told


def test_a_url_in_the_place_of_a_path_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for setting in ("--output", "--data.root", "--search.warm_start", "--data.name", "--data.cache", "--config"):
        assert main([setting, RIGHT[0]]) == 2
    assert SECRET not in capsys.readouterr().err


def test_the_dashboard_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([RIGHT[0].replace(SECRET, f" {SECRET}")], [f"postgresql://ann: {SECRET}@host/db"]):
        with contextlib.suppress(SystemExit):
            dashboard.main([part for word in words for part in word.split()])
    assert SECRET not in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:////home/ann/study.db",
        "journal:/shared/my study.journal",
        "postgresql://[::1]:5432/db?sslmode=require",
        "https://github.com/uxlfoundation/oneDNN/issues/6035",
    ],
)
def test_what_holds_no_password_is_shown_whole(text: str) -> None:
    assert shown_url(text) == text


@pytest.mark.parametrize(
    "text", ["photos/img@2x.png is broken", "a/b//c: no folder", "std::bad_alloc", "expected 2:1 or 16:9", "C:\\x"]
)
def test_texts_without_urls_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


def test_a_name_alone_is_shown_of_a_storage_that_was_opened() -> None:
    assert shown_url("postgresql://ann@host/db") == "postgresql://***@host/db"
    assert shown_url("postgresql://ann@host/db", opened=True) == "postgresql://ann@host/db"


def test_a_secret_is_hidden_in_every_form_that_a_url_gives_it() -> None:
    url = "postgresql://ann:p%40ss%2Fw@host/db"
    assert hide("p@ss/w p%40ss%2Fw", secrets_of(url)) == "*** ***"


def test_a_setting_of_another_name_does_not_show_it() -> None:
    with pytest.raises(NasError) as caught:
        read_settings(["--search.workers", RIGHT[0]])
    assert SECRET not in str(caught.value)
