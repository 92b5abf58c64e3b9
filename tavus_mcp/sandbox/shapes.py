"""Bodies checked by a pydantic model, and what is wrong with them said in Tavus's way."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tavus_mcp.sandbox.wire import bad_request


class Body(BaseModel):
    """What a client may send; unknown fields are refused (vendor client)."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


def shaped(model: type[BaseModel], body: Any, *, key: str = "error") -> None:
    """Refuse a body that does not fit the model, naming every field that is wrong."""
    try:
        model.model_validate(body)
    except ValidationError as error:
        wrong = {
            _place(item["loc"]): [_sentence(item["type"], item["msg"])] for item in error.errors()
        }
        raise bad_request(f"Bad Request: {wrong}", key=key) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _sentence(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "Unknown field."
    if kind == "missing":
        return "Missing data for required field."
    return message
