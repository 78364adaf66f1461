"""One connection to the service: kept open, opened again when it was closed, and asked again only where that is safe.

Asked again is what could not be sent for want of a connection, and what was refused for being too much (429), after
the seconds that `Retry-After` names; of what only reads also what broke off or was unavailable (503). Nothing that
changes anything is ever sent twice.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from revml.client.errors import ClientError, Interrupted, Refused, Unreachable

LONGEST_WAIT = 30.0
CHUNK = 65_536


@dataclass(frozen=True)
class Answer:
    """An answer read whole; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The value that it holds."""
        return json.loads(self.body)


class Connection:
    """A connection; not for several threads at once.

    Args:
        url: where the service is, such as http://127.0.0.1:3000, with a path where a proxy gives it one.
        key: an API key; none is needed as long as the service has none.
        timeout: seconds to wait for the service at each step.
        retries: how often to ask again where that is safe.
        context: of TLS; default: the system's.
    """

    def __init__(
        self, url: str, *, key: str | None, timeout: float, retries: int, context: ssl.SSLContext | None
    ) -> None:
        told = urlsplit(url)
        if told.scheme not in ("http", "https") or not told.hostname or told.query or told.fragment:
            raise ClientError("this is no address of a service", wanted="http://HOST:PORT or https://HOST", got=url)
        self._prefix = told.path.rstrip("/")
        self._headers = {"User-Agent": "revml-client"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._retries, self._named = retries, f"{told.scheme}://{told.netloc}"
        self._line: http.client.HTTPConnection = (
            http.client.HTTPSConnection(told.hostname, told.port, timeout=timeout, context=context)
            if told.scheme == "https"
            else http.client.HTTPConnection(told.hostname, told.port, timeout=timeout)
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        reads: bool = True,
    ) -> Answer:
        """Send a request and read its answer whole.

        Args:
            reads: it changes nothing, so that it may be sent again.

        Raises:
            Refused: the answer is an error.
            Unreachable: nobody answered.
            Interrupted: the answer broke off.
        """
        answer = self._open(method, _target(path, query), body, headers or {}, reads=reads)
        try:
            read = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._interrupted(error) from error
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, read)

    def stream(self, path: str, *, query: Mapping[str, Any] | None = None) -> Iterator[bytes]:
        """The body of an answer in pieces; errors as `ask`."""
        answer = self._open("GET", _target(path, query), None, {}, reads=True)
        try:
            while piece := answer.read(CHUNK):
                yield piece
            if answer.length:  # of what was announced, so much did not come; http.client says nothing of it
                raise http.client.IncompleteRead(b"", answer.length)
        except (OSError, http.client.HTTPException) as error:
            raise self._interrupted(error) from error
        finally:
            if not answer.isclosed():
                self.close()  # the rest was not asked for

    def close(self) -> None:
        """Close the connection; the next request opens it again."""
        self._line.close()

    def _open(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], *, reads: bool
    ) -> http.client.HTTPResponse:
        left, wait = self._retries, 0.1
        while True:
            again = fresh = True  # as long as nothing was sent
            try:
                fresh = self._connect()
                again = reads
                answer = self._send(method, target, body, headers)
            except Unreachable as told:
                error: ClientError = told
                if again and not fresh:
                    continue  # the service had closed the kept connection for its idleness: at once, once
            else:
                if answer.status < 400:
                    return answer
                error = _problem(answer)
                named = answer.headers.get("Retry-After", "")
                wait = float(named) if named.isdecimal() else wait
                again = answer.status == 429 or (reads and answer.status == 503)
            if left <= 0 or not again or wait > LONGEST_WAIT:
                raise error
            left, wait = left - 1, wait * 2
            time.sleep(wait / 2)

    def _connect(self) -> bool:
        """Open the connection where it is not; whether it was not."""
        if self._line.sock is not None:
            return False
        try:
            self._line.connect()
        except OSError as error:
            raise self._unreachable(error) from error
        return True

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        try:
            self._line.request(method, f"{self._prefix}{target}", body=body, headers={**self._headers, **headers})
            return self._line.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Unreachable:
        return Unreachable("the service does not answer", where=self._named, got=_words(error), do="see that it runs")

    def _interrupted(self, error: Exception) -> Interrupted:
        self.close()
        return Interrupted("the answer broke off", where=self._named, got=_words(error), do="ask again")


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    asked = {name: value for name, value in (query or {}).items() if value is not None}
    return f"{path}?{urlencode(asked)}" if asked else path


def _problem(answer: http.client.HTTPResponse) -> Refused:
    read = answer.read()
    try:
        told = json.loads(read)
    except ValueError:
        told = {}  # not the service but something before it
    return Refused(answer.status, told if isinstance(told, dict) else {})


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
