"""Whose day it is."""

import pytest

from bot.settings import Settings, SettingsError
from bot.wiring.clock import clock_for, zone_for


def settings(zone: str | None = None) -> Settings:
    return Settings.model_validate({"time_zone": zone})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "UTC", "America/Argentina/Salta"])
def test_the_setting_goes_before_the_hosts(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Apia")
    assert str(zone_for(settings(zone))) == zone
    assert str(clock_for(settings(zone))().tzinfo) == zone


@pytest.mark.parametrize("zone", ["Asia/Tokyo", ":Asia/Tokyo"])
def test_the_hosts_own_zone_has_its_name(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    assert str(zone_for(settings())) == "Asia/Tokyo"


@pytest.mark.parametrize("zone", ["Nowhere/Land", "XYZ4DQW,M3.2.0,M11.1.0"])
def test_a_host_whose_zone_has_no_name_is_told_what_to_set(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    with pytest.raises(SettingsError, match="set TIME_ZONE to a name like Europe/Berlin"):
        zone_for(settings())
