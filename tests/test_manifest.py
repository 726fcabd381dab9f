"""A manifest traces a page to its data, rules and code, and is the same for the same run."""

import hashlib
import json
import subprocess
from types import SimpleNamespace

import pytest

import zorgpad
from zorgpad import manifest
from zorgpad.manifest import code_state, describe, hash_file, hash_folder, identity, inputs, write_json


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a register's."""
    path = tmp_path / "een-register"
    (path / "deel").mkdir(parents=True)
    (path / "meta.json").write_text('{"source": "Proef.", "seed": 7, "is_synthetic": true, "path": "/home/anna"}')
    (path / "deel" / "a.parquet").write_bytes(b"abc")
    return path


def test_a_file_is_known_by_its_sha256(folder):
    """As sha256sum prints it."""
    assert (
        hash_file(folder / "deel" / "a.parquet") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_a_folder_is_known_by_every_file_below_it(folder):
    """Paths are relative and in order; caches do not count; another name is another folder."""
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"1")
    found = hash_folder(folder)
    assert list(found) == ["deel/a.parquet", "meta.json"]
    assert found["deel/a.parquet"] == hashlib.sha256(b"abc").hexdigest()


def test_inputs_name_everything_that_decides_a_number(folder, region):
    """Files, seed, region, package and libraries; no absolute path and nothing else of the register's meta."""
    found = inputs(folder, region)
    assert found["register"]["seed"] == 7
    assert found["register"]["files"] == hash_folder(folder)
    assert found["region"]["name"] == "een10voordejeugd"
    assert found["package"]["version"] == zorgpad.__version__
    assert found["libraries"].keys() == set(manifest.LIBRARIES)
    assert found["lock"] == manifest.lock_hash()
    assert str(folder.parent) not in json.dumps(found)
    assert "anna" not in json.dumps(found)


def test_the_lock_is_that_of_the_checkout_or_else_what_is_installed(tmp_path, monkeypatch):
    """A file that is there counts by its bytes; without it every installed name and version, in whatever order."""
    lock = tmp_path / "requirements.lock"
    lock.write_text("abc")
    assert manifest.lock_hash(lock) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    lock.unlink()
    installed = [SimpleNamespace(name="b", version="2"), SimpleNamespace(name="a", version="1")]
    monkeypatch.setattr(manifest.metadata, "distributions", lambda: installed)
    assert manifest.lock_hash(lock) == hashlib.sha256(b"a==1\nb==2").hexdigest()


def test_inputs_are_the_same_twice_and_change_with_the_data(folder, region):
    """No moment in time, nothing random; one byte more is another identity."""
    before = inputs(folder, region)
    assert inputs(folder, region) == before
    (folder / "deel" / "a.parquet").write_bytes(b"abcd")
    assert identity(inputs(folder, region)) != identity(before)


def test_a_commit_is_no_part_of_the_identity(folder, region):
    """The hash of the files says which code ran; a commit of other files changes nothing."""
    found = inputs(folder, region)
    later = {**found, "package": found["package"] | {"commit": "f" * 40, "is_clean": True}}
    other = {**found, "package": found["package"] | {"sha256": "0" * 64}}
    assert identity(later) == identity(found)
    assert identity(other) != identity(found)


def git(folder, *arguments):
    """Run git in ``folder`` as somebody."""
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_a_checkout_tells_its_commit_and_whether_it_is_clean(tmp_path):
    """Clean after a commit, not clean with a change or a new file; a copy that git does not know tells nothing."""
    package = tmp_path / "analysis"
    package.mkdir()
    (package / "__init__.py").write_text("")
    git(tmp_path, "init")
    assert code_state(package) == {}
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "eerste")
    state = code_state(package)
    assert len(state["commit"]) == 40
    assert state["is_clean"] is True
    (tmp_path / "nieuw.py").write_text("")
    assert code_state(package)["is_clean"] is False


def test_outside_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    """Nor where git is not installed."""
    assert code_state(tmp_path) == {}
    monkeypatch.setenv("PATH", "")
    assert code_state(tmp_path) == {}


def test_the_foot_of_a_page_tells_source_rules_and_version(folder, region):
    """In Dutch, with the values of the region's rules."""
    told = dict(describe(inputs(folder, region), region, policy="werkgroep"))
    assert told["Bron van de gegevens"] == "Proef (startgetal 7)."
    assert "30 dagen" in told["Eén periode van zorg"]
    assert "365 dagen" in told["Kans op een overgang"]
    assert told["Gemaakt met"].startswith(f"zorgpad {zorgpad.__version__}")
    assert "afgerond op een veelvoud van 5" in told["Bescherming van kinderen"]
    assert told["Bescherming van kinderen"].endswith("(regels: werkgroep)")


def test_equal_content_gives_equal_bytes(tmp_path):
    """Whatever the order in which it was put together."""
    write_json(tmp_path / "a", {"b": "é", "a": 1})
    write_json(tmp_path / "b", {"a": 1, "b": "é"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == '{\n  "a": 1,\n  "b": "é"\n}\n'.encode()
