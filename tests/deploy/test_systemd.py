"""The package on a machine with systemd: what an administrator does, and what a service must survive."""

import json
import pathlib

import pytest

JOB = """job: prices
parallelism: 2
checkpoint: {{ interval: 500ms }}
sources:
  prices: {{ generator: {{ kind: stock, rate: {rate}/s, count: {count}, seed: 1 }} }}
sinks:
  lines:
    from: prices
    files: {{ path: {path}, roll: {{ every: 1s }} }}
    format: json
"""
SETTINGS = "checkpoint_store: /var/lib/weir/checkpoints\nslots: 2\nworker_timeout: 2s\n"
WORKERS = ["weir-worker", "weir-worker-2"]
UNIT_FOLDER = "/etc/systemd/system"


def lines_in(folder: pathlib.Path) -> int:
    """Of whole files; readers leave those alone that begin with `_`."""
    return sum(len(file.read_text().splitlines()) for file in folder.rglob("*.json")
               if not file.name.startswith(("_", ".")))


def answer(machine, *command: str) -> dict:
    return json.loads(machine.run("weir", *command, "--output", "json").stdout)


def entries(machine, unit: str) -> list[dict]:
    """What the program itself has said: an entry a line."""
    said = machine.run("journalctl", "-u", unit, "--no-pager", "-o", "json", "_COMM=weir").stdout
    return [json.loads(line) for line in said.splitlines()]


def wait_state(machine, job: str, state: str, timeout_s: float = 90) -> dict:
    def there() -> dict | None:
        status = answer(machine, "status", job)
        return status if status["state"] == state else None

    return machine.wait_until(there, timeout_s, f"{job} is {state}", "weir-manager", *WORKERS)


@pytest.fixture
def settings(machine):
    """One machine with a place for checkpoints and one where jobs may write files; nothing runs."""
    for unit in ["weir-run@*", *WORKERS, "weir-manager"]:
        machine.run("systemctl", "stop", unit, check=False)
    machine.run("rm", "-rf", f"{UNIT_FOLDER}/weir-.service.d", "/etc/weir/jobs", "/srv/weir", "/var/lib/weir",
                *(f"/var/lib/{name}" for name in [*WORKERS, "weir-manager", "weir-run"]))
    machine.run("install", "-d", "-o", "root", "-g", "weir", "-m", "750", "/etc/weir/jobs")
    machine.run("install", "-d", "-o", "weir", "-g", "weir", "/srv/weir")
    machine.write("/etc/weir/weir.yaml", SETTINGS)
    drop_in(machine, "files", "ReadWritePaths=/srv/weir")
    # A second worker is the first one's unit under another name.
    unit = machine.path("/usr/lib/systemd/system/weir-worker.service").read_text()
    machine.write(f"{UNIT_FOLDER}/weir-worker-2.service", unit)
    machine.write("/etc/default/weir-worker-2", "WEIR_WORKER_ID=second\n")
    machine.run("systemctl", "daemon-reload")
    machine.run("systemctl", "reset-failed")
    return machine


@pytest.fixture
def cluster(settings):
    for unit in ["weir-manager", *WORKERS]:
        settings.start(unit)
    return settings


def drop_in(machine, name: str, setting: str) -> None:
    """For all units of weir."""
    machine.write(f"{UNIT_FOLDER}/weir-.service.d/{name}.conf", f"[Service]\n{setting}\n")
    machine.run("systemctl", "daemon-reload")


def submit(machine, rate: int, count: int) -> pathlib.Path:
    """The folder that the job fills."""
    machine.write("/tmp/prices.yaml", JOB.format(rate=rate, count=count, path="/srv/weir/prices"))
    machine.run("weir", "submit", "/tmp/prices.yaml")
    return machine.path("/srv/weir/prices")


def host_of(status: dict) -> str:
    """The unit of a worker that has tasks of the job."""
    return "weir-worker-2" if "second" in status["attempt"]["workers"] else "weir-worker"


