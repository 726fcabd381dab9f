"""A handful of a register's children, for examples that should stay small."""

from __future__ import annotations

from dataclasses import replace

from zorgpad.register import Register


def few_children(register: Register, *, gemeente: str, children: int) -> Register:
    """The first ``children`` children of ``gemeente`` (by pseudonym), with their records in that gemeente only.

    Parameters
    ----------
    register : Register
    gemeente : str
        Code, such as ``GM0743``.
    children : int
        At most so many.

    Returns
    -------
    Register
        Without attrition; ``meta`` as it was.
    """
    own = register.allocations["gemeente"] == gemeente
    chosen = sorted(register.allocations.loc[own, "client_id"].unique())[:children]
    tables = {name: getattr(register, name) for name in ("allocations", "deliveries", "declarations")}
    kept = {
        name: rows[(rows["gemeente"] == gemeente) & rows["client_id"].isin(chosen)].reset_index(drop=True)
        for name, rows in tables.items()
    }
    clients = register.clients[register.clients["client_id"].isin(chosen)].reset_index(drop=True)
    return replace(register, clients=clients, attrition=register.attrition.iloc[:0], **kept)
