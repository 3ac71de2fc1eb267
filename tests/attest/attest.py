#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints every promise of docs/safety.md with the tests that prove it and their last result.

usage: attest.py BUILD [--markdown FILE]
       attest.py BUILD --long [--markdown FILE]     the long tests instead, one line each

A test says what it proves in its first line: proves("S1,S3"), in Python as a comment. What became of it
stands in BUILD/results, where the test run leaves it: one JUnit file a program, ctest.xml for programs that
are one test, run.json with date, kernel and commit, and other .json files with figures. --markdown
writes the tables between the markers of FILE. Ends with 1 if a test failed.
"""
import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree
from dataclasses import dataclass, field

SOURCE = pathlib.Path(__file__).resolve().parents[2]
MARKERS = "<!-- attest -->\n", "<!-- end -->\n"
FAIL, STALE, NOT_RUN, SKIPPED, PASS, NONE = "FAIL", "stale", "not run", "skipped", "pass", "not in this version"
WORST_FIRST = [FAIL, STALE, NOT_RUN, SKIPPED, PASS]


@dataclass
class Case:
    """What became of one test; of all its instances, if it has parameters."""
    outcome: str = NOT_RUN
    seconds: float = 0
    why: str = ""

    def text(self):
        time = f"{self.seconds:.1f} s" if self.outcome in (PASS, FAIL) else ""
        return " ".join(filter(None, [self.outcome, time, f"({self.why})" if self.why else ""]))


@dataclass
class Proof:
    program: str
    suite: str  # "": the program is the test
    name: str
    promises: list
    case: Case = field(default_factory=Case)

    def text(self):
        return f"{self.program} {self.suite}.{self.name}" if self.suite else self.program


# --- what there is to prove, and what claims to

def promises(text):
    """[(S1, title)] from the headings of docs/safety.md."""
    return re.findall(r"^#+ (S\d+) +(.+?)\.?$", text, re.M)


def proofs(root):
    """Every test that says what it proves, in the order of the files."""
    found = []
    for path in sorted(root.rglob("*_test.cpp")):
        test = None
        for match in re.finditer(r'^TEST(?:_[FP])?\((\w+),\s*(\w+)\)|\bproves\("([^"]*)"\)', path.read_text(), re.M):
            if match[1]:
                test = match[1], match[2]
            elif test:
                found.append(Proof(path.stem, *test, match[3].split(",")))
    for path in sorted(root.rglob("*.py")):
        for match in re.finditer(r'^# proves\("([^"]*)"\)$', path.read_text(), re.M):
            found.append(Proof(path.stem, "", "", match[1].split(",")))
    return found


# --- what became of it

class Results:
    def __init__(self, build):
        self.build = build
        self.folder = build / "results"
        self.cases = []  # (program, suite, name, Case), oldest first
        for path in sorted(self.folder.glob("*.xml"), key=lambda p: p.stat().st_mtime):
            self._read(path)

    def _programs(self, program):
        own = list(self.build.glob(f"tests/*/{program}"))
        # What a test runs counts as much as the test.
        with_agents = own and own[0].parent.name in ("lab", "crash")
        return own + ([*self.build.glob("bin/blackstart*"), *self.build.glob("agents/daemon/blackstart-agent-*")]
                      if with_agents else [])

    def _crashed(self, program, path, read):
        """The program failed in a run that ended after its results were written, and they do not say so."""
        log = self.build / "Testing" / "Temporary" / "LastTestsFailed.log"
        if not log.exists() or log.stat().st_mtime < path.stat().st_mtime:
            return False
        failed = [line.split(":", 1)[-1] for line in log.read_text().split()]
        return program in failed and all(case.outcome != FAIL for *_, case in read)

    def _read(self, path):
        try:
            root = xml.etree.ElementTree.parse(path).getroot()
        except xml.etree.ElementTree.ParseError:
            return
        of_ctest = path.stem in ("ctest", "long")
        read = []
        for node in root.iter("testcase"):
            program = node.get("name") if of_ctest else path.stem.removesuffix("_long")
            case = self._case(node)
            binaries = [] if of_ctest else self._programs(program)
            if not of_ctest and (not binaries or max(b.stat().st_mtime for b in binaries) > path.stat().st_mtime):
                case = Case(STALE, case.seconds, "the program was built since")
            suite, name = ("", "") if of_ctest else (node.get("classname"), node.get("name"))
            read.append((program, suite, name, case))
        if not of_ctest and self._crashed(path.stem, path, read):
            read = [(program, suite, name, Case(FAIL, 0, "the program crashed or ran out of time"))
                    for program, suite, name, _ in read]
        self.cases += read

    @staticmethod
    def _case(node):
        seconds = float(node.get("time") or 0)
        failure, skipped = node.find("failure"), node.find("skipped")
        if failure is not None or node.get("status") == "fail":
            first = (failure.get("message") if failure is not None else "") or ""
            return Case(FAIL, seconds, first.strip().splitlines()[0][:100] if first.strip() else "")
        if skipped is not None:
            words = (skipped.get("message") or "").strip().splitlines()
            return Case(SKIPPED, 0, words[-1][:100] if words else "no reason")
        if node.get("status") in ("notrun", "disabled"):
            return Case()
        return Case(PASS, seconds)

    def of(self, proof):
        newest = {}  # the last word on every instance counts
        for program, suite, name, case in self.cases:
            if program != proof.program:
                continue
            if proof.suite and not (suite.split("/")[-1] == proof.suite and name.split("/")[0] == proof.name):
                continue
            newest[suite, name] = case
        if not newest:
            return Case()
        cases = list(newest.values())
        worst = min(cases, key=lambda case: WORST_FIRST.index(case.outcome))
        if worst.outcome == SKIPPED and any(case.outcome == PASS for case in cases):
            skipped = sum(case.outcome == SKIPPED for case in cases)
            worst = Case(PASS, 0, f"{skipped} of {len(cases)} skipped: {worst.why}")
        return Case(worst.outcome, sum(case.seconds for case in cases), worst.why)

    def _json(self, name):
        try:
            return json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}

    def about(self):
        run = self._json("run.json")
        return (f"Last run {run.get('date', 'on an unknown day')} on Linux {run.get('kernel', 'unknown')}, "
                f"commit {run.get('commit', 'unknown')}.")

    def figures(self):
        """[(name, text)] of what the tests measured."""
        def flat(value, name=""):
            if isinstance(value, dict):
                return "; ".join(filter(None, (flat(v, f"{name} {k}".strip()) for k, v in value.items())))
            return f"{name.replace('_', ' ')} {value}"
        return [(path.stem.replace("_", " "), flat(self._json(path.name)))
                for path in sorted(self.folder.glob("*.json")) if path.name != "run.json"]


def verdict(cases):
    """Of a promise: as good as its worst test."""
    if not cases:
        return NONE
    outcomes = [case.outcome for case in cases]
    if all(outcome == SKIPPED for outcome in outcomes):
        return SKIPPED
    return min((o for o in outcomes if o != SKIPPED), key=WORST_FIRST.index)


# --- how it is shown

def table(rows):
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |\n" for row in cells]
    return lines[0] + "|" + " --- |" * len(rows[0]) + "\n" + "".join(lines[1:])


def as_text(listed, results):
    for number, title, found in listed:
        print(f"{number:<4}{title:<74} {verdict([p.case for p in found])}")
        for proof in found:
            print(f"      {proof.text()}: {proof.case.text()}")
    print("\n" + results.about())
    for name, text in results.figures():
        print(f"{name}: {text}")


def as_markdown(listed, results):
    rows = [("", "promise", "tests", "result")]
    for number, title, found in listed:
        rows.append((number, title, "<br>".join(f"`{p.text()}`: {p.case.text()}" for p in found),
                     verdict([p.case for p in found])))
    return table(rows) + with_figures(results)


def with_figures(results):
    figures = results.figures()
    return "\n" + (table([("measured", ""), *figures]) + "\n" if figures else "") + results.about() + "\n"


def rewrite(path, text):
    page = path.read_text()
    for marker in MARKERS:
        if page.count(marker) != 1:
            sys.exit(f"{path}: {marker.strip()} must be there once")
    head, rest = page.split(MARKERS[0])
    path.write_text(head + MARKERS[0] + text + MARKERS[1] + rest.split(MARKERS[1])[1])


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--markdown", type=pathlib.Path)
    options = parser.parse_args()
    results = Results(options.build.resolve())
    if options.long:
        path = results.folder / "long.xml"
        nodes = list(xml.etree.ElementTree.parse(path).getroot().iter("testcase")) if path.exists() else []
        rows = [("test", "result")] + [(node.get("name"), Results._case(node).text()) for node in nodes]
        text = table(rows) + with_figures(results)
        print(text)
        failed = not nodes or any(Results._case(node).outcome == FAIL for node in nodes)
    else:
        found = proofs(SOURCE / "tests")
        for proof in found:
            proof.case = results.of(proof)
        known = promises((SOURCE / "docs" / "safety.md").read_text())
        unknown = {p for proof in found for p in proof.promises} - {number for number, _ in known}
        if unknown:
            sys.exit(f"docs/safety.md has no {', '.join(sorted(unknown))}")
        listed = [(number, title, [p for p in found if number in p.promises]) for number, title in known]
        as_text(listed, results)
        text = as_markdown(listed, results)
        failed = any(verdict([p.case for p in proofs_]) == FAIL for _, _, proofs_ in listed)
    if options.markdown:
        rewrite(options.markdown, text)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
