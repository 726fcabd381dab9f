"""The command line: ``zorgpad sample``, ``prepare``, ``report``, ``verify``, ``clean``, ``lab`` and more.

Commands import what they need when they run, so that ``--help`` is quick. A mistake ends in two lines on stderr.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

import zorgpad
from zorgpad.cli import leaving, registers, reports
from zorgpad.errors import ZorgpadError

WRONG_USE = 2  # exit codes beside those of zorgpad.errors
FAULT = 70
INTERRUPTED = 130

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
region_app = typer.Typer(help="Look at the configuration of a region.")
app.add_typer(region_app, name="region")
key_app = typer.Typer(help="Keys that make pseudonyms.")
app.add_typer(key_app, name="key")


def main() -> None:
    """Run the command line; never ends in a traceback, unless ``--debug`` asks for it."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    sys.exit(_run(arguments or ["--help"], debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    """The exit code of one command."""
    try:
        return int(app(args=arguments, prog_name="zorgpad", standalone_mode=False) or 0)
    except ZorgpadError as error:
        return _complain(f"Error: {error}", error.exit_code, debug=debug)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "zorgpad"
        return _complain(f"Error: {error.format_message()}\nSee: {command} --help", WRONG_USE, debug=debug)
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        text = f"Error:{where}: {error.strerror or type(error).__name__}.\nCheck the path and your rights to it."
        return _complain(text, ZorgpadError.exit_code, debug=debug)
    except ModuleNotFoundError as error:
        text = f"Error: {error.name} is not installed: the environment is older than this version of zorgpad."
        return _complain(
            f"{text}\nBring it up to date: make env (or install requirements.lock again).", FAULT, debug=debug
        )
    except KeyboardInterrupt:
        return _complain(
            "Stopped. Nothing half made stands anywhere; the same command goes on from here.", INTERRUPTED, debug=debug
        )
    except Exception as error:
        # the message may hold a child's values, so that only kind and place are shown
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"Error: unexpected {type(error).__name__} in {Path(place.filename).name}, line {place.lineno}.\n"
        return _complain(
            f"{text}This is a fault of zorgpad; --debug shows where (and perhaps data).", FAULT, debug=debug
        )


def _complain(text: str, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"{text}\n")
    return code


def _version(asked: bool) -> None:  # noqa: FBT001 - typer's callback
    if asked:
        typer.echo(f"zorgpad {zorgpad.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (it may show data).")] = False,
) -> None:
    """Care paths (zorgpaden) and pleegzorg breakdowns in Dutch youth care, from records to reports per gemeente.

    Begin with a sample of invented children:

    - `zorgpad sample` makes the sample region in data/een10voordejeugd

    - `zorgpad report` makes the reports of all its gemeenten

    - `zorgpad lab` opens JupyterLab to explore

    `zorgpad COMMAND --help` explains one command, with examples.
    """


app.command()(registers.sample)
app.command()(registers.prepare)
app.command()(reports.report)
app.command()(reports.verify)
app.command()(reports.clean)
app.command("check")(leaving.check_folder)
app.command()(leaving.bundle)
app.command()(reports.lab)
region_app.command("check")(registers.check_region)
key_app.command("new")(registers.new_key)
