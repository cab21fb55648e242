"""`make fuzz CALLS=20000`: many made-up calls, and a line for each that was not answered as it should be.

`python -m tests.hostile.fuzz --calls 20000 --seed 1`
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests import databases
from tests.hostile.fuzzing import Fuzz
from tests.local_tenant import NOW, LocalTenant, new_identity
from unsecret.store.engine import Store
from unsecret.tenant.signing import SigningKeys

EACH = 25
"""Calls of one operation in a row; then comes another one."""


def fuzz(calls: int, chance: int) -> Fuzz:
    """Call everything, in random order, until that were `calls`."""
    with tempfile.TemporaryDirectory() as name, databases.migrated_into(Path(name)) as directory:
        keys = Store.open(directory / "keys.sqlite")
        signing = SigningKeys.open(keys, clock=lambda: NOW)
        tenant = LocalTenant(directory, new_identity(), signing)
        try:
            with tenant.client:
                made = Fuzz(tenant)
                while made.calls < calls:
                    _round(made, calls, chance)
                    chance += 1
        finally:
            tenant.close()
            keys.close()
    return made


def _round(made: Fuzz, calls: int, chance: int) -> None:
    """Every operation once, at most EACH calls of it."""
    operations = made.operations
    random.Random(chance).shuffle(operations)
    for operation in operations:
        if made.calls < calls:
            made.run(operation, examples=EACH, chance=chance)
            if operation.method == "post" and "201" in operation.responses.status_codes:
                made.live(operation, examples=3, chance=chance)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=int(time.time()))
    given = arguments.parse_args()
    warnings.simplefilter("ignore")
    print(f"seed {given.seed}, {given.calls} calls")
    made = fuzz(given.calls, given.seed)
    print(f"{made.calls} calls: {dict(sorted(made.statuses.items()))}")
    for failure in made.failures.values():
        print(f"\n{failure}")
    print(f"{len(made.failures)} defects")
    return 1 if made.failures else 0


if __name__ == "__main__":
    sys.exit(main())
