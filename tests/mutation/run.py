#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Switches one safety mechanism off at a time and requires that a test notices.

usage: run.py BUILD

The agents that the crash tests run are built to obey BLACKSTART_MUTATE; no other agent is. Each line of
the table must pass with every mechanism on, and at least one of its tests must fail without its own.
"""
import os
import pathlib
import subprocess
import sys

# mechanism → [(program, filter)]
TABLE = {
    "deadline": [("mutation_test", "*TheCheckPassesWithTheMechanism/deadline")],
    "sentinel": [("mutation_test", "*TheCheckPassesWithTheMechanism/sentinel"),
                 ("crash_hosts_test", "*AStoppedAgentIsKilledAtItsDeadline*")],
    "reaper": [("mutation_test", "*TheCheckPassesWithTheMechanism/reaper"),
               ("crash_hosts_test", "*BothDeadMeansHealthyAndTheNextStartReaps*")],
    "protect": [("mutation_test", "*TheCheckPassesWithTheMechanism/protect")],
}


def passes(program, names, mechanism):
    environment = {key: value for key, value in os.environ.items() if key != "BLACKSTART_MUTATE"}
    if mechanism:
        environment["BLACKSTART_MUTATE"] = mechanism
    done = subprocess.run(["setsid", "-w", program, f"--gtest_filter={names}"], env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if "[==========] 0 tests" in done.stdout or " 0 tests from " in done.stdout or "[  SKIPPED ]" in done.stdout:
        sys.exit(f"{program.name} {names}: no such test ran here\n{done.stdout}")
    return done.returncode == 0


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build, survived = pathlib.Path(sys.argv[1]).resolve(), []
    for mechanism, tests in TABLE.items():
        found = []
        for name, names in tests:
            program = next(build.glob(f"tests/*/{name}"), None)
            if program is None:
                sys.exit(f"{name} is not built in {build}")
            if not passes(program, names, None):
                sys.exit(f"{name} {names} fails with every mechanism on: it says nothing about {mechanism}")
            if not passes(program, names, mechanism):
                found.append(f"{name} {names}")
        print(f"{mechanism:<10} {'noticed by ' + ', '.join(found) if found else 'NOT NOTICED'}", flush=True)
        if not found:
            survived.append(mechanism)
    sys.exit(1 if survived else 0)


if __name__ == "__main__":
    main()
