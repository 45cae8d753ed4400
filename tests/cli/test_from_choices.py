"""`regsync status --from`: what is read, what is left out, and what is told without asking."""

from __future__ import annotations

from checkout import Checkout


def test_what_is_ignored_is_not_asked_for(checkout: Checkout) -> None:
    """A name that CI cannot reach, or that is kept old on purpose."""
    pattern = f"{checkout.registry.host}/team/web:1.0*"
    checkout.write("home/.config/regsync/regsync.toml", '[status]\nignore = ["HOST/team/app"]\n')
    told = checkout.json("--from", "compose.yaml", "--ignore", pattern, "--ignore", "nobody/*")
    assert [image["name"].rpartition("/")[2] for image in told["data"]["images"]] == ["web:1.27.3"]
    assert (told["data"]["ignored"], told["exit_code"]) == (2, 0)
    assert [one.method for one in checkout.registry.log if "manifests" in one.path] == ["HEAD"]
    said = checkout.regsync("--from", "compose.yaml", "--ignore", "nobody/*")
    assert "`--ignore nobody/*` matches nothing here" in said.stderr


def test_custom_kinds_are_never_passed_over_in_silence(checkout: Checkout) -> None:
    """Neither Argo's and Tekton's keys of containers, nor an `image` that may be anything."""
    head = "apiVersion: example.com/v1\nkind: Thing\nspec:\n"
    checkout.write("argo.yaml", head + "  templates: [{container: {image: HOST/team/web:9}}]\n")
    checkout.write("tekton.yaml", head + "  steps: [{image: HOST/team/web:8}]\n")
    checkout.write("operator.yaml", head + "  image: HOST/team/web:7\n  disk: {image: debian-12}\n")
    files = ("--from", "argo.yaml", "--from", "tekton.yaml", "--from", "operator.yaml")
    told = checkout.json(*files)
    assert [image["verdict"] for image in told["data"]["images"]] == ["gone"] * 3
    assert told["data"]["not_understood"] == [
        {"path": "operator.yaml", "line": 5, "name": "image", "text": "debian-12"}
    ]
    done = checkout.regsync(*files, "--exit-code")
    assert done.returncode == 10
    assert "note: 1 `image:` not understood in operator.yaml:5" in done.stderr
    assert checkout.json(*files, "--ignore", "debian-*")["data"]["not_understood"] == []


def test_without_a_registry_it_says_what_was_last_known(checkout: Checkout) -> None:
    checkout.regsync("--from", "compose.yaml")
    done = checkout.regsync("--from", "compose.yaml", "--offline")
    assert "not asked (offline); was unpinned just now" in done.stdout
    assert "not asked (offline); was gone just now" in done.stdout
    assert checkout.regsync("--from", "compose.yaml", "--offline", "--format", "html").stdout.count(
        "<dt>last known</dt><dd>unpinned"
    )
    told = checkout.json("--from", "compose.yaml", "--offline")["data"]["images"]
    assert [image["last_known"]["verdict"] for image in told] == ["not_local", "pinned", "gone"]


def test_an_unresolved_name_is_ignored_by_its_repository(checkout: Checkout) -> None:
    checkout.write(
        "doubt.yaml",
        "services:\n  a: {image: 'reg.example/team/a:${A:?}'}\n"
        "  b: {image: 'reg.example/${B:?}:1'}\n",
    )
    told = checkout.json("--from", "doubt.yaml", "--ignore", "reg.example/team/*")
    assert (told["exit_code"], told["data"]["ignored"], len(told["errors"])) == (3, 1, 1)
    # What is not literal is never guessed to match.
    done = checkout.regsync("--from", "doubt.yaml", "--ignore", "reg.example/*")
    assert done.stderr.count("error: ") == 2
    assert "`--ignore reg.example/*` matches nothing here" in done.stderr


def test_what_is_excluded_is_not_read(checkout: Checkout) -> None:
    for path in ("charts/a/deep.yaml", "apps/charts/b.yaml", "apps/c.yaml", "apps/old.yaml"):
        checkout.write(path, "services: {a: {image: HOST/team/web:1.27.3}}\n")

    def read(*patterns: str) -> set[str]:
        options = [text for one in patterns for text in ("--exclude", one)]
        images = checkout.json("--from", ".", *options)["data"]["images"]
        return {place["path"] for image in images for place in image["files"]} - {"compose.yaml"}

    assert read("charts/*") == {"apps/charts/b.yaml", "apps/c.yaml", "apps/old.yaml"}
    assert read("charts") == read("charts/") == {"apps/c.yaml", "apps/old.yaml"}
    assert read("/charts", "old.*") == {"apps/charts/b.yaml", "apps/c.yaml"}
    assert read("apps/*.yaml") == {"charts/a/deep.yaml"}
    done = checkout.regsync("--from", ".", "--exclude", "nowhere/*", "--exclude", "charts")
    assert [line for line in done.stderr.splitlines() if "--exclude" in line] == [
        "note: `--exclude nowhere/*` matches nothing here"
    ]
