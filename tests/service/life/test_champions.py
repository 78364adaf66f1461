"""Models that serve: taken over in the background, kept when the new one is not fit, gone back to at once."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from revml.config import Workspace, load_workspace
from revml.errors import BundleError, NotFound
from revml.models.bundle import Bundle, load_bundle, to_text, write_bundle
from revml.models.registry import POINTER, appoint, appointed
from revml.service.life import champions as module
from revml.service.life.champions import Champions
from revml.service.serving import Serving
from tests.service.conftest import FRAME, RULE, fill, make_workspace, write_bundle_of

OTHER = replace(RULE, levels=(2.0, -1.0, -3.0))
THIRD = replace(RULE, levels=(0.5, -1.0, -3.0))


@pytest.fixture
def workspace(workspace: Workspace, tmp_path: Path) -> Workspace:
    """One with a champion of churn, version 3, that has passed its trial."""
    return load_workspace(shutil.copytree(workspace.root, tmp_path / "own"))


def other(workspace: Workspace, model: object = OTHER, version: str = "4") -> Bundle:
    """Another champion, appointed."""
    folder = workspace.bundles_dir / "churn"
    bundle = write_bundle_of(folder, model)  # type: ignore[arg-type]
    appoint(folder, bundle.folder.name, version)
    return bundle


def altered(workspace: Workspace) -> Bundle:
    """A champion whose files are not what training wrote, appointed."""
    bundle = other(workspace, THIRD, "5")
    (bundle.folder / "model.json").write_text("{}", encoding="utf-8")
    return bundle


def test_a_new_champion_serves_after_the_next_look(workspace: Workspace) -> None:
    """Not before: `get` is a read of what was loaded."""
    champions = Champions(workspace)
    champions.look()
    bundle = other(workspace)
    assert champions.get("churn").version == "3"
    assert champions.look() is True
    assert (champions.get("churn").version, champions.get("churn").hash) == ("4", bundle.hash)
    assert champions.look() is False


def test_a_broken_one_leaves_the_last_good_one_serving(workspace: Workspace) -> None:
    """It is told by `broken`, and taken when it is mended, without its pointer being touched."""
    champions = Champions(workspace)
    champions.look()
    bundle = altered(workspace)
    champions.look()
    assert champions.get("churn").version == "3"
    assert "altered" in champions.broken["churn"].what
    write_bundle_of(workspace.bundles_dir / "churn", THIRD)
    champions.look()
    assert (champions.get("churn").hash, champions.broken) == (bundle.hash, {})


def test_with_none_before_it_a_broken_one_is_an_error(tmp_path: Path) -> None:
    """Whoever asks is told why."""
    workspace = make_workspace(tmp_path)
    altered(workspace)
    champions = Champions(workspace)
    champions.look()
    with pytest.raises(BundleError, match="broken or was altered"):
        champions.get("churn")
    with pytest.raises(NotFound, match="no champion for upsell yet"):
        champions.get("upsell")


def test_going_back_takes_what_is_still_in_memory(workspace: Workspace) -> None:
    """The very object that served before serves again, even where its folder is gone."""
    champions = Champions(workspace)
    champions.look()
    before = champions.get("churn")
    other(workspace)
    champions.look()
    for file in before.folder.iterdir():
        file.unlink()
    appoint(workspace.bundles_dir / "churn", before.folder.name, "3")
    champions.look()
    assert champions.get("churn") is before


def test_a_bundle_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker, or a restart, finds the verdict; another bundle has none."""
    workspace = make_workspace(tmp_path)
    fill(workspace)
    asked: list[Path] = []
    really = module.tried

    def counted(folder: Path, *, seconds: float) -> None:
        asked.append(folder)
        really(folder, seconds=seconds)

    monkeypatch.setattr(module, "tried", counted)
    first = appointed(workspace, "churn")[0]
    Champions(workspace).look()
    Champions(workspace).look()
    bundle = other(workspace)
    Champions(workspace).look()
    assert [folder.name for folder in asked] == [first.name, bundle.folder.name]


def test_what_is_made_of_a_bundle_is_there_before_it_serves(workspace: Workspace) -> None:
    """`served` gives both, and they belong together."""
    champions = Champions(workspace, make=lambda bundle: f"made of {bundle.hash}")
    champions.look()
    served = champions.served("churn")
    assert served.made == f"made of {served.bundle.hash}"


def test_a_removed_pointer_does_not_stop_what_serves(workspace: Workspace) -> None:
    """Somebody cleaned up: it is told, and the model serves on."""
    champions = Champions(workspace)
    champions.look()
    (workspace.bundles_dir / "churn" / POINTER).unlink()
    champions.look()
    assert champions.get("churn").version == "3"
    assert set(champions.broken) == {"churn"}


def test_golden_rows_that_come_out_otherwise_keep_a_bundle_out(workspace: Workspace) -> None:
    """A bundle that this machine scores differently is not served."""
    champions = Champions(workspace)
    champions.look()
    sound = write_bundle_of(workspace.root / "apart", OTHER)
    rows = [{"values": [0.0, 5.0, "retail"], "raw": 9.0, "probability": 0.99, "parts": [0.0, 0.0, 0.0]}]
    golden = {"features": list(sound.features), "base": -2.0, "rows": rows}
    texts = {name: (sound.folder / name).read_text(encoding="utf-8") for name in sound.manifest["files"]}
    manifest = {k: v for k, v in sound.manifest.items() if k not in ("hash", "made", "seal", "files", "format")}
    folder = workspace.bundles_dir / "churn"
    wrong = load_bundle(write_bundle(folder, manifest, {**texts, "golden.json": to_text(golden)}, {"at": "2026"}))
    appoint(folder, wrong.folder.name, "4")
    champions.look()
    assert champions.get("churn").version == "3"
    assert "does not score the model as it was trained" in champions.broken["churn"].what


def test_no_reader_sees_half_a_swap(workspace: Workspace) -> None:
    """While models go back and forth, whoever asks always gets a whole one, with what was made of it."""
    champions = Champions(workspace, make=lambda bundle: bundle.predict(FRAME).tolist())
    champions.look()
    first, second = champions.get("churn"), other(workspace)
    allowed = {bundle.hash: bundle.predict(FRAME).tolist() for bundle in (first, second)}
    seen: set[str] = set()
    wrong: list[str] = []
    end = threading.Event()

    def ask() -> None:
        while not end.is_set():
            served = champions.served("churn")
            seen.add(served.bundle.hash)
            if served.made != allowed[served.bundle.hash]:
                wrong.append(served.bundle.hash)

    thread = threading.Thread(target=ask)
    thread.start()
    folder = workspace.bundles_dir / "churn"
    for turn in range(20):
        appoint(folder, (first if turn % 2 else second).folder.name, str(turn))
        champions.look()
    end.set()
    thread.join()
    assert (wrong, seen) == ([], set(allowed))


def test_a_service_takes_a_new_champion_over_by_itself(workspace: Workspace) -> None:
    """The watching thread looks; nobody has to ask."""
    serving = Serving(workspace)
    serving.start()
    try:
        other(workspace)
        until = time.monotonic() + 30
        while serving.champions.get("churn").version != "4" and time.monotonic() < until:
            time.sleep(0.05)
        assert serving.champions.get("churn").version == "4"
        assert b'revml_model_info{bundle="' in serving.metrics.text()
    finally:
        serving.close()
