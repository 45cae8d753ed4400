"""The examples of the how-to pages are run, and come out as the pages say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
import trustme
from pages import EXAMPLE, HOW_TO, Shell, example, needs_jq

from mock_registry import Fault, MockRegistry, User, seed
from regsync.cli.app import COMMANDS
from regsync.config.load import FILE, load
from regsync.identity import variable
from regsync.oci.glob import Glob
from regsync.oci.reference import Reference
from regsync.settings import HostSettings
from regsync.stores.locate import usual

VERSION = "org.opencontainers.image.version"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@dataclass
class Images:
    """A folder of two images: `team/api:1.4` rests; `team/web:1` has moved on."""

    shell: Shell
    registry: MockRegistry

    def run(self, page: str, name: str) -> subprocess.CompletedProcess[str]:
        script = example(page, name).replace(EXAMPLE, self.registry.host)
        return self.shell.run(script)

    def publish(self, name: str, version: str) -> None:
        repository, _, tag = name.partition(":")
        image = seed.image(layers=("base", version), labels={VERSION: version})
        self.registry.put(repository, image, tag)


@pytest.fixture
def images(shell: Shell) -> Iterator[Images]:
    with MockRegistry().serve() as registry:
        found = Images(shell, registry)
        for name in ("team/api:1.4", "team/web:1"):
            found.publish(name, "1.0")
            done = shell.run(f"regsync pull {registry.host}/{name} --store oci:images -q")
            assert done.returncode == 0, done.stderr
        found.publish("team/web:1", "1.1")
        yield found


class TestCiAndCron:
    PAGE = "use-in-ci-and-cron"

    def test_the_exit_code_decides(self, images: Images) -> None:
        done = images.run(self.PAGE, "gate")
        *rows, told = done.stdout.splitlines()
        assert told == "something is stale"
        assert [row.split()[:2] for row in rows[1:]] == [
            [f"{images.registry.host}/team/web:1", "outdated"]
        ]

    def test_nothing_is_printed_where_nothing_is_stale(self, images: Images) -> None:
        images.publish("team/web:1", "1.0")
        done = images.run(self.PAGE, "gate")
        assert (done.stdout, done.stderr) == ("everything is current\n", "")

    def test_undecided(self, images: Images) -> None:
        images.registry.faults.add(Fault("/v2/team/", html=True, times=None))
        assert "not everything could be asked" in images.run(self.PAGE, "gate").stdout

    def test_only_what_is_named_counts(self, images: Images) -> None:
        done = images.run(self.PAGE, "named")
        assert done.returncode == 0
        assert "team/web" not in done.stdout

    @needs_jq
    def test_the_json(self, images: Images) -> None:
        done = images.run(self.PAGE, "json")
        assert done.stderr == ""
        name = f"{images.registry.host}/team/web:1"
        assert done.stdout.splitlines() == [f"{name}\toutdated\tmoved", "exit code 10"]

    @needs_jq
    def test_the_json_of_what_is_undecided(self, images: Images) -> None:
        images.registry.faults.add(Fault("/v2/team/", html=True, times=None))
        lines = images.run(self.PAGE, "json").stdout.splitlines()
        assert [line.partition("\t")[2] for line in lines[:2]] == ["not_a_registry"] * 2
        assert lines[-1] == "exit code 3"

    @needs_jq
    def test_what_a_pull_would_transfer(self, images: Images) -> None:
        first = int(images.run(self.PAGE, "bytes").stdout)
        assert first > 0
        images.publish("team/web:1", "1.0")
        assert int(images.run(self.PAGE, "bytes").stdout) == 0

    def test_without_jq(self, images: Images) -> None:
        done = images.run(self.PAGE, "tsv")
        assert done.stdout == f"{images.registry.host}/team/web:1\n"

    def test_news_only(self, images: Images) -> None:
        assert "2 changed, 0 unchanged" in images.run(self.PAGE, "changed").stdout
        done = images.run(self.PAGE, "changed")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_what_is_young_is_held_back(self, images: Images) -> None:
        done = images.run(self.PAGE, "min-age")
        assert (done.returncode, done.stderr) == (0, "")
        assert "held back until" in done.stdout

    def test_what_is_ignored(self, images: Images) -> None:
        done = images.run(self.PAGE, "ignore")
        assert (done.returncode, done.stderr) == (0, "")
        assert "1 up to date, 1 ignored" in done.stdout

    @pytest.mark.parametrize("pattern", ["node", "node:*", "docker.io/library/node", "*/library/*"])
    def test_the_patterns_of_the_page(self, pattern: str) -> None:
        assert f"`{pattern}`" in (HOW_TO / f"{self.PAGE}.md").read_text()
        assert Glob.parse(pattern).matches_reference(Reference.parse("node:22"))

    def test_pulls_are_kept(self, shell: Shell) -> None:
        with MockRegistry(hub=20).serve() as registry:
            images = Images(shell, registry)
            images.publish("team/api:1.4", "1.0")
            pull = f"regsync pull {registry.host}/team/api:1.4 --store oci:images -q"
            assert shell.run(pull).returncode == 0
            images.publish("team/api:1.4", "1.1")
            done = images.run(self.PAGE, "keep-pulls")
            assert done.returncode == 3
            assert "kept back: 19 of 20 pulls left" in done.stdout
            refused = shell.run(pull + " --keep-pulls 19")
            assert refused.returncode == 6

    def test_github(self, images: Images) -> None:
        done = self.job(images, "github")
        assert done.returncode == 10, done.stderr
        assert "team/web:1 | outdated" in (images.shell.home / "summary").read_text()
        assert self.job(images, "github").returncode == 0

    def test_jobs_keep_the_mark_when_they_fail(self) -> None:
        steps = example(self.PAGE, "github").split("\n      - ")
        uses = [step.split()[1] for step in steps if step.startswith("uses: actions/cache")]
        assert uses == ["actions/cache/restore@v4", "actions/cache/save@v4"]
        assert "regsync status" in steps[-2]
        assert "if: always()" in steps[-1]
        cache = example(self.PAGE, "gitlab").partition("cache:")[2].partition("script:")[0]
        assert "when: always" in cache

    def test_gitlab(self, images: Images) -> None:
        done = self.job(images, "gitlab")
        assert (done.returncode, done.stderr) == (0, "")
        rows = (images.shell.home / "images.tsv").read_text().splitlines()
        assert [row.split("\t")[4] for row in rows[1:]] == ["up_to_date", "outdated"]

    def job(self, images: Images, name: str) -> subprocess.CompletedProcess[str]:
        """Run the line that a job is about, with the folders that it names."""
        text = example(self.PAGE, name).replace("\\\n", " ")
        found = re.search(r"^[ -]*(regsync status .*)$", text, re.MULTILINE)
        assert found is not None
        home = images.shell.home
        folders = re.findall(r"(REGSYNC_\w+): .*(/\.regsync/\w+)", text)
        assert [name for name, _ in folders] == ["REGSYNC_STATE_DIR", "REGSYNC_CACHE_DIR"]
        env = {name: f"{home}{path}" for name, path in folders}
        return images.shell.run(found[1], GITHUB_STEP_SUMMARY=f"{home}/summary", **env)

    def test_memory_is_where_it_was_wanted(self, images: Images) -> None:
        assert images.run(self.PAGE, "memory").returncode == 0
        folder = images.shell.home / ".regsync"
        assert (folder / "state" / "memory.db").exists()
        assert list((folder / "cache").iterdir())


class TestReports:
    PAGE = "report-to-people-and-monitors"

    def test_the_page(self, images: Images) -> None:
        done = images.run(self.PAGE, "page")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        written = (images.shell.home / "status.html").read_text()
        assert "<title>1 of 2 images stale - regsync status</title>" in written

    def test_the_test_results(self, images: Images) -> None:
        assert images.run(self.PAGE, "junit").returncode == 0
        root = ElementTree.parse(images.shell.home / "status.xml").getroot()
        assert (root.get("tests"), root.get("failures")) == ("2", "1")

    def test_the_line(self, images: Images) -> None:
        lines = images.run(self.PAGE, "nagios").stdout.splitlines()
        page = (HOW_TO / f"{self.PAGE}.md").read_text(encoding="utf-8")
        shown = re.search(r"^```text\n(.*?)^```$", page, re.M | re.S)
        assert shown is not None
        first, *rest = shown[1].replace(EXAMPLE, images.registry.host).splitlines()
        assert lines[0].startswith(first.removesuffix("…"))
        # How small gzip makes a layer is its own affair.
        assert [re.sub("[0-9]+ B ", "", line) for line in lines[1:]] == [
            re.sub("[0-9]+ B ", "", line) for line in rest
        ]

    def test_a_monitor_hears_of_a_missing_folder(self, shell: Shell) -> None:
        lines = shell.run(example(self.PAGE, "nagios")).stdout.splitlines()
        assert lines[0].startswith("REGSYNC UNKNOWN - ")
        assert lines[1] == "exit code 3"


class TestPrivateRegistries:
    PAGE = "private-registries"

    @pytest.fixture
    def private(self) -> Iterator[MockRegistry]:
        with MockRegistry(users=[User("ann", "secret")]).serve() as registry:
            registry.put("team/api", seed.image(), "1.4")
            yield registry

    def settings(self, tmp_path: Path, name: str) -> HostSettings:
        file = tmp_path / FILE
        file.write_text(example(self.PAGE, name))
        [found] = load(file, {}).hosts.values()
        return found

    def test_the_environment(self, private: MockRegistry, shell: Shell) -> None:
        secret = shell.home / "secret"
        secret.write_text("secret")
        script = example(self.PAGE, "environment").replace("/run/secrets/registry", str(secret))
        done = shell.run(_here(script, private.host))
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("sha256:")

    def test_a_file_of_ones_own(self, private: MockRegistry, shell: Shell) -> None:
        file = shell.home / "auth.json"
        file.write_text(_here(example(self.PAGE, "namespaces"), private.host))
        script = example(self.PAGE, "file").replace("/run/secrets/auth.json", str(file))
        done = shell.run(_here(script, private.host))
        assert (done.returncode, done.stderr) == (0, "")
        # The host as such is joe's, whom this registry does not know.
        users = {record.user for record in private.log.records}
        assert "ann" in users

    def test_who_you_are(self, shell: Shell) -> None:
        (shell.home / ".docker").mkdir()
        (shell.home / ".docker" / "config.json").write_text(example(self.PAGE, "namespaces"))
        done = shell.run("regsync auth status")
        told = example(self.PAGE, "status")
        assert _columns(done.stdout.replace(str(shell.home), "~")) == _columns(told)

        command, _, told = example(self.PAGE, "explain").partition("\n")
        done = shell.run(command.removeprefix("$ "))
        assert _columns(done.stdout.replace(str(shell.home), "~")) == _columns(told)

    def test_nobody_is_logged_in(self, private: MockRegistry, shell: Shell) -> None:
        done = shell.run(f"regsync digest {private.host}/team/api:1.4")
        assert done.returncode == 4
        assert _there(done.stderr, private.host) == example(self.PAGE, "nobody")

    def test_the_login_is_refused(self, private: MockRegistry, shell: Shell) -> None:
        names = [variable(private.host, field) for field in ("USERNAME", "PASSWORD")]
        env = dict(zip(names, ("ann", "wrong"), strict=True))
        done = shell.run(f"regsync digest {private.host}/team/api:1.4", **env)
        assert done.returncode == 4
        assert _there(done.stderr, private.host) == example(self.PAGE, "refused")

    def test_a_certificate_that_is_not_trusted(self, shell: Shell, tmp_path: Path) -> None:
        with MockRegistry(tls=_certificate(tmp_path)).serve() as registry:
            registry.put("team/api", seed.image(), "1.4")
            own = f'[registry."{registry.host}"]\ntls = "on"\n'
            (tmp_path / FILE).write_text(own)
            command = f"regsync digest {registry.host}/team/api:1.4 --config {FILE}"
            done = shell.run(command)
            assert _there(done.stderr, registry.host) == example(self.PAGE, "untrusted")

            table, _, setting = example(self.PAGE, "ca_file").partition("\n")
            assert table == f'[registry."{EXAMPLE}"]'
            (tmp_path / FILE).write_text(own + setting)
            assert shell.run(command).returncode == 0

    def test_plain_http(self, shell: Shell, tmp_path: Path) -> None:
        with MockRegistry().serve() as registry:
            registry.put("team/api", seed.image(), "1.4")
            (tmp_path / FILE).write_text(f'[registry."{registry.host}"]\ntls = "on"\n')
            command = f"regsync digest {registry.host}/team/api:1.4 --config {FILE}"
            done = shell.run(command)
            assert _there(done.stderr, registry.host) == example(self.PAGE, "plain")

            (tmp_path / FILE).write_text(_here(example(self.PAGE, "off"), registry.host))
            assert shell.run(command).returncode == 0

    def test_a_mirror(self, tmp_path: Path) -> None:
        found = self.settings(tmp_path, "mirror")
        assert found == HostSettings(endpoint="https://mirror.example.com")


class TestFindOutWhy:
    PAGE = "find-out-why"

    def test_a_login_that_is_refused(self, shell: Shell, tmp_path: Path) -> None:
        pair = _certificate(tmp_path)
        with MockRegistry(users=[User("ann", "secret")], tls=pair).serve() as registry:
            registry.put("team/api", seed.image(), "1.4")
            own = f'[registry."{registry.host}"]\ntls = "on"\nca_file = "example-ca.pem"\n'
            (tmp_path / FILE).write_text(own)
            names = [variable(registry.host, field) for field in ("USERNAME", "PASSWORD")]
            env = dict(zip(names, ("ann", "wrong"), strict=True))
            command = f"regsync doctor {registry.host}/team/api:1.4 --config {FILE}"
            done = shell.run(command, **env)
            told = self.settled(_there(done.stdout, registry.host))
        assert done.returncode == 1
        shown = self.settled(example(self.PAGE, "refused"))
        first = next(at for at, line in enumerate(told) if line.startswith("ok address "))
        assert told[first : first + len(shown)] == shown

    def settled(self, text: str) -> list[str]:
        """Lines without times, and without where a registry happens to be."""
        lines = (
            re.sub(r" +[0-9]+ ms|20[0-9-]{8}|3000-01-01", "", line) for line in text.splitlines()
        )
        plain = (" ".join(line.split()) for line in lines)
        return [line.split()[1] if re.match("ok (dns|tcp) ", line) else line for line in plain]

    def test_every_step_is_listed(self, shell: Shell) -> None:
        page = (HOW_TO / f"{self.PAGE}.md").read_text(encoding="utf-8")
        listed = re.findall(r"^\| `([a-z]+)` \| ", page, re.MULTILINE)
        with MockRegistry().serve() as registry:
            done = shell.run(f"regsync doctor {registry.host}/a:1 --format json")
        assert [step["name"] for step in json.loads(done.stdout)["data"]["steps"]] == listed


def _columns(text: str) -> list[list[str]]:
    """The cells of a table, however wide it is."""
    return [re.split(r"  +", line) for line in text.splitlines()]


def _here(text: str, host: str) -> str:
    """An example, about the registry that stands in for the one of the pages."""
    ours, theirs = variable(host, ""), variable(EXAMPLE, "")
    return text.replace(theirs, ours).replace(EXAMPLE, host)


def _there(text: str, host: str) -> str:
    """What was printed, about the registry of the pages."""
    ours, theirs = variable(host, ""), variable(EXAMPLE, "")
    return text.replace(ours, theirs).replace(host, EXAMPLE)


def _certificate(folder: Path) -> tuple[str, str]:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "example-ca.pem")
    pair = folder / "server.pem", folder / "server.key"
    issued.cert_chain_pems[0].write_to_path(pair[0])
    issued.private_key_pem.write_to_path(pair[1])
    return str(pair[0]), str(pair[1])


@pytest.mark.skipif(sys.platform != "linux", reason="the page lists the sockets of Linux")
def test_the_usual_sockets() -> None:
    env = {"HOME": "~", "XDG_RUNTIME_DIR": "$XDG_RUNTIME_DIR"}
    listed = example("choose-an-engine", "sockets").splitlines()
    assert listed == [endpoint.path for endpoint in usual(env)]


@pytest.mark.parametrize("page", sorted(HOW_TO.glob("*.md")), ids=lambda page: page.stem)
def test_commands_and_options_are_there(page: Path, shell: Shell) -> None:
    blocks = re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```$", page.read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    typed = [found for line in lines for found in re.findall(r"\bregsync ([^|#;]+)", line)]
    assert typed
    options: dict[str, str] = {}
    for command, *words in (line.split() for line in typed):
        assert command in COMMANDS, command
        if command not in options:
            options[command] = shell.run(f"regsync {command} --help").stdout
        for word in words:
            if re.match(r"--?[a-zA-Z]", word):
                assert re.search(rf"(^|\s){word}\b", options[command]), (command, word)
