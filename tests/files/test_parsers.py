"""The parsers on their own: what the corpus cannot show, and whatever hypothesis thinks of."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regsync.errors import InvalidFile
from regsync.files import compose, dockerfile, dotenv, instructions, kubernetes, yamlfile
from regsync.files.detect import FileKind, is_usual, kind_of
from regsync.files.gather import gather
from regsync.files.reading import DEPTH, SIZE_LIMIT
from regsync.files.variables import LIMIT, NotKnown, expand

# What the grammars are made of, so that more than noise is drawn.
PIECES = st.sampled_from(
    [
        *("FROM ", "from", "ARG A=1", "COPY --from=", "RUN --mount=from=", "<<EOF", "EOF", "\\"),
        *("${A", "}", ":-", "$", '"', "'", "`", "# escape=`\n", " AS x", "ONBUILD ", "\r\n", "\t"),
        *("services:", "image: ", "- ", "&a ", "*a", "<<: ", "{", "[", "]", ",", "containers:"),
        *("apiVersion: v1\n", "kind: Pod\n", "build: ", "include:", "---\n", "|", "{{", "\x00"),
        *("\n", "  ", "é"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=40).map("".join)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("a:$B", "a:b"),
        ("${B}${B}", "bb"),
        ("${N:-x}${N-y}", "xy"),
        ("${E:-x}${E-y}", "x"),
        ("${B:+set}${N:+unset}${E+empty}", "setempty"),
        ("${B:?no}", "b"),
        ("$$B ${N:-$$}", "$B $"),
        ("${N:-${M:-${B}}}-x", "b-x"),
        ("}", "}"),
    ],
)
def test_variables(text: str, filled: str) -> None:
    assert expand(text, {"B": "b", "E": ""}) == filled


@pytest.mark.parametrize(
    "text", ["$N", "${N}", "${E:?}", "${N?}", "${B", "$", "${}", "${B!}", "$1"]
)
def test_what_is_not_known_is_no_text(text: str) -> None:
    with pytest.raises(NotKnown):
        expand(text, {"B": "b", "E": ""})


def test_what_grows_is_stopped() -> None:
    with pytest.raises(NotKnown, match="characters"):
        expand("$A" * LIMIT, {"A": "aa"})


@given(TEXTS, st.sampled_from("$\\`"))
def test_expand_ends(text: str, escape: str) -> None:
    with suppress(NotKnown):
        assert len(expand(text, {"A": "a"}, escape=escape)) <= LIMIT


@given(TEXTS)
def test_every_word_of_a_dockerfile_stands_in_its_line(text: str) -> None:
    try:
        script = instructions.read(text, "f")
    except InvalidFile:
        return
    lines = text.removeprefix("\ufeff").split("\n")
    for instruction in script.instructions:
        for word in instruction.words:
            start = word.text[:1]
            assert start in lines[word.line - 1]


@given(TEXTS)
def test_no_text_breaks_a_parser(text: str) -> None:
    try:
        dockerfile.parse(text, "f")
        documents = yamlfile.documents(text, "f")
    except InvalidFile:
        documents = ()
    compose.parse(documents, "f", {})
    kubernetes.parse(documents, "f")
    kubernetes.as_kustomization(documents, "f")
    kubernetes.parse_values(documents, "f")
    kubernetes.parse_template(text, "f")
    dotenv.parse(text, {})
    for name in ("", "a.yaml", "Dockerfile", "x"):
        kind_of(name, text)


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("Dockerfile", "", FileKind.DOCKERFILE),
        ("Dockerfile.dev", "", FileKind.DOCKERFILE),
        ("api.dockerfile", "", FileKind.DOCKERFILE),
        ("Containerfile", "", FileKind.DOCKERFILE),
        ("Dockerfile.md", "", None),
        ("compose.yaml", "", FileKind.COMPOSE),
        ("docker-compose.override.yml", "", FileKind.COMPOSE),
        ("stack.yml", "services:\n  a: {}", FileKind.COMPOSE),
        ("x.yaml", "kind: Pod\napiVersion: v1", FileKind.KUBERNETES),
        ("x.json", '{"apiVersion": "v1", "kind": "Pod"}', FileKind.KUBERNETES),
        ("kustomization.yaml", "", FileKind.KUSTOMIZATION),
        ("values-prod.yaml", "image: {}", FileKind.VALUES),
        ("x.yaml", "a: 1", None),
        ("README.md", "FROMAGE", None),
        ("README.md", "from a user's view", None),
        ("notes", "# FROM\n\nARG A=1\nFROM a", FileKind.DOCKERFILE),
        ("", "services:", FileKind.COMPOSE),
        ("", "FROM a", FileKind.DOCKERFILE),
        ("", "hello", None),
    ],
)
def test_kinds(name: str, text: str, kind: FileKind | None) -> None:
    assert kind_of(name, text) is kind


def test_only_some_names_of_a_folder_are_worth_a_look() -> None:
    assert is_usual("Dockerfile")
    assert is_usual("any.yml")
    assert not is_usual("package.json")
    assert not is_usual("main.py")


def test_deep_yaml_ends_in_an_error() -> None:
    for text in ("[" * 100_000, "a: " + "{a: " * 150, "- " * 100_000):
        with pytest.raises(yamlfile.InvalidYaml):
            yamlfile.documents(text, "f")


def test_aliases_do_not_nest_deeper_than_what_is_written() -> None:
    lines = ["x0: &x0 [a]", *(f"x{i}: &x{i} [*x{i - 1}]" for i in range(1, 200))]
    with pytest.raises(yamlfile.InvalidYaml, match="nested"):
        yamlfile.documents("\n".join(lines), "f")


class TestTime:
    """Each of these took from minutes to years where the time grew with the square, or worse."""

    BLANKS = " " * 400_000

    def test_blanks_in_a_dotenv(self) -> None:
        text = f"A=x{self.BLANKS}y\nB{self.BLANKS}=z\nexport{self.BLANKS}!\nC=c{self.BLANKS}# d\n"
        assert dotenv.parse(text, {}) == {"B": "z", "C": "c"}

    def test_blanks_in_a_template(self) -> None:
        text = (
            f"image: x:1{self.BLANKS}# y\nimage: z{self.BLANKS}:1\n-{self.BLANKS}image{self.BLANKS}"
        )
        found = kubernetes.parse_template(text, "t.yaml")
        assert [(one.text[:4], len(one.text)) for one in found.mentions] == [
            ("x:1", 3),
            ("z   ", len(self.BLANKS) + 3),
        ]

    def test_blanks_in_a_directive(self) -> None:
        script = instructions.read(f"# syntax=a{self.BLANKS}b\nFROM x\n", "Dockerfile")
        assert script.syntax is not None
        assert len(script.syntax.text) == len(self.BLANKS) + 2

    def test_comments_before_nothing(self) -> None:
        assert kind_of("x", "# a\r\n" * 60 + "hello") is None
        assert kind_of("x", "# a\r\n" * 60 + "FROM b") is FileKind.DOCKERFILE

    def test_stages_that_may_be_meant(self) -> None:
        text = "FROM x AS a\n" * 30_000 + "FROM b${C}d\n" * 30_000
        with pytest.raises(InvalidFile, match="more than 1000 stages"):
            dockerfile.parse(text, "Dockerfile")


class TestFolders:
    @pytest.fixture(autouse=True)
    def _here(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def put(self, path: str, text: str | bytes = "FROM a:1\n") -> None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(text.encode() if isinstance(text, str) else text)

    def test_what_is_not_ours_is_left_out(self) -> None:
        self.put("k/b/Dockerfile")
        self.put("k/Dockerfile")
        for skipped in (".git", "node_modules", ".venv"):
            self.put(f"k/{skipped}/Dockerfile")
        self.put("k/other.yaml", "a: [")
        found = gather(["k"], {})
        assert [mention.place.path for mention in found.mentions] == [
            "k/Dockerfile",
            "k/b/Dockerfile",
        ]
        assert (found.files, found.failures) == (2, ())

    def test_links_are_no_way_out_and_no_loop(self, tmp_path: Path) -> None:
        self.put("outside/Dockerfile")
        self.put("k/Dockerfile")
        Path("k/loop").symlink_to(tmp_path / "k")
        Path("k/out").symlink_to(tmp_path / "outside")
        Path("k/Dockerfile.link").symlink_to(tmp_path / "outside" / "Dockerfile")
        Path("self").symlink_to("self")
        assert len(gather(["k"], {}).mentions) == 1
        # Named by the user, a link is followed.
        assert len(gather(["k/Dockerfile.link"], {}).mentions) == 1
        with pytest.raises(InvalidFile, match="cannot read `self`"):
            gather(["self"], {})

    def test_pipes_are_not_waited_for(self) -> None:
        os.mkfifo("Dockerfile")
        with pytest.raises(InvalidFile, match="no regular file"):
            gather(["Dockerfile"], {})

    def test_a_huge_file_is_a_failure_among_others(self) -> None:
        self.put("k/Dockerfile")
        with open("k/big.yaml", "wb") as file:
            file.truncate(SIZE_LIMIT + 1)
        found = gather(["k"], {})
        assert len(found.mentions) == 1
        assert [str(one) for one in found.failures] == [
            "cannot read `k/big.yaml`: it has more than 8 MiB"
        ]

    def test_nothing_to_read(self) -> None:
        Path("empty").mkdir()
        for path, said in (
            ("empty", "has no file that names images"),
            ("missing", "no such file"),
            ("nul\0", "null"),
        ):
            with pytest.raises(InvalidFile, match=said):
                gather([path], {})

    def test_a_file_of_no_known_kind(self) -> None:
        self.put("notes.txt", "hello")
        with pytest.raises(InvalidFile, match="neither a compose file"):
            gather(["notes.txt"], {})

    def test_a_dockerfile_is_read_with_the_arguments_of_its_compose_file(self) -> None:
        self.put("k/Dockerfile", "ARG V\nFROM a:$V\n")
        self.put("k/compose.yaml", "services: {a: {build: {context: ., args: {V: 2}}}}")
        found = gather(["k"], {})
        assert [mention.text for mention in found.mentions] == ["a:2"]
        assert found.failures == ()
        assert gather(["k/Dockerfile"], {}).failures != ()

    def test_a_kustomization_alone_brings_what_it_builds_on(self) -> None:
        pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: app}, {image: 'b:1'}]}"
        self.put("base/pod.yaml", pod)
        self.put("base/kustomization.yml", "resources: [pod.yaml]")
        self.put(
            "over/kustomization.yaml", "resources: [../base]\nimages: [{name: app, newTag: v2}]"
        )
        for path in ("over/kustomization.yaml", "over", os.path.abspath("over")):
            found = gather([path], {})
            assert [mention.text for mention in found.mentions] == ["app:v2", "b:1"]
            assert (found.files, found.failures) == (3, ())

    def test_what_is_too_deep_is_told(self) -> None:
        self.put("k/" + "d/" * (DEPTH + 1) + "Dockerfile")
        self.put("k/Dockerfile")
        found = gather(["k"], {})
        assert len(found.mentions) == 1
        assert "folders deep" in str(found.failures[0])

    def test_the_same_file_is_read_once(self) -> None:
        self.put("Dockerfile")
        found = gather(["Dockerfile", "./Dockerfile", "."], {})
        assert (found.files, len(found.mentions)) == (1, 1)

    def test_standard_input(self) -> None:
        found = gather(["-"], {}, lambda: b"services: {a: {image: 'b:1'}}")
        assert [str(mention.place) for mention in found.mentions] == ["(standard input):1"]


def test_the_hint_fits_the_reason() -> None:
    """A default is no cure where there is one that cannot be read."""
    text = "ARG A\nARG B=x-y\nARG C=${B%%-*}\nFROM app:$A\nFROM app:${B%%-*}\nFROM app:$C\n"
    hints = [error.hint for error in dockerfile.parse(text, "Dockerfile").unresolved]
    assert hints == [
        "give the ARG a default, or name the image in full",
        "name the image in full",
        "name the image in full",
    ]
