#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boots Debian's own kernel in an emulator and runs there what touches a kernel: the bpf, netns and
crash tiers and one whole drill, from a build folder; once more with systemd for the systemd tier. Nothing
is installed and nothing of it outlives the emulator; what it downloads and packs stays in a `vm` folder
beside the build folder.

usage: run.py BUILD [PROGRAM…] [--markdown FILE]
"""
import argparse
import json
import os
import pathlib
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

SOURCE = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

# Programs of this machine that the tests, a lab and the suite call.
TOOLS = """bash bpftool cat comm curl cut env find grep ip kill ln ls mkdir mktemp modprobe mount nft python3 rm rmdir
           sed seq sh sleep sort sysctl tc touch uname""".split()
# What python3 cannot start without, of the folder its `os` is in.
PYTHON_PACKAGES = ["encodings", "collections", "importlib"]
# Folders of the kernel's modules it may ask for: networking, and what networking depends on.
MODULES = ["net", "lib", "crypto", "arch/x86/crypto", "drivers/net/veth.ko", "drivers/net/tun.ko",
           "drivers/net/ifb.ko", "drivers/net/dummy.ko"]
# What systemd needs to be process 1.
SYSTEMD = "/lib/systemd/systemd"
SYSTEMD_TOOLS = ["systemctl"]
SYSTEMD_SHUTDOWN = "/lib/systemd/systemd-shutdown"
SYSTEMD_UNITS = """basic local-fs multi-user paths shutdown slices sockets swap sysinit timers umount""".split()
ETC = {
    "machine-id": "",
    "os-release": "ID=debian\n",
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "resolv.conf": "",
}
DOCTOR, DRILL = "doctor", "drill"
# An emulated processor takes minutes for every crash point with every victim: here each is reached once.
SHORTENED = {"crash_points_test": ("--gtest_filter=*_both:-*stopped_process*:*frozen_cgroup*",
                                   "each point once, both killed; of processes those of the way back"),
             "disturbed_points_test": ("--gtest_filter=*/armed_*:*/fired_*", "armed and fired")}
# Supervisors that start something every 10 ms leave an emulated processor no time for anything else.
LEFT_OUT = ["power_loss_test", "process_fault_test"]
# The last case of the systemd tier cannot say how it went: its machine is off.
SWITCHES_OFF, SWITCHED_OFF = "MachinePower.SwitchedOffItDoesNotComeBack", "reboot: Power down"
# Case names that tell a story for each engine, or for each manner of the engine that answers.
STORY = re.compile(r"\w+/Every(Engine|Manner)\.(\w+)/(\w+)$")
ENGINES = {"tcx": "ebpf/tcx", "clsact": "ebpf/clsact", "netdev": "netfilter/netdev",
           "netfilter": "netfilter/netdev"}
OUTCOMES = {"OK": "passed", "FAILED": "**failed**", "SKIPPED": "not on this kernel"}


def output_of(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


# --- what runs

@dataclass
class Program:
    """One program of the suite and, once it has run, what became of its cases."""
    name: str
    tier: str
    command: list
    note: str = ""  # what of it is left out
    cases: dict = field(default_factory=dict)  # case → OK, FAILED or SKIPPED

    def count(self, outcome):
        return sum(1 for each in self.cases.values() if each == outcome)


def programs(build, only):
    """Doctor, the programs of the bpf, netns, crash and systemd tiers, and the first story of the drills; or those
    named."""
    tests = json.loads(output_of("ctest", "--test-dir", build, "--show-only=json-v1"))["tests"]
    found = [Program(DOCTOR, "doctor", [f"{build}/bin/blackstart", "doctor"])]
    for tier in "bpf", "netns", "crash", "lab", "systemd":
        for test in tests:
            labels = [p["value"] for p in test["properties"] if p["name"] == "LABELS"]
            if [tier] not in labels or (tier == "lab" and test["name"] != "run_test"):
                continue
            if only and (DRILL if tier == "lab" else test["name"]) not in only:
                continue
            if not only and test["name"] in LEFT_OUT:
                print(f"skipped: {test['name']}, which restarts programs every 10 ms, too fast for an emulator")
                continue
            if "command" not in test:
                sys.exit(f"{test['name']} is not built: cmake --build {build} --target {test['name']}")
            if tier == "lab":
                found.append(Program(DRILL, tier, [*test["command"], "--gtest_filter=*ASiteGoesDark*"]))
            else:
                words, note = SHORTENED.get(test["name"], (None, ""))
                found.append(Program(test["name"], tier, [*test["command"], *filter(None, [words])], note))
    return found


def under_systemd(suite):
    return [p for p in suite if p.tier == "systemd"]


# --- the machine

def kernel_package(folder):
    """The package of Debian's current 6.1 cloud kernel, downloaded unless it is there."""
    depends = output_of("apt-cache", "depends", "linux-image-cloud-amd64")
    name = re.search(r"Depends: (linux-image-6\.1\.\S+-cloud-amd64)$", depends, re.M)
    if not name:
        sys.exit("apt knows no linux-image-6.1*-cloud-amd64; --kernel takes the package's file")
    version = re.search(r"^Version: (\S+)", output_of("apt-cache", "show", "--no-all-versions", name[1]), re.M)[1]
    package = folder / f"{name[1]}_{version.replace(':', '%3a')}_amd64.deb"
    if not package.exists():
        subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", name[1]],
                       cwd=folder, check=True, stdout=sys.stderr)
    return package


