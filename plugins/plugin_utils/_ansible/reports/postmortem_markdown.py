# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The post-mortem's facts as Markdown: names, times, counts and messages, but no values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

TO_FILL = (
    ("Cause", "How did the values leak, and what made that possible?"),
    ("Assessment of the blast radius", "What did the attacker use, according to the evidence?"),
    ("Improvements", "What prevents or shortens the next leak? Who does it, and when?"),
)
CLOCK = (
    ("planned", "plan"),
    ("first_live", "first new value live"),
    ("refused", "last old value rejected"),
    ("confirmed", "last old value confirmed as revoked"),
    ("purged", "caches purged"),
    ("sessions", "sessions ended"),
    ("healthy", "healthy again"),
)


def clock_of(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Seconds from the declaration by event. None if the event is still to come."""
    seconds = facts.get("clock", {})
    optional = {"confirmed", *facts.get("left_out", ())}
    if facts.get("contained_seconds") is not None:  # no rejection is still to come
        optional.add("refused")
    return [(message, seconds.get(name)) for name, message in CLOCK if name in seconds or name not in optional]


def word_of(facts: Mapping[str, Any]) -> str:
    """Credentials that the operator confirmed as revoked without a test. Empty if every old value was tested."""
    names = ", ".join(facts.get("on_word", ()))
    return f", revocation of {names} confirmed by the operator, not tested" if names else ""


def outages_of(facts: Mapping[str, Any]) -> list[str]:
    """Planned outages. They end when every host was seen healthy, so they may be shorter."""
    return [
        f"the application was taken down at {outage['from']:.0f} s "
        + ("and is still down" if outage["seconds"] is None else f"and was down for at most {outage['seconds']:.0f} s")
        + f" ({outage['rotation']})"
        for outage in facts.get("outages", ())
    ]


def markdown(facts: Mapping[str, Any], mermaid: str = "") -> str:
    return "\n".join(_lines(facts, mermaid)).rstrip() + "\n"


def evidence(name: str, declared_at: str, lines: Sequence[str], readers: Sequence[str]) -> str:
    """The evidence from before the first act."""
    return "\n".join(
        [
            _plain(f"# Evidence of leak {name}"),
            "",
            _plain(f"Gathered after the declaration ({declared_at}) and before the containment."),
            "",
            *_section("Reads during the exposure", readers),
            *_section("Logins, keys, sessions and processes", lines),
        ]
    )


def _lines(facts: Mapping[str, Any], mermaid: str) -> Iterator[str]:
    yield _plain(f"# Leak {facts['id']}")
    yield ""
    yield _plain(f"{facts['application']}, {facts['environment']}. Declared {facts['declared_at']} by {facts['who']}.")
    contained = facts.get("contained_seconds")
    message = "NOT contained" if contained is None else f"Contained in {contained:.1f} s{_plain(word_of(facts))}"
    message += ", and not healthy" if contained is not None and facts.get("unhealthy") else ""
    yield f"**{message}**, {facts['containment']}."
    yield ""
    yield from _section("What leaked", facts.get("declared_words", facts["declared"]))
    yield _plain(f"Exposed since {facts.get('exposed_since') or 'an unknown time'}.")
    yield ""
    yield "## Clock"
    yield from _table(
        ("what", "seconds from the declaration"),
        [(message, "-" if at is None else f"{at:.1f}") for message, at in clock_of(facts)],
    )
    yield from (f"- {_plain(line)}" for line in outages_of(facts))
    yield from [""] if facts.get("outages") else []
    yield "## Blast radius"
    if mermaid:
        yield "```mermaid"
        yield from mermaid.rstrip().splitlines()
        yield "```"
        yield ""
    yield from _table(
        ("credential", "kind", "severity", "through", "state", "evidence"),
        [
            (
                credential["name"],
                credential["kind"],
                credential["severity"],
                credential["through"],
                credential["state"],
                credential.get("evidence", ""),
            )
            for credential in facts["credentials"]
        ],
    )
    yield from _section("Hosts and services", facts.get("hosts_words", ()))
    yield from _section("Reads during the exposure", facts.get("readers", ()))
    yield from _section("Evidence from before the containment", facts.get("evidence", ()))
    yield from _section("What logs and files tell, by time", facts.get("by_time", ()))
    yield "## What was done"
    yield from _table(
        ("seconds", "at", "what", "evidence"),
        [(f"{item['seconds']:.1f}", item["at"], item["what"], item.get("evidence", "")) for item in facts["timeline"]],
    )
    yield from _section("Old values tried", facts.get("tried", ()))
    yield from _section("Ways back in", facts.get("ways_in", ()), nothing="nothing was checked")
    yield from _section("Scrubbed", facts.get("scrubbed", ()))
    yield from _section("Cannot be scrubbed", facts.get("not_scrubbed", ()))
    yield from _section("Still open", facts.get("open", ()), nothing="nothing")
    for heading, question in TO_FILL:
        yield f"## {heading}"
        yield f"*{question}*"
        yield ""


def _section(heading: str, lines: Sequence[str], nothing: str = "nothing was found") -> Iterator[str]:
    yield f"## {heading}"
    yield from (f"- {_plain(line)}" for line in lines or [nothing])
    yield ""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(_plain(cell).replace('|', '/') for cell in row)} |" for row in rows)
    yield ""


def _plain(message: Any) -> str:
    """A printable line without elements, images and links, because a thief may have chosen a name."""
    line = "".join(name for name in " ".join(str(message).split()) if name.isprintable())
    return line.replace("<", "&lt;").replace("![", "!&#91;").replace("](", "]&#40;")
