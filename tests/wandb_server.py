"""Stands in for the server of Weights & Biases: speaks enough of its protocol to take a run in, and keeps the rows."""

import gzip
import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import wandb_artifacts

USER = {"id": "u", "entity": "me", "username": "me", "email": "me@here", "flags": "{}", "admin": False, "name": "me"}
PEOPLE = {"teams": {"edges": []}, "apiKeys": {"edges": []}}
LIMITS = {"cliVersionInfo": {"max_cli_version": "99.0.0", "min_cli_version": "0.1"}, "features": []}


class Server(ThreadingHTTPServer):
    """`runs` maps the identity of a run to its rows in the order received; `exits` to its exit code.

    `preempted` are the runs that were marked as preempting and ended with another exit code than 0: as W&B does, their agent is
    told to resume them. `sweep` is the YAML of the sweep that was created; `commands` are handed to its agent, the next one when no run is in progress.
    `upserts` are the variables of each request that made or changed a run. `bodies` is all that was received. `refuses` is a part of the addresses to which the answer is that this is forbidden; `breaks`, that it is broken.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.runs, self.configs, self.exits, self.files = {}, {}, {}, []
        self.bodies, self.artifacts = [], {}  # `entity/project/name:version` -> file -> content
        self.sweep, self.commands, self.upserts = "", [], []
        self.started, self.preempting, self.preempted = {}, set(), []
        self.refuses = self.breaks = None

    def handle_error(self, *_):
        """A client that was killed has hung up."""

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, content, code=200):
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content = gzip.decompress(content) if self.headers.get("Content-Encoding") == "gzip" else content
        self.server.bodies.append(content)
        return content

    def do_GET(self):
        content = wandb_artifacts.file(self.server, self.path)
        if content is None:
            self.answer({})
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_PUT(self):
        self.server.files.append((self.path, len(self.body())))
        self.answer({})

    def do_POST(self):
        content = self.body()
        if self.server.refuses and self.server.refuses in self.path:
            self.answer({"errors": [{"message": "permission denied"}]}, 403)
        elif self.server.breaks and self.server.breaks in self.path:
            self.answer({}, 500)
        elif self.path.endswith("/graphql"):
            self.answer({"data": self.graphql(json.loads(content))})
        elif "/file_stream" in self.path:
            self.stream(self.path.split("/")[-2], json.loads(content))
        else:
            self.answer({})

    def stream(self, run, content):
        rows = self.server.runs.setdefault(run, [])
        if history := content.get("files", {}).get("wandb-history.jsonl"):
            lines, first = [json.loads(line) for line in history["content"]], history["offset"]
            rows[first : first + len(lines)] = lines
        if content.get("preempting"):
            self.server.preempting.add(run)
        if content.get("complete"):
            self.server.exits[run] = content.get("exitcode")
            if run in self.server.preempting and content.get("exitcode"):
                self.server.preempting.remove(run)
                self.server.preempted.append(run)
                if run in self.server.started:
                    self.server.commands.insert(0, self.server.started[run] | {"type": "resume"})
        self.answer({"exitcode": None, "limits": {}})

    def graphql(self, question):
        query, variables = question.get("query", ""), question.get("variables") or {}
        name = variables.get("name")
        if answer := self.sweeps(query, variables):
            return answer
        if "upsertBucket" in query:
            self.server.upserts.append(variables)
            is_new = name not in self.server.runs
            self.server.runs.setdefault(name, [])
            self.server.configs[name] = variables.get("config") or self.server.configs.get(name, "{}")
            return {"upsertBucket": {"bucket": self.bucket(name, variables.get("project")), "inserted": is_new}}
        if "RunResumeStatus" in query:
            known = self.bucket(name, variables.get("project")) if name in self.server.runs else None
            return {"model": {"id": "p", "name": "p", "entity": {"id": "e", "name": "me"}, "bucket": known}}
        if "serverInfo" in query:
            return {"serverInfo": LIMITS | {"latestLocalVersionInfo": None}, "viewer": USER | PEOPLE}
        if re.search(r"\bviewer\b", query):
            return {"viewer": USER | PEOPLE}
        if answer := wandb_artifacts.answer(self.server, query, variables):
            return answer
        if "createRunFiles" in query:
            files = [{"name": file, "uploadUrl": f"{self.server.address}/{file}"} for file in variables["files"]]
            return {"createRunFiles": {"runID": "r", "uploadHeaders": [], "files": files}}
        return {}

    def sweeps(self, query, variables):
        if "UpsertSweep" in query:
            self.server.sweep = variables["config"]
            project = {"id": "p", "name": variables.get("projectName") or "p", "entity": {"id": "e", "name": "me"}}
            return {"upsertSweep": {"sweep": {"name": "sweep1", "project": project}, "configValidationWarnings": []}}
        if "SweepWithRuns" in query:
            sweep = {
                "id": "s",
                "name": "sweep1",
                "config": self.server.sweep,
                "state": "RUNNING",
                "runs": {"edges": []},
            }
            return {"project": {"sweep": sweep}}
        if "CreateAgent" in query:
            return {"createAgent": {"agent": {"id": "agent1"}}}
        if "agentHeartbeat" in query:
            is_busy = json.loads(variables["runState"])
            command = [] if is_busy else [self.server.commands.pop(0)] if self.server.commands else [{"type": "exit"}]
            self.server.started |= {started["run_id"]: started for started in command if "run_id" in started}
            return {"agentHeartbeat": {"agent": {"id": "agent1"}, "commands": json.dumps(command)}}
        return None

    def bucket(self, name, project):
        rows = self.server.runs[name]
        last = json.dumps(rows[-1] if rows else {})
        return {
            "id": "b", "name": name, "displayName": name, "description": "", "sweepName": None, "tags": [],
            "config": self.server.configs[name], "wandbConfig": '{"t": 1}', "summaryMetrics": last, "stopped": False,
            "historyLineCount": len(rows), "logLineCount": 0, "eventsLineCount": 0,
            "historyTail": json.dumps([last]), "eventsTail": "[]",
            "project": {"id": "p", "name": project or "p", "entity": {"id": "e", "name": "me"}},
        }  # fmt: skip


@contextmanager
def serve():
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
