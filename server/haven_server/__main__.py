from haven_server.cli import cli

cli()
