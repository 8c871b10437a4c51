#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""validate.py [--mutate] [--tool TOOL] [--need TOOL.TYPE[,...]] < records

Checks a stream of records against tests/schema/TOOL.TYPE.json. TOOL is the tool whose meta record
encloses the record; where that one has no schema for the type, the stream around it is asked, then the
tools whose records it passes on. Checked beside the schemas: one object per line, at most 1 MiB, "type"
first, no member twice, every meta closed by its end, in reverse order.

  --mutate       of each kind of record seen, one member at a time is removed, renamed and given
                 another type: the schema must refuse each
  --tool TOOL    the records have no meta, they are of this tool
  --need LIST    these schemas must have been used

Prints what is wrong, with line numbers, and exits 1; else one line with the counts.
"""
import argparse
import copy
import json
import os
import sys

from jsonschema import Draft202012Validator

# kt-play hands on the plan as it came, and what its children say.
# kt-snap has the record of kt-host in its stream.
PASSES_ON = {"kt-play": ["kt-scenario", "kt-cgroup", "kt-work"], "kt-snap": ["kt-host"]}

# Members that a record may lack, by type: there only if asked for, or only if something happened.
OPTIONAL = {
    "thread": {"numa_faults", "allocated_bytes", "deallocated_bytes"},
    "plan": {"thresholds"},
    "op": {"affinity", "mem", "offsets_ns", "nice", "policy", "seed", "cpus", "mems", "weight", "max",
           "freeze"},
    "row": {"pcomm", "comm", "cgroup", "tgid", "tid"},
    "only": {"pcomm", "comm", "cgroup"},
}
OPTIONAL["ack"] = OPTIONAL["op"] | {"late_ns"}
OPTIONAL["op-error"] = OPTIONAL["op"] | {"late_ns"}


class Schemas:
    def __init__(self, directory):
        self.directory = directory
        self.cache = {}

    def get(self, tool, kind):
        key = f"{tool}.{kind}"
        if key not in self.cache:
            path = os.path.join(self.directory, key + ".json")
            if not os.path.exists(path):
                self.cache[key] = None
            else:
                with open(path, encoding="utf-8") as f:
                    schema = json.load(f)
                Draft202012Validator.check_schema(schema)
                if "$schema" not in schema:
                    raise SystemExit(f"{path}: no $schema")
                self.cache[key] = Draft202012Validator(schema)
        return self.cache[key]

    def find(self, stack, record):
        """The (name, validator) pairs of which one must accept the record."""
        kind = record["type"]
        if kind in ("meta", "end"):
            stack = [record.get("tool")]
        for tool in reversed(stack):
            own = [(f"{tool}.{kind}", self.get(tool, kind))] if self.get(tool, kind) else []
            if own and kind != "ack":  # whose acks tell by their op which tool's they are
                return own
            passed = [(f"{t}.{kind}", self.get(t, kind)) for t in PASSES_ON.get(tool, [])
                      if self.get(t, kind)]
            if own or (passed and kind not in ("meta", "end")):
                return own + passed
        return []


def once(pairs):
    seen = {}
    for key, value in pairs:
        if key in seen:
            raise ValueError(f"member '{key}' is there twice")
        seen[key] = value
    return seen


def other_type(value):
    """A value that no schema which accepts `value` may accept too."""
    if isinstance(value, bool) or isinstance(value, (int, float)):
        return "text"
    if isinstance(value, dict):
        return 7
    return {"unexpected": True}


def places(value, path=()):
    """Each member in a record: the path of the object that has it, and its name."""
    if isinstance(value, dict):
        for key in value:
            yield path, key
            yield from places(value[key], path + (key,))
    elif isinstance(value, list) and value:
        yield from places(value[0], path + (0,))


def at(record, path):
    for step in path:
        record = record[step]
    return record


def mutants(record):
    kind = record["type"]
    for path, key in places(record):
        name = ".".join(map(str, path + (key,)))
        if path == () and key == "type":
            continue
        if path == () and key not in OPTIONAL.get(kind, ()):
            m = copy.deepcopy(record)
            del m[key]
            yield f"without '{name}'", m
        m = copy.deepcopy(record)
        obj = at(m, path)
        obj[key + "_x"] = obj.pop(key)
        yield f"'{name}' renamed", m
        m = copy.deepcopy(record)
        obj = at(m, path)
        obj[key] = other_type(obj[key])
        yield f"'{name}' of another type", m


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--mutate", action="store_true")
    p.add_argument("--tool")
    p.add_argument("--need", default="")
    o = p.parse_args()
    schemas = Schemas(os.path.dirname(os.path.realpath(__file__)))
    bad = 0
    records = 0
    stack = [o.tool] if o.tool else []
    depth = len(stack)
    samples = {}

    def complain(line, text):
        nonlocal bad
        bad += 1
        if bad <= 40:
            print(f"{line}: {text}")

    n = 0
    for n, raw in enumerate(sys.stdin.buffer, 1):
        if len(raw) > 1 << 20:
            complain(n, f"{len(raw)} bytes, more than a record may have")
        if not raw.startswith(b'{"type":"') or not raw.endswith(b"}\n"):
            complain(n, f"does not begin with its type and end with a newline: {raw[:60]!r}")
        try:
            record = json.loads(raw.decode("utf-8"), object_pairs_hook=once)
        except ValueError as e:
            complain(n, f"not JSON: {e}")
            continue
        records += 1
        if record["type"] == "meta":
            stack.append(record.get("tool"))
        if len(stack) == 0:
            complain(n, f"{record['type']} record outside of any meta")
            continue
        found = schemas.find(stack, record)
        if not found:
            complain(n, f"unknown type '{record['type']}' in a stream of {' in '.join(reversed(stack))}")
        errors = []
        for name, v in found:
            errors = [f"{name}: {'.'.join(map(str, e.absolute_path))}: {e.message[:300]}"
                      for e in v.iter_errors(record)]
            if not errors:
                samples.setdefault((name, record.get("op"), tuple(sorted(record))), (n, record, found))
                break
        for e in errors[:3]:
            complain(n, e)
        if record["type"] == "end":
            if stack[-1] != record.get("tool") or len(stack) == depth:
                complain(n, f"end of {record.get('tool')} while {stack[-1]} is open")
            else:
                stack.pop()
    if len(stack) != depth:
        complain(n, f"the stream is cut off: no end of {', '.join(stack[depth:])}")
    if records == 0:
        complain(n, "no records")

    used = {name for name, _, _ in samples}
    for need in filter(None, o.need.split(",")):
        if need not in used:
            complain(n, f"no record was checked against {need}")
    tried = 0
    if o.mutate and not bad:
        for (name, _, _), (line, record, found) in samples.items():
            for what, mutant in mutants(record):
                tried += 1
                if any(v.is_valid(mutant) for _, v in found):
                    complain(line, f"{name} accepts this record {what}")
    if bad:
        print(f"{bad} problems in {records} records")
        return 1
    print(f"{records} records of {len(used)} kinds" + (f", {tried} mutants refused" if o.mutate else ""))
    return 0


sys.exit(main())
