#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The printed JSON Schema and the validator accept the same documents.

usage: schema_test.py BLACKSTART SHAPE_CHECK EXAMPLES YAML...

Every YAML that says it is Blackstart's must pass both. Those in the folder EXAMPLES are then changed in one
place at a time (a key deleted, a key added, a value replaced) and both must agree on the result.
"""
import copy
import json
import subprocess
import sys

import jsonschema
import yaml

STRANGE_VALUES = [None, True, -1, 0, 1.5, 70000, "", "x y", "5m", "40%", ">= 1%", [], {}, ["a"], {"a": "b"}]


def schema(program, *kind):
    return json.loads(subprocess.run([program, "schema", *kind], check=True, capture_output=True).stdout)


def maps_and_lists(node):
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from maps_and_lists(value)
    elif isinstance(node, list):
        yield node
        for value in node:
            yield from maps_and_lists(value)


def mutations(document):
    """Changed copies of the document, each with what was changed."""
    for number, container in enumerate(maps_and_lists(document)):
        keys = list(container) if isinstance(container, dict) else range(len(container))

        def changed(change):
            fresh = copy.deepcopy(document)
            change(list(maps_and_lists(fresh))[number])
            return fresh

        if isinstance(container, dict):
            yield "unknown key", changed(lambda c: c.update({"noSuchKey!": 1}))
        for index, key in enumerate(keys):
            yield f"without {key}", changed(lambda c: c.pop(key))
            strange = STRANGE_VALUES[(number + index) % len(STRANGE_VALUES)]
            yield f"{key}: {strange!r}", changed(lambda c: c.__setitem__(key, strange))


def main():
    program, shape_check, examples, *files = sys.argv[1:]
    kinds = {kind: jsonschema.Draft202012Validator(schema(program, kind)) for kind in ("Topology", "Experiment", "Agent")}
    for validator in [*kinds.values(), jsonschema.Draft202012Validator(schema(program))]:
        validator.check_schema(validator.schema)

    cases = []
    for file in files:
        with open(file, encoding="utf-8") as stream:
            document = yaml.safe_load(stream)
        if not isinstance(document, dict) or not str(document.get("apiVersion")).startswith("blackstart/"):
            continue
        kind = document["kind"]
        cases.append((file, "as shipped", kind, document))
        if file.startswith(examples):
            cases += [(file, what, kind, changed) for what, changed in mutations(document)]

    lines = "".join(f"{kind} {json.dumps(document, ensure_ascii=False)}\n" for _, _, kind, document in cases)
    answers = subprocess.run([shape_check], input=lines, check=True, capture_output=True, text=True).stdout.splitlines()
    assert len(answers) == len(cases), f"{len(cases)} documents, {len(answers)} answers"

    wrong = accepted = 0
    for (file, what, kind, document), answer in zip(cases, answers):
        by_schema = kinds[kind].is_valid(document)
        by_validator = answer == "ok"
        accepted += by_schema
        if by_schema != by_validator or (what == "as shipped" and not by_schema):
            wrong += 1
            print(f"{file}, {what}: schema {'accepts' if by_schema else 'refuses'}, validator says {answer}")
    print(f"{len(cases)} documents, {accepted} accepted, {wrong} disagreements")
    return 1 if wrong or not 0 < accepted < len(cases) else 0


if __name__ == "__main__":
    sys.exit(main())
