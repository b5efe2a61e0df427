"""The rules of the house, as data and as one function each. Every function takes a folder and returns
what breaks its rule, one line each; test_rules.py shows each of them a house that breaks it."""

import pathlib
import re
import subprocess

# Who may include whom. `tests` and `bench` may include everything; a unit test of a folder may include
# what its folder may, and the harnesses of tests/.
MAY_INCLUDE = {
    "base": [],
    "batch": ["base"],
    "config": ["base"],
    "expr": ["batch", "config", "base"],
    "clients": ["config", "base"],
    "formats": ["batch", "clients", "config", "base"],
    "state": ["batch", "clients", "proto", "config", "base"],
    "operators": ["expr", "state", "batch", "config", "base"],
    "connectors": ["formats", "state", "clients", "batch", "config", "base"],
    # Manifests are what the coordinator decides about: engine/ reads and writes them as state/ does.
    "engine": ["base", "batch", "config", "expr", "clients", "formats", "state", "operators", "connectors",
               "proto"],
    "daemon": ["base", "batch", "config", "expr", "clients", "formats", "state", "operators", "connectors",
               "engine", "proto"],
    "cli": ["base", "batch", "config", "expr", "clients", "formats", "state", "operators", "connectors",
            "engine", "daemon", "proto"],
    "proto": [],
}
OTHER_FOLDERS = ["web", "examples", "deploy", "docs", "bench", "tests", ".ci"]
ROOT_FILES = [".clang-format", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
              "dev"]

# Libraries that have one door: code elsewhere asks the folder that holds it.
LIBRARY_DOORS = {
    "librdkafka/": ["connectors/kafka", "bench"],
    "rocksdb/": ["state"],
    "yaml-cpp/": ["config"],
    "re2/": ["expr", "connectors/kafka"],
    "curl/": ["clients"],
    "pugixml": ["clients"],
    "grpcpp/": ["daemon/rpc"],
    "grpc/": ["daemon/rpc"],
    "absl/": [],
}
# What comes with gRPC's headers (an absl of its own kind) stays in the sources of its door: no header
# includes them, nor the calls generated from proto/.
SOURCES_ONLY = ("grpcpp/", "grpc/")
GENERATED_CALLS = ".grpc.pb.h"

SOURCE = (".cc", ".h")
CODE = (".cc", ".h", ".py", ".sh", ".js", ".ts", ".css", ".html", ".proto")
LONGEST = 700

CONSTANT = re.compile(r"inline (?:const|constexpr) [\w:<>]+ (k\w+)\b")
TYPE = re.compile(r"(?:struct|class|enum class|enum) (\w+)(?: final)?(?: :[^:].*)?(?: \{.*|)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def files(root: pathlib.Path) -> list:
    """The project's files, relative: tracked, and new ones that are not ignored."""
    if (root / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True,
                                capture_output=True, text=True).stdout.splitlines()
    else:
        listed = [str(f.relative_to(root)) for f in root.rglob("*")]
    return sorted(pathlib.PurePosixPath(f) for f in listed if (root / f).is_file())


def lines_matching(root: pathlib.Path, pattern: re.Pattern, suffixes=None) -> list:
    found = []
    for file in files(root):
        if suffixes and file.suffix not in suffixes:
            continue
        text = (root / file).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{file}:{number}: {line.strip()[:100]}")
    return found


def broken_includes(root: pathlib.Path) -> list:
    found = []
    for file in files(root):
        if file.suffix not in SOURCE:
            continue
        folder = file.parts[0]
        text = (root / file).read_text(errors="replace")
        for bracket, target in INCLUDE.findall(text):
            if bracket == "<" or target.endswith(GENERATED_CALLS):
                found += _broken_door(file, target)
            if bracket == "<":
                continue
            if "/" not in target or target.startswith("."):
                found.append(f'{file}: "{target}" is not named from the root')
            elif folder in MAY_INCLUDE:
                allowed = [folder, *MAY_INCLUDE[folder]]
                if file.stem.endswith("_test") or file.stem in ("harness", "test_broker", "testing") or "testing" in file.parts:
                    allowed.append("tests")
                into = target.split("/")[0]
                if into not in allowed:
                    found.append(f'{file}: {folder}/ may not include "{target}"; it may include {allowed}')
                elif folder == "engine" and into == "connectors" and target.count("/") > 1:
                    found.append(f'{file}: engine/ knows connectors by their interface, not "{target}"')
    return found


def _broken_door(file: pathlib.PurePosixPath, target: str) -> list:
    is_grpc = target.startswith(SOURCES_ONLY) or target.endswith(GENERATED_CALLS)
    if is_grpc and file.suffix == ".h":
        return [f"{file}: <{target}> is included by sources only, not by headers"]
    if target.endswith(GENERATED_CALLS) and file.parts[:2] != ("daemon", "rpc"):
        return [f'{file}: "{target}" is included by daemon/rpc only']
    for library, doors in LIBRARY_DOORS.items():
        if target.startswith(library) and not any(str(file).startswith(d + "/") for d in [*doors, "tests"]):
            return [f"{file}: <{target}> is included by {doors or 'nobody'} only"]
    return []


def strange_places(root: pathlib.Path) -> list:
    known = [*MAY_INCLUDE, *OTHER_FOLDERS]
    return [str(f) for f in files(root)
            if (f.parts[0] not in known if len(f.parts) > 1 else f.name not in ROOT_FILES)]


def vague_names(root: pathlib.Path) -> list:
    vague = {"util", "utils", "common", "helper", "helpers", "misc"}
    return [str(f) for f in files(root) if vague & {f.stem, *f.parts[:-1]}]


def long_files(root: pathlib.Path) -> list:
    found = []
    for file in files(root):
        if file.suffix in CODE or file.name == "dev":
            length = len((root / file).read_text(errors="replace").splitlines())
            if length > LONGEST:
                found.append(f"{file}: {length} lines, {LONGEST} at most")
    return found


# Written so that they do not find themselves.
HOSTS = re.compile(
    r"deb[.]debian[.]org|snapshot[.]debian[.]org|security[.]debian[.]org|pypi[.]org|pythonhosted[.]org"
    r"|repo1?[.]maven|central[.]sonatype|registry[.]npmjs|crates[.]io|proxy[.]golang[.]org|sum[.]golang[.]org")
MACHINE_PATHS = re.compile(r"(^|[\s\"'=:(`])/(work|root|farm)(/|$|[\s\"'`])")
OPEN_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b(?!\([^)\s][^)]*\))")
SELF_REGISTRATION = re.compile(
    r"__attribute__\(\(constructor|^\s*REGISTER_\w+\(|^(static|const|inline|namespace \{)?.*\b\w*Registrar\b\s+\w+[({;]"
    r"|^(static |const |inline )*(bool|int|auto)\s+\w+\s*=\s*\w*Register\w*\(")