def write_job(machine, name: str, text: str) -> str:
    """Its unit."""
    machine.write(f"/etc/weir/jobs/{name}.yaml", text)
    return f"weir-run@{name}"


# --- as it is installed -------------------------------------------------------------------------


def test_the_package_starts_nothing_and_says_what_to_do(machine):
    assert "systemctl enable --now weir-manager weir-worker" in machine.said_at_install
    for unit in ["weir-manager", "weir-worker"]:
        assert machine.show(unit, "ActiveState") == "inactive"
        assert machine.show(unit, "UnitFileState") == "disabled"
    assert machine.run("stat", "-c", "%U:%G %a", "/etc/weir/weir.yaml").stdout.strip() == "root:weir 640"
    assert machine.run("stat", "-c", "%U:%G %a", "/etc/weir").stdout.strip() == "root:weir 750"


def test_a_worker_without_settings_is_not_started_again(machine):
    failed = machine.run("systemctl", "start", "weir-worker", check=False)
    assert failed.returncode != 0
    assert machine.show("weir-worker", "ExecMainStatus") == "2"
    assert machine.show("weir-worker", "NRestarts") == "0"
    said = [entry for entry in entries(machine, "weir-worker") if "WEIR-C006" in entry["MESSAGE"]]
    assert [entry["PRIORITY"] for entry in said] == ["3"]
    assert "--checkpoint-store" in said[0]["MESSAGE"]


# --- a cluster ----------------------------------------------------------------------------------


def test_a_worker_is_ready_when_a_manager_has_it(settings):
    machine = settings
    machine.run("systemctl", "start", "--no-block", "weir-worker")
    machine.wait_until(lambda: machine.show("weir-worker", "StatusText").startswith("no manager has it"), 30,
                       "the worker looks for a manager", "weir-worker")
    assert machine.show("weir-worker", "ActiveState") == "activating"
    machine.start("weir-manager")
    assert machine.show("weir-manager", "StatusText").startswith("leads")
    machine.wait_until(lambda: machine.show("weir-worker", "ActiveState") == "active", 30, "the worker is ready",
                       "weir-worker")
    assert [worker["state"] for worker in answer(machine, "workers")["workers"]] == ["here"]


def test_a_killed_worker_comes_back_and_no_row_is_lost(cluster):
    machine = cluster
    folder = submit(machine, rate=500, count=8000)
    status = wait_state(machine, "prices", "running")
    machine.wait_until(lambda: lines_in(folder) > 0, 60, "the first rows are out", *WORKERS)
    unit = host_of(status)
    machine.run("systemctl", "kill", "-s", "KILL", unit)
    machine.wait_until(lambda: machine.show(unit, "NRestarts") == "1", 30, "it is started again", unit)
    machine.wait_until(lambda: machine.show(unit, "ActiveState") == "active", 60, "it is ready again", unit)
    assert wait_state(machine, "prices", "ended")["restarts"] >= 1
    assert lines_in(folder) == 8000


def test_a_stopped_worker_hands_its_tasks_over(cluster):
    machine = cluster
    folder = submit(machine, rate=500, count=6000)
    unit = host_of(wait_state(machine, "prices", "running"))
    machine.run("systemctl", "stop", unit)
    assert (machine.show(unit, "Result"), machine.show(unit, "ExecMainStatus")) == ("success", "0")
    ended = wait_state(machine, "prices", "ended")
    assert [move["reason"] for move in ended["history"]] == ["moved away from a worker that is drained"]
    assert lines_in(folder) == 6000


def test_the_manager_may_be_restarted_while_a_job_runs(cluster):
    machine = cluster
    folder = submit(machine, rate=500, count=5000)
    before = wait_state(machine, "prices", "running")["attempt"]["id"]
    machine.run("systemctl", "restart", "weir-manager")
    machine.wait_until(lambda: answer(machine, "status", "prices").get("attempt", {}).get("id") == before, 30,
                       "the manager knows what runs", "weir-manager", *WORKERS)
    assert wait_state(machine, "prices", "ended")["restarts"] == 0
    assert lines_in(folder) == 5000


