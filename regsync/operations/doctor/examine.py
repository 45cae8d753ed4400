"""`doctor`: this machine, then one registry where one was named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from regsync.clock import Clock, SystemClock
from regsync.config.load import Config, canonical, load
from regsync.errors import InvalidReference, RegsyncError, StoreFailure, UsageError
from regsync.oci.reference import DOCKER_HUB, Reference
from regsync.operations.advice import advise
from regsync.operations.doctor import machine, program
from regsync.operations.doctor.host import Host
from regsync.operations.doctor.privacy import Privacy
from regsync.operations.doctor.steps import Examination, Finding, Report
from regsync.registry.hosts import CERTS_D
from regsync.registry.line import proxies
from regsync.registry.retry import Waits

_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|localhost|[^/:@]*\.[^/:@]*)(?::[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: a registry, and perhaps something in it."""

    registry: str
    reference: Reference | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `HOST` or a reference.

        What has no `/` is a host where docker would take it for one before a `/`: with a dot in
        it, or `localhost`; else it is a name at Docker Hub. `name:5000/` is a host in any case.

        Raises:
            UsageError: neither, or an address with a scheme.
        """
        if "://" in text:
            raise UsageError(
                f"`{text[:200]}` is no host and no reference",
                "it has a scheme, and neither of the two has one",
                "leave out what stands before the host; TLS is set in regsync.toml",
            )
        if text.endswith("/") or _HOST.fullmatch(text):
            host = text.removesuffix("/")
            try:
                found = Reference.parse(f"{host}/x").registry
            except InvalidReference as error:
                raise UsageError(f"`{text[:200]}` is no host of a registry", error.why) from error
            if found == DOCKER_HUB and canonical(host) != DOCKER_HUB:
                raise UsageError(
                    f"`{text[:200]}` is no host of a registry",
                    "in references it would be a name at Docker Hub",
                    "add its port, or its domain",
                )
            return cls(found)
        reference = Reference.parse(text)
        return cls(reference.registry, reference)

    def __str__(self) -> str:
        return str(self.reference) if self.reference is not None else self.registry


async def examine(
    subject: Subject | None,
    env: Mapping[str, str],
    *,
    config: Path | None = None,
    engine: str | None = None,
    context: str | None = None,
    clock: Clock | None = None,
    certs_d: tuple[Path, ...] = CERTS_D,
    waits: Waits | None = None,
) -> Report:
    """Take every step there is; none ends or hides another.

    Args:
        subject: The registry or reference to look at; None for this machine alone.
        env: The environment.
        config: What `--config` names.
        engine: What `--host` names.
        context: What `--context` names.
        clock: Time, for tests.
        certs_d: Folders in which certificates are found by host.
        waits: How long a server may take, for tests.
    """
    clock, waits = clock or SystemClock(), waits or Waits()
    host: list[Host] = []

    def advice(error: RegsyncError) -> str | None:
        # The engine's and the configuration's own hints know more than any registry's.
        if subject is None or isinstance(error, StoreFailure | UsageError):
            return error.hint
        login = host[0].credentials.source if host and host[0].credentials else None
        return advise(error, subject.registry, login=login, examined=True)

    take = Examination(clock, Privacy(env), advice)
    found = Config()

    async def read() -> Finding:
        nonlocal found
        found = load(config, env)
        return machine.configuration(found, env)

    async def engines() -> Finding:
        return await machine.engine(
            engine, context, env, waits.quick_in_all, needed=subject is None
        )

    async def programs() -> Finding:
        return program.judge(program.on_path(env))

    async def memory() -> Finding:
        return machine.memory()

    async def named() -> Finding:
        return machine.proxies(proxies())

    async def keyring() -> Finding:
        return await machine.keyring(env, waits.quick)

    await take.take("engine", engines)
    await take.take("program", programs)
    await take.take("configuration", read)
    await take.take("memory", memory)
    await take.take("keyring", keyring)
    if subject is None:
        await take.take("proxy", named)
        return Report(None, tuple(take.steps))
    host.append(
        Host(
            subject.registry,
            subject.reference,
            found,
            env,
            clock=clock,
            certs_d=certs_d,
            waits=waits,
        )
    )
    await host[0].examine(take)
    return Report(str(subject), tuple(take.steps))
