"""`honnin demo`: one remote check in the terminal, each step with its time.

A real server runs on a free loopback port while it lasts, in a world of its own unless `--data` names one. Exit 0 when
the check ends as the person's story says.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from honnin.cli.output import json_option, print_json
from honnin.errors import ServiceError
from honnin.words import LANGUAGES, Language, say

if TYPE_CHECKING:
    from honnin.web.demo import Step, Walk

__all__ = ["demo"]

NOT_AS_TOLD = 1


def _own_language() -> Language:
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "ja" if told.startswith("ja") else "en"


@click.command()
@click.option("--persona", default="hanako", show_default=True, help="Whose card; see `honnin sandbox people`.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder of a world to use; without it a new one is made and thrown away.",
)
@click.option("--lang", type=click.Choice(LANGUAGES), default=_own_language, help="Language of the words.")
@json_option
def demo(persona: str, data: Path | None, lang: Language, *, as_json: bool) -> None:
    """Walk one remote check in the terminal."""
    from httpx import TransportError

    from honnin.web.demo import walk

    try:
        with _server(data) as running:
            walked = walk(running, persona, language=lang)
    except TransportError as error:
        raise ServiceError(
            "serve.loopback",
            f"The demo cannot reach its own server on 127.0.0.1 ({type(error).__name__}).",
            next="Bring up the loopback interface, and let nothing filter it.",
        ) from error
    if as_json:
        print_json(_told(walked))
    else:
        _print(walked, lang)
    sys.exit(0 if walked.matches else NOT_AS_TOLD)


@contextmanager
def _server(data: Path | None) -> Iterator[Any]:
    from honnin.platform import Settings
    from honnin.web.serving import serve_in_thread

    if data is not None:
        with serve_in_thread(Settings.from_environment(data)) as running:
            yield running
        return
    with TemporaryDirectory(prefix="honnin-demo-") as folder, serve_in_thread(Settings(data=Path(folder))) as running:
        yield running


def _told(walked: "Walk") -> dict[str, Any]:
    import msgspec

    told: dict[str, Any] = msgspec.to_builtins(walked)
    return {**told, "ms": round(walked.ms, 1)}


def _print(walked: "Walk", language: Language) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.table import Table

    console = Console(highlight=False)
    story = walked.story.get(language) or walked.story["ja"]
    title = f"{walked.name} ({walked.person})"
    console.print(Panel(story, title=title, subtitle=say("demo.title", language), border_style="blue"))
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_column(style="dim")
    table.add_column(justify="right", no_wrap=True)
    for step in walked.steps:
        mark = "[green]✔[/]" if step.result == "done" else "[red]✘[/]"
        table.add_row(mark, say(f"demo.step_{step.id}", language), _seen(step), f"{step.ms:,.1f} ms")
    table.add_row("", "", "", f"[bold]{walked.ms:,.1f} ms[/]")
    console.print(table)
    opened = walked.outcome.account_opened
    lines = [say("demo.opened" if opened else "demo.not_opened", language)]
    lines += [text for text in (walked.messages.get(language, ""), _next(walked, language)) if text]
    lines.append(say("demo.as_told" if walked.matches else "demo.not_as_told", language))
    console.print(Panel("\n".join(lines), border_style="green" if opened else "yellow"))


def _next(walked: "Walk", language: Language) -> str:
    return f"→ {walked.next.get(language) or walked.next['ja']}"


def _seen(step: "Step") -> str:
    shown = [f"{name}={value}" for name, value in step.seen.items() if value not in (None, "")]
    return "  ".join(shown)
