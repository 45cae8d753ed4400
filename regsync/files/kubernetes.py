"""Kubernetes manifests, Kustomizations and Helm values: images of whatever has containers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from regsync.errors import InvalidReference
from regsync.files.found import Follow, Found, Place, Renames, is_elsewhere
from regsync.files.yamlfile import List, Map, Node, Scalar
from regsync.oci.reference import Reference

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
# Argo's `sidecars` and Tekton's `steps` are lists of containers as well; what else is called so has
# no `image` of its own. The others are one container each.
_MORE_CONTAINERS = ("sidecars", "steps")
_ONE_CONTAINER = ("container", "script", "stepTemplate")
_DISKS = frozenset({"rbd"})
"""What has an `image` that is none: a block device."""
_HELM = "render it first: `helm template … | regsync status --from -`"
_TEMPLATE = "it is filled in by a template"
_OTHERS = "it is filled in by another program"
# What may be long is cut by hand: patterns that end in blanks try each run of them from every side.
_IMAGE_KEY = re.compile(r"""(?:-\s+)?["']?image["']?\s*:""")
_COMMENT = re.compile(r"\s#")
_KUSTOMIZE_HINT = "build it first: `kustomize build … | regsync status --from -`"
_CHANGED_NUMBER = re.compile(r"[0-9]+\.[0-9]*0|0[0-7]+|[0-9.]+e[0-9]+")
_KUSTOMIZE = "kustomize.config.k8s.io/"


def parse(documents: Sequence[Node], path: str) -> Found:
    """The images that manifests name, one document or many, `List`s and custom kinds included.

    A container is what stands in `containers`, `initContainers` or `ephemeralContainers`, wherever
    that is, or in the keys of Argo Workflows and Tekton; image volumes count as well. Any other
    `image` in the `spec` of a resource is one where it has a tag or a digest; without, it may be
    anything, so it is left to the user as not understood. A Kustomization names what it puts in
    place of others.
    """
    found = Found()
    for root in documents:
        if not isinstance(root, Map):
            continue
        if _is_kustomization(root):
            _kustomization(root, path, found)
        elif _text(root, "kind") != "CustomResourceDefinition":
            _walk(root, path, found)
    return found


def parse_values(documents: Sequence[Node], path: str) -> Found:
    """The images that Helm values name where that is clear.

    That is a mapping with `repository`, and `tag` or `digest`, or an `image` with a tag or digest.
    """
    found = Found()
    for root in documents:
        _values(root, path, found, "values")
    return found


def parse_template(text: str, path: str) -> Found:
    """The images of a Helm template, which is no YAML: what follows `image:` in a line."""
    found = Found()
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        match = _IMAGE_KEY.match(line)
        if match is None:
            continue
        value = line[match.end() :].lstrip()
        written = _COMMENT.split(value, maxsplit=1)[0].rstrip().strip("\"'")
        if (written and written[0] not in "|>&*{") or written.startswith("{{"):
            _mention(found, Scalar(written, number), path, "image")
    return found


def _is_kustomization(root: Map) -> bool:
    return _text(root, "kind") in ("Kustomization", "Component") and (
        _text(root, "apiVersion").startswith(_KUSTOMIZE)
    )


def as_kustomization(documents: Sequence[Node], path: str) -> Found:
    """What a `kustomization.yaml` names, which may leave out `apiVersion` and `kind`."""
    found = Found()
    for root in documents:
        if isinstance(root, Map):
            _kustomization(root, path, found)
    return found


def _walk(
    node: Node, path: str, found: Found, *, in_spec: bool = False, container: str = ""
) -> None:
    """Read a part of a resource, no deeper than `yamlfile.DEPTH`.

    Args:
        in_spec: Whether it stands in the `spec` of a resource.
        container: The key that makes it a container, where one does.
    """
    if isinstance(node, List):
        for item in node.items:
            _walk(item, path, found, in_spec=in_spec)
    elif isinstance(node, Map):
        image = node.get("image")
        if container and isinstance(image, Scalar):
            _mention(found, image, path, _text(node, "name") or container)
        elif in_spec and image is not None:
            _further(image, path, found, _text(node, "name") or "image")
        for volume in node.list("volumes"):
            source = volume.map("image") if isinstance(volume, Map) else None
            if source is not None and (reference := source.scalar("reference")):
                assert isinstance(volume, Map)  # noqa: S101 - else there were no source
                _mention(found, reference, path, _text(volume, "name") or "volumes")
        is_resource = bool(_text(node, "apiVersion") and _text(node, "kind"))
        for key, inner in node.entries.items():
            inside = key not in _DISKS and (in_spec or (is_resource and key == "spec"))
            if key in (*_CONTAINERS, *_MORE_CONTAINERS) and isinstance(inner, List):
                for item in inner.items:
                    _walk(item, path, found, in_spec=inside, container=key)
            else:
                one = key if key in _ONE_CONTAINER else ""
                _walk(inner, path, found, in_spec=inside, container=one)


def _further(image: Node, path: str, found: Found, name: str) -> None:
    """An `image` of no container that is known as one: `spec.image` of many custom kinds."""
    if isinstance(image, Scalar):
        if _is_full(image.text) or "{{" in image.text or "$" in image.text:
            _mention(found, image, path, name)
        else:
            found.passed.append(Place(path, image.line, name, image.text))
    elif isinstance(image, Map) and (repository := image.scalar("repository")) is not None:
        if image.scalar("tag") or image.scalar("digest"):
            _split_image(image, path, found, name)
        else:
            found.passed.append(Place(path, repository.line, name, repository.text))
    elif isinstance(image, Map) and (called := image.scalar("name")) is not None:
        found.passed.append(Place(path, called.line, name, called.text))


def _kustomization(root: Map, path: str, found: Found) -> None:
    names = set()
    for each in root.list("images"):
        name = each.scalar("name") if isinstance(each, Map) else None
        if name is None:
            continue
        assert isinstance(each, Map)  # noqa: S101 - else there were no name
        new, tag, digest = (each.scalar(key) for key in ("newName", "newTag", "digest"))
        if new is None and tag is None and digest is None:
            continue
        names.add(without_tag(name.text))
        told = next(one for one in (tag, digest, new) if one is not None)
        written = (new or name).text
        place = Place(path, told.line, name.text, written)
        if tag is None and digest is None:
            found.doubt(place, "its tag stands in the manifests that this changes")
            continue
        text = written
        if tag is not None:
            text += f":{tag.text}"
        if digest is not None:
            text += f"@{digest.text}"
        _mention(found, Scalar(text, told.line), path, name.text)
    resources = [
        item
        for key in ("resources", "bases", "components")
        for item in root.list(key)
        if isinstance(item, Scalar)
    ]
    for item in resources:
        place = Place(path, item.line, "resources", item.text)
        if is_elsewhere(item.text):
            found.doubt(place, "it is elsewhere, where nothing is fetched", _KUSTOMIZE_HINT)
        else:
            found.follows.append(Follow(item.text, place, "manifest"))
    if names:
        found.renames.append(Renames(frozenset(names), tuple(item.text for item in resources)))


def without_tag(text: str) -> str:
    """An image name as it is written, without what follows it."""
    head, slash, last = text.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _values(node: Node, path: str, found: Found, name: str) -> None:
    if isinstance(node, List):
        for item in node.items:
            _values(item, path, found, name)
    elif isinstance(node, Map):
        for key, inner in node.entries.items():
            image = key == "image" or key.endswith("Image")
            user = name if key == "image" else key
            if image and isinstance(inner, Map) and inner.scalar("repository") is not None:
                _split_image(inner, path, found, user)
            elif image and isinstance(inner, Scalar):
                if _is_full(inner.text):
                    _mention(found, inner, path, user)
            else:
                _values(inner, path, found, key)


def _split_image(image: Map, path: str, found: Found, name: str) -> None:
    """`image: {registry, repository, tag, digest}`, as most charts write it."""
    repository = image.scalar("repository")
    assert repository is not None  # noqa: S101 - the caller has looked
    registry, tag, digest = (image.scalar(key) for key in ("registry", "tag", "digest"))
    text = f"{registry.text}/{repository.text}" if registry and registry.text else repository.text
    place = Place(path, repository.line, name, text)
    tag_text = tag.text if tag is not None else ""
    digest_text = digest.text if digest is not None else ""
    if tag is not None and _is_changed_number(tag):
        found.doubt(place, f"the tag `{tag_text}` is a number to YAML", "put it in quotes")
    elif tag_text or digest_text:
        text += f":{tag_text}" if tag_text else ""
        text += f"@{digest_text}" if digest_text else ""
        _mention(found, Scalar(text, repository.line), path, name)
    else:
        found.doubt(place, "it has no tag here: the chart chooses one", _HELM)


def _is_changed_number(tag: Scalar) -> bool:
    """Whether a tag without quotes reaches the image as another text: `1.10` becomes `1.1`."""
    return tag.plain and _CHANGED_NUMBER.fullmatch(tag.text) is not None


def _is_full(text: str) -> bool:
    try:
        reference = Reference.parse_bare(text)
    except InvalidReference:
        return False
    return reference.tag is not None or reference.digest is not None


def _mention(found: Found, scalar: Scalar, path: str, name: str) -> None:
    place = Place(path, scalar.line, name, scalar.text)
    if scalar.no_text:
        found.refuse_number(place)
    elif "{{" in scalar.text:
        found.doubt(place, _TEMPLATE, _HELM)
    elif "$" in scalar.text:
        found.doubt(place, _OTHERS, "fill it in first, and pass the result with `--from -`")
    elif scalar.text:
        found.mention(scalar.text, place)


def _text(node: Map, key: str) -> str:
    found = node.scalar(key)
    return found.text if found is not None else ""
