"""The image, the compose file and the unit: what can be held of them without an engine that runs them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE, COMPOSE, UNIT = ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "deploy" / "revml.service"
pytestmark = pytest.mark.skipif(not DOCKERFILE.exists(), reason="the Dockerfile is not here: not a checkout")


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each on one line."""
    text = re.sub(r"\\\n\s*", "", "\n".join(x for x in DOCKERFILE.read_text().splitlines() if not x.startswith("#")))
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in text.splitlines() if line.strip()]


def final_stage() -> list[tuple[str, str]]:
    """The instructions after the last FROM."""
    found = instructions()
    return found[max(i for i, (word, _) in enumerate(found) if word == "FROM") :]


def services() -> dict[str, Any]:
    """The services of the compose file."""
    told: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return told


def test_bases_are_pinned_by_a_tag() -> None:
    """No `latest`, which is another image tomorrow."""
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    images = [*bases, services()["postgres"]["image"]]
    assert len(bases) == 2
    assert all(re.fullmatch(r"[a-z]+:\d[\w.-]*", image) for image in images), images


def test_the_image_runs_as_nobody_in_particular() -> None:
    """A user by number who is not root, set before anything is run or started."""
    words = [word for word, _ in final_stage()]
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == ["10001:10001"]
    assert words.index("USER") < words.index("CMD")


def test_nothing_is_fetched_by_the_file_itself() -> None:
    """No ADD, no curl: packages come through pip and apt, at the versions of the lock."""
    assert "ADD" not in {word for word, _ in instructions()}
    assert not re.search(r"curl|wget|http://(?!127\.0\.0\.1)|https://", DOCKERFILE.read_text(encoding="utf-8"))
    assert any("--constraint constraints.txt" in rest for word, rest in instructions() if word == "RUN")


def test_no_secret_is_built_in() -> None:
    """No variable of the image looks like a secret, and only what is built is sent to the engine."""
    set_ones = " ".join(rest for word, rest in instructions() if word in ("ENV", "ARG"))
    assert not re.search(r"password|secret|token|_key", set_ones, re.IGNORECASE)
    assert (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()[0] == "*"
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_it_is_healthy_when_it_is_ready() -> None:
    """The health check asks `/readyz`, and the image ends by SIGTERM, which drains."""
    told = dict(final_stage())
    assert "/readyz" in told["HEALTHCHECK"]
    assert told["STOPSIGNAL"] == "SIGTERM"


def test_a_read_only_root_is_enough() -> None:
    """What is written lies in the workspace's volume or below /tmp, and compiled code is in the image."""
    env = " ".join(rest for word, rest in final_stage() if word == "ENV")
    for name in ("HOME", "MPLCONFIGDIR", "BENTOML_HOME"):
        assert re.search(rf"\b{name}=/tmp", env), name
    assert any(rest == "python -m revml.explanations.warm" for word, rest in final_stage() if word == "RUN")
    for name in ("revml", "mlflow"):
        assert services()[name]["read_only"] is True
        assert services()[name]["tmpfs"] == ["/tmp"]  # noqa: S108 - inside the container


def test_the_server_believes_no_proxy() -> None:
    """Whose X-Forwarded-For counts says `service.trusted_proxies`, and not what the server would believe by itself."""
    env = " ".join(rest for word, rest in final_stage() if word == "ENV")
    assert re.search(r"\bFORWARDED_ALLOW_IPS=(\s|$)", env)


def test_passwords_come_from_outside() -> None:
    """Each is required, none has a default, and the example is empty."""
    text = COMPOSE.read_text(encoding="utf-8")
    assert text.count("${POSTGRES_PASSWORD:?") == text.count("${POSTGRES_PASSWORD") == 3
    assert "POSTGRES_PASSWORD=\n" in (ROOT / ".env.example").read_text(encoding="utf-8")


def test_nothing_is_published_beyond_this_machine() -> None:
    """Ports are of 127.0.0.1, and the database has none."""
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "ports" not in services()["postgres"]


def test_what_must_stay_is_in_named_volumes() -> None:
    """Data, artifacts and the workspace outlive their containers, and whoever depends waits for health."""
    told = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    mounted = {volume.split(":")[0] for service in told["services"].values() for volume in service["volumes"]}
    assert mounted == set(told["volumes"])
    for name in ("revml", "mlflow"):
        assert told["services"][name]["depends_on"]["postgres"]["condition"] == "service_healthy"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_the_unit_is_one(tmp_path: Path) -> None:
    """systemd reads every line of it."""
    unit = tmp_path / "revml.service"
    unit.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/revml/bin/revml", "/bin/true"), encoding="utf-8")
    told = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")


def test_the_unit_waits_for_the_drain() -> None:
    """It ends the parent alone, and waits longer than a drain and what is under way take."""
    text = UNIT.read_text(encoding="utf-8")
    assert "KillMode=mixed" in text
    assert int(re.search(r"TimeoutStopSec=(\d+)", text).group(1)) >= 45  # type: ignore[union-attr]