def libraries(binary):
    """The shared objects a program loads, its interpreter too; none for a static one."""
    listed = subprocess.run(["ldd", binary], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return re.findall(r"(/\S+) \(0x", listed.stdout)


def pack(package, build, suite, folder):
    """Unpacks the kernel and packs an initramfs: the build's programs at the very paths they have here,
    the tools and libraries they need, and the kernel's modules. Returns (kernel image, initramfs)."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        unpacked, root = pathlib.Path(scratch, "kernel"), pathlib.Path(scratch, "root")
        subprocess.run(["dpkg", "-x", package, unpacked], check=True)
        for name in "usr/bin usr/sbin usr/lib usr/lib64 etc dev proc sys run tmp root".split():
            (root / name).mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        for name in "bin sbin lib lib64".split():
            (root / name).symlink_to(f"usr/{name}")

        def add(path, strip=False):
            to = root / str(path).lstrip("/")
            if to.exists():
                return
            to.parent.mkdir(parents=True, exist_ok=True)
            if strip:
                subprocess.run(["strip", "-o", to, path], check=True)
            else:
                shutil.copy2(path, to)
            for library in libraries(path):
                add(library)

        for tool in TOOLS:
            path = shutil.which(tool, path="/usr/sbin:/usr/bin:/sbin:/bin")
            add(path or sys.exit(f"{tool} is not installed"))
        library = pathlib.Path(output_of("/usr/bin/python3", "-c", "import os; print(os.__file__)")).parent
        for source in [*library.glob("*.py"), *(f for p in PYTHON_PACKAGES for f in (library / p).rglob("*.py"))]:
            add(source)
        for program in suite:
            add(program.command[0], strip=True)
        for name in "blackstart", "blackstart-agent", "sample-service":
            add(f"{build}/bin/{name}", strip=True)
        add(f"{build}/agents/daemon/blackstart-agent-under-test", strip=True)
        add(f"{build}/tests/first_act", strip=True)
        shutil.copytree(SOURCE / "experiments/labs", root / str(SOURCE).lstrip("/") / "experiments/labs")
        for name, text in ETC.items():
            (root / "etc" / name).write_text(text)
        write_suite([p for p in suite if p.tier != "systemd"], root / "programs")
        if under_systemd(suite):
            add(SYSTEMD)
            add(SYSTEMD_SHUTDOWN)
            for tool in SYSTEMD_TOOLS:
                add(shutil.which(tool) or sys.exit(f"{tool} is not installed"))
            units = root / "usr/lib/systemd/system"
            units.mkdir(parents=True)
            for name in SYSTEMD_UNITS:
                shutil.copy2(f"/lib/systemd/system/{name}.target", units)
            shutil.copy2(HERE / "suite.service", units)
            write_suite(under_systemd(suite), root / "programs-systemd")
        shutil.copy2(HERE / "suite.sh", root / "suite.sh")
        shutil.copy2(HERE / "init.sh", root / "init")
        (root / "init").chmod(0o755)

        modules = next((unpacked / "lib/modules").iterdir())
        for name in MODULES:
            source, to = modules / "kernel" / name, root / "lib/modules" / modules.name / "kernel" / name
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(source, to) if source.is_dir() else shutil.copy2(source, to)
        for listing in modules.glob("modules.*"):
            shutil.copy2(listing, root / "lib/modules" / modules.name)
        subprocess.run(["/sbin/depmod", "-b", root, modules.name], check=True)

        # Not compressed: copying is faster than unpacking in an emulator.
        initramfs = folder / "initramfs"
        with open(initramfs, "wb") as out:
            names = "\0".join(str(p.relative_to(root)) for p in sorted(root.rglob("*")))
            subprocess.run(["cpio", "-o", "-0", "-H", "newc", "-R", "0:0", "--quiet"], cwd=root,
                           input=names.encode(), stdout=out, check=True)
        image = folder / "vmlinuz"
        shutil.copy2(next((unpacked / "boot").glob("vmlinuz-*")), image)
    return image, initramfs


def emulator(image, initramfs, folder, more=""):
    return ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "2", "-m", "2048", "-nodefaults",
            "-no-reboot", "-display", "none", "-kernel", image, "-initrd", initramfs,
            "-append", f"console=ttyS0 panic=-1 quiet mitigations=off {more}",
            "-serial", f"file:{folder}/console.log", "-serial", "stdio"]


# --- one run of the suite

def write_suite(suite, path):
    path.write_text("".join(f"{p.name} {shlex.join(p.command)}\n" for p in suite))


@dataclass
class Results:
    """What a suite said, read while it says it. A program it never heard the end of has failed."""
    suite: list
    kernel: str = "no kernel came up"
    attachments: dict = field(default_factory=dict)  # engine → doctor says it is there
    chosen: dict = field(default_factory=dict)  # (fault, manner) → the engine doctor names

    BEGUN = re.compile(r"\[ RUN +\] (\S+)$")
    CASE = re.compile(r"\[ +(OK|FAILED|SKIPPED) +\] (\S+?)(?:, where .*)? \(\d+ ms\)$")
    ENGINE = re.compile(r" +(yes|NO) +((?:ebpf|netfilter)/\w+) ")
    CHOSEN = re.compile(r"  ([a-z][a-z-]+) +(silent|reset|unreachable|deny|killed|held-down|frozen|dark) +(\S+) ")

    def __post_init__(self):
        self.by_name = {p.name: p for p in self.suite}
        self.running, self.case = None, ""
        for program in self.suite:
            program.cases = {"runs to its end": "FAILED"}

    def hear(self, line):
        word, _, rest = line.partition(" ")
        if word == "@kernel":
            self.kernel = rest
        elif word == "@begin":
            self.running = self.by_name[rest]
        elif word == "@left" and self.running:
            self.running.cases["leaves nothing behind"] = "FAILED"
        elif word == "@end":
            self.end(*rest.split())
        elif begun := self.BEGUN.match(line):
            self.case = begun[1]
        elif case := self.CASE.match(line):
            self.running.cases[case[2]] = case[1]
        elif engine := self.ENGINE.match(line):
            self.attachments[engine[2]] = engine[1] == "yes"
        elif chosen := self.CHOSEN.match(line):
            self.chosen[chosen[1], chosen[2]] = chosen[3]

    def went_off(self, console):
        """What the kernel's console says once the machine is gone."""
        if self.running and self.case == SWITCHES_OFF and SWITCHED_OFF in console:
            self.running.cases[self.case] = "OK"
            self.end(self.running.name, "0")

    def end(self, name, code):
        cases = self.by_name[name].cases
        del cases["runs to its end"]
        if name == DOCTOR:
            cases["finds an engine"] = "OK" if code == "0" else "FAILED"
        elif code != "0" and "FAILED" not in cases.values():
            cases[f"exit code {code}"] = "FAILED"
        elif not cases:
            cases["has cases"] = "FAILED"
        self.running = None

    def count(self, outcome):
        return sum(program.count(outcome) for program in self.suite)

    def stories(self):
        """(engine, manner, case in words) → outcome."""
        told = {}
        for program in self.suite:
            for case, outcome in program.cases.items():
                if story := STORY.match(case):
                    kind, name, which = story.groups()
                    engine, manner = (ENGINES[which], "silent") if kind == "Engine" else ("netfilter/inet", which)
                    words = re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()
                    told[engine, manner, words] = outcome
        return told


def run(command, results, timeout):
    """Runs a suite by this command, printing what it says; after `timeout` seconds it is killed."""
    deadline = time.monotonic() + timeout
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          start_new_session=True) as process:
        pending = b""
        try:
            while select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                got = process.stdout.read1(65536)
                if not got:
                    break
                *lines, pending = (pending + got).split(b"\n")
                for line in lines:
                    text = line.decode(errors="replace").rstrip("\r")
                    print(text, flush=True)
                    results.hear(text)
            else:
                print(f"killed after {timeout} s", flush=True)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    return results


