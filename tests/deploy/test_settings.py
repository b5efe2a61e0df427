"""deploy/weir.yaml is what `weir settings` prints, and holds every setting."""

import re
import subprocess

JOB = """job: first
sources:
  made: { generator: { kind: stock, count: 1 } }
sinks:
  none: { from: made, blackhole: {} }
"""


def validated(binary, folder, settings: str) -> subprocess.CompletedProcess:
    job, config = folder / "job.yaml", folder / "weir.yaml"
    job.write_text(JOB)
    config.write_text(settings)
    return subprocess.run([binary, "validate", job, "--config", config], capture_output=True, text=True, timeout=60)


def test_the_file_is_what_the_program_prints(repository, weir_binary):
    printed = subprocess.run([weir_binary, "settings"], check=True, capture_output=True, text=True, timeout=60).stdout
    assert (repository / "deploy" / "weir.yaml").read_text() == printed, "weir settings >deploy/weir.yaml mends it"


def test_it_loads_as_it_is_and_with_its_examples(repository, weir_binary, tmp_path):
    text = (repository / "deploy" / "weir.yaml").read_text()
    done = validated(weir_binary, tmp_path, text)
    assert done.returncode == 0, done.stderr
    examples = re.sub(r"^#(?=[a-z])", "", text, flags=re.MULTILINE)
    done = validated(weir_binary, tmp_path, examples)
    assert done.returncode == 0, done.stderr
    # That it was read.
    assert validated(weir_binary, tmp_path, examples.replace("slots: ", "slots: -")).returncode == 2


def test_it_holds_every_key(repository, weir_binary):
    """As the program's own list of known keys has them, those of a later version left out."""
    text = (repository / "deploy" / "weir.yaml").read_text()
    declared = re.search(r"ProcessSpec::Describe\(\) \{(.*?)^\}", (repository / "config" / "process_spec.cc").read_text(),
                         re.MULTILINE | re.DOTALL)[1]
    keys = re.findall(r'(?:Optional|Required)\(\s*"(\w+)"', declared)
    assert len(keys) > 10 and [key for key in keys if not re.search(rf"^#{key}: ", text, re.MULTILINE)] == []
