"""Runs `baseops` by the virtual time of a served sandbox: `python served_clock.py prove …`.

Everything else is the real command line. Where it would wait, the served account's time is moved instead.
"""

import json
import os
import urllib.request
from datetime import datetime, timedelta

from baseops.aws import clock, session
from baseops.cli.main import main


class ServedClock(clock.SystemClock):
    """The clock of the sandbox at AWS_ENDPOINT_URL."""

    def now(self):
        return datetime.fromisoformat(self._asked("clock")["now"])

    def sleep(self, seconds):
        until = self.now() + timedelta(seconds=seconds)
        super().sleep(0.005)  # hears of Ctrl-C
        if self.now() < until:
            self._asked("advance", {"to": until.isoformat()})

    def _asked(self, what, content=None):
        url = f"{os.environ['AWS_ENDPOINT_URL']}/_baseops/{what}"
        body = None if content is None else json.dumps(content).encode()
        try:
            with urllib.request.urlopen(url, data=body) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 400:  # another thread has moved it further meanwhile
                return {}
            raise


if __name__ == "__main__":
    # Credentials of roles end by the time of this machine: botocore knows no other.
    session.SystemClock = clock.SystemClock
    clock.SystemClock = ServedClock
    main()