def test_the_journal_has_a_line_for_each_thing_with_its_priority(cluster):
    said = {entry["MESSAGE"]: entry["PRIORITY"] for entry in entries(cluster, "weir-manager")}
    up = [message for message in said if message.startswith("info manager is up workers=")]
    assert up and said[up[0]] == "6"


# --- one job in one process ---------------------------------------------------------------------


def test_a_job_that_ends_by_itself_is_done(settings):
    unit = write_job(settings, "short", JOB.format(rate=100000, count=100, path="/srv/weir/short"))
    settings.start(unit)
    settings.wait_until(lambda: settings.show(unit, "ActiveState") == "inactive", 60, "it has ended", unit)
    assert (settings.show(unit, "Result"), settings.show(unit, "NRestarts")) == ("success", "0")
    assert lines_in(settings.path("/srv/weir/short")) == 100


def test_a_wrong_job_is_not_tried_again(settings):
    unit = write_job(settings, "wrong", "job: wrong\nsinks: {}\n")
    assert settings.run("systemctl", "start", unit, check=False).returncode != 0
    assert (settings.show(unit, "ExecMainStatus"), settings.show(unit, "NRestarts")) == ("2", "0")


def test_a_running_job_goes_on_where_it_was_stopped(settings):
    unit = write_job(settings, "long", JOB.format(rate=1000, count=6000, path="/srv/weir/long"))
    settings.start(unit)
    # Ready means that rows flow.
    assert settings.show(unit, "StatusText").startswith("running, checkpoint")
    settings.run("systemctl", "stop", unit)
    assert settings.show(unit, "Result") == "success"
    assert "stopping with a last checkpoint" in settings.journal(unit)
    assert 0 < lines_in(settings.path("/srv/weir/long")) < 6000
    settings.start(unit)
    settings.wait_until(lambda: settings.show(unit, "ActiveState") == "inactive", 60, "it has ended", unit)
    assert lines_in(settings.path("/srv/weir/long")) == 6000


# --- the watchdog -------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["weir-manager", "weir-worker", "weir-run@endless"])
def test_a_process_that_stands_still_is_started_again(unit, settings):
    drop_in(settings, "impatient", "WatchdogSec=3s\nTimeoutAbortSec=1s")
    write_job(settings, "endless", JOB.format(rate=10, count=1000000, path="/srv/weir/endless"))
    settings.start("weir-manager")
    if unit != "weir-manager":
        settings.start(unit)
    pid = settings.show(unit, "MainPID")
    settings.run("kill", "-STOP", pid)
    settings.wait_until(lambda: settings.show(unit, "NRestarts") == "1", 60, "it is started again", unit)
    settings.wait_until(lambda: settings.show(unit, "ActiveState") == "active", 60, "it is ready again", unit)
    assert "Watchdog timeout" in settings.journal(unit)
    assert settings.show(unit, "MainPID") != pid


# --- as it is removed ---------------------------------------------------------------------------


def test_removing_stops_it_and_purging_leaves_data(cluster):
    """The last: it takes the package away."""
    machine = cluster
    machine.run("rm", f"{UNIT_FOLDER}/weir-worker-2.service")
    machine.run("dpkg", "-r", "weir")
    for unit in ["weir-manager", "weir-worker"]:
        assert machine.show(unit, "ActiveState") != "active"
    said = machine.run("dpkg", "--purge", "weir").stdout
    assert "/var/lib/weir-manager" in said and machine.path("/var/lib/weir-manager").is_dir()
    assert not machine.path("/etc/weir/weir.yaml").exists()
    machine.run("dpkg", "-i", "/weir.deb")
    machine.run("dpkg", "--purge", "weir", WEIR_PURGE_DATA="yes")
    assert not machine.path("/var/lib/weir-manager").exists()
