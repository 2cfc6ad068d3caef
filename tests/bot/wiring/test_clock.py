"""Whose day it is."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.settings import Settings
from bot.wiring.clock import clock_for
from bot.wiring.engine import Wiring


def settings(zone: str | None = None) -> Settings:
    return Settings.model_validate({"time_zone": zone})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Salta"])
def test_the_setting_goes_before_the_hosts(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Apia")
    clock = clock_for(settings(zone))
    assert str(clock().tzinfo) == clock.in_words == zone


@pytest.mark.parametrize("zone", ["Asia/Tokyo", ":Asia/Tokyo"])
def test_the_hosts_own_zone_has_its_name(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    clock = clock_for(settings())
    assert (str(clock.zone), clock.is_guess) == ("Asia/Tokyo", False)
    assert clock.in_words == "Asia/Tokyo, this machine's (TIME_ZONE)"


@pytest.mark.parametrize(
    "zone",
    [
        "Nowhere/Land",
        ":Nowhere/Land",
        "XYZ4DQW,M3.2.0,M11.1.0",
        "<+03>-3",
        "America",
        "../etc",
        "/dev/null",
        "/etc",
        " ",
    ],
)
def test_a_host_whose_zone_has_no_name_goes_by_utc(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    clock = clock_for(settings())
    assert (str(clock().tzinfo), clock.is_guess) == ("UTC", True)


@pytest.mark.parametrize("length", [0, 3, 30, 43, 44, 60])
def test_a_zones_file_that_is_cut_short_is_no_zone(
    length: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cut = tmp_path / "localtime"
    header = b"TZif2" + bytes(15) + (1).to_bytes(4, "big") * 6
    cut.write_bytes(header.ljust(60, b"\0")[:length])
    monkeypatch.setenv("TZ", str(cut))
    assert clock_for(settings()).is_guess


@pytest.mark.parametrize(
    ("host", "setting", "warnings"),
    [("XYZ4DQW", None, 1), ("XYZ4DQW", "Asia/Tokyo", 0), ("Asia/Tokyo", None, 0)],
)
def test_the_operator_is_warned_once_where_the_zone_is_a_guess(
    host: str, setting: str | None, warnings: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", host)
    with capture_logs() as lines:
        wiring = Wiring(settings(setting))
    said = [line["event"] for line in lines if "TIME_ZONE" in line["event"]]
    assert len(said) == warnings
    assert wiring.clock.startswith("UTC" if warnings else "Asia/Tokyo")