HIDDEN_TESTS = re.compile(r"TEST_CASE\(.*\[[.!](?!benchmark)")


def registry_hosts(root: pathlib.Path) -> list:
    return lines_matching(root, HOSTS)


def machine_paths(root: pathlib.Path) -> list:
    return lines_matching(root, MACHINE_PATHS)


def open_ends(root: pathlib.Path) -> list:
    """Work left open must say what it waits for, in brackets behind the word."""
    return lines_matching(root, OPEN_ENDS, CODE)


def self_registration(root: pathlib.Path) -> list:
    """What there is stands in an all.cc, in one visible table."""
    return lines_matching(root, SELF_REGISTRATION, SOURCE)


def hidden_tests(root: pathlib.Path) -> list:
    """Cases that nobody runs. One that another case of its file runs as a process is not hidden, nor
    are those that want a real server: e2e/test_connectors.py and e2e/test_clients.py run them."""
    found = []
    for line in lines_matching(root, HIDDEN_TESTS, SOURCE):
        if re.search(r'"\[\.(broker|aws|registry)\]"', line):
            continue
        name = re.search(r'"(hidden: [^"]+)"', line)
        file = root / line.split(":", 1)[0]
        if not name or f'RunHidden("{name[1]}"' not in file.read_text():
            found.append(line)
    return found


def careless_headers(root: pathlib.Path) -> list:
    found = []
    for file in files(root):
        if file.suffix == ".h":
            text = (root / file).read_text(errors="replace")
            if "#pragma once" not in text:
                found.append(f"{file}: no #pragma once")
            if re.search(r"^\s*using namespace ", text, re.MULTILINE):
                found.append(f"{file}: using namespace in a header")
    return found


def one_thing_of_a_name(root: pathlib.Path) -> list:
    """Two types, or constants of headers, of one name in one namespace are one to the linker, which takes
    either."""
    places = {}
    for file in files(root):
        if file.suffix not in SOURCE or not (root / file).is_file():
            continue
        spaces = []
        for line in (root / file).read_text(errors="replace").splitlines():
            if opened := re.match(r"namespace ([\w:]*) ?\{", line):
                spaces.append(opened[1])
            elif spaces and re.match(r"\}  // namespace", line):
                spaces.pop()
            elif "" not in spaces and ((made := TYPE.match(line)) and not line.endswith(";") or
                                       (made := CONSTANT.match(line)) and file.suffix == ".h"):
                places.setdefault("::".join([*spaces, made[1]]), set()).add(str(file))
    return [f"{name} is in {' and in '.join(sorted(where))}" for name, where in places.items() if len(where) > 1]


def warnings_allowed(root: pathlib.Path) -> list:
    """-Wall -Wextra -Wshadow always, -Werror under ./dev; old g++ alone may hush its false alarms."""
    found = []
    rules = (root / "CMakeLists.txt").read_text()
    rules = re.sub(r"VERSION_LESS 13\)\s+add_compile_options\(-Wno-maybe-uninitialized\)", "", rules)
    for flag in ("-Wall", "-Wextra", "-Wshadow", "-Werror"):
        if not re.search(rf"add_compile_options\([^)]*{flag}\b", rules):
            found.append(f"CMakeLists.txt does not set {flag}")
    found += [f"CMakeLists.txt switches a warning off: {flag}"
              for flag in re.findall(r"(?:-w\b(?!=)|-Wno-[\w-]+)", rules)]
    if "-DWEIR_WERROR=ON" not in (root / "dev").read_text():
        found.append("./dev does not build with -DWEIR_WERROR=ON")
    return found


def commit_messages(root: pathlib.Path) -> list:
    if not (root / ".git").exists():
        return []
    messages = subprocess.run(["git", "log", "-n", "500", "--format=%h %B"], cwd=root, check=True,
                              capture_output=True, text=True).stdout
    return [line for line in messages.splitlines() if HOSTS.search(line) or MACHINE_PATHS.search(line)]


RULES = [broken_includes, strange_places, vague_names, long_files, registry_hosts, machine_paths, open_ends,
         self_registration, hidden_tests, careless_headers, one_thing_of_a_name, warnings_allowed, commit_messages]
