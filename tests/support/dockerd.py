"""A Docker with the classic store that holds what a test says, and containers that run it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from engine import listen

from mock_registry import seed
from regsync.stores.endpoint import Endpoint
from regsync.stores.engine import EngineStore

COMPOSE = "com.docker.compose"


@dataclass
class Dockerd:
    """What `GET /images/json` and `GET /containers/json` are made of.

    Attributes:
        requests: The paths that were asked for, without the API's version.
    """

    podman: bool = False
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    containers: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def hold(self, image: seed.Image, *names: str, came: Sequence[str] = ()) -> str:
        """Have an image under these names, which lose what they meant; gives its ID.

        Args:
            came: `repository@digest` by which it was pulled or pushed.
        """
        for other in self.images.values():
            other["RepoTags"] = [name for name in other["RepoTags"] if name not in names]
        config = json.loads(image.config.data)
        id_ = image.config.digest
        known = self.images.setdefault(id_, {"Id": id_, "RepoTags": [], "RepoDigests": []})
        known["RepoTags"] += names
        known["RepoDigests"] += came
        known |= {
            "Size": 1,
            "Os": config["os"],
            "Architecture": config["architecture"],
            "Created": config["created"],
            "Config": config["config"],
            "RootFS": {"Layers": config["rootfs"]["diff_ids"]},
        }
        return str(id_)

    def pull(self, name: str, image: seed.Image) -> str:
        """Have an image as a pull of `HOST/REPOSITORY:TAG` leaves it."""
        repository = name.rpartition(":")[0]
        return self.hold(image, name, came=[f"{repository}@{image.digest}"])

    def run(
        self,
        title: str,
        image: str,
        id_: str,
        state: str = "running",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Have a container that was started with `image` when that was `id_`."""
        self.containers.append(
            {
                "Id": f"{len(self.containers):x}" * 64,
                "Names": [f"/{title}"],
                "Image": image,
                "ImageID": id_,
                "State": state,
                "Labels": dict(labels or {}),
            }
        )

    def means(self, name: str) -> str | None:
        """The ID of the image that a name means by now."""
        held = (known["Id"] for known in self.images.values() if name in known["RepoTags"])
        return next(held, None)

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Answer on a unix socket; gives its URL."""
        with listen(self._answer) as url:
            yield url

    @contextmanager
    def store(self) -> Iterator[EngineStore]:
        """The engine as regsync sees it."""
        with self.serve() as url:
            yield EngineStore(Endpoint.parse(url))

    def _answer(self, target: str) -> tuple[int, bytes]:
        path = target.partition("?")[0]
        path = path if not path.startswith("/v1.") else "/" + path.split("/", 2)[2]
        self.requests.append(path)
        kind = "Podman Engine" if self.podman else "Engine"
        known: dict[str, Any] = {
            "/version": {
                "Version": "5.4.2" if self.podman else "20.10.24",
                "ApiVersion": "1.41",
                "Components": [{"Name": kind}],
            },
            "/info": {"ID": "X", "DriverStatus": []},
            "/images/json": list(self.images.values()),
            "/containers/json": [self._listed(one) for one in self.containers],
        }
        known |= {f"/images/{id_}/json": image for id_, image in self.images.items()}
        known |= {
            f"/containers/{one['Id']}/json": {"Config": {"Image": one["Image"]}}
            for one in self.containers
        }
        if path not in known:
            return 404, b'{"message":"no such thing"}'
        return 200, json.dumps(known[path]).encode()

    def _listed(self, container: Mapping[str, Any]) -> dict[str, Any]:
        moved = self.means(container["Image"]) != container["ImageID"]
        # moby `daemon/list.go`; Podman keeps the name.
        hidden = moved and not self.podman
        return {**container, "Image": container["ImageID"] if hidden else container["Image"]}


def compose(project: str, service: str, folder: str = "", files: str = "") -> dict[str, str]:
    """The labels of a container that docker compose started."""
    given = {
        "project": project,
        "service": service,
        "project.working_dir": folder,
        "project.config_files": files,
    }
    return {f"{COMPOSE}.{name}": value for name, value in given.items() if value}
