"""Correct: say more, or something else, about exhibits; what was said before stays.

A correction is a new custody event that names the statement it supersedes. Readers show both, the
log keeps both, and nothing is rewritten. Source: the record's rule that statements supersede.
"""

from collections.abc import Sequence
from dataclasses import replace

from svitlo.errors import InvalidInput, NotFound
from svitlo.node.acting import Actor
from svitlo.node.asserting import Happening, custody_statement
from svitlo.node.audit import record
from svitlo.node.journeys.reading import chosen
from svitlo.node.opening import Node
from svitlo.record.custody import Event, subjects_in_parts
from svitlo.record.statement import MAX_SUBJECTS, Statement
from svitlo.record.ulid import check_identifier
from svitlo.store.models import Exhibit, Subject
from svitlo.store.models import Statement as StatementRow

MAX_TEXT = 4000


def annotate(
    node: Node,
    actor: Actor,
    ids: Sequence[str],
    text: str,
    *,
    supersedes: str | None = None,
) -> list[Statement]:
    """The new statements, which say the text of the exhibits and correct the one superseded.

    Raises:
        InvalidInput: no exhibit or no text, or what is to be superseded speaks of none of them.
        NotFound: there is no such exhibit or statement.
    """
    exhibits = chosen(ids, is_all=False)
    if not text.strip() or len(text) > MAX_TEXT:
        raise InvalidInput(f"a text of 1 to {MAX_TEXT} letters was expected")
    if supersedes is not None:
        check_superseded(supersedes, exhibits)
    statements = []
    for part in subjects_in_parts([exhibit.ident for exhibit in exhibits], MAX_SUBJECTS):
        happening = Happening(
            event=Event.ANNOTATE,
            subject=part,
            what="exhibit",
            result="corrected" if supersedes else "annotated",
            extra={"text": text},
        )
        statements.append(_stated(node, actor, happening, supersedes))
    record(node, *statements)
    return statements


def _stated(node: Node, actor: Actor, happening: Happening, supersedes: str | None) -> Statement:
    statement = custody_statement(node, replace(actor, signer=None), happening)
    statement = replace(statement, supersedes=supersedes)
    return actor.signer.signed(statement) if actor.signer else statement


def check_superseded(ident: str, exhibits: Sequence[Exhibit]) -> None:
    """Nothing, when the statement speaks of every one of the exhibits or of their intake.

    Raises:
        InvalidInput: the identifier is malformed, or it does not.
        NotFound: this node has no such statement, or it was erased.
    """
    row = StatementRow.objects.filter(ident=check_identifier(ident), state="active").first()
    if row is None:
        raise NotFound(f"there is no statement {ident}")
    named = set(Subject.objects.filter(statement=row).values_list("name", flat=True))
    for exhibit in exhibits:
        own = row.pk == exhibit.statement_id
        if not own and not named & {exhibit.ident, exhibit.intake.ident}:
            raise InvalidInput(f"the statement {ident} does not speak of {exhibit.ident}")
