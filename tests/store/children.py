"""Other processes on the same directory: what they run, and how a test talks to them.

`python -m tests.store.children VERB URL …` is such a process. It says what it has done, a line each, after it is done.
"""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Iterator

from tests.store.nouns import DIGEST, TENANT, application, password, tenant
from unsecret.errors import UnsecretError
from unsecret.model.identifiers import ObjectId
from unsecret.store import credentials, directory_objects, tenants
from unsecret.store.engine import Store


def start(verb: str, *arguments: str) -> subprocess.Popen[str]:
    """The process, waiting for a line on its input before it begins."""
    command = [sys.executable, "-m", "tests.store.children", verb, *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def begin(*children: subprocess.Popen[str]) -> None:
    """Waits until each is ready, then lets all of them go at once."""
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()


def lines_of(child: subprocess.Popen[str]) -> Iterator[str]:
    """What it says, until it ends."""
    assert child.stdout
    return (line.rstrip("\n") for line in child.stdout)


def ended(child: subprocess.Popen[str]) -> list[str]:
    """All that it says, once it has ended well."""
    said = list(lines_of(child))
    close(child)
    assert child.returncode == 0, said
    return said


def close(child: subprocess.Popen[str]) -> None:
    """Waits for its end, and puts its pipes away."""
    child.wait(30)
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()


def _open_first(url: str) -> None:
    """Opens a directory that may not exist yet, and adds a tenant unless another process has."""
    store = Store.open(url)
    try:
        store.write(lambda conn: tenants.add_tenant(conn, tenant(TENANT))).result()
        print("added", flush=True)
    except UnsecretError as error:
        print(type(error).__name__, flush=True)
    store.close()


def _add_passwords(url: str, object_id: str, count: str) -> None:
    """Adds secrets, eight under way at a time; says the key id of each that was answered."""
    store = Store.open(url)
    under_way: deque = deque()
    for _ in range(int(count)):
        secret = password()
        future = store.write(
            lambda conn, secret=secret: credentials.add_password(conn, TENANT, ObjectId(object_id), secret, DIGEST)
        )
        under_way.append((secret.key_id, future))
        if len(under_way) == 8:
            _report(*under_way.popleft())
    while under_way:
        _report(*under_way.popleft())
    store.close()


def _report(key_id: str, future) -> None:
    future.result()
    print(key_id, flush=True)


def _add_named(url: str, *names: str) -> None:
    """Adds an application of each unique name; says which names it got."""
    store = Store.open(url)
    for name in names:
        try:
            store.write(
                lambda conn, name=name: directory_objects.add(conn, TENANT, application(unique_name=name))
            ).result()
            print(name, flush=True)
        except UnsecretError as error:
            print(type(error).__name__, flush=True)
    store.close()


if __name__ == "__main__":
    print("ready", flush=True)
    sys.stdin.readline()
    {"open-first": _open_first, "add-passwords": _add_passwords, "add-named": _add_named}[sys.argv[1]](*sys.argv[2:])
