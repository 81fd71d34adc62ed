"""`make trust`: the drills, one line per figure of docs/trust.md, and status 1 when one does not hold.

`python -m tests.trust g7 g8` runs these alone. `--seed` repeats a run, `--scale 0.1` is for building; `--soak` is long.
"""

import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterable

import click

from tests.trust.bank_walk import walk_the_bank
from tests.trust.crash_points import crash_every_operation
from tests.trust.ground import Ground, trust_ground
from tests.trust.guards import remove_every_guard
from tests.trust.history import check_history
from tests.trust.hot_row import measure_hot_row
from tests.trust.kills import kill_database, kill_workers
from tests.trust.machine import run_machine
from tests.trust.overcommitting import race, twins

Drill = Callable[[Ground, float], None]


def sized(number: float, scale: float, least: int = 1) -> int:
    """A count at this scale."""
    return max(least, round(number * scale))


DRILLS: dict[str, Drill] = {
    "g1": lambda ground, scale: race(ground, rounds=sized(50, scale), others=sized(20, scale)),
    "g3": lambda ground, scale: twins(ground, keys=sized(50, scale)),
    "g4": lambda ground, scale: kill_workers(ground, seconds=60 * scale, kills=sized(150, scale)),
    "g5": lambda ground, scale: kill_database(ground, times=sized(10, scale)),
    "g7": lambda ground, _: crash_every_operation(ground),
    "g8": lambda ground, scale: walk_the_bank(ground, seconds=60 * scale),
    "g9": lambda ground, scale: check_history(ground, operations=sized(20_000, scale)),
    "g10": lambda ground, scale: run_machine(ground, examples=sized(300, scale), steps=40),
    "g11": lambda ground, scale: measure_hot_row(ground, seconds=max(2, 6 * scale)),
    "g19": lambda ground, _: remove_every_guard(ground),
}
"""In the order in which `make trust` runs them; g1 holds G2 too."""
BESIDE = ("g7", "g19")
"""Drills of one process, which run beside the others when all are asked for: half of the time that all take."""
ALONE = ("g11",)
"""Drills that compare rates, and so run when nothing else does."""
SOAK = 20.0


@click.command("trust")
@click.argument("drills", nargs=-1, type=click.Choice(sorted(DRILLS)))
@click.option("--seed", type=int, help="Repeats a run; without it, one is drawn and told.")
@click.option("--scale", default=1.0, show_default=True, help="How much of each drill, of what CI runs.")
@click.option("--soak", is_flag=True, help=f"{SOAK:.0f} times as much.")
def trust(drills: tuple[str, ...], seed: int | None, scale: float, soak: bool) -> None:
    """Try to break the promises about money, and say how it went."""
    drawn = secrets.randbelow(2**31) if seed is None else seed
    size = SOAK * scale if soak else scale
    began = time.monotonic()
    if drills:
        broken = run_drills(drills, drawn, size)
    else:
        click.echo(f"seed {drawn} (repeat with --seed {drawn})")
        command = [sys.executable, "-m", "tests.trust", *BESIDE, "--seed", str(drawn), "--scale", str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as beside:
            broken = run_drills([name for name in DRILLS if name not in BESIDE + ALONE], drawn, size)
            click.echo(beside.communicate()[0], nl=False)
        if beside.returncode != 0:
            broken += [f"{' and '.join(BESIDE)} ended with status {beside.returncode}; their lines are above"]
        broken += run_drills(ALONE, drawn, size)
    click.echo(f"{'NOT every figure holds' if broken else 'Every figure holds'} (seed {drawn}, {_since(began)})")
    for line in broken:
        click.echo(f"     {line}")
    if broken:
        raise click.exceptions.Exit(1)


def run_drills(names: Iterable[str], seed: int, scale: float) -> list[str]:
    """Run these in their order; the lines of those figures that do not hold. A missed goal is none of them."""
    with trust_ground(seed) as ground:
        for name in names:
            started = time.monotonic()
            DRILLS[name](ground, scale)
            click.echo(f"     {name} took {_since(started)}")
    return [str(line) for line in ground.lines if not line.holds and not line.goal]


def _since(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


if __name__ == "__main__":
    trust()
