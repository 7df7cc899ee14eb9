"""Opens and closes a sandbox account, and gives its clients. What the services do is not known here."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from baseops.errors import SandboxError
from baseops.sandbox import moto_state, service
from baseops.sandbox.clients import MAX_ATTEMPTS, ClientFactory, Keys, PrincipalClients
from baseops.sandbox.clock import TickingClock, VirtualClock
from baseops.sandbox.copies import Copy, start_copy
from baseops.sandbox.dispatcher import Authoriser, Dispatcher, Recorder
from baseops.sandbox.faults import Faults
from baseops.sandbox.mailbox import Mailbox
from baseops.sandbox.principals import operator_key
from baseops.sandbox.process_time import ProcessTime
from baseops.sandbox.resolver import ZoneResolver
from baseops.sandbox.scaled_clock import ScaledClock
from baseops.sandbox.services.cloudtrail.history import History

if TYPE_CHECKING:
    from baseops.sandbox.access.enforcement import Enforcement

T = TypeVar("T")


class Account:
    """A local AWS account; fulfils `contract.sandbox_account.SandboxAccount`. Use `open_account`."""

    def __init__(
        self,
        account_id: str,
        region: str,
        *,
        start: datetime | None,
        seed: int,
        folder: Path | None,
        speed: float | None,
        retries: bool,
    ) -> None:
        self.account_id = account_id
        self.region = region
        self.seed = seed
        self.lock = threading.RLock()
        self.faults = Faults(seed)
        self.mailbox = Mailbox()
        self.receivers: dict[str, int] = {}
        self._process_time = ProcessTime(ticks=speed is not None)
        self.clock = self._make_clock(start, speed)
        self.dispatcher = Dispatcher(self, self.clock, self.faults, self.lock)
        self._factory = ClientFactory(self.dispatcher, self.clock, attempts=MAX_ATTEMPTS if retries else 1)
        self.trail = History(self.clock)
        self.record(self.trail.record)
        moto_state.prepare(self._factory.session)
        self._own_folder = folder is None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="baseops-sandbox-"))
        self._folder.mkdir(parents=True, exist_ok=True)
        self._former_folders: tuple[Path, ...] = ()
        self._copies = 0
        self._enforcement: Enforcement | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
        if error is None:
            self.raise_failures()

    @property
    def folder(self) -> Path:
        """Where the account keeps block files; a forked copy has its own."""
        return self._folder

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where block files may lie: in `folder`, else in those of the accounts that this is a copy of."""
        return (self._folder, *self._former_folders)

    @property
    def resolver(self) -> ZoneResolver:
        """Answers from the public hosted zones of the account."""
        return ZoneResolver(self.account_id)

    def inbox(self, address: str) -> Sequence[str]:
        """What services of AWS wrote to an address themselves, oldest first."""
        return self.mailbox.of(address)

    def visit(self, link: str) -> str:
        """Open a link of such a mail, as its addressee would; what the page says."""
        with self.lock:
            return self.mailbox.visit(link)

    def answer_for(self, host: str, status: int = 200) -> None:
        """Somebody outside AWS answers what is posted to a host, with this status from here on."""
        self.receivers[host] = status

    def repeat(self, action: Callable[[], None], *, every: timedelta, until: datetime, name: str) -> None:
        """Do something again and again on the account's clock, in its copies too."""
        following = self.clock.now() + every

        def act() -> None:
            action()
            self.repeat(action, every=every, until=until, name=name)

        if following <= until:
            self.later(act, when=following, name=name)

    def later(self, action: Callable[[], None], *, when: datetime, name: str) -> None:
        """Do something once at a time of the account's clock, in its copies too."""
        self.clock.ticker.at(when, action, name)

    @property
    def unseen_until(self) -> datetime:
        """Until when nobody looks at the account, for everybody sleeps until then; now, where somebody does not."""
        return self.clock.asleep_until()

    @property
    def access_key(self) -> str:
        """The access key id of the account's operator; any secret does."""
        return operator_key(self.account_id)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the account's operator, shared; Any, as botocore makes the classes at run time."""
        return self.clients_of(self.account_id).client(service, region)

    def clients_of(self, account_id: str) -> PrincipalClients:
        """The clients of another account's operator: accounts come to be when they are first spoken to."""
        return PrincipalClients(self._factory, Keys(account_id, operator_key(account_id)), self.region)

    def session_as(
        self, role_arn: str, session_name: str = "sandbox", *, attempts: int | None = None
    ) -> PrincipalClients:
        """The clients of an assumed role, with that role's rights. Calls sts:AssumeRole as the operator.

        `attempts` is how often its clients try (`aws.session` tries ten times); as the account's own without.
        """
        answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)
        given = answer["Credentials"]
        keys = Keys(role_arn.split(":")[4], given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
        factory = ClientFactory(self.dispatcher, self.clock, attempts=attempts) if attempts else self._factory
        return PrincipalClients(factory, keys, self.region)

    def write_files(self, volume_id: str, files: Mapping[str, bytes | None]) -> None:
        """Create, replace or (None) remove files by path in a volume's file system; it gets an ext4 if it has none.

        They are modified now. Where this machine cannot make a file system (no e2fsprogs) the volume stays as it is.
        """
        from baseops.sandbox.services.ec2.volume_contents import write

        with self.lock:
            write(self.account_id, volume_id, files)

    @contextmanager
    def unlocked(self) -> Iterator[None]:
        """Let other calls through while a service waits for a process that makes some (a Lambda function)."""
        held = self.lock._release_save() if self.lock._is_owned() else None  # type: ignore[attr-defined]  # no public names
        try:
            yield
        finally:
            if held:
                self.lock._acquire_restore(held)  # type: ignore[attr-defined]  # as Condition.wait does it

    def record(self, recorder: Recorder) -> None:
        """Tell a function of every call with its answer (CloudTrail)."""
        self.dispatcher.recorders.append(recorder)

    def authorise(self, authoriser: Authoriser) -> None:
        """Ask a function before every call; it refuses by raising `ServiceError` (IAM)."""
        self.dispatcher.authorisers.append(authoriser)

    def enforce(self) -> Enforcement:
        """From here on refuse what IAM would refuse, but never the operator. Calling it again changes nothing."""
        if self._enforcement is None:
            from baseops.sandbox.access.enforcement import Enforcement

            self._enforcement = Enforcement(self.clock)
            self.authorise(self._enforcement.authorise)
            self.record(self._enforcement.record)
        return self._enforcement

    def start_copy(self, function: Callable[[], T]) -> Copy[T]:
        """Fork; the copy runs the function on its own state from here on. Refused while another thread lives."""
        self._copies += 1
        return start_copy(function, lambda: self._become_copy(self._copies))

    def fork(self, function: Callable[[], T]) -> T:
        """What the function returns, or raises, in a forked copy of the account."""
        return self.start_copy(function).result()

    def raise_failures(self) -> None:
        """Raise when something that was scheduled failed: nobody else would hear of it."""
        failures = self.clock.ticker.failures
        if failures:
            more = f" ({len(failures) - 1} more)" if len(failures) > 1 else ""
            raise SandboxError(f"what the sandbox had scheduled failed{more}", str(failures[0])) from failures[0].error

    def close(self) -> None:
        """Drop all state and give the process its real time back. Does nothing the second time."""
        if service.is_opened(self):
            self.clock.close()
            self._process_time.stop()
            moto_state.reset()
            service.set_opened(None)
            if self._own_folder:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _make_clock(self, start: datetime | None, speed: float | None) -> TickingClock:
        real = datetime.now(UTC)  # noqa: TID251  # where virtual time starts when nobody says
        if speed is None:
            return VirtualClock(start or real.replace(microsecond=0), lock=self.lock, set_time=self._process_time.set)
        follows_real_time = start is None and speed == 1
        set_time = _leave_alone if follows_real_time else self._process_time.set
        return ScaledClock(start or real, speed=speed, lock=self.lock, set_time=set_time)

    def _become_copy(self, number: int) -> None:
        self._own_folder = False
        self._former_folders = self.folders
        self._folder = self._folder / f"copy-{number}"
        self._folder.mkdir()


def _leave_alone(_: datetime) -> None:
    """The process's time is right as it is."""


def open_account(
    account_id: str = "111111111111",
    region: str = "eu-west-1",
    *,
    start: datetime | None = None,
    seed: int = 0,
    folder: Path | None = None,
    speed: float | None = None,
    retries: bool = True,
) -> Account:
    """Open a fresh account; close it, or use it in `with`. One at a time in a process.

    Time is virtual unless `speed` says how many times faster than real time it runs. The same `seed` (and start)
    gives the same ids. `retries`: clients retry as botocore's standard mode does, on the account's clock.
    """
    if service.is_opened():
        raise SandboxError(
            "a second sandbox account cannot be opened in this process",
            "moto keeps one state for the whole process",
            "Close the first, or use clients_of(account_id) for another account beside it",
        )
    if not (account_id.isdigit() and len(account_id) == 12):
        raise SandboxError(f"{account_id} is no AWS account id", "it must have twelve digits")
    moto_state.seed(seed)
    account = Account(account_id, region, start=start, seed=seed, folder=folder, speed=speed, retries=retries)
    service.set_opened(account)
    return account
