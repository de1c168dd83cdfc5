"""What no source and no lock of this project may hold: ways to run foreign code, to trust too much, to keep secrets."""

from __future__ import annotations

import ast
import math
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from cockpit.config.keys import LEAVES
from cockpit.config.model import Settings
from cockpit.simex.config import SimexConfig

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ["requirements.txt", "requirements-test.txt"]
SECRET_WORDS = re.compile(r"secret|password|passwd|token|api_?key|private_?key|credential", re.IGNORECASE)


@cache
def nodes(*folders: str) -> list[tuple[str, ast.AST]]:
    """Path and node of every call, import, assignment and keyword argument."""
    wanted = ast.Call | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.keyword
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    trees = ((str(path.relative_to(ROOT)), ast.parse(path.read_bytes())) for path in paths)
    return [(path, node) for path, tree in trees for node in ast.walk(tree) if isinstance(node, wanted)]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute, "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


# ------------------------------------------------------------------------------------------------- foreign code

FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "yaml.unsafe_load",
    "pty.spawn", "code.interact", "numpy.load", "np.load", "tempfile.mktemp",
}  # fmt: skip
FORBIDDEN_MODULES = {"pickle", "cPickle", "dill", "shelve", "marshal", "yaml", "jsonpickle", "telnetlib", "ftplib"}


def test_no_text_is_ever_run_as_code() -> None:
    calls = [(path, dotted(node.func)) for path, node in nodes("cockpit") if isinstance(node, ast.Call)]
    assert len(calls) > 1000
    assert [call for call in calls if call[1] in FORBIDDEN_CALLS] == []


def test_no_module_that_runs_what_it_reads_is_imported() -> None:
    found = []
    for path, node in [*nodes("cockpit"), *nodes("bench")]:
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        found += [(path, name) for name in names if name.split(".")[0] in FORBIDDEN_MODULES]
    assert found == []


def test_no_command_goes_through_a_shell() -> None:
    keywords = [(path, node) for path, node in [*nodes("cockpit"), *nodes("bench")] if isinstance(node, ast.keyword)]
    assert [path for path, node in keywords if node.arg == "shell" and getattr(node.value, "value", None)] == []


def test_programs_that_are_started_are_few_and_known() -> None:
    started = {
        (path, dotted(node.func))
        for path, node in nodes("cockpit")
        if isinstance(node, ast.Call) and re.match(r"subprocess\.|os\.(exec|spawn|posix_spawn|fork)", dotted(node.func))
    }
    assert started <= {
        ("cockpit/cli/processes.py", "subprocess.Popen"),  # this program itself
        ("cockpit/cli/restart.py", "os.execv"),  # this program itself
        ("cockpit/cli/doctor.py", "subprocess.run"),  # tmux, asked for its escape time
    }


def test_imports_by_name_are_few_and_known() -> None:
    found = {
        path
        for path, node in nodes("cockpit")
        if isinstance(node, ast.Call) and dotted(node.func).endswith("import_module")
    }
    assert found <= {"cockpit/cli/main.py", "cockpit/config/secrets.py"}


def test_sql_is_put_together_from_constants_alone() -> None:
    found = {
        path
        for path, node in nodes("cockpit")
        if isinstance(node, ast.Call)
        and dotted(node.func).rpartition(".")[2] in {"text", "execute", "exec_driver_sql"}
        and any(isinstance(part, ast.JoinedStr | ast.BinOp) for part in node.args)
        and "store" in path
        and "migrations" not in path
    }
    assert found <= {"cockpit/adapters/store/database.py"}  # the pragmas, a tuple of constants


# ------------------------------------------------------------------------------------------------------ trust

UNTRUSTING = {"check_hostname", "verify", "verify_mode", "trust_env", "max_redirects", "allow_redirects", "proxy"}


