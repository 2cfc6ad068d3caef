import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.addresses import host_of, is_loopback, place_of, printable, printable_in


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST"),
        *("http://127.0.0.1:8000/v1", "http://localhost/v1", "http://[::1]:1/v1"),
        *("http://user:secret@localhost:8000/v1", "https://LocalHost"),
    ],
)
def test_this_machine_is_known_by_host_and_by_url(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "localhost.example", "::2", "", "0.0.0.0"),
        *("https://api.example.org/v1", "http://10.0.0.1/v1", "http://localhost@evil.example"),
        *("http://[::1/v1", "http://", "http:///v1"),
    ],
)
def test_another_machine_is_not_taken_for_this_one(address: str) -> None:
    assert not is_loopback(address)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://host:8000/v1", "http://host:8000/v1"),
        ("http://user:CANARY@host:8000/v1", "http://host:8000/v1"),
        ("https://CANARY@host/v1", "https://host/v1"),
        ("https://host/v1?key=CANARY", "https://host/v1"),
        ("https://host/v1#CANARY", "https://host/v1"),
        ("https://host?key=CANARY@there", "https://host"),
        ("http://user:CAN@ARY@[::1]:8000/v1", "http://[::1]:8000/v1"),
        ("http://user:CAN/ARY@host/v1", "http://host/v1"),
        ("http://user:CAN?ARY@host/v1", "http://host/v1"),
        ("http://user:CAN#ARY@host/v1", "http://host/v1"),
        ("user:CANARY@host/v1", "host/v1"),
        ("http//user:CANARY@host/v1", "host/v1"),
        ("http://user:CANARY", "http://..."),
        ("model@http://user:CANARY@host/v1", "model@http://host/v1"),
        ("wss://host/ws?ticket=CANARY", "wss://host/ws"),
        ("https://host/@cf/meta/v1", "https://host/@cf/meta/v1"),
        ("", ""),
    ],
)
def test_an_address_is_shown_without_what_is_secret(address: str, shown: str) -> None:
    assert printable(address) == shown
    assert printable(shown) == shown or shown.endswith("...")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_no_password_is_shown_whatever_is_in_it(password: str) -> None:
    hidden = f"\u00abcanary\u00bb{password}\u00abcanary\u00bb"

    assert "canary" not in printable(f"http://user:{hidden}@host/v1")


@given(st.text())
def test_any_text_can_be_asked_about(text: str) -> None:
    printable(text), host_of(text), place_of(text), is_loopback(text)


def test_a_place_is_a_host_and_its_port() -> None:
    assert place_of("http://user:CANARY@engine:8000/v1") == "engine:8000"
    assert place_of("https://api.example.org/v1") == "api.example.org"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("no address: a/b, user@host", "no address: a/b, user@host"),
        ("for url 'http://u:CANARY@host/v1'", "for url 'http://host/v1'"),
        ('{"at": "http://u:CANARY@host/v1", "n": 1}', '{"at": "http://host/v1", "n": 1}'),
        ("see https://host/v1?key=CANARY, then go on.", "see https://host/v1, then go on."),
        ("a@http://u:CAN'ARY@one/v1 and wss://CANARY@two", "a@http://one/v1 and wss://two"),
        ("(http://u:CANARY@host).", "(http://host)."),
        ("redis://:CANARY@host:6379/0", "redis://host:6379/0"),
    ],
)
def test_a_sentence_shows_its_addresses_without_what_is_secret(text: str, shown: str) -> None:
    assert printable_in(text) == shown
