import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from run_files import write_run
from wandb_server import serve

from leyden.errors import UserError
from leyden.run.init_from import FILE, check_source, located, record, recorded


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path, "digits", 0, 0.1, 0.9)
    (run / "checkpoints" / "best.ckpt").write_bytes(b"weights")
    return tmp_path


def test_a_run_or_file_is_found_and_its_path_made_absolute(project):
    (file,) = project.glob("runs/digits/*/checkpoints/best.ckpt")
    run = file.parent.parent
    for text in ("digits", str(run), str(run.relative_to(project)), str(file.relative_to(project)), str(file)):
        config, weights = located({"name": "x", "init_from": text}, project)
        assert config == {"name": "x", "init_from": str(file)}
        assert (weights["file"], weights["run"], weights["id"]) == (str(file), str(run), "a")
        assert weights["sha256"] == hashlib.sha256(b"weights").hexdigest()
    record(run, weights)
    assert recorded(run) == weights
    file.unlink()
    with pytest.raises(UserError, match="the weights of init_from are gone"):
        recorded(run)


def test_without_weights_nothing_is_recorded(project):
    assert located({"init_from": None}, project) == ({"init_from": None}, {})
    record(project, {})
    assert not (project / FILE).exists()
    assert recorded(project) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digts", "there is no run 'digts'.*did you mean 'digits'"),
        ("best.ckpt", "there is no file .*best.ckpt; did you mean 'bert.ckpt'"),
        ("wandb:me/model:v1", "expected wandb:ENTITY/PROJECT/NAME:VERSION"),
        ("hf:model", "expected hf:ORGANIZATION/REPOSITORY"),
    ],
)
def test_what_is_not_there_is_refused(project, text, message):
    (project / "bert.ckpt").touch()
    with pytest.raises(UserError, match=message):
        check_source(text, project)


class Hub(BaseHTTPRequestHandler):
    """Stands in for the Hugging Face Hub: one repository, me/digits."""

    files: dict[str, bytes] = {}
    commit = "a" * 40

    def log_message(self, *_):
        pass

    def answer(self, body, code=200, **headers):
        self.send_response(code)
        for name, value in {"Content-Length": len(body), "X-Repo-Commit": self.commit, **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/api/models/me/digits"):
            siblings = [{"rfilename": name} for name in self.files]
            answer = {"id": "me/digits", "sha": self.commit, "siblings": siblings, "private": False, "tags": []}
            self.answer(json.dumps(answer).encode(), Content_Type="application/json")
        elif (name := self.path.rpartition("/")[2]) in self.files and "/me/digits/resolve/" in self.path:
            self.answer(self.files[name], ETag=f'"{hashlib.sha1(self.files[name]).hexdigest()}"')
        else:
            self.answer(b"{}", 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET  # noqa: N815


@contextmanager
def hub(monkeypatch, tmp_path, files):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(Hub, "files", files)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def test_weights_of_the_hub(monkeypatch, tmp_path):
    files = {"model.safetensors": b"safe", "pytorch_model.bin": b"pickled", "config.json": b"{}"}
    with hub(monkeypatch, tmp_path, files):
        config, weights = located({"init_from": "hf:me/digits"}, tmp_path)
        assert config["init_from"] == f"hf:me/digits@{'a' * 40}:model.safetensors"
        assert Path(weights["file"]).read_bytes() == b"safe"
        again, _ = located(config, tmp_path)
        assert again == config
        _, other = located({"init_from": "hf:me/digits:pytorch_model.bin"}, tmp_path)
        assert other["sha256"] == hashlib.sha256(b"pickled").hexdigest()
        with pytest.raises(UserError, match=r"has no file 'pytorch_model.bn'; did you mean 'pytorch_model.bin'"):
            located({"init_from": "hf:me/digits:pytorch_model.bn"}, tmp_path)
        with pytest.raises(UserError, match="me/digit cannot be downloaded"):
            located({"init_from": "hf:me/digit"}, tmp_path)


@pytest.fixture
def artifacts(monkeypatch, tmp_path):
    """A login to W&B, and folders of this test."""
    wandb = pytest.importorskip("wandb")
    monkeypatch.setattr("leyden.run.init_from.CACHE", tmp_path / "artifacts")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    yield
    wandb.teardown()  # it keeps the address of the server


def test_weights_of_an_artifact(monkeypatch, tmp_path, artifacts):
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address)
        server.artifacts["me/digits/model:v3"] = {"model.ckpt": b"weights", "notes.txt": b"text"}
        config, weights = located({"init_from": "wandb:me/digits/model:v3"}, tmp_path)
        assert config == {"init_from": "wandb:me/digits/model:v3"}
        assert weights["file"] == str(tmp_path / "artifacts/me/digits/model-v3/model.ckpt")
        assert weights["sha256"] == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize("case", ["wrong name", "no login", "no permission", "no connection"])
def test_artifact_that_cannot_be_downloaded_is_one_sentence(monkeypatch, tmp_path, artifacts, case):
    reasons = {
        "wrong name": "artifact membership 'model:v3' not found in 'me/digits'",
        "no login": "No API key configured. Use `wandb login` to log in.",
        "no permission": "permission denied",
        "no connection": "no connection to http://127.0.0.1",
    }
    with serve() as server:
        monkeypatch.setenv("WANDB_BASE_URL", server.address if case != "no connection" else "http://127.0.0.1:9")
        server.refuses = "/graphql" if case == "no permission" else None
        if case == "no login":
            monkeypatch.delenv("WANDB_API_KEY")
        with pytest.raises(UserError) as error:
            located({"init_from": "wandb:me/digits/model:v3"}, tmp_path)
    message = str(error.value)
    assert message.startswith("init_from=wandb:me/digits/model:v3: the artifact cannot be downloaded: ")
    assert reasons[case] in message
    assert "\n" not in message
