#!/usr/bin/env python3
"""Puts the language model on RunPod, tells what it costs first, and takes it away again.

export RUNPOD_API_KEY=... HF_TOKEN=...
.venv/bin/python runpod/deploy.py up --dry-run     what would be done, and its price
.venv/bin/python runpod/deploy.py up               make it, or bring it up to date
.venv/bin/python runpod/deploy.py list             what there is, and what it costs
.venv/bin/python runpod/deploy.py down             remove it
"""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

sys.path.insert(0, str(Path(__file__).parent))  # this folder is no package: it has the SDK's name

from plan import Plan, PlanError, changes, read, shown
from rest import GRAPHQL, REST, Cloud, CloudError, Thing

OURS = "halfsecond-"
"""The names of all that this makes begin so."""

HELP = __doc__.replace("\n\n", "\n\n\b\n")
"""With its lines as they are."""

app = typer.Typer(rich_markup_mode=None, add_completion=False, help=HELP, no_args_is_help=True)

Variant = Annotated[
    Path, typer.Option("--variant", help="The file to deploy: a100.json, h100-fp8.json, pod.json.")
]
Key = Annotated[
    str, typer.Option(envvar="RUNPOD_API_KEY", help="RunPod's key.", show_default=False)
]
Rest = Annotated[str, typer.Option(envvar="RUNPOD_REST_URL", hidden=True)]
Graphql = Annotated[str, typer.Option(envvar="RUNPOD_GRAPHQL_URL", hidden=True)]
A100 = Path(__file__).with_name("a100.json")


