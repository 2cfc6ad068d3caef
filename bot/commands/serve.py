"""`./run serve`: starts the server, and says what is in use once it is ready."""

import asyncio
import secrets
import socket
import ssl
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

import structlog
import typer

from bot.calls.limits import Limits
from bot.engines.recipe import EngineError
from bot.server.access import AccessPolicy
from bot.server.files import raise_file_limit
from bot.server.listening import CannotListenError, address, listen
from bot.server.standstill import PatientLoop
from bot.server.telemetry import LostLines, Metrics, configure_logs
from bot.settings import Settings, SettingsError, load, warnings
from bot.terminal.ending import give_up
from bot.terminal.program import program
from bot.terminal.unblocking import unblocking_output
from pipelines.addresses import is_loopback

if TYPE_CHECKING:
    from bot.engines.supervised import SupervisedEngine
    from bot.phone.line import TelephoneConfig
    from bot.wiring.serving import Terms


class Chosen(Protocol):
    """The choice of `bot.wiring.engine.Wiring`, in words."""

    @property
    def ears(self) -> str: ...
    @property
    def llm(self) -> str: ...
    @property
    def voice(self) -> str: ...
    @property
    def telephone(self) -> str: ...
    @property
    def clock(self) -> str: ...
    @property
    def is_demo(self) -> bool: ...
    @property
    def records(self) -> str | None: ...


_log = structlog.get_logger(__name__)

WEB = Path(__file__).parents[2] / "client" / "web"


def serve(  # noqa: PLR0913 - the options of a command are its arguments
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (HOST; 127.0.0.1).")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Port to listen on; 0 takes any (PORT; 7860).")
    ] = None,
    tls_cert: Annotated[
        str | None, typer.Option(help="Certificate chain, PEM; serves https (TLS_CERT).")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(help="Its private key, PEM (TLS_KEY).")] = None,
    llm: Annotated[
        str | None,
        typer.Option(
            help="An engine to start with the server: vllm, llama.cpp or demo (LLM_ENGINE)."
        ),
    ] = None,
    llm_model: Annotated[
        str | None, typer.Option(help="The model that the engine loads (LLM_ENGINE_MODEL).")
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(
            help="The demo engine's pace: none, a100, h100-fp8, fixed-150, a FILE (PROFILE; none)."
        ),
    ] = None,
) -> None:
    """Start the server, and print its address once it is ready.

    Settings come from the environment and from .env; .env.example lists all.

    \b
    Examples:
      ./run serve
      ./run serve --port 8080 --profile fixed-150
      ./run serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem
      ./run serve --llm llama.cpp --llm-model gemma-3-1b
      LLM_BASE_URL=http://localhost:8000/v1 LLM_MODEL=my-model ./run serve
    """
    try:
        settings = load(
            host=host,
            port=port,
            tls_cert=tls_cert,
            tls_key=tls_key,
            llm_engine=llm,
            llm_engine_model=llm_model,
            profile=profile,
        )
        check_certificate(settings)
        ignored = warnings()
    except SettingsError as error:
        give_up(str(error), 2)
    for line in ignored:
        typer.echo(f"halfsecond: {line}", err=True)
    raise_file_limit(settings.max_calls)
    try:
        listener = listen(settings.host, settings.port)
    except CannotListenError as error:
        give_up(str(error), 1)
    with listener, unblocking_output(_tell_of_lost) as output:
        typer.echo("halfsecond: loading the ears, the voice and the LLM ...", err=True)
        configure_logs(sys.stderr, log_format=settings.log_format, words=settings.log_words)
        metrics = Metrics()
        metrics.include(LostLines(lambda: output.dropped))
        with asyncio.Runner(loop_factory=PatientLoop) as runner:
            has_served = runner.run(_serve(settings, listener, metrics))
        if not has_served:
            raise typer.Exit(1)


def _tell_of_lost(lines: int) -> None:
    _log.warning("lines of the log were dropped", lines=lines)


