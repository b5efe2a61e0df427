"""The runner behind ./dev test, soak, lint and format: builds, runs every part, adds up the counts.

A part that has tests and ran none, a test that was skipped without its reason being listed in
allowed_skips.txt, and a program that ended before it said how its tests went are failures. The last
line is always "N passed, N failed, N skipped".
"""

import argparse
import dataclasses
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"


@dataclasses.dataclass
class Count:
    passed: int = 0
    failures: list = dataclasses.field(default_factory=list)  # What failed, a line each.
    skipped: list = dataclasses.field(default_factory=list)  # (id, reason the test gave)

    def add(self, other: "Count"):
        self.passed += other.passed
        self.failures += other.failures
        self.skipped += other.skipped


def run(command, **options) -> int:
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, **options).returncode


def step(name: str, command) -> Count:
    """A part that either works or does not."""
    return Count(passed=1) if run(command) == 0 else Count(failures=[name])


# --- formatting and scripts ---------------------------------------------------------------------


def tracked(*suffixes) -> list:
    """Files of the project: tracked ones, and new ones that are not ignored."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    return [f for f in listed if f.endswith(suffixes) and (ROOT / f).is_file()]


def clang_format(*options) -> int:
    sources = tracked(".cc", ".h")
    if not sources:
        return 0
    tool = pathlib.Path(sys.executable).with_name("clang-format")
    return run([tool, *options, *sources])


def lint() -> Count:
    count = Count()
    if clang_format("--dry-run", "-Werror") == 0:
        count.passed += 1
    else:
        count.failures.append("clang-format (./dev format mends it)")
    for script in tracked(".py"):
        try:
            compile((ROOT / script).read_text(), script, "exec")
            count.passed += 1
        except SyntaxError as error:
            count.failures.append(f"{script}: {error}")
    shells = [f for f in tracked("") if re.match(rb"#!.*\b(ba)?sh\b", (ROOT / f).read_bytes()[:40])]
    for script in shells:
        shell = "bash" if b"bash" in (ROOT / script).read_bytes()[:40] else "sh"
        count.add(step(f"{script} is not a valid script", [shell, "-n", script]))
    return count


# --- Catch2 -------------------------------------------------------------------------------------


def catch_failures(case) -> list:
    lines = [f"    {case.get('filename')}:{case.get('line')}"]
    for expression in case.iter("Expression"):
        lines.append(f"    {expression.get('filename')}:{expression.get('line')}: "
                     f"{(expression.findtext('Original') or '').strip()}")
        lines.append(f"        with {(expression.findtext('Expanded') or '').strip()}")
    for kind in ("Exception", "FatalErrorCondition", "Failure"):
        lines += [f"    {kind}: {(e.text or '').strip()}" for e in case.iter(kind)]
    return lines


def catch_executable(path: pathlib.Path) -> Count:
    """Runs a Catch2 program and counts its cases from its report, which a crash leaves torn."""
    program = f"{path.parent.name}/{path.name}"
    report = path.with_name(path.name + ".xml")
    report.unlink(missing_ok=True)
    environment = dict(os.environ, UBSAN_OPTIONS="print_stacktrace=1", TSAN_OPTIONS="second_deadlock_stack=1")
    try:
        status = run([path, "-r", "xml", "-o", report], env=environment, timeout=900)
    except subprocess.TimeoutExpired:
        status = "a timeout"
    count = Count()
    parser = ElementTree.XMLPullParser(["start", "end"])
    try:
        parser.feed(report.read_text(errors="replace"))
    except (FileNotFoundError, ElementTree.ParseError):
        pass
    cases, running = [], None
    for event, element in parser.read_events():
        if element.tag == "TestCase":
            running = element.get("name") if event == "start" else None
            if event == "end":
                cases.append(element)
    for case in cases:
        result = case.find("OverallResult")
        if result is not None and int(result.get("skips") or 0):
            count.skipped.append((f"{program}::{case.get('name')}", (case.findtext(".//Skip") or "").strip()))
        elif result is not None and result.get("success") == "true":
            count.passed += 1
        else:
            name = f"{program}: {case.get('name')}"
            count.failures.append(name)
            print(f"FAILED {name}", *catch_failures(case), sep="\n")
    if running is not None:
        count.failures.append(f"{program}: {running} ended the program with {status}")
    elif not cases:
        count.failures.append(f"{program} ran no test (it ended with {status})")
    elif status != 0 and not count.failures:
        count.failures.append(f"{program} ended with {status} after its tests")
    return count


def unit(kind: str) -> Count:
    count = Count()
    folders = sorted({f.split("/")[1 if f.startswith("tests/") else 0] for f in tracked("_test.cc")})
    for name in folders:
        path = ROOT / "build" / kind / f"{name}_test"
        count.add(catch_executable(path) if path.exists() else Count(failures=[f"{name}_test was not built"]))
    return count


# --- pytest -------------------------------------------------------------------------------------


# Tests that mostly wait, for brokers, checkpoints and time-outs, run side by side in so many processes,
# each with brokers of its own.
SIDE_BY_SIDE = ("-n", "3", "--no-loadscope-reorder", "--dist")


def pytest(folder: str, *options, may_be_none: bool = False) -> Count:
    path = TESTS / folder
    if not list(path.rglob("test_*.py")):
        return Count()
    report = ROOT / "build" / f"{folder}.xml"
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    status = run([sys.executable, "-m", "pytest", "-q", "-c", TESTS / "pytest.ini", "--rootdir", TESTS,
                  f"--junitxml={report}", "--durations=5", "--durations-min=5", *options, path])
    count = Count()
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except (FileNotFoundError, ElementTree.ParseError):
        cases = []
    for case in cases:
        name = f"{folder}: {case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
        skip = case.find("skipped")
        if skip is not None:
            count.skipped.append((name, skip.get("message") or ""))
        elif case.find("failure") is not None or case.find("error") is not None:
            count.failures.append(name)
        else:
            count.passed += 1
    if not cases and may_be_none and status == 5:  # None was selected.
        return count
    if not cases:
        count.failures.append(f"{folder}: tests are there and none ran (pytest ended with {status})")
    elif status != 0 and not count.failures:
        count.failures.append(f"{folder}: pytest ended with {status}")
    return count


# --- all of it ----------------------------------------------------------------------------------


def allowed_skips() -> list:
    lines = (TESTS / "allowed_skips.txt").read_text().splitlines()
    rules = []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            pattern, found, reason = line.rpartition(": ")
            if not found or not reason.strip():
                raise SystemExit(f"tests/allowed_skips.txt: no reason in '{line}'")
            rules.append(pattern.strip())
    return rules


def judge_skips(count: Count):
    rules = allowed_skips()
    for name, reason in count.skipped:
        if not any(fnmatch.fnmatchcase(name, rule) for rule in rules):
            count.failures.append(f"{name} was skipped ({reason}), and tests/allowed_skips.txt does not list it")


def build(kind: str, *targets) -> Count:
    status = run([ROOT / "dev", "build", kind, *targets])
    return Count(failures=[f"build of {kind}"] if status else [])


def other_folders() -> list:
    """Folders of tests/ that need no build and no place in the order: fixtures, oracle and the like."""
    placed = {"house", "golden", "e2e", "release", "deploy"}
    return sorted({f.split("/")[1] for f in tracked(".py")
                   if re.match(r"tests/\w+/(.*/)?test_\w+\.py", f)} - placed)


def test_parts(quick: bool) -> list:
    """(name, what runs it, whether what follows is of no use without it)"""
    building = ("build", lambda: build("testing"), True)
    units = ("unit", lambda: unit("testing"), False)
    if quick:
        return [building, units, ("golden", lambda: pytest("golden", "-m", "not soak"), False),
                ("e2e", lambda: pytest("e2e", "-m", "quick"), False)]
    others = [(name, lambda name=name: pytest(name, "-m", "not soak"), False) for name in other_folders()]
    return [("lint", lint, False), ("house", lambda: pytest("house"), False), building, units, *others,
            ("golden", lambda: pytest("golden", "-m", "not soak"), False),
            ("e2e", lambda: pytest("e2e", "-m", "not soak", *SIDE_BY_SIDE, "loadfile"), False),
            ("build release", lambda: build("release", "weir", "bench"), True),
            ("release", lambda: pytest("release"), False),
            ("deploy", lambda: pytest("deploy"), False)]


def soak_parts() -> list:
    return [
        ("build asan", lambda: build("asan", "unit_tests"), False),
        ("unit asan", lambda: unit("asan"), False),
        *_campaigns()]


def _campaigns() -> list:
    return [("build", lambda: build("testing"), True)] + [
        (folder, lambda folder=folder: pytest(folder, "-m", "soak", "-o", "timeout=0", *_processes(folder),
                                              may_be_none=True), False)
        for folder in ("golden", "e2e", *other_folders())]


def _processes(folder: str) -> tuple:
    return (*SIDE_BY_SIDE, "load") if folder == "e2e" else ("-s",)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev")
    parser.add_argument("command", choices=["test", "soak", "lint", "format"])
    parser.add_argument("--quick", action="store_true", help="unit tests, golden jobs, one kill test")
    arguments = parser.parse_args()
    if arguments.command == "format":
        return clang_format("-i") or run([sys.executable, "-m", "parts.hclfmt", *tracked(".tf")])
    if arguments.command == "lint":
        parts = [("lint", lint, False), ("house", lambda: pytest("house"), False)]
    elif arguments.command == "soak":
        parts = soak_parts()
    else:
        parts = test_parts(arguments.quick)

    total = Count()
    rows = []
    for name, run_part, needed in parts:
        print(f"== {name}", flush=True)
        begin = time.monotonic()
        count = run_part()
        rows.append((name, count, time.monotonic() - begin))
        total.add(count)
        if needed and count.failures:
            left = ", ".join(name for name, _, _ in parts[len(rows):])
            total.failures += [f"did not run because of that: {left}"] if left else []
            break
    judge_skips(total)
    if not total.passed and not total.failures:
        total.failures.append("not a single test ran")

    print("\npart                passed  failed  skipped  seconds")
    for name, count, seconds in rows:
        print(f"{name:18} {count.passed:7} {len(count.failures):7} {len(count.skipped):8} {seconds:8.1f}")
    for name, reason in total.skipped:
        print(f"skipped  {name}: {reason}")
    for failure in total.failures:
        print(f"FAILED   {failure}")
    print(f"{total.passed} passed, {len(total.failures)} failed, {len(total.skipped)} skipped", flush=True)
    return 1 if total.failures else 0


if __name__ == "__main__":
    sys.exit(main())
