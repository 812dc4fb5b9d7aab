"""How a command ends: its exit status, and every refusal as one coded error (CONTRACTS: Verdicts, Commands).

A usage error, Ctrl+C at a prompt, a file or a disk that fails end with 2: it could not be done. So does standard output
that is closed, full, or read by nobody any more: 0 and 1 are answers, and nobody got one.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click

from honnin.cli.output import print_error
from honnin.errors import HonninError, InputError

__all__ = ["ended"]

NOT_DONE = 2


def ended(run: Callable[[], Any], *, as_json: bool) -> int:
    """Run a command and return its exit status; print what it refused, as JSON on standard output with `as_json`."""
    if sys.stdout is None:
        print_error(InputError("input.file", "Standard output is closed.", next="Open it."), as_json=False)
        return NOT_DONE
    try:
        status = _ended(run, as_json=as_json)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_no_more()
        return NOT_DONE
    except OSError as error:
        _write_no_more()
        print_error(_failed(error), as_json=False)
        return NOT_DONE
    return status


def _ended(run: Callable[[], Any], *, as_json: bool) -> int:
    try:
        told = run()
    except click.ClickException as error:
        return _refused(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        refusal: HonninError = InputError("input.interrupted", "Stopped before it was done.", next="Run it again.")
    except HonninError as error:
        refusal = error
    except SystemExit as asked:
        return asked.code if isinstance(asked.code, int) else NOT_DONE
    except BrokenPipeError:
        raise
    except (OSError, sqlite3.Error) as error:
        refusal = _failed(error)
    else:
        return told if isinstance(told, int) else 0  # click hands back the status of `Context.exit`
    print_error(refusal, as_json=as_json)
    return refusal.exit_code


def _write_no_more() -> None:
    """Let what standard output did not take go nowhere, lest the interpreter try once more as it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _refused(error: click.ClickException, *, as_json: bool) -> int:
    """Print what click refused as a coded error; a group that was called without a command shows its help."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError) and not as_json:
        error.show()
        return NOT_DONE
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context else "honnin"
    message = "No command was given."
    if not isinstance(error, click.exceptions.NoArgsIsHelpError):
        message = " ".join(error.format_message().split())
    print_error(InputError("input.usage", message, next=f"See {command} --help."), as_json=as_json)
    return NOT_DONE


def _failed(error: OSError | sqlite3.Error) -> HonninError:
    if isinstance(error, OSError):
        place = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return InputError(
            "input.file",
            f"{place}{error.strerror or type(error).__name__}.",
            next="Check the path, its permissions and the space left.",
        )
    return InputError("input.file", "A data file cannot be used.", next="Check the data folder, or name another.")
