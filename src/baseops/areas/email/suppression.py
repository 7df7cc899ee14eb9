"""The drill of suppression: an address on the account's list gets no mail, through a twin of each configuration set.

The address is one of the mailbox simulator's, with a label of the drill's own; the journal takes it off the list again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from baseops.areas.email import probe, simulated
from baseops.areas.email.identities import Identity, Stream, streams
from baseops.areas.email.naming import target_of
from baseops.areas.email.pacing import Pace
from baseops.areas.email.probe import Probe, RefusedTopicError
from baseops.areas.email.reading import account_state, configuration_set, identity_state
from baseops.areas.email.round_trip import drill_key, require_leave, sender_of
from baseops.areas.email.simulated import EventName, Sent
from baseops.aws.errors import translated
from baseops.contract.drill import DrillContext, Evidence, Span, inconclusive, proven, refuted
from baseops.evidence import resources

if TYPE_CHECKING:
    from baseops.areas.email.spec import Section

# Any: botocore's answers.
TAKES_EFFECT = timedelta(minutes=1)
"""How long an address may be on the list before sending heeds it."""
LONGEST_LABEL = 56
"""What is left of the 64 characters before the @ (RFC 5321, 4.5.3.1.1)."""


@dataclass(frozen=True)
class Stretch:
    """The streams that suppress in the same way, and the live options that their twin gets."""

    streams: tuple[Stream, ...]
    options: Mapping[str, Any]
    reason: str


def suppressing(section: Section, prefix: str, domains: Sequence[Identity]) -> list[Stream]:
    """The streams for which suppression is promised: their own, or the account's that is claimed."""
    managed = [each for each in domains if each.entry.managed]
    every = [stream for identity in managed for stream in streams(identity, prefix, managed)]
    return [each for each in every if promised(section, each)]


def promised(section: Section, stream: Stream) -> list[Any]:
    """The reasons for which a stream leaves addresses out, as declared."""
    own = stream.settings.suppression
    return list((section.account.suppression or []) if own is None else own)


def try_suppression(section: Section, promising: Sequence[Stream], pace: Pace, ctx: DrillContext) -> Iterator[Evidence]:
    """Put an address on the list, send to it through each kind of twin, and see that nothing is delivered."""
    require_leave(ctx)
    if not account_state(ctx.clients).get("ProductionAccessEnabled", False):
        for each in promising:
            yield inconclusive(place_of(each, ctx), "SES's own sandbox has no suppression list to write to")
        return
    kinds = _kinds(section, promising, ctx)
    for number, kind in enumerate(kinds, 1):
        if number > simulated.MAX_SUPPRESSED:
            reason = f"drills send {simulated.MAX_MAILS} mails a run at most"
            yield from (inconclusive(place_of(each, ctx), reason) for each in kind.streams)
        else:
            yield from _tried(kind, f"listed-{number}", pace, ctx)


def place_of(stream: Stream, ctx: DrillContext) -> str:
    """The target of a stream."""
    return f"{target_of(stream.identity, ctx)}/{stream.name}"


def _kinds(section: Section, promising: Sequence[Stream], ctx: DrillContext) -> list[Stretch]:
    """Streams with the same live options and the same reason need one mail together."""
    found: dict[tuple[str, str, str], tuple[list[Stream], Mapping[str, Any]]] = {}
    for stream in promising:
        live = (configuration_set(ctx.clients, stream.name) or {}).get("SuppressionOptions")
        options = (
            {} if live is None else {"SuppressionOptions": {"SuppressedReasons": live.get("SuppressedReasons", [])}}
        )
        key = (stream.identity.name, str(options), promised(section, stream)[0])
        found.setdefault(key, ([], options))[0].append(stream)
    return [Stretch(tuple(each), options, reason) for (_, _, reason), (each, options) in found.items()]


def _tried(kind: Stretch, word: str, pace: Pace, ctx: DrillContext) -> Iterator[Evidence]:
    identity = kind.streams[0].identity
    places = [place_of(each, ctx) for each in kind.streams]
    state = identity_state(ctx.clients, identity)
    if state is None or not state.get("VerifiedForSendingStatus", False):
        yield from (inconclusive(each, "its identity is not verified: nothing can be sent") for each in places)
        return
    if len(ctx.journal.name(word)) > LONGEST_LABEL:
        yield from (inconclusive(each, "the declaration's name is too long for a label") for each in places)
        return
    try:
        twin = probe.make(ctx, word, drill_key([identity], ctx), kind.options)
    except RefusedTopicError:
        reason = "SES cannot publish to a topic like the stack's: see email/roundtrip"
        yield from (inconclusive(each, reason) for each in places)
        return
    sent = _send(identity, kind, twin, pace, ctx)
    yield from (_judged(each, sent) for each in places)


def _send(identity: Identity, kind: Stretch, twin: Probe, pace: Pace, ctx: DrillContext) -> Sent:
    """Put the address on the list, wait until that counts, send, and wait for what comes home."""
    address = simulated.address("success", twin.label)

    def put(_: object) -> str:
        with translated("cannot put the simulator's address on the suppression list"):
            ctx.clients.client("sesv2").put_suppressed_destination(EmailAddress=address, Reason=kind.reason)
        return twin.label

    ctx.journal.create(resources.suppressed_address(ctx.site.region, twin.label), put)
    ctx.steps.add(f"put a labelled address of the simulator on the suppression list, for {kind.reason}")
    ctx.clock.sleep(TAKES_EFFECT.total_seconds())
    pace.await_turn(ctx.clock)
    sent = Sent(identity.name, "success", *probe.send(ctx, twin, sender_of(identity), address))
    end = sent.at + identity.entry.promise.feedback_within
    while ctx.clock.now() < end and not (_withheld(sent) or sent.named("Delivery")):
        ctx.clock.sleep(probe.PAUSE)
        probe.collect(ctx, twin, [sent])
    if not (_withheld(sent) or sent.named("Delivery")):
        probe.collect_rest(ctx, twin, [sent])
    return sent


def _withheld(sent: Sent) -> bool:
    """Whether SES says that it kept the mail because of the list; it says so as a bounce, or as a complaint.

    https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
    """
    told = [*sent.named("Bounce"), *sent.named("Complaint")]
    return any(each.sub_kind == "OnAccountSuppressionList" for each in told)


def _judged(place: str, sent: Sent) -> Evidence:
    if sent.named("Delivery"):
        reason = "mail to an address on the suppression list was delivered"
        return refuted(place, reason, method="exercised", spans=_spans(sent, "delivered all the same", "Delivery"))
    if _withheld(sent):
        spans = _spans(sent, "kept back", "Bounce", "Complaint")
        return proven(place, "mail to an address on the list was kept back", method="exercised", spans=spans)
    return inconclusive(place, "neither a delivery nor a bounce came home: see email/roundtrip", method="exercised")


def _spans(sent: Sent, state: str, *told_by: EventName) -> list[Span]:
    """For the page: from sending until SES had told what became of the mail, under the name of that."""
    told = [each.arrived for name in told_by for each in sent.named(name)]
    return [Span(f"{sent.identity} listed address", state, sent.at, min(told))]
