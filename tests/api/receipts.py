"""Receipts over HTTP: they come with the next head, which the running server signs by itself."""

from typing import Any

import httpx
from tests.waiting import until


def receipt_of(client: httpx.Client, name: str, at: str = "/v1/verifications") -> dict[str, Any]:
    """Return the receipt of an object; until it is there, the answer must be that it is still to come."""

    def come() -> httpx.Response | None:
        answer = client.get(f"{at}/{name}/receipt")
        if answer.status_code == 200:
            return answer
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["retryable"]) == (404, "evidence.pending", True)
        return None

    answer = until(come, "no receipt came")
    assert answer is not None
    found: dict[str, Any] = answer.json()
    return found
