"""`haven-server tokens …`."""

from typing import Annotated

import typer

from haven_server.command_line.core import OPERATOR, open_core
from haven_server.command_line.output import say
from haven_server.settings import load_settings
from haven_server.staff.access import Role
from haven_server.staff.tokens import create_token, list_tokens, revoke_token

app = typer.Typer(no_args_is_help=True, help="API tokens.")


@app.command()
def create(name: str, role: Annotated[Role, typer.Option(help="What it may do.")] = Role.DISPATCHER) -> None:
    """Make an API token and print it. It is shown only now."""
    with open_core(load_settings()) as core:
        say(create_token(core, OPERATOR, name, role))


@app.command("list")
def list_them() -> None:
    """Names and roles of all tokens, those that have ended too."""
    with open_core(load_settings()) as core:
        tokens = list_tokens(core, OPERATOR)
    for token in tokens:
        ended = "in force" if token.revoked_at is None else f"ended {token.revoked_at:%Y-%m-%d %H:%M} UTC"
        say(f"{token.name} · {token.role} · made {token.created_at:%Y-%m-%d %H:%M} UTC · {ended}")
    if not tokens:
        say("There is no token yet; `haven-server tokens create NAME` makes one.")


@app.command()
def revoke(name: str) -> None:
    """End a token at once. Its name stays taken."""
    with open_core(load_settings()) as core:
        revoke_token(core, OPERATOR, name)
    say(f"The token {name} has ended.")
