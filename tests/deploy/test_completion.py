"""Completion, by the shells themselves."""

import http.server
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import threading
import time

import pytest

JOBS = {"jobs": [{"name": "orders", "state": "running"}, {"name": "other", "state": "stopped"}]}


@pytest.fixture
def manager():
    """Answers as a manager's API does; its address."""
    class Api(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(JOBS).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def environment(weir_binary, tmp_path) -> dict:
    """weir in the PATH, and no manager that answers."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "weir").symlink_to(weir_binary)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path), "TERM": "dumb", "LANG": "C.UTF-8",
            "WEIR_HTTP": "127.0.0.1:1", "PS1": "$ ", "HISTFILE": ""}


class Bash:
    """An interactive bash on a terminal, with weir's completion."""

    def __init__(self, environment: dict, folder: pathlib.Path):
        self.terminal, theirs = pty.openpty()
        self.process = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=theirs, stdout=theirs,
                                        stderr=theirs, env=environment, cwd=folder, start_new_session=True)
        os.close(theirs)
        self.type("bind 'set enable-bracketed-paste off'; source <(weir completion bash); echo rea''dy\n")
        self.wait_for(r"ready\r?\n")

    def type(self, text: str):
        os.write(self.terminal, text.encode())

    def wait_for(self, pattern: str, timeout_s: float = 30) -> str:
        """What was shown until the pattern was."""
        shown, deadline = "", time.monotonic() + timeout_s
        while not re.search(pattern, shown):
            assert time.monotonic() < deadline, f"not shown: {pattern}\n{shown!r}"
            if select.select([self.terminal], [], [], 0.1)[0]:
                shown += os.read(self.terminal, 4096).decode(errors="replace")
        return shown

    def close(self):
        self.process.kill()
        self.process.wait(10)
        os.close(self.terminal)


@pytest.fixture
def bash(environment, tmp_path):
    shells = []

    def start(**more) -> Bash:
        shells.append(Bash({**environment, **more}, tmp_path))
        return shells[-1]

    yield start
    for shell in shells:
        shell.close()


def test_bash_completes_commands_flags_and_choices(bash):
    shell = bash()
    shell.type("weir savep\t")
    shell.wait_for("savepoint $")
    shell.type("\x15weir run --fre\t")
    shell.wait_for("--fresh $")
    shell.type("\x15weir list --output j\t")
    shell.wait_for("json $")
    shell.type("\x15weir checkpoint ver\t")
    shell.wait_for("verify $")


def test_bash_completes_names_of_jobs_from_the_manager(bash, manager):
    shell = bash(WEIR_HTTP=manager)
    shell.type("weir stop ord\t")
    shell.wait_for("orders $")


def test_bash_completes_files_where_a_job_is_one(bash, tmp_path):
    (tmp_path / "clicks.yaml").write_text("")
    (tmp_path / "some-folder").mkdir()
    shell = bash()
    shell.type("weir run cli\t")
    shell.wait_for("clicks.yaml $")
    shell.type("\x15weir run clicks.yaml --state-dir some\t")
    shell.wait_for("some-folder/$")
    # No manager answers.
    shell.type("\x15weir stop cli\t")
    shell.wait_for("clicks.yaml $")


def test_fish_completes(environment, manager):
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed")

    def completed(line: str) -> list[str]:
        done = subprocess.run(["fish", "--no-config", "-c", f"weir completion fish | source; complete -C '{line}'"],
                              capture_output=True, text=True, env={**environment, "WEIR_HTTP": manager}, timeout=60)
        return [said.split("\t")[0] for said in done.stdout.splitlines()]

    assert completed("weir savep") == ["savepoint"]
    assert completed("weir stop ") == ["orders", "other"]
    assert "--fresh" in completed("weir run --")


def test_zsh_understands_its_script(environment):
    if shutil.which("zsh") is None:
        pytest.skip("zsh is not installed")
    done = subprocess.run(["zsh", "-f", "-c", "autoload -U compinit && compinit -u -D && source <(weir completion zsh) "
                           "&& print ${_comps[weir]}"], capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "_weir\n", "")
