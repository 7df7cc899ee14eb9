"""A busy file system: random changes, the same for the same seed (as far as the kernel's timing allows)."""

from __future__ import annotations

import fcntl
import itertools
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kernel_truth.loops import run

CLONE = 0x40049409  # FICLONE
PUNCH_AND_KEEP_SIZE = 0x3
ESCAPED = b"\xc0\x3b\x39\x98"
SIZES = (0, 5, 60, 300, 5000, 70_000, 400_000)


class Workload:
    """Random changes under a folder; what cannot be done (no space, no such feature) is skipped, as a server would."""

    def __init__(self, root: Path, seed: int, habits: frozenset[str]) -> None:
        self.root = root
        self.random = random.Random(seed)
        self.habits = habits
        self.files: list[Path] = []
        self.serial = 0
        self.folders = [root]
        more = {habit: 12 if habit in habits else 2 for habit in ("xattrs", "fragments", "directories")}
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (40, self.create), (14, self.unlink), (8, self.rename), (8, self.append), (4, self.truncate),
            (4, self.symlink), (3, self.link), (3, self.overwrite), (2, self.change), (2, self.sparse),
            (2, self.clone), (1, self.remove_tree), (1, self.sync_one),
            (more["xattrs"], self.xattrs), (more["fragments"], self.fragment), (more["directories"], self.folder),
        ]  # fmt: skip

    def run(self, changes: int) -> None:
        weights = [weight for weight, _ in self.actions]
        for action in self.random.choices([action for _, action in self.actions], weights, k=changes):
            self._try(action)
        run("sync", "-f", self.root)
        # What only the journal knows: fsynced, not yet written in place.
        for _ in range(changes // 20):
            self._try(self.replace)
        for action in self.random.choices([action for _, action in self.actions], weights, k=changes // 10):
            self._try(action)
        self._try(self.replace)

    def churn(self, changes: int, half: Callable[[], None]) -> None:
        """Change things without end; `half` is called once so many have been made by half."""
        weights = [weight for weight, _ in self.actions]
        actions = [(3, self.replace), *self.actions]
        for number in itertools.count():
            if number == changes // 2:
                half()
            self._try(self.random.choices([action for _, action in actions], [3, *weights])[0])

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except (OSError, IndexError):
            self.files = [path for path in self.files if path.is_file()] if self.serial % 50 == 0 else self.files

    def bytes(self, size: int) -> bytes:
        data = self.random.randbytes(size)
        if "escapes" in self.habits and size >= 4:
            data = b"".join(ESCAPED + data[at + 4 : at + 1024] for at in range(0, size, 1024))[:size]
        return data

    def name(self, stem: str) -> Path:
        self.serial += 1
        folder = self.random.choice(self.folders)
        tail = self.random.choice(("", "é", "x" * self.random.randrange(60), "名" * self.random.randrange(1, 40)))
        return folder / f"{stem}-{self.serial}-{tail}"

    def pick(self) -> Path:
        if not self.files:
            raise OSError("no file yet")
        return self.random.choice(self.files)

    def create(self) -> None:
        path = self.name("file")
        path.write_bytes(self.bytes(self.random.choice(SIZES)))
        self.files.append(path)

    def folder(self) -> None:
        path = self.name("folder")
        path.mkdir()
        if len(path.relative_to(self.root).parts) < 12:
            self.folders.append(path)
        for number in range(self.random.choice((0, 0, 5, 200 if "directories" in self.habits else 20))):
            (path / f"many-{number}-{'y' * self.random.randrange(40)}").touch()

    def unlink(self) -> None:
        self.files.pop(self.random.randrange(len(self.files) or 1) if self.files else 0).unlink()

    def rename(self) -> None:
        if self.random.random() < 0.15 and len(self.folders) > 4:
            return self._rename_folder()
        at = self.random.randrange(len(self.files) or 1)
        new = self.name("renamed")
        self.files[at].rename(new)
        self.files[at] = new
        return None

    def _rename_folder(self) -> None:
        old = self.random.choice(self.folders[1:])
        new = self.random.choice(self.folders) / f"moved-{self.serial}"
        old.rename(new)
        moved = {path: new / path.relative_to(old) for path in (*self.files, *self.folders) if path.is_relative_to(old)}
        self.files = [moved.get(path, path) for path in self.files]
        self.folders = [moved.get(path, path) for path in self.folders]

    def remove_tree(self) -> None:
        if len(self.folders) < 8 or self.random.random() < 0.7:
            return
        top = max(self.random.sample(self.folders[1:], 4), key=lambda path: len(path.parts))
        for folder, folders, names in os.walk(top, topdown=False):
            for name in names:
                (Path(folder) / name).unlink()
            for name in folders:
                path = Path(folder) / name
                if path.is_symlink():
                    path.unlink()
                else:
                    path.rmdir()
        top.rmdir()
        self.files = [path for path in self.files if not path.is_relative_to(top)]
        self.folders = [path for path in self.folders if not path.is_relative_to(top)]

    def append(self) -> None:
        with self.pick().open("ab") as file:
            file.write(self.bytes(self.random.randrange(20_000)))

    def overwrite(self) -> None:
        with self.pick().open("r+b") as file:
            file.seek(self.random.randrange(1 + os.fstat(file.fileno()).st_size))
            file.write(self.bytes(self.random.randrange(9000)))

    def truncate(self) -> None:
        os.truncate(self.pick(), self.random.choice((0, 10, 1000, 50_000)))

    def symlink(self) -> None:
        self.name("link").symlink_to("../" * self.random.randrange(1, 300) + "target")

    def link(self) -> None:
        new = self.name("hard")
        new.hardlink_to(self.pick())
        self.files.append(new)

    def change(self) -> None:
        path = self.pick()
        path.chmod(self.random.choice((0o600, 0o644, 0o4755, 0o1777)))
        os.chown(path, self.random.randrange(70_000), self.random.randrange(70_000))
        os.utime(path, ns=(0, self.random.randrange(1 << 61)))

    def sparse(self) -> None:
        path = self.name("sparse")
        with path.open("wb") as file:
            for _ in range(self.random.randrange(1, 5)):
                file.seek(self.random.randrange(1 << 31))
                file.write(self.bytes(100))
            file.truncate(1 << 21)
        self.files.append(path)

    def fragment(self) -> None:
        with self.pick().open("r+b") as file:
            step = self.random.choice((2, 3)) * 4096
            pieces = self.random.choice((30, 150, 600))
            for at in range(0, pieces * step, step):
                os.pwrite(file.fileno(), self.bytes(1000), at)
            if self.random.random() < 0.5:
                os.fsync(file.fileno())

    def clone(self) -> None:
        path = self.name("clone")
        with self.pick().open("rb") as old, path.open("wb") as new:
            fcntl.ioctl(new, CLONE, old.fileno())
        self.files.append(path)

    def xattrs(self) -> None:
        path = self.pick()
        for number in range(self.random.choice((1, 3, 40) if "xattrs" in self.habits else (1, 2))):
            size = self.random.choice((0, 10, 200, 3000))
            os.setxattr(path, f"user.note-{number}", self.bytes(size))
        if self.random.random() < 0.2:
            os.removexattr(path, "user.note-0")

    def sync_one(self) -> None:
        descriptor = os.open(self.pick(), os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self) -> None:
        path = self.pick()
        new = path.with_name(path.name[:40] + ".new")
        with new.open("wb") as file:
            file.write(self.bytes(3000))
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)


if __name__ == "__main__":
    root, seed, changes, *habits = sys.argv[1:]
    Workload(Path(root), int(seed), frozenset(habits)).churn(int(changes), lambda: print("half", flush=True))
