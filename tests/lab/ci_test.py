#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The CI templates: their keys are ones the services know, and their shell is run for real, in a lab."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(sys.argv.pop(1)).resolve()
ACTION = yaml.safe_load((ROOT / "packaging/ci/github/action.yml").read_text())
GITLAB = yaml.safe_load((ROOT / "packaging/ci/gitlab/blackstart.gitlab-ci.yml").read_text())
LAB = "ci-test"

TEXT = {"type": "string"}
# What GitHub's metadata syntax reference says of a composite action.
STEP = {"type": "object", "additionalProperties": False,
        "properties": {"name": TEXT, "id": TEXT, "if": TEXT, "shell": TEXT, "run": TEXT, "uses": TEXT,
                       "env": {"type": "object"}, "with": {"type": "object"}, "working-directory": TEXT,
                       "continue-on-error": {"type": "boolean"}},
        "oneOf": [{"required": ["run", "shell"]}, {"required": ["uses"]}]}
ACTION_SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["name", "description", "runs"],
    "properties": {
        "name": TEXT, "description": TEXT, "author": TEXT, "branding": {"type": "object"},
        "inputs": {"type": "object", "additionalProperties": {
            "type": "object", "additionalProperties": False, "required": ["description"],
            "properties": {"description": TEXT, "required": {"type": "boolean"}, "default": TEXT}}},
        "outputs": {"type": "object", "additionalProperties": {
            "type": "object", "additionalProperties": False, "required": ["description", "value"],
            "properties": {"description": TEXT, "value": TEXT}}},
        "runs": {"type": "object", "additionalProperties": False, "required": ["using", "steps"],
                 "properties": {"using": {"const": "composite"}, "steps": {"type": "array", "items": STEP}}}}}
# What GitLab's CI/CD YAML reference says of a job, as far as the template uses it.
LINES = {"type": "array", "items": TEXT}
GITLAB_SCHEMA = {
    "type": "object", "additionalProperties": {
        "type": "object", "additionalProperties": False, "required": ["script"],
        "properties": {"stage": TEXT, "variables": {"type": "object", "additionalProperties": TEXT},
                       "before_script": LINES, "script": LINES, "after_script": LINES,
                       "artifacts": {"type": "object", "additionalProperties": False, "properties": {
                           "when": {"enum": ["on_success", "on_failure", "always"]}, "expose_as": TEXT,
                           "paths": LINES, "reports": {"type": "object", "additionalProperties": False,
                                                       "properties": {"junit": TEXT}}}}}}}

EXPERIMENT = """apiVersion: blackstart/v1
kind: Experiment
metadata: {name: gate}
spec:
  steadyState:
    for: 1s
    probes: [{name: PROBE, from: phone-1, every: 200ms, timeout: 2s, http: {url: "http://URL/", status: 200}}]
  timeline: [{at: 0s, fault: site-blackhole, site: pangyo, for: 5s}]
  hypothesis: [{probe: PROBE, successRatio: ">= 99%", over: 1s, within: 3s}]
  recovery: {watch: 2s}
"""


def resolved(text, values):
    return re.sub(r"\$\{\{ *([^} ]+) *\}\}", lambda found: values[found[1]], text)


class Templates(unittest.TestCase):
    def test_every_key_is_known(self):
        jsonschema.validate(ACTION, ACTION_SCHEMA)
        jsonschema.validate(GITLAB, GITLAB_SCHEMA)
        ids = {step.get("id") for step in ACTION["runs"]["steps"]}
        known = {"inputs." + name for name in ACTION["inputs"]} | {"github.action_path"}
        known |= {f"steps.{one}.outputs.exit-code" for one in ids if one}
        for used in re.findall(r"\$\{\{ *([^} ]+) *\}\}", (ROOT / "packaging/ci/github/action.yml").read_text()):
            self.assertIn(used, known)

    def test_no_input_is_pasted_into_a_script(self):
        for step in ACTION["runs"]["steps"]:
            self.assertNotIn("${{", step.get("run", ""))

    def test_shell_is_clean(self):
        scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
        scripts += ["\n".join(job[key]) for job in GITLAB.values() for key in ("script", "after_script")]
        for script in scripts:
            checked = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True,
                                     capture_output=True, check=False)
            self.assertEqual(checked.returncode, 0, checked.stdout)


