"""Which source answers, for every source, state and order; and what a broken one does."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from itertools import combinations

import pytest
from logins import NAMES, PUTS, SECRET, Machine, answer, pair

from regsync.credentials import chain
from regsync.credentials.answers import Trace

HOST = "r.example:5000"
OTHER = "other.example"
ORDER = tuple(zip(NAMES, PUTS, strict=True))


def look(machine: Machine, name: str = HOST, limit_s: float = 30) -> Trace:
    found = chain.trace(name, machine.env, limit_s=limit_s)
    assert SECRET not in repr(found)
    assert SECRET not in str(found.error)
    return found


def who(machine: Machine, name: str = HOST) -> str | None:
    found = look(machine, name)
    assert found.error is None
    if found.credentials is None:
        return None
    assert found.credentials.secret == SECRET
    return found.credentials.username


def broken(machine: Machine, limit_s: float = 30) -> str:
    """Why nobody can be told; a source that comes after the broken one was not asked."""
    found = look(machine, limit_s=limit_s)
    assert found.error is not None
    assert found.credentials is None
    assert found.error.why
    at = [step.outcome for step in found.steps].index("failed")
    assert {step.outcome for step in found.steps[at + 1 :]} <= {"not_asked"}
    return found.error.why


# 45 pairs: of two that know the host the first one answers, and the second is not asked.
@pytest.mark.parametrize(
    ("first", "second"),
    [pytest.param(one, two, id=f"{one[0]}-{two[0]}") for one, two in combinations(ORDER, 2)],
)
def test_of_two_the_first_answers(
    machine: Machine,
    first: tuple[str, Callable[..., None]],
    second: tuple[str, Callable[..., None]],
) -> None:
    second[1](machine, HOST)
    first[1](machine, HOST)
    assert who(machine) == first[0]
    for name, program in (("credHelpers", "one"), ("credsStore", "all")):
        assert machine.asked(program) == (["get"] if first[0] == name else [])
    assert bool(machine.keyring_asked) == (first[0] == "keyring")


# 10 + 10: one that knows another host alone hands over; alone, it leaves nobody.
@pytest.mark.parametrize(("name", "put"), ORDER, ids=NAMES)
@pytest.mark.parametrize("last", [True, False])
def test_one_that_knows_another_host_hands_over(
    machine: Machine, name: str, put: Callable[..., None], last: bool
) -> None:
    put(machine, OTHER)
    if last:
        assert who(machine) is None
        return
    after = "auths" if name != "auths" else "second auth.json"
    dict(ORDER)[after](machine, HOST)
    assert who(machine) == after


def half(machine: Machine) -> None:
    machine.env["REGSYNC_R_EXAMPLE_5000_USERNAME"] = SECRET


def no_json(variable: str, count: int = 1) -> Callable[[Machine], None]:
    def spoil(machine: Machine) -> None:
        paths = [machine.write(machine.home / f"{at}.json", SECRET) for at in range(count)]
        machine.env[variable] = ":".join(paths)

    return spoil


def missing(variable: str) -> Callable[[Machine], None]:
    def spoil(machine: Machine) -> None:
        machine.env[variable] = str(machine.home / "nowhere.json")

    return spoil


def inline(text: str) -> Callable[[Machine], None]:
    def spoil(machine: Machine) -> None:
        machine.env["DOCKER_AUTH_CONFIG"] = text

    return spoil


def index(text: str) -> Callable[[Machine], None]:
    return lambda machine: (machine.write(machine.index, text), None)[1]


def auth_json(text: str) -> Callable[[Machine], None]:
    def spoil(machine: Machine) -> None:
        machine.write(machine.home / ".config" / "containers" / "auth.json", text)

    return spoil


ENTRY = json.dumps({"auths": {HOST: {"auth": SECRET}}})


# 16: a broken source stops the search, though docker's own file has the answer.
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (half, "REGSYNC_R_EXAMPLE_5000_PASSWORD is not"),
        (no_json("REGSYNC_AUTH_FILE"), "not JSON"),
        (no_json("REGSYNC_AUTH_FILE", 2), "not JSON"),
        (missing("REGSYNC_AUTH_FILE"), "no such file"),
        (no_json("REGISTRY_AUTH_FILE"), "not JSON"),
        (missing("REGISTRY_AUTH_FILE"), "no such file"),
        (inline(SECRET), "DOCKER_AUTH_CONFIG is not JSON"),
        (inline("[]"), "not a JSON object"),
        (inline('{"auths": []}'), "`auths` is not an object"),
        (inline(ENTRY), "not base64"),
        (index(SECRET), "not an index of logins"),
        (index('{"version": 2}'), "another release"),
        (index('{"version": 1, "logins": {"r.example:5000": {}}}'), "not an index"),
        (auth_json(SECRET), "not JSON"),
        (auth_json(ENTRY), "not base64"),
        (auth_json(json.dumps({"auths": {HOST: [SECRET]}})), "not an object"),
    ],
)
def test_a_broken_source_stops(
    machine: Machine, spoil: Callable[[Machine], None], why: str
) -> None:
    machine.put_auths(HOST)
    spoil(machine)
    assert why in broken(machine)


GOOD = json.dumps({"ServerURL": HOST, "Username": "ann", "Secret": SECRET})


def say(text: str, code: int = 0) -> str:
    return f"cat > /dev/null\ncat <<'END'\n{text}\nEND\nexit {code}"


def told(**fields: object) -> str:
    return say(json.dumps({"Username": "ann", "Secret": SECRET} | fields))


HELPERS = {
    # state: script, and who answers then; None: it hands over
    "ok": (say(GOOD), "ann"),
    "no server": (told(), "ann"),
    "empty server": (told(ServerURL=""), "ann"),
    "another spelling": (told(ServerURL=f"https://{HOST}/v1/"), "ann"),
    "does not read": (f"echo '{GOOD}'", "ann"),
    "talks on stderr": (f"echo {SECRET} >&2\n{say(GOOD)}", "ann"),
    "not found": (say("credentials not found in native keychain", 1), None),
    "an empty login": (told(Username="", Secret=""), None),
}
BROKEN_HELPERS = {
    "exit 1": (say("access denied", 1), "exit code 1"),
    "exit 1 with the secret": (f"echo {SECRET} >&2\n{say(GOOD, 1)}", "exit code 1"),
    "not found, and no error": (say("credentials not found in native keychain"), "JSON"),
    "no server given": (say("no credentials server URL", 1), "exit code 1"),
    "killed": ("kill -9 $$", "exit code -9"),
    "no JSON": (say(f"ann {SECRET}"), "JSON"),
    "half of JSON": (say(GOOD[:-5]), "JSON"),
    "a list": (say(f'["{SECRET}"]'), "`Username`"),
    "nothing": ("exit 0", "JSON"),
    "no UTF-8": ("printf '\\377\\376'", "UTF-8"),
    "wrong server": (told(ServerURL=OTHER), "another host"),
    "wrong port": (told(ServerURL="r.example:5001"), "another host"),
    "half a login": (told(Username=""), "half a login"),
    "no secret": (told(Secret=""), "half a login"),
    "a number": (told(Secret=7), "`Secret`"),
    "1 MB": ("head -c 1048576 /dev/zero | tr '\\0' x", "more than 64 KiB"),
    "without end": ("yes", "more than 64 KiB"),
}


# 8 + 17 states, as the helper of one host and of all.
@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
@pytest.mark.parametrize("state", HELPERS)
def test_helpers(machine: Machine, state: str, field: str) -> None:
    machine.put_auths(HOST)
    name_helper(machine, field)
    script, expected = HELPERS[state]
    machine.helper("h", script)
    assert who(machine) == (expected or "auths")


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
@pytest.mark.parametrize("state", BROKEN_HELPERS)
def test_broken_helpers(machine: Machine, state: str, field: str) -> None:
    machine.put_auths(HOST)
    name_helper(machine, field)
    script, why = BROKEN_HELPERS[state]
    machine.helper("h", script)
    assert why in broken(machine)


def name_helper(machine: Machine, field: str, name: str = "h") -> None:
    named = {HOST: name} if field == "credHelpers" else name
    machine.write(machine.config, {field: named})


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
@pytest.mark.parametrize(
    "script", ["sleep 60", "trap '' TERM INT; sleep 60", "sleep 60 & exit 0"], ids=range(3)
)
def test_a_helper_that_hangs_is_ended(machine: Machine, field: str, script: str) -> None:
    """With all that it has started, and that holds its output open."""
    machine.put_auths(HOST)
    name_helper(machine, field)
    machine.helper("h", script)
    assert "did not answer within 0.3 seconds" in broken(machine, limit_s=0.3)


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("missing", "not in PATH"),
        ("not-executable", "not in PATH"),
        ("../h", "the name of the helper is none"),
        ("/bin/h", "the name of the helper is none"),
        ("h;id", "the name of the helper is none"),
        ("x" * 300, "the name of the helper is none"),
    ],
)
def test_helpers_that_are_no_programs(machine: Machine, field: str, name: str, why: str) -> None:
    machine.put_auths(HOST)
    machine.helper("not-executable", say(GOOD), 0o644)
    name_helper(machine, field, name)
    assert why in broken(machine)


@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
def test_a_helper_named_regsync_is_skipped(machine: Machine, field: str) -> None:
    machine.put_auths(HOST)
    name_helper(machine, field, "regsync")
    machine.helper("regsync", say(GOOD))
    found = look(machine)
    assert [step.outcome for step in found.steps if step.source == field] == ["skipped"]
    assert found.credentials is not None
    assert found.credentials.username == "auths"
    assert machine.asked("regsync") == []


def test_no_program_of_the_current_folder_is_started(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_helper(machine, "credsStore")
    machine.helper("h", say(GOOD))
    monkeypatch.chdir(machine.bin)
    machine.env["PATH"] = ":."
    assert "not in PATH" in broken(machine)


def test_a_helper_sees_no_password_of_ours(machine: Machine) -> None:
    machine.put_environment(OTHER)
    name_helper(machine, "credsStore")
    machine.helper("h", f'env | grep -q "{SECRET}" && exit 1\n{say(GOOD)}')
    assert who(machine) == "ann"


KEYRINGS = {
    "keyring.backends.null.Keyring": "the keyring has no `regsync:r.example:5000` of `keyring`",
    "keyring.backends.fail.Keyring": "no keyring here",
    "keyrings.Locked": "locked",
    "keyrings.Leaky": "failed (RuntimeError)",
    "keyrings.Dead": "without a word",
    "nowhere.Keyring": "cannot be loaded",
}


@pytest.mark.parametrize("backend", KEYRINGS)
def test_broken_keyrings(machine: Machine, backend: str) -> None:
    """The index says that there is a login: it is never taken for nobody's."""
    machine.put_auths(HOST)
    machine.put_keyring(HOST)
    machine.env["PYTHON_KEYRING_BACKEND"] = backend
    assert KEYRINGS[backend] in broken(machine)


