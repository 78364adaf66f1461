"""A real S3 server of the tests' own: moto over HTTP on loopback, skipped aloud where it is not installed."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import pytest

BUCKET = "acme"
# Nothing but the server on loopback is ever asked, the metadata service of a cloud machine least of all.
ENVIRONMENT = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_ACCESS_KEY_ID": "reader",
    "AWS_SECRET_ACCESS_KEY": "s3cret-and-long",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "no_proxy": "127.0.0.1",
}


@contextmanager
def s3_server() -> Iterator[str]:
    """The endpoint of a fresh server with an empty bucket `BUCKET`; credentials stand in the environment meanwhile."""
    pytest.importorskip("s3fs", reason="s3fs is not installed, so nothing is tested against S3")
    server = pytest.importorskip("moto.server", reason="moto is not installed, so nothing is tested against S3")
    patch = pytest.MonkeyPatch()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in ENVIRONMENT.items():
        patch.setenv(name, value)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    try:
        # The server keeps its buckets in this process, those of an earlier one among them.
        urlopen(Request(f"{endpoint}/moto-api/reset", method="POST")).close()
        client(endpoint).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": ENVIRONMENT["AWS_DEFAULT_REGION"]}
        )
        yield endpoint
    finally:
        running.stop()
        patch.undo()


def client(endpoint: str) -> Any:
    """A client that writes what the tests read."""
    import boto3

    return boto3.client("s3", endpoint_url=endpoint)


def upload(endpoint: str, files: Mapping[str, bytes], *, public: bool = False) -> None:
    """Write objects to the bucket."""
    writer = client(endpoint)
    for key, content in files.items():
        writer.put_object(Bucket=BUCKET, Key=key, Body=content, ACL="public-read" if public else "private")


@contextmanager
def only_known_keys(endpoint: str) -> Iterator[None]:
    """Meanwhile the server answers nobody, for it knows no key."""
    _checks(endpoint, after="0")
    try:
        yield
    finally:
        _checks(endpoint, after="inf")


def _checks(endpoint: str, *, after: str) -> None:
    """Let the server check keys after a number of requests."""
    told = Request(f"{endpoint}/moto-api/reset-auth", data=after.encode(), headers={"Content-Type": "text/plain"})
    urlopen(told).close()
