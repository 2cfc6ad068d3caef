"""The whole suite's rules: full counts on request, and no silent skip in CI."""

import os
import shutil
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from bot.settings import Settings
from tests.deploy import compose
from tests.engines_real import llama_server

SOAK_LIMIT_S = 3600

SYSTEM_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # noqa: TID251
"""Debian keeps daemons where only root looks."""

FOUND: dict[str, Callable[[], object]] = {
    "curl": lambda: shutil.which("curl"),
    "chromium": lambda: shutil.which("chromium") or shutil.which("google-chrome"),
    "docker-compose": compose.find,
    "firefox-esr": lambda: shutil.which("firefox-esr") or shutil.which("firefox"),
    "llama-server": llama_server.find,
    "nginx": lambda: shutil.which("nginx", path=SYSTEM_PATH),
    "npm": lambda: shutil.which("npm"),
    "openssl": lambda: shutil.which("openssl"),
    "pulseaudio": lambda: shutil.which("pulseaudio"),
}
"""Programs that a machine may lack, and how to see whether one is there; `.ci/run` installs all of
them.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the full counts, up to an hour")


def pytest_configure(config: pytest.Config) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it behind "&"
        signal.signal(signal.SIGINT, signal.default_int_handler)
    config.addinivalue_line("markers", "needs(name): skip where the machine lacks it; fail in CI")


@pytest.fixture(scope="session")
def soak(request: pytest.FixtureRequest) -> bool:
    """True if this run is for the full counts."""
    return bool(request.config.getoption("--soak"))


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is set, neither in a file nor in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    return tmp_path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    full = [item for item in items if item.get_closest_marker("soak")]
    if config.getoption("--soak"):
        for item in full:
            item.add_marker(pytest.mark.timeout(SOAK_LIMIT_S))
    elif full:
        config.hook.pytest_deselected(items=full)
        items[:] = [item for item in items if item not in full]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        (name,) = marker.args
        if not FOUND[name]():
            pytest.skip(f"needs {name}, which this machine does not have")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: what a test needs is `.ci/run`'s to install."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):  # noqa: TID251
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {call.excinfo and call.excinfo.value}"
    return report
