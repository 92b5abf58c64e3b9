"""Every error that is raised on purpose. The text of each is what the model reads.

    ToolFailure                   a request that cannot be fulfilled; its text says what to do next
    ├── InvalidArgument           an argument has the wrong name, type or value
    ├── Refused                   the result would not work: nothing was sent
    │   ├── UnknownPlan           the journal holds no plan of the id
    │   ├── PlanAlreadyApplied    the plan was applied before
    │   ├── PatchMisfit           operations of a patch do not fit the persona
    │   ├── UnchangeableField     Tavus cannot change the field after the creation
    │   └── CheckRefused          the checker found what Tavus would reject
    ├── Conflict                  the persona is not as the caller believes
    ├── NotConfigured             no key and no sandbox
    │   └── InvalidSettings       a variable of the environment is wrong
    ├── StateNotSaved             the state of a project cannot be written
    ├── JournalUnavailable        the journal cannot be written, so nothing is sent
    │   └── JournalReplaced       it was deleted or replaced while the server ran
    └── TavusError                Tavus answered with an error, or not at all
        ├── OutOfTime             the call had no time left for this request
        ├── InvalidKey            401
        ├── NotFound              404, or 400 with "Invalid persona_id"
        ├── OutOfCredits          402
        ├── RequestRejected       400, 409, 422 and other 4xx: the request as it stands
        ├── RateLimited           429, after the bounded retries
        └── Unavailable           5xx, no connection, a timeout, or an unreadable answer

The server turns them into the SDK's ``ToolError`` (``TavusServer.call_tool``). Any other exception
is a bug; the model sees one generic line for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any


class ToolFailure(Exception):
    """A request cannot be fulfilled; the text says why and what to do next."""


class InvalidArgument(ToolFailure):
    """An argument has the wrong name, type or value.

    ``problems`` holds one sentence per mistake, so that all are reported at once.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("Invalid arguments, nothing was sent. " + " ".join(self.problems))


class Refused(ToolFailure):
    """The result would not work; nothing was sent."""


class UnchangeableField(Refused):
    """Tavus cannot change the field of an object after its creation; nothing was sent."""


class CheckRefused(Refused):
    """The checker found what Tavus would reject; nothing was sent.

    ``render`` returns the text for a server without some tools, which are given with the reason.
    """

    def __init__(self, render: Callable[[Mapping[str, str]], str]) -> None:
        self.render = render
        super().__init__(render({}))

    def with_reasons(
        self, render_reasons: Callable[[Mapping[str, str]], list[str]]
    ) -> CheckRefused:
        """Return this refusal with further reasons, rendered like its text."""
        first = self.render
        return CheckRefused(lambda unserved: " ".join([first(unserved), *render_reasons(unserved)]))


class PatchMisfit(Refused):
    """Operations of a patch do not fit the persona.

    ``problems`` holds one sentence for each; ``repaired`` is the persona as it was probably meant.
    """

    def __init__(self, problems: Iterable[str], repaired: dict[str, Any] | None = None) -> None:
        self.problems = tuple(problems)
        self.repaired = repaired
        super().__init__(
            "The patch does not fit this persona. Nothing was sent. " + " ".join(self.problems)
        )


class UnknownPlan(Refused):
    """The journal holds no plan, or no run of a project, of the id; nothing was sent."""


class PlanAlreadyApplied(Refused):
    """The plan, or this persona's part of it, was applied before; nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "This plan was carried out already; a plan is used once. Nothing was sent."
        )


class PlanDiscarded(Refused):
    """A person discarded the plan; nothing was sent."""

    def __init__(self) -> None:
        super().__init__(
            "The person discarded this plan, so it cannot be applied. Nothing was sent."
        )


class Conflict(ToolFailure):
    """The persona is not as the caller believes; nothing was written."""


class NotConfigured(ToolFailure):
    """The server has neither a key nor a sandbox."""

    def __init__(
        self,
        message: str = (
            "No Tavus key: set TAVUS_API_KEY in the environment of this server, or start it with "
            "--sandbox to try everything on a local stand-in without a key."
        ),
    ) -> None:
        super().__init__(message)


class InvalidSettings(NotConfigured):
    """The environment holds wrong settings; ``problems`` has one line for each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "Nothing was sent: a setting of this server is wrong. "
            "The person who runs it corrects it and restarts the server.\n"
            + "\n".join(self.problems)
        )


class JournalUnavailable(ToolFailure):
    """The journal cannot be used; a change that cannot be recorded is not sent.

    ``problem`` says where and why, without what it means for the change.
    """

    def __init__(self, path: str, reason: str, advice: str = "") -> None:
        self.problem = f"The journal of changes at {path} cannot be used: {reason}."
        advice = advice or (
            "Make the file writable and free space on its disk, or set TAVUS_MCP_DATA_DIR to "
            "another folder and restart the server."
        )
        super().__init__(
            f"{self.problem} Nothing was sent, because it could not be undone. {advice}"
        )


class JournalReplaced(JournalUnavailable):
    """The journal is not the one that was opened, so what is written would be lost."""


class StateNotSaved(ToolFailure):
    """What was done to the objects of a project could not be written to its state file."""


class WrongUsage(ToolFailure):
    """An option of a command is missing, or names nothing that is there."""


class TavusError(ToolFailure):
    """Tavus answered with an error, or not at all; ``status`` is 0 when no answer came.

    ``answer`` is the part of the text that says what it answered, without advice.
    """

    def __init__(self, message: str, *, status: int = 0, answer: str = "") -> None:
        self.status = status
        self.answer = answer or message
        super().__init__(message)


class OutOfTime(TavusError):
    """The call had no time left for a request, which was not sent."""

    def __init__(self, subject: str) -> None:
        super().__init__(
            f"No time was left in this call for {subject}: Tavus answered too slowly before. "
            "That request was not sent. Trying again may help."
        )


class InvalidKey(TavusError):
    """401: the key is missing, wrong, or of another environment."""


class NotFound(TavusError):
    """The account has no object of this id."""


class OutOfCredits(TavusError):
    """402: the account has no credits left."""


class RequestRejected(TavusError):
    """400, 409, 422 and other 4xx: Tavus refuses the request as it stands."""


class RateLimited(TavusError):
    """429: too many requests, also after the bounded retries."""


class Unavailable(TavusError):
    """5xx, no connection, a timeout, or an unreadable answer."""
