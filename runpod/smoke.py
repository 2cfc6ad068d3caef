#!/usr/bin/env python3
"""Checks an endpoint that was deployed, and measures it.

    export LLM_BASE_URL=https://api.runpod.ai/v2/ID/openai/v1 LLM_API_KEY=... LLM_MODEL=...
    .venv/bin/python runpod/smoke.py

Any OpenAI-compatible endpoint can be asked, the server's own /v1 too.
"""

import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import openai
import typer

QUESTION = "In one or two short spoken sentences: why is the sky blue?"
SYSTEM = "You are a friendly voice assistant on a phone call."
COLD_S = 3.0
"""A first token later than this is a worker that starts, not one that is slow."""

HELP = __doc__.replace("\n\n", "\n\n\b\n")


class SmokeError(Exception):
    """A fault, in one line."""


@dataclass(frozen=True, slots=True)
class MeasuredAnswer:
    first_s: float
    """From the request to its first text."""
    gaps_s: tuple[float, ...]
    """Between one piece and the next."""
    words: int


def main(
    base_url: Annotated[str, typer.Option(envvar="LLM_BASE_URL", help="Up to and with /v1.")],
    model: Annotated[str, typer.Option(envvar="LLM_MODEL")] = "google/gemma-3-27b-it",
    key: Annotated[str, typer.Option(envvar="LLM_API_KEY", show_default=False)] = "EMPTY",
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Answers to measure.")] = 10,
    patience: Annotated[float, typer.Option(help="Seconds for the first answer.")] = 900.0,
) -> None:
    client = openai.OpenAI(base_url=base_url, api_key=key or "EMPTY", max_retries=0)
    try:
        with client:
            check_model(client.with_options(timeout=patience), model)
            first = ask(client.with_options(timeout=patience), model)
            typer.echo(in_words("the first answer", [first], cold=first.first_s > COLD_S))
            check_whole(client, model)
            with typer.progressbar(range(count), label="measuring") as rounds:
                answers = [ask(client, model) for _ in rounds]
            typer.echo(in_words(f"{count} more", answers))
    except (SmokeError, openai.OpenAIError) as error:
        typer.echo(f"smoke: {mend(error)}", err=True)
        raise typer.Exit(1) from None


def check_model(client: openai.OpenAI, model: str) -> None:
    there = [one.id for one in client.models.list()]
    if model not in there:
        raise SmokeError(f"LLM_MODEL={model} is not there; it has {', '.join(there) or 'none'}")
    typer.echo(f"ok: {model} is there")


def check_whole(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(
        model=model, messages=[{"role": "user", "content": QUESTION}], max_tokens=8
    )
    if not (answer.choices[0].message.content or "").strip():
        raise SmokeError("it answers without a word: does this model think instead of speaking?")
    typer.echo("ok: it answers whole")


def ask(client: openai.OpenAI, model: str) -> MeasuredAnswer:
    """One answer, as the bot asks for it."""
    began = time.monotonic()
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}],
        max_tokens=64,
        stream=True,
    )
    at: list[float] = []
    text, finished = "", False
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            at.append(time.monotonic())
            text += chunk.choices[0].delta.content
        finished = finished or bool(chunk.choices and chunk.choices[0].finish_reason)
    if not finished:
        raise SmokeError("the stream broke off")
    if not text.strip():
        raise SmokeError("it streams without a word: does this model think instead of speaking?")
    if len(at) < 3:
        raise SmokeError("it does not stream: the whole answer came at once")
    return MeasuredAnswer(at[0] - began, tuple(b - a for a, b in pairwise(at)), len(text.split()))


def in_words(name: str, answers: list[MeasuredAnswer], *, cold: bool = False) -> str:
    first = sorted(answer.first_s * 1000 for answer in answers)
    gaps = [gap * 1000 for answer in answers for gap in answer.gaps_s]
    spread = f", p95 {first[int(len(first) * 0.95)]:.0f}" if len(first) > 1 else ""
    return (
        f"{name}: first token {statistics.median(first):.0f} ms{spread}; "
        f"{statistics.mean(gaps):.1f} ms between tokens"
        + ("  (a cold start: a worker had to load the model)" if cold else "")
    )


def mend(error: Exception) -> str:
    match error:
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return "the key is wrong: LLM_API_KEY"
        case openai.NotFoundError():
            return "there is no such endpoint or model: LLM_BASE_URL, LLM_MODEL"
        case openai.APITimeoutError():
            return "no answer in time: no worker may be free (--patience)"
        case openai.APIConnectionError():
            return "nobody answers there: LLM_BASE_URL"
        case _:
            return str(error)


if __name__ == "__main__":
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(help=HELP)(main)
    app()