def run_here(build, arguments):
    """The same suite on this machine's kernel. Somebody's lab would be in its way, and it in the lab's."""
    if any(pathlib.Path("/run/blackstart/lab").glob("*")):
        sys.exit("a lab is up on this machine; take it down first (blackstart lab down)")
    suite = programs(build, arguments.programs)
    with tempfile.NamedTemporaryFile() as listing:
        write_suite(suite, pathlib.Path(listing.name))
        return run(["sh", HERE / "suite.sh", listing.name], Results(suite), arguments.timeout)


# --- what is said of it

def table(columns):
    """Program × kernel → passed, failed, skipped, as Markdown."""
    def cell(program):
        words = [f"{program.count(o)} {w}" for o, w in
                 (("OK", "passed"), ("FAILED", "**failed**"), ("SKIPPED", "skipped")) if program.count(o)]
        return ", ".join(words)

    kernels = [f"Linux {c.kernel}" for c in columns]
    rows = [["", *kernels], ["---"] * (len(columns) + 1)]
    for engine in columns[0].attachments:
        rows.append([f"`{engine}`", *("yes" if c.attachments.get(engine) else "no" for c in columns)])
    for i, program in enumerate(columns[0].suite):
        if program.name != DOCTOR:
            name = f"{program.name} ({program.note})" if program.note else program.name
            rows.append([f"{program.tier}: {name}", *(cell(c.suite[i]) for c in columns)])
    return f"{markdown(rows)}\n{chosen_table(columns, kernels)}\n{story_table(columns, kernels)}"


