"""All commands, and what becomes of an error: one line and a remedy, never a traceback unless asked for."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App, ConsumeMultipleError, CycloptsError, UnusedCliTokensError

from unsecret import __version__
from unsecret.cli.exit_codes import ERROR
from unsecret.cli.options import PLAIN
from unsecret.cli.printing import say, say_error
from unsecret.errors import UnsecretError
from unsecret.operate.graph.permissions import VERBS, in_words

HELP = """Get an organisation off client secrets in Microsoft Entra.

`unsecret up` runs a local tenant that enforces app management policies as Microsoft Graph does. The other
commands look at a tenant and change it, through Graph alone. They ask before they change anything, and read
back what they changed.

They speak to the tenant that `unsecret up` started last, unless --data names another, or --tenant a real one.
"""

EPILOGUE = (
    "Exit codes: 0 done, or nothing to do; 1 error, nothing or not everything was done; 2 changes are pending (plan, "
    "--dry-run); 3 what was judged falls short of what was asked for, or could not be known; 130 stopped by "
    "Ctrl-C. Answers go to stdout, all talk to stderr. Add --debug to any command to see where an unexpected error "
    "came from."
)

COMMANDS = {
    "up": "unsecret.cli.up:up",
    "tenant": "unsecret.cli.tenant:tenant",
    "keys": "unsecret.cli.keys:keys",
    "status": "unsecret.cli.status:status",
    "snapshot": "unsecret.cli.snapshot:snapshot",
    "apps": "unsecret.cli.apps:apps",
    "forecast": "unsecret.cli.forecast:forecast",
    "check": "unsecret.cli.check:check",
    "block": "unsecret.cli.block:block",
    "allow": "unsecret.cli.allow:allow",
    "remove": "unsecret.cli.remove:remove",
    "export": "unsecret.cli.export:export",
    "plan": "unsecret.cli.plan:plan",
    "apply": "unsecret.cli.apply:apply",
    "exempt": "unsecret.cli.exempt:exempt",
    "explain": "unsecret.cli.explain:explain",
    "audit": "unsecret.cli.audit:audit",
    "clock": "unsecret.cli.clock:clock",
    "graph": "unsecret.cli.graph:graph",
}
"""Each verb and where it is. A verb's file is imported when that verb is used, or when all are listed."""


def build_app(*, verb: str | None = None) -> App:
    """The command line as a value; with a `verb`, only that one's file is imported."""
    app = App(
        name="unsecret",
        help=HELP,
        help_epilogue=EPILOGUE,
        help_format="markdown",
        version=f"unsecret {__version__}",
        version_flags=["--version"],
        result_action="return_value",
        suppress_keyboard_interrupt=False,  # `ending` says what has become of the command
        default_parameter=PLAIN,
    )
    for order, (name, where) in enumerate(COMMANDS.items()):
        app.command(where, name=name, sort_key=order)
        if verb not in COMMANDS:
            app[name]  # imports it, so that its help is there to be listed
    for name in VERBS.keys() & (COMMANDS if verb not in COMMANDS else {verb}):
        app[name].help_epilogue = f"{in_words(VERBS[name])}\n\n{EPILOGUE}"
    return app


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and give its exit code. Ctrl-C, and a reader who leaves, are raised."""
    debug = "--debug" in arguments
    words = [one for one in arguments if one != "--debug"]
    try:
        app = build_app(verb=words[0] if words else None)
        result = app(words, exit_on_error=False, print_error=False)
        return result if isinstance(result, int) else 0
    except CycloptsError as error:
        return _misunderstood(error, words)
    except UnsecretError as error:
        return _refused(error, debug=debug)
    except BrokenPipeError:
        raise
    except Exception as error:
        return _unexpected(error, debug=debug)


def _misunderstood(error: CycloptsError, words: Sequence[str]) -> int:
    chain = error.command_chain or ([words[0]] if words and words[0] in COMMANDS else [])
    if not chain and words and words[0].startswith("-"):
        say(f"error: {words[0]} is no command, and options come after the command: unsecret status {words[0]} …")
    else:
        say(f"error: {_words(error)}")
    say(f"hint: {' '.join(('unsecret', *chain, '--help'))}")
    return ERROR


def _words(error: CycloptsError) -> str:
    if isinstance(error, UnusedCliTokensError):
        return f"Not expected here: {' '.join(error.unused_tokens or ())}"
    if isinstance(error, ConsumeMultipleError) and error.argument:
        return f"{error.keyword or error.argument.name} names nothing."
    return str(error).strip()


def _refused(error: UnsecretError, *, debug: bool) -> int:
    if debug:
        _traceback()
    say_error(error)
    return ERROR


def _unexpected(error: Exception, *, debug: bool) -> int:
    if debug:
        _traceback()
    say(f"error: something went wrong that was not foreseen ({type(error).__name__}: {error})")
    if not debug:
        say("hint: Run the same command with --debug to see where, and please report it.")
    return ERROR


def _traceback() -> None:
    import traceback

    traceback.print_exc()
