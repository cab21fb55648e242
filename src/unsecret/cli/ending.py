"""How the process ends: whatever happens to it or to who reads it, with an exit code and without a traceback."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from unsecret.cli.exit_codes import ERROR, INTERRUPTED
from unsecret.cli.printing import clear_progress, say, say_error
from unsecret.errors import UnsecretError


def exit_code_of(work: Callable[[], int]) -> int:
    """What `work` gives, or what became of it: 130 after Ctrl-C, 1 when its answer cannot be written.

    The answer is written before this returns: the interpreter would do it too late for anything to be said.
    """
    try:
        _hear_every_ctrl_c()
        _open_closed_streams()
        code = work()
    except KeyboardInterrupt:
        say("Stopped.")
        code = INTERRUPTED
    except BrokenPipeError:  # whoever read our answer has seen enough
        code = ERROR
    except UnsecretError as error:
        say_error(error)
        code = ERROR
    clear_progress()
    return _with_everything_written(code)


_SOON = 0.01  # seconds


def _hear_every_ctrl_c() -> None:
    """Let no Ctrl-C be lost. Modules are imported when they are needed, and Python gives back a module's lock in a
    callback in which an exception would be printed as ignored, and be ignored."""
    if hasattr(signal, "setitimer"):  # not on Windows
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt)


def _interrupt(_number: int, frame: FrameType | None) -> None:
    if _gives_a_lock_back(frame):
        signal.setitimer(signal.ITIMER_REAL, _SOON)
    else:
        raise KeyboardInterrupt


def _gives_a_lock_back(frame: FrameType | None) -> bool:
    while frame is not None:
        if (frame.f_code.co_filename, frame.f_code.co_name) == ("<frozen importlib._bootstrap>", "cb"):
            return True
        frame = frame.f_back
    return False


def _open_closed_streams() -> None:
    """Started without standard input or output (`<&-`), Python has None for it, and a file that is opened
    later gets its number. Nothing to read, and nobody to tell, is what is meant."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 – open until the end


def _with_everything_written(code: int) -> int:
    try:
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        pass
    except OSError as problem:
        if code != ERROR:  # else it was said already
            say(f"error: The answer could not be written: {problem.strerror}.")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains once more at its end
    return ERROR
