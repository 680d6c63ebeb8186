import json
import multiprocessing
import os
import signal
import stat
import threading
import time

import pytest

from occreid.errors import UserError
from occreid.files import (
    claim_folder,
    locked,
    new_folder,
    read_csv,
    read_json,
    read_text,
    replacing,
    sha256_of,
    write_file,
    write_json,
)


def test_a_file_is_written_in_utf8_with_its_folder_and_replaced(tmp_path):
    file = tmp_path / "deep/Grüße.txt"
    assert write_file(file, "Grüße\r\n数据\n") == file
    assert file.read_bytes() == "Grüße\r\n数据\n".encode()
    write_file(file, b"\x00\xff")
    assert file.read_bytes() == b"\x00\xff" and os.listdir(file.parent) == [file.name]


def test_a_name_that_is_no_utf8_comes_back_from_json(tmp_path):
    name = os.fsdecode(b"Mu\xf1oz.jpg")
    write_json(tmp_path / "a.json", {"path": name, "who": "Müller"})
    assert read_json(tmp_path / "a.json") == {"path": name, "who": "Müller"}
    assert "Müller" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_private_file_is_private_while_it_is_written(tmp_path, monkeypatch):
    seen, replace = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(stat.S_IMODE(os.stat(a).st_mode)), replace(a, b)))
    (tmp_path / "keys.json.part").write_text("left by a kill, readable by all")
    write_file(tmp_path / "keys.json", "secret", private=True)
    assert seen == [0o600] and stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_file_and_folder_reach_the_disk_before_and_after_the_new_name(tmp_path, monkeypatch):
    steps, sync, replace = [], os.fsync, os.replace

    def note(descriptor):
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "replace", lambda a, b: (steps.append("rename"), replace(a, b)))
    write_file(tmp_path / "a", "text")
    assert steps == ["file", "rename", "folder"]
    steps.clear()
    write_file(tmp_path / "a", "text", flush=False)
    assert steps == ["rename"]
    steps.clear()
    with new_folder(tmp_path / "b") as part:
        (part / "one").touch()
    assert steps == ["file", "folder", "rename", "folder"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch, step):
    write_file(tmp_path / "a", "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    with (
        monkeypatch.context() as patch,
        pytest.raises(UserError, match=r"cannot write the list .*a \(No space left") as e,
    ):
        patch.setattr(os, step, full)
        write_file(tmp_path / "a", "new", what="the list", hint="Make room.")
    assert e.value.hint == "Make room."
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    (tmp_path / "out.part/old").mkdir(parents=True)  # left by a kill
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "out") as part:
        (part / "half").touch()
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == []
    (tmp_path / "out").mkdir()
    with new_folder(tmp_path / "out") as part:
        assert os.listdir(part) == []
        (part / "whole").touch()
    assert os.listdir(tmp_path / "out") == ["whole"] and os.listdir(tmp_path) == ["out"]


