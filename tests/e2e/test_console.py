"""The operator's commands against a real gateway: what they print, what they do, how they end."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.local.ports import free_port
from gateway.cli import main
from gateway.console.output import cell
from tests.doubles.whatsapp_answers import meta_error
from tests.doubles.whatsapp_provider import WhatsAppDouble
from tests.kit.system import Json, System, message, wait_until

pytestmark = pytest.mark.slow

SENT = "/whatsapp/messages"
SCORE = '{"retailerId": "RET404", "trigger": "manual"}'


class Console:
    """``doko`` as somebody with a token runs it."""

    def __init__(self, system: System, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.system = system
        self._monkeypatch = monkeypatch
        # Away from the checkout, so that a developer's .env has no say.
        monkeypatch.chdir(folder)
        monkeypatch.setenv("DOKO_URL", system.url)
        self.as_role("admin")

    def as_role(self, role: str) -> None:
        """Go on with a new token of this role."""
        self._monkeypatch.setenv("DOKO_TOKEN", self.system.create_token(role).secret)

    def __call__(self, *arguments: str, stdin: str | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments), input=stdin)
        assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
        return result


@pytest.fixture
def doko(system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Console:
    return Console(system, monkeypatch, tmp_path)


def test_queues_are_counted_paused_and_resumed(doko: Console) -> None:
    paused = doko("pause", "whatsapp", "--reason", "the provider's maintenance", "--for", "2h")
    table = doko("stats").stdout
    found = json.loads(doko("stats", "--json").stdout)
    live = doko("watch", "--count", "2", "--interval", "0.2").stdout
    resumed = doko("resume", "WHATSAPP", "--reason", "it is over")

    assert paused.stdout == "Queue WHATSAPP is paused\n"
    row = next(line for line in table.splitlines() if line.startswith("WHATSAPP"))
    assert "paused by asha until " in row
    assert row.rstrip().count(": the provider's maintenance") == 1
    assert found["WHATSAPP"]["pause"]["reason"] == "the provider's maintenance"
    assert "oldest waiting" in live
    assert resumed.stdout == "Queue WHATSAPP runs\n"
    assert doko.system.get("/queues/stats")["WHATSAPP"]["isPaused"] is False


def test_a_failed_job_is_found_looked_at_and_retried(doko: Console, provider: WhatsAppDouble) -> None:
    phone = "+9779800000301"
    provider.script(phone, meta_error(131026))
    job_id = doko.system.enqueue(SENT, message(phone))
    doko.system.wait_for(job_id, "failed")

    listed = doko("failed", "whatsapp").stdout
    shown = doko("job", job_id).stdout
    whole = json.loads(doko("job", job_id, "--json").stdout)
    hidden, revealed = (json.loads(doko("job", job_id, "--json", *more).stdout) for more in ([], ["--reveal"]))
    retried = doko("retry", job_id, "--reason", "they have a phone now")
    doko.system.wait_for(job_id, "completed")
    again = doko("retry", job_id, "whatsapp-none", code=1)

    assert job_id in listed
    assert "131026" in listed
    assert [line.split()[0] for line in shown.splitlines() if line.startswith(("id ", "state "))] == ["id", "state"]
    assert "failed" in shown
    assert [event["event"] for event in whole["events"]] == ["waiting", "active", "failed"]
    assert phone not in json.dumps(hidden)
    assert revealed["data"]["recipient"] == phone
    assert retried.stdout == f"Job {job_id} will run again\n"
    assert again.stderr.count("Error: ") == 2
    assert "whatsapp-none" in again.stderr


def test_jobs_are_enqueued_listed_promoted_and_cancelled(doko: Console, tmp_path: Path) -> None:
    later = '{"delay": 600000}'
    (tmp_path / "score.json").write_text(SCORE, encoding="utf-8")
    one = doko("enqueue", "credit", "credit-score-calculation", "--data", SCORE, "--options", later).stdout.strip()
    data = ("--data", "-", "--options", later, "--json")
    two = json.loads(doko("enqueue", "credit_score", "credit-score-calculation", *data, stdin=SCORE).stdout)["jobId"]

    page = doko("jobs", "--queue", "credit", "--state", "delayed", "--limit", "1")
    ids = [job["id"] for job in json.loads(doko("jobs", "--state", "delayed", "--json").stdout)["jobs"]]
    promoted = doko("promote", one)
    cancelled = doko("cancel", two, "--reason", "not needed")
    none = doko("jobs", "--queue", "reports", "--state", "active")
    waited = doko("enqueue", "credit", "credit-score-calculation", "--data", "@score.json", "--wait", "0", code=1)

    assert one != two
    assert "More: --cursor " in page.stderr
    assert {one, two} <= set(ids)
    assert promoted.stdout == f"Job {one} runs now\n"
    assert cancelled.stdout == f"Job {two} is cancelled\n"
    assert none.stdout == "No job is like that\n"
    assert waited.stdout.split()[1] in {"waiting", "delayed"}


def test_all_jobs_that_match_a_filter_are_removed_and_brought_back(doko: Console) -> None:
    later = '{"delay": 600000}'
    score = SCORE.replace("RET404", "RETBULK")
    job_id = doko("enqueue", "credit", "credit-score-calculation", "--data", score, "--options", later).stdout.strip()
    chosen = ("--filter", "retailer:RETBULK", "--reason", "test")

    tried = doko("bulk", "remove", *chosen, "--dry-run").stdout
    removed = doko("bulk", "remove", *chosen, "--yes", "--wait").stdout
    gone = doko("jobs", "--filter", "retailer:RETBULK").stdout
    number = json.loads(doko("bulk", "list", "--json").stdout)["operations"][0]["id"]
    undone = doko("bulk", "undo", str(number)).stdout
    wrong = doko("bulk", "move", *chosen, "--to", "reports", "--yes", code=1).stderr

    assert tried.startswith("Would remove 1 jobs")
    assert "completed: 1 done, 0 refused" in removed
    assert gone == "No job is like that\n"
    assert undone == f"Bulk operation {number} is being undone\n"
    assert "REPORT_GENERATION runs report, report-email only" in wrong
    shown = ("bulk", "show", str(number), "--json")
    wait_until(lambda: json.loads(doko(*shown).stdout)["state"] == "undone", lambda: doko(*shown).stdout)
    assert json.loads(doko("job", job_id, "--json").stdout)["state"] == "delayed"
    assert "fingerprint" in doko("failures", "--since", "1h").stdout or "Nothing has failed" in doko("failures").stdout


def test_a_job_is_explained(doko: Console) -> None:
    doko("pause", "credit", "--reason", "a look at it")
    job_id = doko("enqueue", "credit", "credit-score-calculation", "--data", SCORE, "--options", "{}").stdout.strip()
    told = doko("explain", job_id).stdout
    found = json.loads(doko("explain", job_id, "--json").stdout)
    doko("resume", "credit")

    assert "paused" in told
    assert "a look at it" in told
    assert "Nobody can say when it starts: the queue is paused without an end" in told
    assert "paused" in [reason["code"] for reason in found["reasons"]]
    assert "no job has the id" in doko("explain", "whatsapp-nothing", code=1).stderr


def test_limits_are_shown_set_and_given_back(doko: Console) -> None:
    done = doko("limits", "set", "credit", "--concurrency", "2", "--group-rate", "1/6s", "--reason", "a slow database")
    table = doko("limits").stdout
    found = json.loads(doko("limits", "--json").stdout)["queues"]["CREDIT_SCORE"]
    doko("limits", "set", "credit", "--concurrency", "none", "--reset", "group-rate")
    after = json.loads(doko("limits", "--json").stdout)["queues"]["CREDIT_SCORE"]
    doko("limits", "set", "credit", "--reset", "concurrency")
    waiting = doko("limits", "groups", "credit").stdout
    wrong = doko("limits", "set", "credit", "--rate", "fast", code=1).stderr

    assert done.stdout == "The limits of queue CREDIT_SCORE are changed\n"
    row = next(line for line in table.splitlines() if line.startswith("CREDIT_SCORE"))
    assert "2*" in row
    assert "1/6s*" in row
    assert found["groupRate"] == {"jobs": 1, "windowMs": 6000}
    assert (after["concurrency"], after["groupRate"], after["setByOperator"]) == (None, None, ["concurrency"])
    assert waiting == "No group of CREDIT_SCORE waits\n"
    assert "such as 80/s" in wrong
    assert "say what to change" in doko("limits", "set", "credit", code=2).stderr


def test_schedules_are_listed_shown_and_paused(doko: Console) -> None:
    listed = doko("schedules").stdout
    shown = json.loads(doko("schedules", "show", "remind-retailers").stdout)
    paused = doko("schedules", "pause", "remind-retailers", "--reason", "a holiday")
    while_paused = doko("schedules").stdout
    resumed = doko("schedules", "resume", "remind-retailers")
    kept = doko("schedules", "remove", "remind-retailers", stdin="n\n", code=1)

    assert "Asia/Kathmandu" in listed
    assert shown["id"] == "remind-retailers"
    assert ("paused" in paused.stdout, "paused" in resumed.stdout) == (True, False)
    assert "paused" in next(line for line in while_paused.splitlines() if line.startswith("remind-retailers"))
    assert "Aborted" in kept.stderr
    assert json.loads(doko("schedules", "show", "remind-retailers").stdout)["isPaused"] is False


def test_cleaning_asks_first_and_says_what_it_removed(doko: Console) -> None:
    kept = doko("clean", "orders", "--grace-hours", "24", stdin="n\n", code=1)
    cleaned = doko("clean", "orders", "--grace-hours", "24", "--yes")

    assert "Aborted" in kept.stderr
    assert cleaned.stdout == "Removed 0 completed and 0 failed jobs\n"


def test_what_the_gateway_refuses_is_said_with_the_field_and_ends_with_1(doko: Console) -> None:
    wrong = doko("enqueue", "credit", "credit-score-calculation", "--data", '{"retailer": "RET001"}', code=1)
    unknown = doko("job", "credit-none", code=1)
    doko.as_role("viewer")
    forbidden = doko("pause", "credit", code=1)

    assert "  data.retailer: is not known here" in wrong.stderr
    assert "credit-none" in unknown.stderr
    assert forbidden.stderr.startswith("Error: ")
    assert "queues:operate" in forbidden.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stats", "--jsn"], "No such option"),
        (["failed", "whatsap"], "did you mean whatsapp?"),
        (["enqueue", "credit", "x", "--data", "{"], "is not JSON"),
        (["enqueue", "credit", "x", "--data", "@nowhere.json"], "can't be read"),
        (["pause", "credit", "--for", "soon"], "--for"),
        (["pause", "credit", "--for", "-2h"], "must be more than nothing"),
        (["retry"], "Missing argument"),
    ],
)
def test_a_wrong_use_ends_with_2_and_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_nobody_there_ends_with_3_and_no_token_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOKO_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("DOKO_TOKEN", raising=False)
    without = CliRunner().invoke(main, ["stats"])
    monkeypatch.setenv("DOKO_TOKEN", "doko_" + "x" * 40)
    away = CliRunner().invoke(main, ["stats"])

    assert (without.exit_code, "doko tokens create" in without.stderr) == (1, True)
    assert (away.exit_code, "No gateway answers at http://127.0.0.1:" in away.stderr) == (3, True)


def test_an_answer_that_stays_away_leaves_open_whether_it_was_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOKO_TOKEN", "doko_" + "x" * 40)

    def hang_up() -> None:
        connection, _ = server.accept()
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor() as pool:
        monkeypatch.setenv("DOKO_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        hung_up = pool.submit(hang_up)
        result = CliRunner().invoke(main, ["pause", "credit"])
        hung_up.result(10)

    assert (result.exit_code, "whether it was done is not known" in result.stderr) == (3, True), result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_can_complete(shell: str) -> None:
    assert "_DOKO_COMPLETE" in CliRunner().invoke(main, ["completion", shell]).stdout


def test_a_terminal_is_not_steered_by_what_jobs_hold() -> None:
    assert cell("\x1b[2Jgone\u202e").plain == "\ufffd[2Jgone\ufffd"


def _workers(doko: Console, queue: str) -> list[Json]:
    found: list[Json] = json.loads(doko("workers", "--json").stdout)["workers"]
    return [worker for worker in found if worker["queue"] == queue]


def test_workers_are_listed_quieted_resumed_and_stopped(doko: Console) -> None:
    doko.system.start("worker reminders")
    wait_until(lambda: _workers(doko, "PAYMENT_REMINDERS"), lambda: doko.system.processes["worker reminders"].output)
    worker_id = _workers(doko, "PAYMENT_REMINDERS")[0]["id"]

    quiet = doko("workers", "quiet", worker_id, "--reason", "a look")
    wait_until(lambda: _workers(doko, "PAYMENT_REMINDERS")[0]["state"] == "quiet", lambda: "it is quiet")
    row = next(line for line in doko("workers").stdout.splitlines() if line.startswith(worker_id))
    doko("workers", "resume", worker_id)
    wait_until(lambda: _workers(doko, "PAYMENT_REMINDERS")[0]["state"] == "running", lambda: "it runs")
    doko("workers", "stop", worker_id, "--yes", "--reason", "leaks")
    wait_until(lambda: not doko.system.processes["worker reminders"].is_running, lambda: "it has ended")
    refused = doko("workers", "quiet", worker_id, code=1)

    assert quiet.stdout == f"Worker {worker_id} takes no more jobs\n"
    assert "quiet" in row
    assert "MiB" in row
    assert _workers(doko, "PAYMENT_REMINDERS") == []
    assert doko.system.stop("worker reminders") == 0
    assert "no living worker" in refused.stderr
