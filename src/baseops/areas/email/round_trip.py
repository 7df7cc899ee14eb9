"""The drill of round trips: mail to SES's simulator comes home as events, timed, to a queue of the drill's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from baseops.areas.email import probe, simulated
from baseops.areas.email.identities import Identity
from baseops.areas.email.naming import ACCOUNT, target_of
from baseops.areas.email.pacing import Pace
from baseops.areas.email.probe import Probe, RefusedTopicError
from baseops.areas.email.reading import account_state, identity_state
from baseops.areas.email.simulated import Sent
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, inconclusive, refuted
from baseops.errors import InconclusiveError
from baseops.semantics.mail.simulator import Outcome

# Any: botocore's answers.
BUSY = 0.8
"""Of the sending rate and the daily quota; above it drills send nothing."""
LOOKS_BACK = timedelta(minutes=5)
WAITS_FOR_LEAVE = timedelta(minutes=1)
"""How long the answer of somebody on leave is waited for after everything else has come home."""
SENDER = "baseops-drill"


def go_round(domains: Sequence[Identity], pace: Pace, ctx: DrillContext) -> Iterator[Evidence]:
    """Send, wait, judge each mail. A domain for which no mail is left is said to be untried."""
    require_leave(ctx)
    able, untried = _verified(domains, ctx)
    yield from untried
    mails = simulated.plan(able)
    for identity in able[len({each.name for each, _ in mails}) :]:
        yield inconclusive(target_of(identity, ctx), f"drills send {simulated.MAX_MAILS} mails a run at most")
    if not mails:
        return
    try:
        twin = probe.make(ctx, "round-trip", drill_key(domains, ctx), {})
    except RefusedTopicError as error:
        for identity in able:
            yield refuted(target_of(identity, ctx), f"SES cannot publish to a topic like the stack's: {error.why}")
        return
    promised = {each.name: each.entry.promise.feedback_within for each in able}
    sent = _send(mails, twin, pace, ctx)
    _wait(sent, twin, max(promised.values()), ctx)
    for each in sent:
        yield _evidence(each, promised[each.identity], ctx)


def require_leave(ctx: DrillContext) -> None:
    """Raise `InconclusiveError` where a drill must not send: under review, paused, or near a limit."""
    state = account_state(ctx.clients)
    quota = state.get("SendQuota", {})
    limit, sent = float(quota.get("Max24HourSend", 0)), float(quota.get("SentLast24Hours", 0))
    rate = float(quota.get("MaxSendRate", 0))
    if not state.get("SendingEnabled", False):
        raise InconclusiveError("drills send nothing", "sending is paused for the account")
    if state.get("EnforcementStatus", "HEALTHY") != "HEALTHY":
        raise InconclusiveError("drills send nothing", f"the account's status is {state['EnforcementStatus']}")
    if limit >= 0 and sent + simulated.MAX_MAILS > BUSY * limit:
        raise InconclusiveError("drills send nothing", f"{sent:.0f} of {limit:.0f} mails a day are sent already")
    now = _rate(ctx)
    if now > BUSY * rate:
        raise InconclusiveError("drills send nothing", f"{now:.1f} of {rate:.0f} mails a second are being sent")


def drill_key(identities: Sequence[Identity], ctx: DrillContext) -> str:
    """The key of the stack's topics and queues; none where no stack of ours has any."""
    return ctx.value(ctx.refs.key("logs")) if any(each.entry.managed for each in identities) else ""


def sender_of(identity: Identity) -> str:
    """The From address of drills."""
    return identity.name if identity.is_address else f"{SENDER}@{identity.name}"


def _rate(ctx: DrillContext) -> float:
    """The highest number of mails a second in a minute of the last five."""
    end = ctx.clock.now()
    with translated("cannot read how much mail is being sent"):
        answer = ctx.clients.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SES",
            MetricName="Send",
            StartTime=end - LOOKS_BACK,
            EndTime=end,
            Period=60,
            Statistics=["Sum"],
        )
    return max((float(each["Sum"]) for each in answer.get("Datapoints", [])), default=0.0) / 60


def _verified(domains: Sequence[Identity], ctx: DrillContext) -> tuple[list[Identity], list[Evidence]]:
    states = {each.name: identity_state(ctx.clients, each) for each in domains}
    able = [each for each in domains if _may_send(states[each.name])]
    untried = [
        inconclusive(target_of(each, ctx), "it is not verified: nothing can be sent from it")
        for each in domains
        if each not in able
    ]
    return able, untried


def _may_send(state: Mapping[str, Any] | None) -> bool:
    return state is not None and bool(state.get("VerifiedForSendingStatus", False))


def _send(mails: Sequence[tuple[Identity, Outcome]], twin: Probe, pace: Pace, ctx: DrillContext) -> list[Sent]:
    sent = []
    label = ctx.run_id.rpartition("-")[2]
    for identity, outcome in mails:
        pace.await_turn(ctx.clock)
        message_id, at = probe.send(ctx, twin, sender_of(identity), simulated.address(outcome, label))
        sent.append(Sent(identity.name, outcome, message_id, at))
        ctx.steps.add(f"sent the {outcome} mail from {identity.name}")
    return sent


def _wait(sent: Sequence[Sent], twin: Probe, within: timedelta, ctx: DrillContext) -> None:
    """Until all is home, or its time is over; an answer of somebody on leave gets a minute more."""
    end = sent[-1].at + within + timedelta(seconds=probe.PAUSE)
    while ctx.clock.now() < end:
        ctx.clock.sleep(probe.PAUSE)
        probe.collect(ctx, twin, sent)
        if simulated.is_complete(sent):
            if all(each.end for each in sent):
                return
            end = min(end, max(each.at for each in sent) + WAITS_FOR_LEAVE)
    if not simulated.is_complete(sent):
        probe.collect_rest(ctx, twin, sent)


def _evidence(sent: Sent, within: timedelta, ctx: DrillContext) -> Evidence:
    verdict, reason = simulated.judge(sent, within.total_seconds())
    return Evidence(
        f"{ACCOUNT}/{sent.identity}/{sent.outcome}",
        verdict,
        reason,
        "exercised",
        measures={"round_trip_seconds": sent.seconds} if sent.end else {},
        spans=tuple(sent.spans(ctx.clock.now())),
    )