@app.command()
def up(  # noqa: PLR0913 - the options of a command are its arguments
    variant: Variant = A100,
    dry_run: Annotated[bool, typer.Option(help="Change nothing: say what would be.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    keep_warm: Annotated[
        int | None,
        typer.Option(min=0, help="Workers that never stop: no cold start, and paid for."),
    ] = None,
    hf_token: Annotated[str, typer.Option(envvar="HF_TOKEN", show_default=False)] = "",
    access_token: Annotated[str, typer.Option(envvar="ACCESS_TOKEN", show_default=False)] = "",
    image: Annotated[str, typer.Option(envvar="IMAGE", help="For pod.json: what you built.")] = "",
    key: Key = "",
    rest: Rest = REST,
    graphql: Graphql = GRAPHQL,
) -> None:
    """Make it, or bring it up to date; done twice, the second time changes nothing.

    \b
    Examples:
      runpod/deploy.py up --dry-run
      runpod/deploy.py up --variant runpod/h100-fp8.json --keep-warm 1
      runpod/deploy.py up --variant runpod/pod.json --image you/halfsecond:pod
    """
    given = {"HF_TOKEN": hf_token, "ACCESS_TOKEN": access_token, "IMAGE": image}
    with _in_one_line(), closing(Cloud(key, rest, graphql)) as cloud:
        if dry_run:
            given = {name: value or f"<{name}>" for name, value in given.items()}
        plan = read(variant, given, keep_warm)
        typer.echo(f"{plan.about}\n{price(plan, cloud)}")
        template, machine = found(plan, cloud)
        todo = steps(plan, template, machine)
        for line in todo or ["nothing to do: it is as it should be"]:
            typer.echo(f"  {line}")
        if dry_run:
            return
        if todo and not yes and not typer.confirm("Do it?"):
            raise typer.Exit(1)
        made = carry_out(plan, cloud, template, machine)
        typer.echo(use(plan, made))


@app.command("list")
def list_all(key: Key = "", rest: Rest = REST, graphql: Graphql = GRAPHQL) -> None:
    """List what of ours there is, and what it costs."""
    with _in_one_line(), closing(Cloud(key, rest, graphql)) as cloud:
        lines = there_is(cloud)
    typer.echo("\n".join(lines) or "there is nothing of ours on RunPod")


@app.command()
def down(
    variant: Variant = A100,
    dry_run: Annotated[bool, typer.Option(help="Change nothing: say what would be.")] = False,
    key: Key = "",
    rest: Rest = REST,
    graphql: Graphql = GRAPHQL,
) -> None:
    """Remove it, starting with what costs money. It is no error if nothing is there."""
    with _in_one_line(), closing(Cloud(key, rest, graphql)) as cloud:
        anything = {"HF_TOKEN": "-", "ACCESS_TOKEN": "-", "IMAGE": "-"}
        plan = read(variant, anything)
        template, machine = found(plan, cloud)
        for kind, thing in ((plan.kind, machine), ("templates", template)):
            if thing is None:
                continue
            typer.echo(f"  remove {named(kind, thing)}")
            if dry_run:
                continue
            with _saying_what_is_left(cloud):
                if kind == "endpoints":  # its workers first: an endpoint that has some stays
                    cloud.change(kind, thing["id"], {"workersMin": 0, "workersMax": 0})
                cloud.remove(kind, thing["id"])
        if template is None and machine is None:
            typer.echo("there is nothing to remove")


def found(plan: Plan, cloud: Cloud) -> tuple[Thing | None, Thing | None]:
    """By their names. A template's is unique; RunPod adds -fb to an endpoint's with FlashBoot."""
    templates = {one.get("name"): one for one in cloud.there("templates")}
    template = templates.get(plan.template["name"])
    for one in cloud.there(plan.kind):
        if one.get("desiredStatus") == "TERMINATED":
            continue
        name = str(one.get("name", "")).removesuffix("-fb").strip()
        if name == plan.machine["name"]:
            return template, one
    return template, None


def steps(plan: Plan, template: Thing | None, machine: Thing | None) -> list[str]:
    """The steps to be done, in words."""
    lines = []
    for kind, wanted, there in (
        ("templates", plan.template, template),
        (plan.kind, _machine(plan, template), machine),
    ):
        if there is None:
            lines.append(f"make {named(kind, wanted)}")
            continue
        lines += [
            f"change {named(kind, there)}: {field} {shown(field, was)} -> {shown(field, is_to_be)}"
            for field, (was, is_to_be) in sorted(changes(wanted, there).items())
        ]
    if lines and plan.kind == "pods" and machine is not None:
        lines.append("the pod that runs keeps what it has: `down`, then `up` makes it anew")
    return lines


def _machine(plan: Plan, template: Thing | None) -> Thing:
    """An endpoint goes on with another template; a pod has its own for good."""
    if template is None or plan.kind == "pods":
        return plan.machine
    return {**plan.machine, "templateId": template["id"]}


def carry_out(plan: Plan, cloud: Cloud, template: Thing | None, machine: Thing | None) -> Thing:
    """The template first, since it costs nothing."""
    with _saying_what_is_left(cloud):
        if template is None:
            template = cloud.make("templates", plan.template)
        elif changed := changes(plan.template, template):
            cloud.change("templates", template["id"], _patch(plan.template, changed))
        if machine is None:
            return cloud.make(plan.kind, {**plan.machine, "templateId": template["id"]})
        wanted = _machine(plan, template)
        if changed := changes(wanted, machine):
            cloud.change(plan.kind, machine["id"], _patch(wanted, changed))
        return machine


def _patch(wanted: Thing, changed: dict[str, tuple[Any, Any]]) -> Thing:
    """Whole fields: an `env` in a change takes the place of the one before it."""
    return {name: wanted[name] for name in {field.partition(".")[0] for field in changed}}


def price(plan: Plan, cloud: Cloud) -> str:
    """In dollars per hour, before anything is done."""
    if plan.kind == "pods":
        try:
            asked = cloud.hourly(plan.gpus)
        except CloudError as error:
            asked = {}
            typer.echo(f"  ({error})", err=True)
        if not asked:
            return "price: unknown; see https://www.runpod.io/pricing. It is paid until `down`."
        gpu, dollars = max(asked.items(), key=lambda one: one[1])
        return f"price: up to ${dollars:.2f} per hour ({gpu}), from the start until `down`"
    hourly = (plan.per_second or 0.0) * 3600
    always, most = plan.machine["workersMin"], plan.machine["workersMax"]
    return (
        f"price: ${hourly:.2f} per hour and running worker ({plan.source}); "
        f"at rest ${hourly * always:.2f}, at most ${hourly * most:.2f} per hour"
    )


def use(plan: Plan, machine: Thing) -> str:
    name = machine["id"]
    if plan.kind == "pods":
        return (
            f"pod {name} is starting; in some minutes it answers at\n"
            f"  https://{name}-7860.proxy.runpod.net\n"
            "It costs money until you run `deploy.py down --variant runpod/pod.json`."
        )
    return (
        "Put this into .env:\n"
        f"  LLM_BASE_URL=https://api.runpod.ai/v2/{name}/openai/v1\n"
        f"  LLM_MODEL={plan.model}\n"
        "  LLM_API_KEY=<your RunPod key>\n"
        f"  LLM_MAX_CONCURRENCY={plan.template['env']['MAX_CONCURRENCY']}\n"
        "and check it with: .venv/bin/python runpod/smoke.py"
    )


def there_is(cloud: Cloud) -> list[str]:
    """Lines about all of ours that there is, what costs money first."""
    lines = []
    for kind in ("pods", "endpoints", "templates"):
        lines += [
            f"{named(kind, one)}: {costs(kind, one)}"
            for one in cloud.there(kind)
            if str(one.get("name", "")).startswith(OURS)
            and one.get("desiredStatus") != "TERMINATED"
        ]
    return lines


def costs(kind: str, thing: Thing) -> str:
    match kind:
        case "pods" if thing.get("desiredStatus") == "EXITED":
            return "stopped; its disk costs money"
        case "pods":
            return f"costs ${float(thing.get('costPerHr') or 0):.2f} per hour NOW"
        case "endpoints" if thing.get("workersMin"):
            return f"costs money NOW: {thing['workersMin']} of its workers never stop"
        case "endpoints":
            return f"costs money while it is asked (at most {thing.get('workersMax')} workers)"
        case _:
            return "costs nothing"


def named(kind: str, thing: Thing) -> str:
    name = f"{kind.removesuffix('s')} {thing.get('name', '')}"
    return f"{name} ({thing['id']})" if thing.get("id") else name


@contextmanager
def _saying_what_is_left(cloud: Cloud) -> Iterator[None]:
    """When it fails half-way: what there is now, and what of it costs money."""
    try:
        yield
    except CloudError:
        typer.echo("It failed half-way. These things of ours are on RunPod now:", err=True)
        try:
            lines = there_is(cloud) or ["nothing"]
        except CloudError:
            lines = [
                "UNKNOWN: RunPod does not answer. Something may cost money:",
                "look at https://console.runpod.io, or run `deploy.py list` later",
            ]
        for line in lines:
            typer.echo(f"  {line}", err=True)
        raise


@contextmanager
def _in_one_line() -> Iterator[None]:
    try:
        yield
    except (CloudError, PlanError) as error:
        typer.echo(f"deploy: {error}", err=True)
        raise typer.Exit(1) from None


if __name__ == "__main__":
    app()
