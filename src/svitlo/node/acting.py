"""Who acts, why and on what legal basis: what every journey takes first."""

from dataclasses import dataclass

from svitlo.errors import AccessDenied, InvalidInput
from svitlo.node.keyring import Signer
from svitlo.node.opening import Node
from svitlo.record.codes import check_code, code_list
from svitlo.record.custody import Purpose


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A person with a purpose and a basis; `signer` is None where their key is not held here."""

    person: str
    purpose: Purpose
    signer: Signer | None

    def needed_signer(self, act: str) -> Signer:
        """The signer, for an act that only a person's key can do.

        Raises:
            AccessDenied: the key is not held here.
        """
        if self.signer is None:
            raise AccessDenied(f"{act} needs the key of {self.person}, which this node lacks")
        return self.signer


def actor_of(
    node: Node,
    *,
    person: str | None = None,
    purpose: str | None = None,
    basis: str | None = None,
    note: str | None = None,
) -> Actor:
    """Whoever acts: the node's first person, default purpose and basis where nothing is said.

    Raises:
        InvalidInput: a code is unknown, or one that needs words comes without.
        NotFound: the person's key is not here.
    """
    chosen = Purpose(
        purpose=check_code("purposes", purpose or node.settings.purpose),
        basis=check_code("bases", basis or node.settings.basis),
        note=note,
    )
    for name, code in (("purposes", chosen.purpose), ("bases", chosen.basis)):
        if code_list(name)[code].is_text_required and not note:
            raise InvalidInput(f"the code {code} needs a note that says what it is")
    who = person or node.settings.person
    return Actor(person=who, purpose=chosen, signer=node.keyring.signer(who))