def test_a_folder_that_holds_something_is_refused_before_the_work(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter").touch()
    for name, why in (("full", "is not empty"), ("full/letter", "is a file")):
        with pytest.raises(UserError, match=f"{name} {why}"), new_folder(tmp_path / name):
            raise AssertionError
    assert (tmp_path / "full/letter").exists()


def test_others_write_by_name_into_the_place_of_the_file(tmp_path):
    with replacing(tmp_path / "a.bin") as part:
        part.write_bytes(b"x")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"x"


def _write_forever(file):
    for number in range(10**9):
        write_file(file, str(number) * 100_000)


def test_a_kill_leaves_a_whole_file_and_the_next_write_clears_up(tmp_path):
    file = tmp_path / "a"
    for pause in (0.05, 0.11, 0.17):
        process = multiprocessing.get_context("fork").Process(target=_write_forever, args=(file,))
        process.start()
        while not file.exists():
            time.sleep(0.01)
        time.sleep(pause)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        text = file.read_text()
        assert text == text[: len(text) // 100_000] * 100_000
        write_file(file, "ended")
        assert os.listdir(tmp_path) == ["a"] and file.read_text() == "ended"
        file.unlink()


@pytest.mark.parametrize("read", [read_text, read_json])
def test_what_cannot_be_read_is_said_with_its_kind(tmp_path, read):
    (tmp_path / "latin").write_bytes("Müller".encode("latin-1"))
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match=r"there is no card .*none\. Make one\."):
        read(tmp_path / "none", what="the card", hint="Make one.")
    with pytest.raises(UserError, match=r"cannot read the card .*latin \(no UTF-8: .*position 1"):
        read(tmp_path / "latin", what="the card")
    with pytest.raises(UserError, match=r"cannot read .*folder \(Is a directory\)"):
        read(tmp_path / "folder")
    with pytest.raises(UserError, match="cannot read"):
        read(tmp_path / "a\0b")


@pytest.mark.parametrize("text", ["", '{"a', "[" * 100_000, "nonsense"])
def test_what_is_no_json_is_said(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(UserError, match=r"the card .*a\.json is not JSON \(.+\)\. Restore it\."):
        read_json(tmp_path / "a.json", what="the card", hint="Restore it.")


def test_a_byte_order_mark_is_no_text(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(tmp_path / "a.json") == [1] and read_text(tmp_path / "a.json") == "[1]"


def _hold(path, ready):
    with locked(path):
        ready.set()
        time.sleep(60)


def test_a_lock_keeps_others_out_until_its_process_ends_or_is_killed(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_hold, args=(tmp_path / "a", ready))
    process.start()
    assert ready.wait(20)
    with pytest.raises(UserError, match="another process is changing"), locked(tmp_path / "a"):
        raise AssertionError
    threading.Timer(0.2, lambda: os.kill(process.pid, signal.SIGKILL)).start()
    with locked(tmp_path / "a", wait=20):
        pass
    process.join()


def test_a_lock_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write beside"), locked(tmp_path / "file/under"):
        raise AssertionError


def test_a_folder_is_claimed_once_and_found_again(tmp_path):
    folder = tmp_path / "deep/folder"
    for _ in range(2):
        claim_folder(folder, "key.json", {"weights": "a"}, "other things")
        (folder / "piece").touch()
    assert json.loads((folder / "key.json").read_text()) == {"weights": "a"}


def test_what_is_anothers_is_refused_and_left_alone(tmp_path):
    claim_folder(tmp_path / "a", "key.json", {"weights": "a"}, "other things")
    with pytest.raises(UserError, match=r"a holds things of other weights\. Delete it"):
        claim_folder(tmp_path / "a", "key.json", {"weights": "b"}, "things of other weights")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter").touch()
    with pytest.raises(UserError, match="full is not empty"):
        claim_folder(tmp_path / "full", "key.json", {}, "other things")
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        claim_folder(tmp_path / "file/under", "key.json", {}, "other things")
    assert json.loads((tmp_path / "a/key.json").read_text()) == {"weights": "a"}
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["letter"]


@pytest.mark.parametrize("kept", [b"", b'{"wei', b"\xff\xfe"])
def test_a_damaged_key_is_named_and_left_alone(tmp_path, kept):
    (tmp_path / "key.json").write_bytes(kept)
    with pytest.raises(UserError, match=r"key\.json.* \(.+\)\. Delete that folder"):
        claim_folder(tmp_path, "key.json", {"weights": "a"}, "other things")
    assert (tmp_path / "key.json").read_bytes() == kept


def test_an_interrupted_claim_can_be_made_again(tmp_path, monkeypatch):
    def stop(one, other):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "replace", stop)
        claim_folder(tmp_path / "a", "key.json", {"weights": "a"}, "other things")
    (tmp_path / "a/key.json.part").write_text('{"we')  # as a kill leaves it
    claim_folder(tmp_path / "a", "key.json", {"weights": "b"}, "other things")
    assert json.loads((tmp_path / "a/key.json").read_text()) == {"weights": "b"}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["key.json"]


def test_a_file_is_known_by_its_content(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(UserError, match=r"cannot read .*gone \(No such file"):
        sha256_of(tmp_path / "gone")


def test_a_table_is_read_with_the_lines_its_rows_end_on(tmp_path):
    (tmp_path / "t.csv").write_bytes('\ufeffa, b\n1, "x\ny"\n2,ü\n'.encode())
    assert read_csv(tmp_path / "t.csv") == (["a", "b"], [(3, {"a": "1", "b": "x\ny"}), (4, {"a": "2", "b": "ü"})])
    (tmp_path / "t.csv").write_text('a,b\n1,2\n"3,4\n5,6\n')
    with pytest.raises(UserError, match=r"the table .*t\.csv is no CSV: .* begins on line 3\. Is a quote not closed\?"):
        read_csv(tmp_path / "t.csv", what="the table")
    (tmp_path / "t.csv").write_text("")
    assert read_csv(tmp_path / "t.csv") == ([], [])
