"""The steps of pending work (see `store.pending_work`), and the thread that does them."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from .audiences import calculated_attributes, snapshots
from .matching import rules
from .profiles import type_removal
from .service.context import WORKER
from .store import domains, pending_work
from .store.database import StorageError, turns
from .uploads import steps as upload_steps

if TYPE_CHECKING:
    from customer_profiles._wire import Wire

    from .service.context import Context
    from .store.database import Connection
    from .store.pending_work import Work

log: logging.Logger = logging.getLogger("customer_profiles.engine")

_ROWS_A_STEP = 5_000
_LONG = (pending_work.ESTIMATE, pending_work.SNAPSHOT)
"""The kinds of work whose steps read so much that they run outside of a write transaction."""


def remove_domain(connection: Connection, domain: int) -> None:
    """Remove the rows of a deleted domain, the first now and others as pending work."""
    detail = _domain_step(connection, domain, {"position": []})
    if detail is not None:
        pending_work.add(connection, domain, pending_work.DOMAIN, detail)


def _domain_step(connection: Connection, domain: int, detail: Wire) -> Wire | None:
    if not detail["position"] and rules.drop_some(connection, domain):
        return detail
    position = domains.remove_rows(connection, domain, detail["position"], _ROWS_A_STEP)
    return None if position is None else {"position": position}


def _step(context: Context, connection: Connection, work: Work) -> Wire | None:
    if work.kind == pending_work.DOMAIN:
        return _domain_step(connection, work.domain, work.detail)
    if work.kind == pending_work.OBJECT_TYPE:
        return type_removal.remove_some(context, connection, work.detail)
    if work.kind == pending_work.CALCULATED_ATTRIBUTE:
        calculated_attributes.complete(connection, work.domain, work.detail["name"])
        return None
    if work.kind == pending_work.UPLOAD:
        return upload_steps.step(context, connection, work)
    return rules.step(context, connection, work)


def run_step(context: Context) -> bool:
    """Do one step of the oldest work that is due; return whether there was any."""
    is_any, long_work = _run_short_step(context)
    if long_work is not None:
        snapshots.run(context, long_work)
    return is_any


def _run_short_step(context: Context) -> tuple[bool, Work | None]:
    """Do one step of the oldest work that is due, unless that is long work, which is returned."""
    with context.database.write() as connection:
        if rules.apply_some(context, connection):
            return True, None
        work = pending_work.next_due(connection, context.clock.now())
        if work is not None and work.kind in _LONG:
            return True, work
        if work is not None:
            pending_work.update(connection, work, _step(context, connection, work))
        elif context.jobs.get(WORKER) is threading.current_thread():
            # Within the transaction: a request that adds work after it must start a new thread.
            del context.jobs[WORKER]
    if work is not None and work.kind == pending_work.UPLOAD:
        upload_steps.after_step(context, work)
    return work is not None, None


def finish(context: Context) -> None:
    """Do all work that is due, unless the engine is closed before."""
    while not context.closing.is_set():
        long_work = _finish_short_steps(context)
        if long_work is None:
            return
        # Others can write meanwhile, so that no pause is needed.
        snapshots.run(context, long_work)


def _finish_short_steps(context: Context) -> Work | None:
    """Do the work that is due up to long work, and return that."""
    for _ in turns():
        is_any, long_work = _run_short_step(context)
        if long_work is not None or not is_any or context.closing.is_set():
            return long_work
    return None


def finish_removal(context: Context, domain_name: str, object_type: str) -> None:
    """Remove what is left of a deleted object type whose name is used again."""
    for _ in turns():
        if not context.database.has_pending_work(context.clock.now()):
            return
        with context.database.write() as connection:
            domain = domains.find_row(connection, domain_name)
            kind = pending_work.OBJECT_TYPE
            found = pending_work.of_domain(connection, domain.id, kind) if domain else []
            work = next((work for work in found if work.detail["name"] == object_type), None)
            if work is None:
                return
            pending_work.update(connection, work, _step(context, connection, work))


def start(context: Context) -> None:
    """Do the work that is due in a thread of the engine, unless one is running."""
    if not context.is_working:
        thread = threading.Thread(target=_run, args=(context,), name=WORKER, daemon=True)
        thread.start()
        context.jobs[WORKER] = thread


def _run(context: Context) -> None:
    try:
        finish(context)
    except StorageError as error:
        # The work is stored; the next request that writes starts it again.
        log.warning("pending work was interrupted: %s", error)