def markdown(rows):
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def keys_of(each):
    """The keys of several dicts, each once, in the order they came."""
    return list(dict.fromkeys(key for one in each for key in one))


def chosen_table(columns, kernels):
    """Fault × manner × kernel → the engine it gets."""
    rows = [["fault", "manner", *kernels], ["---"] * (len(columns) + 2)]
    for fault, manner in keys_of(c.chosen for c in columns):
        rows.append([f"`{fault}`", f"`{manner}`", *(f"`{c.chosen.get((fault, manner), 'none')}`" for c in columns)])
    return markdown(rows)


def story_table(columns, kernels):
    """Engine × manner × story × kernel → what became of it. A story nobody heard the end of has failed."""
    told = [c.stories() for c in columns]
    order = list(ENGINES.values()) + ["netfilter/inet"]
    rows = [["engine", "manner", "story", *kernels], ["---"] * (len(columns) + 3)]
    for key in sorted(keys_of(told), key=lambda key: order.index(key[0])):
        engine, manner, words = key
        rows.append([f"`{engine}`", f"`{manner}`", words, *(OUTCOMES[one.get(key, "FAILED")] for one in told)])
    return markdown(rows)


def main():
    parser = argparse.ArgumentParser(description="Run the kernel tests on Debian's own kernel, emulated.")
    parser.add_argument("build", type=pathlib.Path, help="a build folder with the tests built")
    parser.add_argument("programs", nargs="*", help="such as traffic_fault_test or drill (all)")
    parser.add_argument("--kernel", type=pathlib.Path, help="a kernel package instead of Debian's current 6.1")
    parser.add_argument("--timeout", type=int, default=1500, help="seconds until the emulator is killed (1500)")
    parser.add_argument("--markdown", type=pathlib.Path,
                        help="run the suite on this machine too and write both into the table of this file")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    folder = build.parent / "vm"
    folder.mkdir(exist_ok=True)

    suite = programs(build, arguments.programs)
    package = arguments.kernel or kernel_package(folder)
    columns = [run_here(build, arguments)] if arguments.markdown else []
    print(f"packing {package.name}", flush=True)
    image, initramfs = pack(package, build, suite, folder)
    emulated = Results(suite)
    run(emulator(image, initramfs, folder), emulated, arguments.timeout)
    if under_systemd(suite):
        more = "blackstart.systemd systemd.unit=suite.service"
        if seconds := os.environ.get("BLACKSTART_HOLD_SECONDS"):  # how long what is killed is kept dead (10)
            more += f" systemd.setenv=BLACKSTART_HOLD_SECONDS={seconds}"
        run(emulator(image, initramfs, folder, more), emulated, arguments.timeout)
        emulated.went_off((folder / "console.log").read_text(errors="replace"))
    # The point of the exercise: a kernel without TCX.
    for engine, expected in ("ebpf/tcx", False), ("ebpf/clsact", True):
        outcome = "OK" if emulated.attachments.get(engine) == expected else "FAILED"
        suite[0].cases[f"{engine} {'yes' if expected else 'no'}"] = outcome
    columns.insert(0, emulated)
    if arguments.markdown:
        page = arguments.markdown.read_text()
        begin, end = "<!-- tests/vm/run.py -->\n", "<!-- end -->"
        head, tail = page[:page.index(begin) + len(begin)], page[page.index(end):]
        arguments.markdown.write_text(f"{head}{table(columns)}{tail}")

    for column in columns:
        print(f"\nLinux {column.kernel}")
        for program in column.suite:
            for case, outcome in program.cases.items():
                if outcome != "OK":
                    print(f"  {outcome:8} {program.name}: {case}")
        print(f"{column.count('OK')} passed, {column.count('FAILED')} failed, "
              f"{column.count('SKIPPED')} skipped")
    return 1 if any(column.count("FAILED") for column in columns) else 0


if __name__ == "__main__":
    sys.exit(main())
