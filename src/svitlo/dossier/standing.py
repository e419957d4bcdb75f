"""What a dossier shows and what it does not, as facts and sentences for its pages.

A mark says what is shown of integrity and time; a gap says in plain words what is missing, or what
no dossier can show. Marks never claim truth: whoever prints one puts the caution beside it.
"""

from datetime import UTC, datetime

from svitlo.dossier.contents import Dossier, Stamp
from svitlo.dossier.words import Phrase, Words, clock
from svitlo.record.statement import utc_text
from svitlo.seal.checkpoint import parse_checkpoint
from svitlo.seal.note import parse_note
from svitlo.seal.policy import parse_policy


def facts_of(dossier: Dossier, words: Words) -> list[tuple[str, str]]:
    """Name and value of what a reader must know first, in this language."""
    case = dossier.case
    checkpoint = parse_checkpoint(parse_note(dossier.checkpoint).text)
    facts = [
        ("dossier", case.dossier),
        ("case", case.case),
        ("exported", clock(case.exported_at)),
        ("by", case.exported_by),
        ("from", f"{case.organisation}, {case.node}" if case.organisation else case.node),
        ("for", case.recipient),
        ("purpose", _code(words, "purposes", case.purpose)),
        ("basis", _code(words, "bases", case.basis)),
        ("exhibits", str(len(dossier.exhibits))),
        ("bytes", str(sum(exhibit.size for exhibit in dossier.exhibits))),
        ("withheld", str(_left_out(dossier))),
        ("cosigned", words.said(_quorum(dossier))),
        ("log", checkpoint.origin),
        ("entries", str(checkpoint.size)),
        ("root", checkpoint.root.hex()),
        ("software", f"svitlo {case.version}"),
    ]
    return [(words.text(f"fact.{name}"), value) for name, value in facts]


def marks_of(dossier: Dossier) -> list[Phrase]:
    """What the dossier has to show: who signed, cosigned and stamped, and when."""
    marks = [Phrase("mark.logged", {"node": dossier.case.node})]
    marks += [
        Phrase("mark.cosigned", {"name": name, "at": clock(at)}) for name, at in dossier.cosigners
    ]
    return marks + [_stamped(dossier, stamp) for stamp in dossier.stamps]


def gaps_of(dossier: Dossier) -> list[Phrase]:
    """What the dossier does not have, and what no dossier can show."""
    gaps = [*_cosigner_gaps(dossier), *_time_gaps(dossier)]
    if any(exhibit.is_sealed for exhibit in dossier.exhibits):
        gaps.append(Phrase("gap.sealed", {}))
    events = [one for one in dossier.statements if one.kind == "custody.event"]
    unsigned = sum("sig" not in one.value for one in events)
    if unsigned:
        gaps.append(Phrase("gap.unsigned", {"count": str(unsigned)}))
    if dossier.withheld:
        gaps.append(Phrase("gap.withheld", {"count": str(_left_out(dossier))}))
    return gaps + [Phrase(f"gap.{name}", {}) for name in ("reads", "trust", "never")]


def _code(words: Words, name: str, code: str) -> str:
    label, citation = words.named(name, code)
    rest = "; ".join(part for part in (code, citation) if part and part != label)
    return f"{label} ({rest})" if rest else label


def _left_out(dossier: Dossier) -> int:
    return sum(item.count for item in dossier.withheld)


def _quorum(dossier: Dossier) -> Phrase:
    counts = (len(dossier.cosigners), len(_known(dossier)), dossier.case.quorum)
    return Phrase("cosigned", dict(zip(("k", "n", "asked"), map(str, counts), strict=True)))


def _known(dossier: Dossier) -> list[str]:
    """The names of the cosigners that the policy knows, each once."""
    witnesses = parse_policy(dossier.trust.policy).witnesses
    return list(dict.fromkeys(witness.key.name for witness in witnesses))


def _stamped(dossier: Dossier, stamp: Stamp) -> Phrase:
    """What one stamp shows: two times, that of the node's clock and the authority's."""
    said = {"at": clock(utc_text(datetime.fromtimestamp(stamp.at, UTC)))}
    said["authority"] = stamp.authority
    if not stamp.checkpoint:
        return Phrase("mark.exported", {**said, "exported": clock(dossier.case.exported_at)})
    times = [str(one.value["at"]) for one in dossier.statements if one.kind == "exhibit.sealed"]
    ends = dict.fromkeys((clock(min(times)), clock(max(times))) if times else ("-",))
    return Phrase("mark.sealed", {**said, "sealed": " \u2013 ".join(ends)})


def _cosigner_gaps(dossier: Dossier) -> list[Phrase]:
    signed = {name for name, _ in dossier.cosigners}
    asked = dossier.case.quorum
    absent = [name for name in _known(dossier) if name not in signed]
    gaps = [] if signed else [Phrase("gap.cosigner", {})]
    if len(signed) < asked:
        gaps.append(Phrase("gap.quorum", {"k": str(len(signed)), "asked": str(asked)}))
    if absent:
        gaps.append(Phrase("gap.absent", {"names": ", ".join(absent)}))
    return gaps + [Phrase("gap.unconfirmed", {"at": clock(at)}) for at in dossier.confirmed_at]


def _time_gaps(dossier: Dossier) -> list[Phrase]:
    if not dossier.stamps:
        return [Phrase("gap.stamp", {})]
    gaps = []
    authorities = {stamp.authority for stamp in dossier.stamps}
    if len(authorities) == 1:
        gaps.append(Phrase("gap.one-authority", {"name": min(authorities)}))
    if all(stamp.checkpoint for stamp in dossier.stamps):
        gaps.append(Phrase("gap.export-time", {}))
    return gaps
