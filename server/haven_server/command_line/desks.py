"""`haven-server desks …`."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer
from pydantic import ValidationError

from haven_server.command_line.core import OPERATOR, open_core
from haven_server.command_line.imports import import_desks_file
from haven_server.command_line.output import say
from haven_server.core import Core
from haven_server.desks.channels import put_channel
from haven_server.desks.forms import LOWEST_RANK, ChannelForm, DeskView
from haven_server.desks.operations import get_desk, list_desks
from haven_server.problems import Invalid
from haven_server.settings import load_settings

PAGE = 500

app = typer.Typer(no_args_is_help=True, help="Police desks.")
app.command("import")(import_desks_file)


@app.command("list")
def list_them() -> None:
    """Id, name, districts and channels of every desk, one a line."""
    with open_core(load_settings()) as core:
        for desk in _all_desks(core):
            say(_line(desk))


@app.command()
def channel(
    desk_id: Annotated[int, typer.Argument(metavar="DESK_ID", help="As `desks list` shows it.")],
    rank: Annotated[int, typer.Argument(min=1, max=LOWEST_RANK, help="1 is tried first.")],
    url: Annotated[str, typer.Argument(help="Where the signed calls go: https://…")],
    *,
    secret: Annotated[bool, typer.Option("--secret", help="Ask for the secret, where the desk has given one.")] = False,
) -> None:
    """Give a desk a webhook, or another address to the one it has.

    Without --secret a new webhook gets a secret of Haven's making, which is printed only now; one that is there
    already keeps its own.
    """
    given = _ask_secret() if secret else None
    with open_core(load_settings()) as core:
        desk = get_desk(core, OPERATOR, desk_id)
        tuning = {
            name: getattr(before, name)
            for before in desk.channels
            if before.rank == rank
            for name in ("timeout_s", "concurrency")
        }
        saved = put_channel(core, OPERATOR, desk_id, rank, _form(kind="webhook", url=url, secret=given, **tuning))
    say(f"Channel {rank} of {_name(desk)}: {saved.url}")
    if saved.secret is not None:
        say("Its secret, shown only now:")
        say(saved.secret)


def _form(**facts: object) -> ChannelForm:
    try:
        return ChannelForm.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}") from None


def _ask_secret() -> str:
    """From the keyboard, unseen, or from a pipe; never from the command line, which every user can read."""
    return str(typer.prompt("Secret", hide_input=True)) if sys.stdin.isatty() else sys.stdin.readline().strip()


def _all_desks(core: Core) -> Iterator[DeskView]:
    after: int | None = 0
    while after is not None:
        page = list_desks(core, OPERATOR, after=after, limit=PAGE)
        yield from page.desks
        after = page.next


def _line(desk: DeskView) -> str:
    facts = [f"{desk.id:>4}  {_name(desk)}"]
    if desk.is_city:
        facts.append("takes all that has no other desk")
    if desk.districts:
        facts.append(", ".join(desk.districts))
    facts += [
        f"channel {channel.rank}: {channel.url}" + ("" if channel.enabled else " (off)") for channel in desk.channels
    ]
    if not desk.channels:
        facts.append("no channel")
    return " · ".join(facts)


def _name(desk: DeskView) -> str:
    """With its station, for two boxes may have one name."""
    return f"{desk.station} {desk.title}" if desk.name else desk.title
