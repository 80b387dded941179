import typer


def say(text: str) -> None:
    """Print a line for the operator. What stands in a file or the database must not steer his terminal."""
    typer.echo("".join(char if char.isprintable() else " " for char in text))