async def _serve(given: Settings, listener: socket.socket, metrics: Metrics) -> bool:
    # Imported here, for they bring the frameworks: help and a wrong setting answer at once.
    from bot.wiring.own_engine import own_engine

    def tell(line: str) -> None:
        typer.echo(f"halfsecond: {line}", err=True)

    try:
        async with own_engine(given, tell) as (settings, engine):
            return await _serve_with(settings, listener, metrics, engine)
    except EngineError as error:
        give_up(str(error), 1)


async def _serve_with(
    settings: Settings,
    listener: socket.socket,
    metrics: Metrics,
    engine: "SupervisedEngine | None",
) -> bool:
    from bot.wiring.engine import Wiring
    from bot.wiring.serving import run

    try:
        wiring = Wiring(settings, engine)
    except SettingsError as error:
        give_up(str(error), 2)
    agreed = replace(terms(settings, listener, wiring.phone), minders=wiring.minders)
    url = address(listener, "https" if settings.tls_cert else "http")
    made = None if settings.access_token else agreed.access.token
    await asyncio.sleep(0)  # a Ctrl-C during all of that counts here, where nothing has begun

    def on_ready() -> None:
        access = agreed.access
        typer.echo(in_use(url, wiring, made, access.public, everybody=access.asks_everybody))

    return await run(
        wiring,
        metrics,
        listener,
        agreed,
        shared=wiring.shared,
        on_ready=on_ready,
    )


def terms(settings: Settings, listener: socket.socket, phone: "TelephoneConfig") -> "Terms":
    """As the settings have them; an access token is made where there is none."""
    from bot.wiring.serving import Certificate, Terms

    token = settings.access_token
    return Terms(
        access=AccessPolicy(
            token=token.get_secret_value() if token else secrets.token_urlsafe(24),
            token_is_set=token is not None,
            listens_beyond_loopback=not is_loopback(listener.getsockname()[0]),
            public=settings.public_base_url,
            origins=frozenset(settings.allowed_origins),
        ),
        limits=Limits(calls=settings.max_calls, calls_per_address=settings.calls_per_address),
        drain_s=settings.drain_s,
        web=WEB,
        certificate=Certificate(settings.tls_cert, settings.tls_key)
        if settings.tls_cert and settings.tls_key
        else None,
        proxies=settings.trusted_proxies,
        phone=phone,
    )


def check_certificate(settings: Settings) -> None:
    """Raises SettingsError if there is one and it cannot be served with."""
    if settings.tls_cert is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            settings.tls_cert, settings.tls_key, password=""
        )
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"TLS_CERT and TLS_KEY cannot be used: {error.strerror or error}"
        ) from None


def in_use(
    url: str,
    chosen: Chosen,
    token: str | None = None,
    public: str | None = None,
    *,
    everybody: bool = False,
) -> str:
    """The operator's text once the server is ready, at `url` on this machine.

    `token` if it was made for this start, and whether `everybody` is asked for it; `public` if
    the world knows the server by that.
    """
    lines = [
        f"Halfsecond is ready: {url}",
        *([f"  public {public}"] if public is not None else []),
        f"  ears   {chosen.ears}",
        f"  LLM    {chosen.llm}",
        f"  voice  {chosen.voice}",
        f"  phone  {chosen.telephone}",
        f"  clock  {chosen.clock}",
        f"  texts  {public or url}/v1, for any OpenAI client",
    ]
    if chosen.records is not None:
        lines.append(f"  calls  {chosen.records}")
    if token is not None:
        asked = "everybody" if everybody else "those who come from beyond this machine"
        lines.append(f"  token  {token}  (asked of {asked})")
        if not everybody:
            lines += [
                "  open   to every program of this machine, and to all that come by a plain TCP",
                "         forward to it (ssh -R, socat): set ACCESS_TOKEN, and everybody is asked",
            ]
    if chosen.is_demo:
        lines += [
            "No language model is behind this: the demo answers by rule. To put one there, start",
            "vLLM, llama.cpp or any other OpenAI-compatible server, then this one again with",
            f"  LLM_BASE_URL=http://localhost:8000/v1 LLM_MODEL=its-name {program()} serve",
        ]
    return "\n".join(lines)