def test_a_keyring_that_hangs_is_ended(machine: Machine) -> None:
    machine.put_auths(HOST)
    machine.put_keyring(HOST)
    machine.env["PYTHON_KEYRING_BACKEND"] = "keyrings.Hanging"
    assert "did not answer within 0.3 seconds" in broken(machine, limit_s=0.3)


def test_a_keyring_without_the_login_has_lost_it(machine: Machine) -> None:
    machine.put_keyring(HOST)
    machine.write(machine.vault, "{}")
    assert "the keyring has no" in broken(machine)


@pytest.mark.parametrize("backend", [*KEYRINGS, "keyrings.Hanging"])
def test_a_keyring_that_need_not_be_asked_does_no_harm(machine: Machine, backend: str) -> None:
    machine.put_keyring(OTHER)
    machine.put_auths(HOST)
    machine.env["PYTHON_KEYRING_BACKEND"] = backend
    assert who(machine) == "auths"


def test_nothing_of_the_current_folder_is_imported(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.put_keyring(HOST)
    machine.write(machine.home / "keyring.py", "raise SystemExit(7)")
    monkeypatch.chdir(machine.home)
    assert who(machine) == "keyring"


@pytest.mark.parametrize(
    ("source", "script"),
    [
        ("credsStore", told(Username="<token>")),
        ("keyring", ""),
        ("auths", ""),
    ],
)
def test_identity_tokens(machine: Machine, source: str, script: str) -> None:
    if source == "credsStore":
        name_helper(machine, source)
        machine.helper("h", script)
    elif source == "keyring":
        machine.put_keyring(HOST, "identity_token")
    else:
        machine.write(machine.config, {"auths": {HOST: {"identitytoken": SECRET}}})
    found = look(machine).credentials
    assert found is not None
    assert (found.kind, found.secret) == ("identity_token", SECRET)


# Keys: which entry of one file counts for which name.
@pytest.mark.parametrize("put", [Machine.put_auths, Machine.put_auth_json, Machine.put_keyring])
@pytest.mark.parametrize(
    ("key", "name", "found"),
    [
        ("quay.io/team", "quay.io/team/app", True),
        ("quay.io/team", "quay.io/team", True),
        ("quay.io/team", "quay.io/teams/app", False),
        ("quay.io/team", "quay.io", False),
        ("quay.io/team/app", "quay.io/team/app", True),
        ("quay.io/team/app", "quay.io/team/web", False),
        ("quay.io", "quay.io/team/app", True),
        ("QUAY.io", "quay.io/team/app", True),
        ("docker.io/team", "index.docker.io/team/app", True),
        ("https://index.docker.io/v1/", "docker.io/team/app", True),
        ("https://index.docker.io/v1/access-token", "docker.io/team/app", False),
    ],
)
def test_namespaces(
    machine: Machine, put: Callable[..., None], key: str, name: str, found: bool
) -> None:
    put(machine, key)
    assert (who(machine, name) is not None) == found


def test_the_longest_key_counts(machine: Machine) -> None:
    keys = ("quay.io", "quay.io/a", "quay.io/a/b")
    machine.write(machine.config, {"auths": {key: pair(key) for key in keys}})
    names = ("quay.io/a/b", "quay.io/a/c", "quay.io/b/a", "quay.io")
    assert [who(machine, name) for name in names] == ["quay.io/a/b", "quay.io/a", *["quay.io"] * 2]


def test_an_earlier_source_wins_over_a_longer_key(machine: Machine) -> None:
    machine.put_auths("quay.io/team")
    machine.put_auth_json("quay.io")
    assert who(machine, "quay.io/team/app") == "auth.json"


def test_each_is_asked_once(machine: Machine) -> None:
    """For two repositories with one login; and a host's helper is asked for the host."""
    machine.write(machine.config, {"credHelpers": {"quay.io": "h"}})
    machine.helper("h", say(GOOD.replace(HOST, "quay.io")))
    made = chain.Chain(machine.env, limit_s=30)
    keys = {made.key(f"quay.io/{name}") for name in ("a/b", "c/d")}
    assert {str(key) for key in keys} == {"quay.io"}
    for _ in range(2):
        for key in keys:
            assert made.trace(key).credentials is not None
    made.close()
    assert machine.asked("h") == ["get"]


def test_a_file_helper_of_auth_json(machine: Machine) -> None:
    """containers-auth.json(5) has `credHelpers` too."""
    path = machine.home / ".config" / "containers" / "auth.json"
    machine.write(path, {"credHelpers": {HOST: "h"}, "auths": {HOST: pair("auth.json")}})
    machine.helper("h", answer(HOST, "ann"))
    assert who(machine) == "ann"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
def test_a_pipe_is_no_file(machine: Machine) -> None:
    machine.config.parent.mkdir()
    os.mkfifo(machine.config)
    assert "not a file" in broken(machine)
