"""The demonstration's client: plain HTTP as any frontend would speak it, with nothing of the program inside."""

from dataclasses import dataclass, field
from typing import Any

import requests

from marketplace.demo.load import PASSWORD

SECONDS = 30


class StepFailed(RuntimeError):
    """A step did not get the answer that the story needs."""


@dataclass
class Someone:
    """A person of the cast at their frontend. Repeating the story repeats the same keys, so nothing happens twice."""

    url: str
    email: str
    story: str
    http: requests.Session = field(default_factory=requests.Session)

    def log_in(self) -> "Someone":
        """Log in with the demonstration's password."""
        answer = self.http.post(
            f"{self.url}/v1/sessions", json={"email": self.email, "password": PASSWORD}, timeout=SECONDS
        )
        self._expect(answer, 201)
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return self

    def get(self, path: str, expect: int = 200, **query: Any) -> Any:
        """Read; StepFailed for another status than `expect`."""
        return self._expect(self.http.get(f"{self.url}{path}", params=query, timeout=SECONDS), expect)

    def post(self, path: str, body: Any = None, *, step: str, expect: int = 0) -> Any:
        """Do; `step` names the act for its Idempotency-Key. Any 2xx will do unless `expect` says otherwise."""
        headers = {"Idempotency-Key": f"{self.story}: {step}"}
        return self._expect(self.http.post(f"{self.url}{path}", json=body, headers=headers, timeout=SECONDS), expect)

    def put(self, path: str, body: Any, *, step: str) -> Any:
        """Replace what stands at `path`, as the first version of it that was read."""
        headers = {"Idempotency-Key": f"{self.story}: {step}"}
        first = self.http.get(f"{self.url}{path}", timeout=SECONDS)
        self._expect(first, 200)
        headers["If-Match"] = first.headers["ETag"]
        return self._expect(self.http.put(f"{self.url}{path}", json=body, headers=headers, timeout=SECONDS), 200)

    def upload(self, path: str, name: str, content: bytes, *, step: str) -> Any:
        """Send a text document."""
        headers = {
            "Content-Type": "text/plain",
            "Content-Disposition": f'attachment; filename="{name}"',
            "Idempotency-Key": f"{self.story}: {step}",
        }
        return self._expect(self.http.post(f"{self.url}{path}", data=content, headers=headers, timeout=SECONDS), 0)

    def _expect(self, answer: requests.Response, status: int) -> Any:
        fine = answer.ok if status == 0 else answer.status_code == status
        if not fine:
            request = answer.request
            raise StepFailed(f"{request.method} {request.path_url} answered {answer.status_code}: {answer.text[:600]}")
        return answer.json() if answer.content else None
