"""What happens to images between an engine and a registry: one function a story.

A story runs up to its `yield`, which gives what to ask about; there a status that remembers may be
run, and then the story goes on to its end. Each has repositories of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from workbench import Workbench

from mock_registry import seed

Story = Callable[[Workbench], Iterator[str]]


def built(bench: Workbench) -> Iterator[str]:
    name = bench.name(bench.path("built"), "1")
    bench.build(name, "built")
    yield name


def built_beside_other_tags(bench: Workbench) -> Iterator[str]:
    path = bench.path("beside")
    bench.registry.put(path, bench.image("beside"), "other")
    name = bench.name(path, "1")
    bench.build(name, "built beside")
    yield name


def buildkit(bench: Workbench) -> Iterator[str]:
    name = bench.name(bench.path("buildkit"), "1")
    bench.load_buildkit(name, "buildkit")
    yield name


def buildkit_pushed(bench: Workbench) -> Iterator[str]:
    name = bench.name(bench.path("buildkit-pushed"), "1")
    bench.load_buildkit(name, "buildkit pushed")
    bench.push(name)
    yield name


def pushed(bench: Workbench) -> Iterator[str]:
    name = bench.name(bench.path("pushed"), "1")
    bench.build(name, "pushed")
    bench.push(name)
    yield name


def pushed_and_moved(bench: Workbench) -> Iterator[str]:
    path = bench.path("pushed-and-moved")
    name = bench.name(path, "1")
    bench.build(name, "pushed first")
    bench.push(name)
    yield name
    bench.registry.put(path, bench.image("pushed since"), "1")


def pulled(bench: Workbench) -> Iterator[str]:
    yield _pulled(bench, "pulled", bench.image("pulled"))


def pulled_index(bench: Workbench) -> Iterator[str]:
    content = seed.index([bench.image("of an index"), bench.foreign("a")], attestations=True)
    yield _pulled(bench, "pulled-index", content)


def index_moved(bench: Workbench) -> Iterator[str]:
    """The index moves, and this platform stays where it is."""
    ours = bench.image("stays")
    name = _pulled(bench, "index-moved", seed.index([ours, bench.foreign("b")]))
    yield name
    bench.registry.put(bench.path("index-moved"), seed.index([ours, bench.foreign("c")]), "1")


def platform_moved(bench: Workbench) -> Iterator[str]:
    foreign = bench.foreign("stays")
    name = _pulled(bench, "platform-moved", seed.index([bench.image("old"), foreign]))
    yield name
    content = seed.index([bench.image("new"), foreign])
    bench.registry.put(bench.path("platform-moved"), content, "1")


def image_moved(bench: Workbench) -> Iterator[str]:
    name = _pulled(bench, "moved", bench.image("before it moved"))
    yield name
    bench.registry.put(bench.path("moved"), bench.image("after it moved"), "1")


def index_moved_over_loaded_layer(bench: Workbench) -> Iterator[str]:
    """Like `index_moved`, where the engine has a layer already and leaves it out (moby#53615)."""
    base = _loaded(bench, "layer one")
    ours = bench.image("stays too", base=base)
    name = _pulled(bench, "index-moved-loaded", seed.index([ours, bench.foreign("d")]))
    yield name
    content = seed.index([ours, bench.foreign("e")])
    bench.registry.put(bench.path("index-moved-loaded"), content, "1")


def platform_moved_over_loaded_layer(bench: Workbench) -> Iterator[str]:
    base, foreign = _loaded(bench, "layer two"), bench.foreign("stays too")
    old, new = bench.image("old one", base=base), bench.image("new one", base=base)
    name = _pulled(bench, "platform-moved-loaded", seed.index([old, foreign]))
    yield name
    bench.registry.put(bench.path("platform-moved-loaded"), seed.index([new, foreign]), "1")


def image_moved_over_loaded_layer(bench: Workbench) -> Iterator[str]:
    base = _loaded(bench, "layer three")
    name = _pulled(bench, "moved-loaded", bench.image("before", base=base))
    yield name
    bench.registry.put(bench.path("moved-loaded"), bench.image("after", base=base), "1")


def rebuilt_over_pull(bench: Workbench) -> Iterator[str]:
    name = _pulled(bench, "rebuilt", bench.image("to be built over"))
    yield name
    bench.build(name, "built over")


def rebuilt_and_moved(bench: Workbench) -> Iterator[str]:
    name = _pulled(bench, "diverged", bench.image("to be diverged from"))
    yield name
    bench.build(name, "diverged here")
    bench.registry.put(bench.path("diverged"), bench.image("diverged there"), "1")


def retagged_to_existing(bench: Workbench) -> Iterator[str]:
    path = bench.path("retagged")
    bench.registry.put(path, bench.image("behind the other tag"), "2")
    source = _pulled(bench, "retagged", bench.image("retagged"))
    target = bench.name(path, "2")
    bench.tag(source, target)
    yield target


def retagged_to_new(bench: Workbench) -> Iterator[str]:
    source = _pulled(bench, "retagged-new", bench.image("retagged anew"))
    target = bench.name(bench.path("retagged-new"), "2")
    bench.tag(source, target)
    yield target


def retagged_to_new_repository(bench: Workbench) -> Iterator[str]:
    source = _pulled(bench, "source-a", bench.image("on its way"))
    target = bench.name(bench.path("target-a"), "1")
    bench.tag(source, target)
    yield target


def retagged_to_other_repository(bench: Workbench) -> Iterator[str]:
    """The repository exists, the tag does not."""
    bench.registry.put(bench.path("target-b"), bench.image("at home in b"), "other")
    source = _pulled(bench, "source-b", bench.image("on its way to b"))
    target = bench.name(bench.path("target-b"), "1")
    bench.tag(source, target)
    yield target


def retagged_over_other_repository(bench: Workbench) -> Iterator[str]:
    """The repository exists, and so does the tag."""
    bench.registry.put(bench.path("target-c"), bench.image("at home in c"), "1")
    source = _pulled(bench, "source-c", bench.image("on its way to c"))
    target = bench.name(bench.path("target-c"), "1")
    bench.tag(source, target)
    yield target


def tag_deleted(bench: Workbench) -> Iterator[str]:
    """The tag goes, and its manifest with it."""
    name = _pulled(bench, "deleted", bench.image("to be deleted"))
    bench.registry.put(bench.path("deleted"), bench.image("stays there"), "other")
    yield name
    bench.registry.delete(bench.path("deleted"), "1")


def tag_deleted_alone(bench: Workbench) -> Iterator[str]:
    """The tag goes, and its manifest is still served."""
    name = _pulled(bench, "untagged-there", bench.image("to be untagged there"))
    bench.registry.put(bench.path("untagged-there"), bench.image("stays tagged there"), "other")
    yield name
    bench.registry.delete(bench.path("untagged-there"), "1", keep_digest=True)


def pinned(bench: Workbench) -> Iterator[str]:
    yield _pinned(bench, "pinned")


def pinned_deleted(bench: Workbench) -> Iterator[str]:
    name = _pinned(bench, "pinned-deleted")
    yield name
    bench.registry.delete(bench.path("pinned-deleted"), "1")


def untagged(bench: Workbench) -> Iterator[str]:
    """A pull takes the name away; only the ID is left to ask by."""
    name = _pulled(bench, "untagged", bench.image("to lose its name"))
    yield bench.id_of(name)
    bench.registry.put(bench.path("untagged"), bench.image("to take the name"), "1")
    bench.pull(name)
    bench.id_of(name)


def _loaded(bench: Workbench, layer: str) -> str:
    """Have the engine hold a layer that came uncompressed; gives the layer."""
    bench.load_buildkit(
        bench.name(bench.path("loaded"), layer.replace(" ", "-")), "top", base=layer
    )
    return layer


def _pulled(bench: Workbench, repository: str, content: seed.Content) -> str:
    path = bench.path(repository)
    bench.registry.put(path, content, "1")
    name = bench.name(path, "1")
    bench.pull(name)
    bench.id_of(name)
    return name


def _pinned(bench: Workbench, repository: str) -> str:
    path = bench.path(repository)
    digest = bench.registry.put(path, bench.image(repository), "1")
    name = f"{bench.registry.host}/{path}@{digest}"
    bench.pull(name)
    bench.id_of(name)
    return name