def test_certificates_are_never_waved_through() -> None:
    text = "\n".join(path.read_text() for path in (ROOT / "cockpit").rglob("*.py"))
    for words in ("CERT_NONE", "CERT_OPTIONAL", "_create_unverified_context", "disable_warnings", "InsecureRequest"):
        assert words not in text
    for path, node in nodes("cockpit"):
        if isinstance(node, ast.keyword) and node.arg in {"verify", "check_hostname", "verify_ssl", "ssl_verify"}:
            assert getattr(node.value, "value", True) is not False, path
        if isinstance(node, ast.Assign) and dotted(node.targets[0]).endswith((".verify", ".check_hostname")):
            assert getattr(node.value, "value", True) is not False, path


def test_every_http_client_ignores_the_environment() -> None:
    makers = {"HTTP", "requests.Session", "SignedHttp"}
    clients = {
        path
        for path, node in nodes("cockpit")
        if isinstance(node, ast.Call)
        for maker in (node.func, *(node.args[:1] if dotted(node.func) == "partial" else ()))
        if dotted(maker) in makers
    }
    assert clients == {"cockpit/adapters/bybit/rest.py", "cockpit/simex/feed_relay.py"}
    for path in ("cockpit/adapters/bybit/http.py", "cockpit/simex/feed_relay.py"):
        assert "client.trust_env = False" in (ROOT / path).read_text()
    assert "max_redirects = 0" in (ROOT / "cockpit/adapters/bybit/http.py").read_text()


def test_every_stream_goes_without_proxy_and_compression() -> None:
    connects = [
        (path, {keyword.arg: keyword.value for keyword in node.keywords})
        for path, node in nodes("cockpit")
        if isinstance(node, ast.Call)
        and dotted(node.func) in {"connect", "_Connect"}
        and "from websockets" in (ROOT / path).read_text()
    ]
    assert len(connects) == 2
    for path, keywords in connects:
        assert getattr(keywords["proxy"], "value", "?") is None, path


def test_nothing_listens_beyond_this_machine() -> None:
    text = {path: path.read_text() for path in (ROOT / "cockpit").rglob("*.py")}
    assert [path for path, content in text.items() if re.search(r"""["'](0\.0\.0\.0|::)["']""", content)] == []
    binds = {
        path for path, node in nodes("cockpit")
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in {"bind", "start_server", "serve"}
        and isinstance(node.func, ast.Attribute)
    }  # fmt: skip
    assert binds <= {
        "cockpit/simex/server.py",  # 127.0.0.1
        "cockpit/link/socket_file.py",  # the unix socket
        "cockpit/cli/simex.py",  # asks whether a port of 127.0.0.1 is free
    }


# ---------------------------------------------------------------------------------------------------- secrets


def test_no_setting_holds_a_secret() -> None:
    assert [key for key in LEAVES if SECRET_WORDS.search(key.rpartition(".")[2])] == []


