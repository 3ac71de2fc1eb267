#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler does not check: who may include whom, and licence lines."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folder → project folders it may include from, beside itself. The longest folder that fits counts.
MAY_INCLUDE = {
    "agents/contract": [],
    "agents/language": ["agents/contract"],
    "agents/kernel": ["agents/contract"],
    "agents/faults": ["agents/contract"],
    "agents/faults/process": ["agents/contract", "agents/kernel", "agents/faults"],
    "agents/faults/traffic": ["agents/contract", "agents/kernel", "agents/faults"],
    "agents/faults/power": ["agents/contract", "agents/kernel", "agents/faults"],
    "agents/faults/cold_start": ["agents/contract", "agents/kernel", "agents/faults"],
    "agents/probes": ["agents/contract"],
    "agents/channel": ["agents/contract"],
    "agents/policy": ["agents/contract", "agents/language"],
    "agents/inventory": ["agents/contract", "agents/kernel"],
    "agents/runtime": ["agents/contract", "agents/faults", "agents/kernel", "agents/policy", "agents/probes"],
    "agents/daemon": ["agents"],
        "injector/topology": ["agents/contract", "agents/language"],
    "injector/experiment": ["agents/contract", "agents/language", "injector/topology"],
    "injector/plan": ["agents/contract", "agents/language", "injector/topology", "injector/experiment"],
    "injector/record": ["agents/contract", "agents/language", "injector/plan"],
    "injector/report": ["agents/contract", "agents/language", "injector/plan", "injector/record"],
    "injector/conduct": ["agents/contract", "agents/channel", "agents/language", "injector/topology",
                         "injector/experiment", "injector/plan", "injector/record"],
    "injector/lab": ["agents/contract", "agents/channel", "agents/kernel", "agents/language", "injector/topology"],
    "injector/cli": ["agents/contract", "agents/language", "agents/channel", "injector"],
    "injector": ["agents/contract", "agents/language", "agents/channel", "injector"],
}
# A library that only one folder, or one file, may know.
ONLY_IN = {
    "yaml-cpp/": ["agents/language/read_yaml.cpp"],
    "curl/": ["agents/probes/", "injector/cli/announcer.cpp", "experiments/labs/sample-service/", "tests/"],
    "prometheus/": ["agents/daemon/", "injector/cli/live_metrics.cpp"],
    "libnftnl/": ["agents/kernel/"],
    "bpf/libbpf.h": ["agents/kernel/", "agents/faults/", "tests/"],
}
SOURCES = {".h", ".cpp", ".c", ".proto", ".cmake", ".sh", ".py"}


def inside(path, folder):
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def rule_for(path):
    fitting = [folder for folder in MAY_INCLUDE if inside(path, folder)]
    return max(fitting, key=len) if fitting else None


def problems_of(name, text):
    if "SPDX-License-Identifier:" not in "\n".join(text.splitlines()[:3]):
        yield "no SPDX line in its first three"
    elif name.endswith(".bpf.c") and "GPL-2.0-only OR BSD-2-Clause" not in text:
        yield "a BPF source is GPL-2.0-only OR BSD-2-Clause"
    own = rule_for(name)
    for line, included in re.findall(r'^(#include [<"]([^>"]+)[>"])', text, re.M):
        for library, users in ONLY_IN.items():
            if included.startswith(library) and not any(name.startswith(user) for user in users):
                yield f"{line}: {library} is for {', '.join(users)} only"
        if own is None or not included.startswith(("agents/", "injector/")):
            continue
        if included.startswith("agents/") and included.endswith(".skel.h"):
            continue
        folder = included.rsplit("/", 1)[0]
        if not any(inside(folder, allowed) for allowed in [own] + MAY_INCLUDE[own]):
            yield f"{line}: {own} may include {', '.join(MAY_INCLUDE[own]) or 'nothing of the project'}"
        if inside(name, "agents") and included.startswith("injector/"):
            yield f"{line}: nothing in agents includes injector"


def main():
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"], check=True,
                            capture_output=True, text=True).stdout.split()
    checked, failures = 0, []
    for name in listed:
        path = ROOT / name
        if path.suffix not in SOURCES or not path.is_file():
            continue
        checked += 1
        failures += [f"{name}: {problem}" for problem in problems_of(name, path.read_text())]
    # A test that no CMakeLists.txt names never runs.
    for name in listed:
        path = pathlib.Path(name)
        is_test = path.match("tests/*/*_test.cpp") or path.match("tests/*/*_test.py") or path.match("tests/fuzz/*.cpp")
        if is_test and (ROOT / path).is_file():
            known = (ROOT / path.parent / "CMakeLists.txt").read_text()
            if not re.search(rf"\b({path.stem}|{path.name})\b", known):
                failures.append(f"{name}: no CMakeLists.txt names it")
    # The rules themselves must be able to fail.
    assert list(problems_of("agents/kernel/x.h", '#include "injector/plan/plan.h"\n'))
    assert list(problems_of("injector/plan/x.h", "// SPDX-License-Identifier: Apache-2.0\n#include <yaml-cpp/yaml.h>\n"))
    print("\n".join(failures))
    print(f"{checked} files, {len(failures)} problems")
    sys.exit(1 if failures or checked < 50 else 0)


if __name__ == "__main__":
    main()
