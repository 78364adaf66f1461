"""Tables in object stores: S3 and whatever else fsspec reaches (gs://, az://, memory:// ...), an extra: `revml[s3]`.

Comes in: a URL of a file, a folder or a glob. Goes out: which files there are, and copies of them in a temporary
folder, written block by block. Copies, because DuckDB's readers ask for five times the bytes of a file when they read
it over fsspec in place. Nothing is contacted but the store that the workspace names; messages hold no secrets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from revml.config import Option, expand
from revml.errors import ConfigError, DataError, RevmlError
from revml.sources.copies import copied_to
from revml.sources.manifests import is_manifest
from revml.sources.parts import SourceFile
from revml.sources.source import first_line

Storage = dict[str, dict[str, Option]]
Result = TypeVar("Result")
AT_ONCE = 4
# The extra of each protocol; of others fsspec itself says which package is missing.
EXTRAS = {"s3": "revml[s3]", "s3a": "revml[s3]"}
VERSIONS = ("ETag", "etag", "md5Hash", "content_md5", "LastModified", "last_modified", "updated", "mtime", "created")


@dataclass(frozen=True)
class Remote:
    """Files in a store.

    Attributes:
        root: URL of the folder that they have in common.
        files: those that were asked for, in the order of their names.
        beside: manifests in the same folders.
        listed: the paths of all files that were seen below the root.
        storage: the workspace's options, with `${NAME}` not filled in.
    """

    root: str
    files: tuple[SourceFile, ...]
    beside: tuple[SourceFile, ...] = ()
    listed: frozenset[str] = frozenset()
    storage: Storage = field(default_factory=dict, repr=False)


def is_remote(place: str) -> bool:
    """Whether a path is the URL of a store.

    >>> is_remote("s3://bucket/usage"), is_remote("exports/usage")
    (True, False)
    """
    return re.match(r"[a-z][a-z0-9+.-]+://", place) is not None


def look(place: str, storage: Storage) -> Remote:
    """The files at a URL: the one it names, those below the folder it names, or those that a glob fits.

    Raises:
        ConfigError: the package for the protocol is not installed, or an option names a variable that is not set.
        DataError: the store cannot be reached, or refuses.
    """
    store = _Store(place, storage)
    whole = store.path(place)
    glob = re.search(r"[*?\[]", whole)
    folder = whole[: glob.start()].rpartition("/")[0] if glob else whole
    if not glob and (single := store.run(lambda: _info(store.fs, whole))) is not None:
        folder = whole.rpartition("/")[0]
        around = store.files(folder, below=False)
        return _remote(store, folder, [single], around or [single], storage)
    found = store.files(folder, below=True)
    chosen = [one for one in found if _fits(one, whole)] if glob else found
    return _remote(store, folder, chosen, found, storage)


def fetch(remote: Remote, folder: Path) -> tuple[Path, ...]:
    """Copy the files, and the manifests beside them, to a folder.

    Returns:
        the copies of the files, in their order.

    Raises:
        DataError: a file cannot be read, or became another one meanwhile.
    """
    store = _Store(remote.root, remote.storage)

    def copy(file: SourceFile) -> Path:
        there = copied_to(folder, remote.root, file.path)
        there.parent.mkdir(parents=True, exist_ok=True)
        store.run(lambda: store.fs.get_file(store.path(file.path), str(there)), file.path)
        if (size := there.stat().st_size) != file.size:
            raise DataError(
                "this file changed while it was read",
                where=file.path,
                wanted=f"{file.size:,} bytes, as the store said",
                got=f"{size:,} bytes",
                do="wait until its writer is done, and run again",
            )
        return there

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(copy, remote.beside))
        return tuple(pool.map(copy, remote.files))


class _Store:
    """A connection to a store, whose errors are told in revml's words."""

    def __init__(self, place: str, storage: Storage) -> None:
        self.protocol = place.partition("://")[0]
        self.place = place
        options = {
            name: expand(value) if isinstance(value, str) else value
            for name, value in storage.get(self.protocol, {}).items()
        }
        self.secrets = [str(value) for name, value in options.items() if storage[self.protocol][name] != value]
        # A session takes half a second to open, so that all tables share one; who changes the keys gets another.
        around = tuple(sorted(pair for pair in os.environ.items() if pair[0].startswith(("AWS_", "FSSPEC_"))))
        try:
            self.fs = _file_system(self.protocol, tuple(sorted(options.items())), around)
        except ImportError as error:
            extra = EXTRAS.get(self.protocol)
            raise ConfigError(
                f"the package that reads {self.protocol}:// is not installed",
                where=place,
                wanted=f"the extra {extra}" if extra else f"an fsspec file system for {self.protocol}://",
                got=self._clean(error),
                do=f"pip install {extra or 'revml[s3] and the package that is named above'}",
            ) from None
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"{self.protocol}:// cannot be opened",
                where=place,
                wanted="a protocol of fsspec (s3, gs, az ...) and the options it knows under storage: in revml.yaml",
                got=self._clean(error),
                do="look at the spelling of the protocol and of the options",
            ) from None

    def path(self, place: str) -> str:
        """A URL as the file system writes it."""
        return str(self.fs._strip_protocol(place)).rstrip("/")

    def run(self, ask: Callable[[], Result], place: str | None = None) -> Result:
        """Call the store.

        Raises:
            RevmlError: in place of whatever the store's own package raises.
        """
        try:
            return ask()
        except RevmlError:
            raise
        except Exception as error:  # each protocol's package has errors of its own
            raise self._told(error, place or self.place) from None

    def files(self, folder: str, *, below: bool) -> list[dict[str, Any]]:
        """What stands in a folder, or anywhere below it."""

        def ask() -> list[dict[str, Any]]:
            found = self.fs.find(folder, detail=True).values() if below else self.fs.ls(folder, detail=True)
            return sorted((one for one in found if one["type"] == "file"), key=lambda one: str(one["name"]))

        if below:
            return self.run(ask)
        try:
            return ask()
        except Exception:  # whoever may read one file need not be allowed to list the folder
            return []

    def _clean(self, error: Exception) -> str:
        text = first_line(error)
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text

    def _told(self, error: Exception, place: str) -> DataError:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        text = self._clean(error)
        if kinds & {"PermissionError", "NoCredentialsError", "PartialCredentialsError", "ForbiddenError", "HttpError"}:
            return DataError(
                "the store refuses",
                where=place,
                wanted="credentials that may list and read this place",
                got=text,
                do="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), or say storage: {s3: {anonymous:"
                " true}} in revml.yaml for a public place",
            )
        if "FileNotFoundError" in kinds:
            return DataError(
                "there is no such bucket, folder or file",
                where=place,
                wanted="a place in the store",
                got=text,
                do="look at the spelling, and at storage: endpoint and region",
            )
        if kinds & {"ConnectionError", "EndpointConnectionError", "TimeoutError", "gaierror", "HTTPClientError"}:
            return DataError(
                "the store cannot be reached",
                where=place,
                wanted="an answer of the store",
                got=re.sub(r"\?\S*", "", text),
                do="look at the network, and at storage: endpoint in revml.yaml or AWS_ENDPOINT_URL",
            )
        return DataError(
            "this cannot be read",
            where=place,
            wanted="a file or folder in the store",
            got=f"{type(error).__name__}: {text}",
            do="look at the options under storage: in revml.yaml",
        )


