"""`revml schema`: the JSON Schema of the workspace file, for editors and for people."""

from __future__ import annotations

import click

from revml.cli.options import print_json
from revml.config import Workspace


@click.command()
def schema() -> None:
    """Print the JSON Schema of revml.yaml.

    Editors that know the YAML language server complete and check the file with it.

    \b
    Example:
      revml schema > revml.schema.json
      # then, as the first line of revml.yaml:
      # yaml-language-server: $schema=revml.schema.json
    """
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **Workspace.model_json_schema()})


commands: list[click.Command] = [schema]
