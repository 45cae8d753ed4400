"""`doctor`: this machine, then one registry where one was named."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from regsync.clock import Clock, SystemClock
from regsync.config.load import Config, canonical, load
from regsync.errors import InvalidReference, RegsyncError, UsageError
from regsync.oci.reference import DOCKER_HUB, Reference
from regsync.operations.advice import advise
from regsync.operations.doctor import machine, program
from regsync.operations.doctor.answers import Answers
from regsync.operations.doctor.privacy import Privacy
from regsync.operations.doctor.steps import Examination, Finding, Report, Step
from regsync.operations.doctor.way import Way
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
) -> Report:
    """Take every step there is; none ends or hides another.

    Args:
        subject: The registry or reference to look at; None for this machine alone.
        env: The environment.
        config: What `--config` names.
        engine: What `--host` names.
        context: What `--context` names.
    """
    steps = await examine_machine(env, engine=engine, context=context, alone=subject is None)
    if subject is not None:
        return Report(str(subject), steps + await examine_registry(subject, env, config=config))
    take = Examination(SystemClock(), Privacy(env), lambda error: error.hint)
    await take.take("configuration", _reading(config, env)[1])
    await take.take("proxy", _telling(lambda: machine.proxies(proxies())))
    return Report(None, steps + tuple(take.steps))


async def examine_machine(
    env: Mapping[str, str],
    *,
    engine: str | None = None,
    context: str | None = None,
    alone: bool = True,
    waits: Waits | None = None,
) -> tuple[Step, ...]:
    """Look at what has to do with no registry.

    Args:
        alone: Whether nothing else is asked about; a machine without an engine then fails.
        waits: How long an engine and a keyring may take.
    """
    waits = waits or Waits()
    take = Examination(SystemClock(), Privacy(env), lambda error: error.hint)
    await take.take(
        "engine", lambda: machine.engine(engine, context, env, waits.quick_in_all, needed=alone)
    )
    await take.take("program", _telling(lambda: program.judge(program.on_path(env))))
    await take.take("memory", _telling(machine.memory))
    await take.take("keyring", lambda: machine.keyring(env, waits.quick))
    return tuple(take.steps)


async def examine_registry(
    subject: Subject,
    env: Mapping[str, str],
    *,
    config: Path | None = None,
    clock: Clock | None = None,
    certs_d: tuple[Path, ...] = CERTS_D,
    waits: Waits | None = None,
) -> tuple[Step, ...]:
    """Look at the configuration, and at all that lies between it and one registry's answer.

    Args:
        clock: Time, for tests.
        certs_d: Folders in which certificates are found by host.
        waits: How long a server may take.
    """
    way: Way | None = None

    def advice(error: RegsyncError) -> str | None:
        if isinstance(error, UsageError):
            # It says itself what is wrong in which file.
            return error.hint
        login = way.credentials.source if way is not None and way.credentials else None
        return advise(error, subject.registry, login=login, examined=True)

    clock, waits = clock or SystemClock(), waits or Waits()
    take = Examination(clock, Privacy(env), advice)
    found, read = _reading(config, env)
    await take.take("configuration", read)
    name = subject.registry if subject.reference is None else subject.reference.repository
    way = Way(name, found[0], env, certs_d, waits)
    await way.examine(take)
    await Answers(way, subject.reference, clock, waits, take.privacy).examine(take)
    return tuple(take.steps)


def _reading(
    file: Path | None, env: Mapping[str, str]
) -> tuple[list[Config], Callable[[], Awaitable[Finding]]]:
    """A step that reads the configuration, and where it puts it."""
    found = [Config()]

    async def read() -> Finding:
        found[0] = load(file, env)
        return machine.configuration(found[0], env)

    return found, read


def _telling(work: Callable[[], Finding]) -> Callable[[], Awaitable[Finding]]:
    async def tell() -> Finding:
        return work()

    return tell