class Drills(unittest.TestCase):
    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for network namespaces")
        self.folder = tempfile.TemporaryDirectory(prefix="blackstart-ci-")
        self.addCleanup(self.folder.cleanup)
        self.place = pathlib.Path(self.folder.name)
        lab = (ROOT / "experiments/labs/two-sites.yaml").read_text()
        (self.place / "lab.yaml").write_text(lab.replace("name: two-sites", "name: " + LAB))
        for name, probe, url in (("good", "news", "news.lab:8081"), ("bad", "login", "login.lab:8080")):
            (self.place / f"{name}.yaml").write_text(EXPERIMENT.replace("PROBE", probe).replace("URL", url))

    def tearDown(self):
        self.assertFalse(pathlib.Path("/run/blackstart/lab", LAB).exists())

    def shell(self, script, env):
        # As a runner does: from a file, in the workspace, without a terminal.
        path = self.place / "step.sh"
        path.write_text(script)
        return subprocess.run(["bash", "--noprofile", "--norc", "-eo", "pipefail", str(path)], cwd=self.place,
                              env={**os.environ, **env}, text=True, capture_output=True, check=False,
                              stdin=subprocess.DEVNULL, timeout=200)

    def action(self, experiment):
        inputs = {"experiment": experiment, "topology": "lab.yaml", "blackstart": str(BIN)}
        values = {"inputs." + name: inputs.get(name, what.get("default")) for name, what in ACTION["inputs"].items()}
        values["github.action_path"] = str(ROOT / "packaging/ci/github")
        env = {}
        for name in ("GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            (self.place / name).write_text("")
            env[name] = str(self.place / name)
        for step in ACTION["runs"]["steps"]:
            if "run" not in step:
                continue
            own = {name: resolved(value, values) for name, value in step.get("env", {}).items()}
            done = self.shell(step["run"], {**env, **own})
            if done.returncode != 0:
                return done
            added = (self.place / "GITHUB_PATH").read_text().split()
            env["PATH"] = ":".join(added + [os.environ["PATH"]])
        return done

    def check_junit(self, failed):
        suite = xml.etree.ElementTree.parse(self.place / "blackstart-report/junit.xml").getroot()
        self.assertEqual("hypothesis" in {one.get("type") for one in suite.iter("failure")}, failed)

    def test_the_action_passes_and_leaves_its_reports(self):
        done = self.action("good.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("exit-code=0", (self.place / "GITHUB_OUTPUT").read_text())
        self.assertIn("gate", (self.place / "GITHUB_STEP_SUMMARY").read_text())
        self.assertIn("<html", (self.place / "blackstart-report/report.html").read_text())
        self.check_junit(False)

    def test_the_action_fails_by_the_exit_code(self):
        done = self.action("bad.yaml")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("exit-code=1", (self.place / "GITHUB_OUTPUT").read_text())
        self.check_junit(True)
        self.assertEqual(self.action("missing.yaml").returncode, 4)

    def test_the_job_fails_by_the_exit_code(self):
        job = GITLAB[".blackstart"]
        for experiment, code in (("good.yaml", 0), ("bad.yaml", 1)):
            env = {**job["variables"], "BLACKSTART_EXPERIMENT": experiment, "BLACKSTART_TOPOLOGY": "lab.yaml",
                   "PATH": f"{BIN}:{os.environ['PATH']}"}
            done = self.shell("\n".join(job["script"]), env)
            after = self.shell("\n".join(job["after_script"]), env)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertEqual(after.returncode, 0, after.stderr)
            self.check_junit(code != 0)


if __name__ == "__main__":
    unittest.main()
