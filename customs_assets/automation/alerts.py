"""Alerts: what is told to whom, once, and again later where a channel could not be reached.

What belongs here is the alert and the outbox that keeps it until every channel has it. How failures are found stands in
``failures.py``, how a text reaches a channel in ``channels.py``, when both happen in ``sensors.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from customs_assets.automation.channels import Channel, Level

# A channel that was out of reach is tried again after the wait, then twice the wait, and so on, up to this many seconds.
LONGEST_WAIT = 3600.0
# Twelve tries at the default wait of 15 s take some five hours.
TRIES = 12
# A sensor's tick may take 60 s; what is left is sent at the next one.
TICK_SECONDS = 25.0


@dataclass(frozen=True)
class Alert:
    """One thing that went wrong.

    Attributes:
        key: what makes it this failure and no other; the same failure is told once, however often it is found.
        title: one line.
        body: what, where, how many rows and why, and a link. Holds no value of a declaration.
        level: how bad it is.
    """

    key: str
    title: str
    body: str
    level: Level = "error"


@dataclass
class Letter:
    """An alert on its way to one channel."""

    alert: Alert
    channel: str
    tries: int = 0
    not_before: float = 0.0


class Ledger(Protocol):
    """What has been sent, remembered outside the outbox so that nothing is sent twice after a crash."""

    def has(self, key: str, channel: str) -> bool:
        """Whether an alert has gone through a channel."""
        ...

    def note(self, key: str, channel: str) -> None:
        """Note that an alert has gone through a channel."""
        ...


@dataclass
class Outbox:
    """The letters that are not sent yet.

    Attributes:
        letters: in the order they were posted.
    """

    letters: list[Letter] = field(default_factory=list)

    @staticmethod
    def from_json(text: str) -> Outbox:
        """The outbox that :meth:`to_json` wrote."""
        return Outbox(
            [Letter(Alert(**i["alert"]), i["channel"], i["tries"], i["not_before"]) for i in json.loads(text)]
        )

    def to_json(self) -> str:
        """The outbox as text."""
        return json.dumps([asdict(letter) for letter in self.letters], ensure_ascii=False)

    def post(self, alerts: Sequence[Alert], channels: Sequence[Channel], ledger: Ledger) -> None:
        """Address some alerts to every channel that has not had them."""
        waiting = {(letter.alert.key, letter.channel) for letter in self.letters}
        for alert in alerts:
            for channel in channels:
                place = (alert.key, channel.fingerprint)
                if place not in waiting and not ledger.has(*place):
                    waiting.add(place)
                    self.letters.append(Letter(alert, channel.fingerprint))

    def deliver(
        self,
        channels: Sequence[Channel],
        ledger: Ledger,
        wait: float,
        clock: Callable[[], float],
        log: Callable[[str], None],
    ) -> int:
        """Send every letter that is due, each once; what fails stays for a later call.

        A letter that failed :data:`TRIES` times, or whose channel is no longer one, is dropped with a line in the log.

        Args:
            channels: the channels there are now.
            ledger: where what was sent is noted, right after it was.
            wait: seconds before the second try; twice as many before each further one.
            clock: the time in seconds.
            log: takes a line for each letter that failed; no line holds an address.

        Returns:
            How many letters were sent.
        """
        known = {channel.fingerprint: channel for channel in channels}
        started, sent = clock(), 0
        kept: list[Letter] = []
        for letter in self.letters:
            channel = known.get(letter.channel)
            if channel is None:
                log(f"alert dropped, its channel is no longer in CUSTOMS_ALERTS: {letter.alert.title}")
                continue
            if ledger.has(letter.alert.key, letter.channel):
                continue
            if letter.not_before > clock() or clock() - started > TICK_SECONDS:
                kept.append(letter)
                continue
            problem = channel.send(letter.alert.title, letter.alert.body, letter.alert.level)
            if not problem:
                ledger.note(letter.alert.key, letter.channel)
                sent += 1
                continue
            letter.tries += 1
            said = f"alert not delivered by {channel.name} at try {letter.tries} of {TRIES}: {letter.alert.title}: {problem}"
            if letter.tries >= TRIES:
                log(f"{said}; given up")
                continue
            pause = min(wait * 2 ** (letter.tries - 1), LONGEST_WAIT)
            letter.not_before = clock() + pause
            log(f"{said}; tried again in {pause:.0f} s")
            kept.append(letter)
        self.letters = kept
        return sent
