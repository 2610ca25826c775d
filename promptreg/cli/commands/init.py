"""`promptreg init`."""

from __future__ import annotations

import os

import click

from promptreg.cli import output
from promptreg.cli.options import surroundings
from promptreg.core.errors import PromptregError
from promptreg.core.source import Folder, find_registry
from promptreg.files import writing
from promptreg.git.repo import find_root

_TOML = """\
schema = 1
default_environment = "production"      # or "draft": the deployed commit is the version

[environments.production]
mode = "standard"                       # lenient · standard · strict (strict pays from 100 cases × 3 runs, or 300)
# after = "staging"                     # a version must be in staging first

# [environments.staging]

# [gate]                                # alpha = 0.05, max_drop = 0.05, min_cases = 20, …

# [prices."gpt-4.1-mini"]               # USD per million tokens, for --max-cost
# input = 0.40
# output = 1.60
"""
_ENVIRONMENT = """\
# What {environment} runs. promptreg promote, ship and rollback write this file; review it like code.
"""
_ATTRIBUTES = """\
# Released files and results stay byte for byte as they are, on every machine.
**/versions/** -text
**/versions.sum -text
**/evals/results/** -text
# git diff shows the heading above a change.
**/prompt.md diff=markdown
"""
_README = """\
# Prompts

Each folder with a `prompt.md` is a prompt. **Edit `prompt.md`; it is the only file edited by hand.**

- Look at it filled in: `promptreg render support/answer -i question="…"`
- What did I change? `promptreg diff support/answer`
- To production: `promptreg ship support/answer --to production -m "What changed"`, then open a pull request.
- Back again: `promptreg rollback support/answer --in production`

Never touch `versions/`, `versions.sum`, `evals/results/` or `environments/` by hand: promptreg writes them, and
`promptreg check` refuses other changes. An accident? `promptreg check --fix` puts it right.

## プロンプト

`prompt.md` のあるフォルダーが一つのプロンプトです。**手で編集するのは `prompt.md` だけです。**

- 表示を確かめる: `promptreg render support/answer -i question="…"`
- 本番に出す: `promptreg ship support/answer --to production -m "変更点"` のあと、プルリクエストを作ります。
- `versions/`、`versions.sum`、`evals/results/`、`environments/` は手で変えないでください。
"""
_CODEOWNERS = """\
# Who approves what production runs, and the rules of the gate.
/{prefix}environments/production.yaml  @your-org/release-owners
/{prefix}promptreg.toml                @your-org/release-owners
"""
_PRE_COMMIT = """\
repos:
  - repo: local
    hooks:
      - id: promptreg-lint
        name: promptreg lint
        entry: promptreg lint --all
        language: system
        pass_filenames: false
        files: ^{prefix}
      - id: promptreg-check
        name: promptreg check
        entry: promptreg check
        language: system
        pass_filenames: false
        files: ^{prefix}
"""
_GITHUB = """\
name: promptreg
on: {pull_request: {}, merge_group: {}}   # no paths:, or a required check that is skipped stays pending
permissions: {contents: read}
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v6
        with: {fetch-depth: 2}            # the merge commit and its first parent
      - uses: actions/setup-python@v6
        with: {python-version: "3.12"}
      - run: pip install git-promptreg
      - run: promptreg check
"""


@click.command("init")
@click.argument("directory", metavar="[DIR]", default="prompts")
@click.option("--github", is_flag=True, help="A workflow that runs promptreg check on pull requests.")
@click.option("--codeowners", is_flag=True, help="Who must approve what production runs.")
@click.option("--pre-commit", "pre_commit", is_flag=True, help="Hooks that lint and check before a commit.")
def command(directory: str, github: bool, codeowners: bool, pre_commit: bool) -> None:
    """Make a registry. Nothing that is there is overwritten; what a flag cannot write is printed."""
    here = surroundings()
    root = os.path.join(here.directory, directory)
    above = find_registry(here.directory)
    if above is not None and os.path.realpath(above) != os.path.realpath(root):
        raise PromptregError(f"there is a registry already: {os.path.relpath(above, here.directory)}")
    repository = find_root(here.directory)
    prefix = os.path.relpath(os.path.realpath(root), repository or os.path.realpath(here.directory)).replace(
        os.sep, "/"
    )
    prefix = "" if prefix == "." else f"{prefix}/"
    _registry(Folder(root, f"{directory}/"))
    top = Folder(repository or here.directory)
    blocks = []
    if codeowners:
        blocks.append((".github/CODEOWNERS", _CODEOWNERS.replace("{prefix}", prefix)))
    if pre_commit:
        blocks.append((".pre-commit-config.yaml", _PRE_COMMIT.replace("{prefix}", prefix)))
    if github:
        blocks.append((".github/workflows/promptreg.yml", _GITHUB))
    _blocks(top, blocks)
    if repository is None:
        output.say("This is no git repository: git init makes one, and history and check need it.")
    output.say("Next: promptreg new support/answer --chat")


def _registry(folder: Folder) -> None:
    files = {
        "promptreg.toml": _TOML,
        "environments/production.yaml": _ENVIRONMENT.format(environment="production"),
        ".gitattributes": _ATTRIBUTES,
        "README.md": _README,
    }
    with writing(folder) as writer:
        for path, text in files.items():
            if folder.has(path):
                output.say(f"kept  {folder.shown(path)}")
            else:
                writer.write(path, text)
                output.say(f"wrote {folder.shown(path)}")


def _blocks(top: Folder, blocks: list[tuple[str, str]]) -> None:
    from promptreg.files import Writer

    for path, text in blocks:
        if top.has(path):
            output.say(f"{path} is there already; add this to it:\n")
            output.say(text)
        else:
            Writer(top).write(path, text)
            output.say(f"wrote {path}")
