"""Answers of AWS's JSON APIs, in the shape in which ministack's handlers return them."""

from typing import Any

from ministack.core.responses import error_response_json, json_response

Response = tuple[int, dict[str, str], bytes]
"""HTTP status, headers and body."""


def answer(body: dict[str, Any]) -> Response:
    response: Response = json_response(body)
    return response


def refusal(code: str, message: str, status: int = 400, **members: str) -> Response:
    """An error response; `members` stand in its body beside the code and the message."""
    response: Response = error_response_json(code, message, status, extra=members)
    return response