@lru_cache(maxsize=4)
def _file_system(protocol: str, options: tuple[tuple[str, Option], ...], around: tuple[tuple[str, str], ...]) -> Any:
    import fsspec

    own = _own(protocol, dict(options))
    return fsspec.filesystem(protocol, skip_instance_cache=True, use_listings_cache=False, **own)


def _own(protocol: str, options: dict[str, Option]) -> dict[str, Any]:
    """revml's words for the options of S3 as s3fs's; others pass as they are."""
    if protocol not in EXTRAS:
        return dict(options)
    own: dict[str, Any] = {"config_kwargs": {"connect_timeout": 15, "read_timeout": 60, "retries": {"max_attempts": 3}}}
    for name, value in options.items():
        if name == "region":
            own["client_kwargs"] = {"region_name": value}
        else:
            own[{"endpoint": "endpoint_url", "anonymous": "anon"}.get(name, name)] = value
    return own


def _info(fs: Any, path: str) -> dict[str, Any] | None:
    """What the store says of a single file; None for a folder or nothing."""
    try:
        found: dict[str, Any] = fs.info(path)
    except FileNotFoundError:
        return None
    return found if found["type"] == "file" else None


def _fits(one: dict[str, Any], pattern: str) -> bool:
    from fsspec.utils import glob_translate

    return re.fullmatch(glob_translate(pattern), str(one["name"])) is not None


def _remote(
    store: _Store, folder: str, chosen: list[dict[str, Any]], around: list[dict[str, Any]], storage: Storage
) -> Remote:
    def url(name: str) -> str:
        return f"{store.protocol}://{name.lstrip('/')}"

    def files(found: Iterable[dict[str, Any]]) -> tuple[SourceFile, ...]:
        return tuple(_file(one, url(str(one["name"]))) for one in found)

    return Remote(
        root=url(folder),
        files=files(one for one in chosen if not is_manifest(str(one["name"]).rpartition("/")[2])),
        beside=files(one for one in around if is_manifest(str(one["name"]).rpartition("/")[2])),
        listed=frozenset(url(str(one["name"])) for one in around),
        storage=storage,
    )


def _file(one: dict[str, Any], url: str) -> SourceFile:
    version = next((str(one[key]) for key in VERSIONS if one.get(key) is not None), "")
    return SourceFile(url.rpartition("/")[2], url, int(one.get("size") or 0), version.strip('"'))