def test_there_are_no_default_secrets() -> None:
    assert SimexConfig().api_key is None
    assert SimexConfig().api_secret is None
    assert "@" not in Settings().journal.url
    found = []
    for path, node in nodes("cockpit"):
        pairs: list[tuple[str, ast.AST | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(dotted(target), node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign):
            pairs = [(dotted(node.target), node.value)]
        elif isinstance(node, ast.keyword):
            pairs = [(node.arg or "", node.value)]
        for name, value in pairs:
            is_text = isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value != ""
            if is_text and SECRET_WORDS.search(name.rpartition(".")[2]):
                found.append((path, name))
    assert found == []


def test_randomness_of_secrets_is_the_operating_systems() -> None:
    server = (ROOT / "cockpit/simex/server.py").read_text()
    assert "config.api_secret or secrets.token_hex(" in server
    users = {path for path, node in nodes("cockpit") if isinstance(node, ast.ImportFrom) and node.module == "random"}
    assert [path for path in users if "random.Random" in (ROOT / path).read_text() and "secret" in path] == []


def entropy(text: str) -> float:
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())


def test_no_file_holds_what_looks_like_a_key() -> None:
    """Long words of many different letters and digits, which is what keys look like; hashes of the locks are known."""
    suspects = []
    for folder in ("cockpit", "bench", "docs", "themes", ".ci"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".md", ".toml", ".sh", ""} and path.is_file() and "__pycache__" not in path.parts:
                words = re.findall(r"[A-Za-z0-9+/=_-]{24,}", path.read_text(errors="replace"))
                suspects += [
                    (path.name, word) for word in words
                    if entropy(word) > 4.0 and "0123456789" not in word
                    and all(re.search(kind, word) for kind in (r"\d", "[A-Z]", "[a-z]"))
                ]  # fmt: skip
    assert suspects == []


# -------------------------------------------------------------------------------------------------------- locks


def entries(lock: str) -> list[str]:
    text = (ROOT / lock).read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_f122_every_requirement_is_pinned_and_hashed(lock: str) -> None:
    found = entries(lock)
    assert len(found) > 20
    for line in found:
        assert re.match(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?(\[[a-z0-9,-]+\])?==[0-9][^\s;]*( ;[^#]*?)? +--hash=", line), (
            line
        )
        hashes = re.findall(r"--hash=(\S+)", line)
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), line


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_an_index_or_an_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert re.search(r"^\s*-", text.replace("    --hash", "")) is None
    for words in ("--index-url", "--extra-index-url", "--find-links", "--trusted-host", "://", " @ ", "git+", "file:"):
        assert words not in text, words


def test_what_runs_is_part_of_what_is_tested() -> None:
    pins = {lock: {line.split(" ", 1)[0] for line in entries(lock)} for lock in LOCKS}
    assert pins["requirements.txt"] <= pins["requirements-test.txt"]


def test_installation_checks_the_hashes_and_asks_no_other_index() -> None:
    makefile = (ROOT / "Makefile").read_text()
    installs = re.findall(r"\$\(PIP\) install ([^\n]*)", makefile)
    assert installs
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line] == []
    for words in ("--index-url", "--trusted-host", "--extra-index-url"):
        assert words not in makefile


def test_every_dependency_is_named_in_the_project_and_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {re.split(r"[\[<>=;! ]", each)[0].lower().replace("_", "-") for each in project["dependencies"]}
    locked = {re.split(r"[\[=]", line)[0].replace(".", "-") for line in entries("requirements.txt")}
    assert {name.replace(".", "-") for name in wanted} <= locked


# ------------------------------------------------------------------------------------------------- the terminal

DRAWING_MODULES = {
    "rich.markup", "rich.panel", "rich.pretty", "rich.table", "rich.traceback", "textual.content", "textual.markup",
    "textual.visual", "textual.widgets",
}  # fmt: skip
"""Ways of Textual and Rich to show a text that has not passed our own gate."""
SHOWN_BY = {
    "Segment": "cockpit/ui/widgets/strips.py",
    "strip_of": "cockpit/ui/widgets/pane.py",
    "Text": "cockpit/ui/app.py",
}
"""What turns text into something that Textual sends, and the only module that may call it."""


def test_t2_no_widget_shows_text_by_itself() -> None:
    """Every row goes through ``Pane``; what stays in the shell goes through one function of the application."""
    imported = [
        (path, node.module)
        for path, node in nodes("cockpit/ui")
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(tuple(DRAWING_MODULES))
    ]
    assert imported == []
    calls = [(path, dotted(node.func)) for path, node in nodes("cockpit/ui") if isinstance(node, ast.Call)]
    assert {(name, path) for path, name in calls if name in SHOWN_BY} == set(SHOWN_BY.items())
    assert [call for call in calls if call[1].split(".")[-1] in {"notify", "print", "copy_to_clipboard"}] == []


def test_t2_what_reaches_the_terminal_has_been_made_safe_in_the_same_place() -> None:
    pane = [
        node for path, node in nodes("cockpit/ui/widgets") if path.endswith("pane.py") and isinstance(node, ast.Call)
    ]
    rows = [ast.unparse(node.args[0]) for node in pane if dotted(node.func) == "padded"]
    assert rows
    assert [row for row in rows if row != "BLANK" and not row.startswith("cleaned(")] == []
    app = [node for path, node in nodes("cockpit/ui") if path.endswith("ui/app.py") and isinstance(node, ast.Call)]
    [text] = [node for node in app if dotted(node.func) == "Text"]
    assert "safe(line)" in ast.unparse(text)
