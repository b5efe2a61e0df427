"""The pages in docs/ and the README: what they point to is there, what they show is valid, and their
tables say what the code says."""

import functools
import json
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md")) + [ROOT / "README.md"]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]

LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLDERS = "base|batch|clients|config|expr|formats|state|operators|connectors|engine|daemon|cli|proto|tests|docs|examples|bench|deploy"
# A path as prose or a code block names it: `engine/task.cc`, `tests/golden/`.
PATH = re.compile(rf"(?<![\w./<-])((?:{FOLDERS})/[\w./-]*[\w/])(?![\w*<])")


def prose(text: str) -> str:
    return FENCE.sub("", text)


def anchors(text: str) -> set:
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower())
        found.add(plain.replace(" ", "-"))
    return found


def broken_links(page: pathlib.Path) -> list:
    found = []
    for target in LINK.findall(prose(page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name) if name else page
        if not file.exists():
            found.append(f"{target}: there is no such file")
        elif anchor and anchor not in anchors(file.read_text()):
            found.append(f"{target}: there is no such heading")
    return found


def missing_paths(page: pathlib.Path) -> list:
    """Files of the project that code spans and comments of code blocks name."""
    text = page.read_text()
    spans = INLINE.findall(prose(text))
    spans += [line for kind, body in FENCE.findall(text) if kind == "cpp"
              for line in body.splitlines() if line.lstrip().startswith("//")]
    named = {path for span in spans for path in PATH.findall(span)}
    return sorted(path for path in named if not (ROOT / path).exists())


def jobs(page: pathlib.Path) -> list:
    """(line, text) of each block that is a whole job."""
    text = page.read_text()
    return [(text[:block.start()].count("\n") + 2, block[2]) for block in FENCE.finditer(text)
            if block[1] == "yaml" and block[2].startswith("job:")]


def codes_of_code(root: pathlib.Path) -> set:
    found = set()
    for file in root.rglob("errors.h"):
        if file.relative_to(root).parts[0] not in ("build", ".git"):
            found |= set(re.findall(r'ErrorCode \w+\{"(WEIR-[A-Z]\d{3})"', file.read_text()))
    return found


def rows_of_table(page: pathlib.Path, heading: str) -> list:
    """First cells, without backticks, of the tables under a heading."""
    section = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^## |\Z)", page.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"{page.name} has no heading {heading!r}"
    return re.findall(r"^\| `([^`]+)`", section[1], re.MULTILINE)


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_links_lead_somewhere(page):
    assert broken_links(page) == []


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_paths_are_there(page):
    assert missing_paths(page) == []


@pytest.mark.quick
def test_every_error_code_is_told_once():
    told = rows_of_table(ROOT / "docs" / "operations.md", "Error codes")
    code = codes_of_code(ROOT)
    assert sorted(set(told) - code) == [] and sorted(code - set(told)) == [] and len(told) == len(code)


@pytest.mark.quick
def test_every_metric_is_told_once():
    told = rows_of_table(ROOT / "docs" / "operations.md", "Metrics")
    code = "".join(file.read_text() for file in (ROOT / "daemon" / "http").glob("*metrics.cc"))
    assert sorted(told) == sorted(re.findall(r'[{(]\s*"((?:weir|process)_\w+)"', code))


@pytest.mark.quick
def test_every_field_of_the_report_is_told():
    told = rows_of_table(ROOT / "docs" / "operations.md", "The report")
    page = (ROOT / "docs" / "operations.md").read_text()
    section = page[page.index("## The report"):page.index("## Metrics")]
    code = re.findall(r'report\["(\w+)"\]', (ROOT / "cli" / "run.cc").read_text())
    assert told and [field for field in code if f"`{field}`" not in section] == []


@functools.cache
def help_of(binary: pathlib.Path, *command: str) -> str:
    return subprocess.run([binary, *command, "--help"], capture_output=True, text=True, timeout=60).stdout


@pytest.mark.quick
def test_flags_of_run_are_told(weir_binary):
    page = (ROOT / "docs" / "operations.md").read_text()
    flags = set(re.findall(r"(--[a-z][a-z-]+)", help_of(weir_binary, "run"))) - {"--help"}
    assert flags and sorted(flag for flag in flags if f"`{flag}" not in page) == []


@pytest.mark.quick
def test_functions_and_aggregates_are_told(weir_binary):
    listed = subprocess.run([weir_binary, "functions"], capture_output=True, text=True, check=True, timeout=60).stdout
    names = re.findall(r"^  (\w+)\s", listed, re.MULTILINE)
    words = set(re.findall(r"\w+", (ROOT / "docs" / "job-language.md").read_text()))
    assert len(names) > 40 and [name for name in names if name not in words] == []


def keys_of(schema) -> set:
    """Every key that a JSON Schema knows, wherever it stands."""
    if isinstance(schema, list):
        return set().union(*(keys_of(part) for part in schema))
    if not isinstance(schema, dict):
        return set()
    found = set()
    for name, part in schema.items():
        if name == "properties":
            found |= set(part)
            part = list(part.values())
        found |= keys_of(part)
    return found


@pytest.mark.quick
def test_every_key_of_a_job_is_told(weir_binary):
    printed = subprocess.run([weir_binary, "schema"], capture_output=True, text=True, check=True, timeout=60).stdout
    keys = keys_of(json.loads(printed))
    page = (ROOT / "docs" / "job-language.md").read_text()
    words = set(re.findall(r"\w+", " ".join(INLINE.findall(page) + [body for _, body in FENCE.findall(page)])))
    assert {"watermark_delay", "bootstrap_servers", "partition_by", "start_time"} <= keys
    assert sorted(keys - words) == []


EXAMPLES = [pytest.param(text, id=f"{page.relative_to(ROOT)}:{line}") for page in PAGES for line, text in jobs(page)]


@pytest.mark.quick
@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_valid(text, weir_binary, tmp_path):
    job = tmp_path / "job.yaml"
    job.write_text(text)
    done = subprocess.run([weir_binary, "validate", job], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr + done.stdout


# The checks themselves, each on a page that breaks it.

@pytest.mark.quick
def test_a_broken_page_is_found(tmp_path):
    (tmp_path / "there.md").write_text("# A heading here\n")
    page = tmp_path / "page.md"
    page.write_text("[a](gone.md) [b](there.md#nowhere) [c](there.md#a-heading-here) [d](#own)\n"
                    "`engine/no_such_file.cc` and `engine/task.cc`\n\n## Own\n"
                    "```yaml\njob: one\n```\n```yaml\nsinks: {}\n```\n"
                    "## Error codes\n| `WEIR-K001` | x |\n")
    assert len(broken_links(page)) == 2
    assert missing_paths(page) == ["engine/no_such_file.cc"]
    assert jobs(page) == [(6, "job: one\n")]
    assert rows_of_table(page, "Error codes") == ["WEIR-K001"]


@pytest.mark.quick
def test_codes_of_code_are_found():
    assert {"WEIR-E001", "WEIR-K023", "WEIR-J025"} <= codes_of_code(ROOT)
