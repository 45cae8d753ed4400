"""What an examination finds: steps, each with its outcome, and how one follows from another."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from regsync.clock import Clock
from regsync.errors import RegsyncError
from regsync.operations.doctor.privacy import Privacy


class Outcome(StrEnum):
    """How a step ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a step has to say.

    Attributes:
        text: What was found, in one line.
        hint: What to do about it; None where there is nothing to do.
        outcome: `ok` where nothing is wrong.
        code: The failure's stable name, see `regsync.errors`; None where none was raised.
    """

    text: str
    hint: str | None = None
    outcome: Outcome = Outcome.OK
    code: str | None = None


def warning(text: str, hint: str | None = None) -> Finding:
    """Something that works, and is worth a look."""
    return Finding(text, hint, Outcome.WARNING)


def skipped(text: str) -> Finding:
    """Nothing was asked, and why."""
    return Finding(text, None, Outcome.SKIPPED)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an examination.

    Attributes:
        name: Its stable name, e.g. `tls`.
        time_ms: How long it took, in milliseconds; None where it was skipped.
    """

    name: str
    finding: Finding
    time_ms: int | None

    @property
    def outcome(self) -> Outcome:
        """How it ended."""
        return self.finding.outcome


@dataclass(frozen=True, slots=True)
class Report:
    """All steps, in the order in which they were taken.

    Attributes:
        subject: The host or reference that was asked for, in full; None for this machine alone.
    """

    subject: str | None
    steps: tuple[Step, ...]

    @property
    def failed(self) -> bool:
        """Whether a step failed."""
        return any(step.outcome is Outcome.FAILED for step in self.steps)

    @property
    def exit_code(self) -> int:
        """1 when a step failed."""
        return 1 if self.failed else 0


Advise = Callable[[RegsyncError], str | None]
"""What to do about a failure."""


class Examination:
    """Takes steps, one after the other, and notes what comes of each.

    Args:
        clock: For the time that each takes.
        privacy: What must not be told.
        advise: What to do about a failure.
    """

    def __init__(self, clock: Clock, privacy: Privacy, advise: Advise) -> None:
        self.privacy = privacy
        self.steps: list[Step] = []
        self._clock = clock
        self._advise = advise

    async def take(
        self, name: str, work: Callable[[], Awaitable[Finding]], needs: tuple[str, ...] = ()
    ) -> bool:
        """Take one step; returns whether what needs it can go on.

        Args:
            work: What is done; what it raises is a finding too.
            needs: Steps without which it makes no sense.
        """
        for needed in needs:
            if not self.stands(needed):
                return self._note(Step(name, skipped(f"needs `{needed}`"), None))
        begun = self._clock.monotonic()
        try:
            finding = await work()
        except RegsyncError as error:
            finding = Finding(
                error.why or error.what, self._advise(error), Outcome.FAILED, error.code
            )
        except Exception as error:
            # Nobody foresaw it; the other steps are worth having all the same.
            finding = Finding(
                f"this step failed itself: {_told(error)}",
                "that is a fault of regsync: please report it; the other steps stand without it",
                Outcome.FAILED,
            )
        took = None
        if finding.outcome is not Outcome.SKIPPED:
            took = round((self._clock.monotonic() - begun) * 1000)
        return self._note(Step(name, finding, took))

    def stands(self, name: str) -> bool:
        """Whether a step was taken and did not fail, or was not needed."""
        step = next((step for step in self.steps if step.name == name), None)
        if step is None or step.outcome is Outcome.FAILED:
            return False
        return not (step.outcome is Outcome.SKIPPED and step.finding.text.startswith("needs "))

    def _note(self, step: Step) -> bool:
        told = Finding(
            self.privacy.tidy(step.finding.text),
            None if step.finding.hint is None else self.privacy.tidy(step.finding.hint),
            step.finding.outcome,
            step.finding.code,
        )
        self.steps.append(Step(step.name, told, step.time_ms))
        return self.stands(step.name)


def _told(error: Exception) -> str:
    """An exception by its kind and the system's words; its own text may hold anything."""
    kind = type(error).__name__
    reason = error.strerror if isinstance(error, OSError) else None
    return f"{kind} ({reason.lower()})" if reason else kind
