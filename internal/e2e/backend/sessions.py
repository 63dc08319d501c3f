"""Database sessions, counted: what /api/tasks/db-monitor shows is what SQLAlchemy really opened and closed."""

import fcntl
import json
import logging
import os
import threading
import time
import uuid
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.orm import sessionmaker

LONG_SESSION_SECONDS = 5.0
LEAK_SECONDS = 30.0

log = logging.getLogger("proxy-system")


def wait_for_turn(gap):
    """Lets worker processes begin one after the other, gap seconds apart, so that their start times differ."""
    if not gap:
        return
    with open(os.path.join(os.environ["RUNTIME_DIRECTORY"], "start.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        time.sleep(gap)


class Monitor:
    """Opens sessions and counts them. With a directory given, this process's true totals stand there in a file of
    its own, for a test to compare with."""

    def __init__(self, engine, directory=None):
        self._open_session = sessionmaker(bind=engine)
        self._path = os.path.join(directory, f"sessions-{os.getpid()}-{uuid.uuid4().hex[:8]}.json") if directory else None
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._opened_at = {}
        self._created = self._closed = self._errors = self._long = self._most = 0
        self._lifetimes = 0.0
        self._publish()

    @contextmanager
    def session(self):
        name = "fastapi_" + uuid.uuid4().hex[:8]
        self._note_opened(name)
        session = self._open_session()
        try:
            session.execute(text("SET SESSION wait_timeout = 28800"))
            session.commit()
            log.info("✅ MySQL会话优化完成: %s", name)
            yield session
            session.commit()
        except Exception as err:
            # A refused token passes through here too; it is no fault of the session.
            if not hasattr(err, "status_code"):
                self._note_error()
                log.error("❌ 数据库会话错误 [%s]: %s", name, err)
            elif session.in_transaction():
                log.warning("⚠️ 检测到未完成事务，强制回滚: %s", name)
            raise
        finally:
            session.close()
            self._note_closed(name)

    def figures(self):
        now = time.monotonic()
        with self._lock:
            runtime = now - self._started
            ages = [now - opened for opened in self._opened_at.values()]
            return {
                "runtime_seconds": round(runtime, 3),
                "sessions_created": self._created,
                "sessions_closed": self._closed,
                "sessions_active": len(ages),
                "max_concurrent_sessions": self._most,
                "avg_session_lifetime": round(self._lifetimes / self._closed, 4) if self._closed else 0,
                "sessions_per_second": round(self._created / runtime, 2) if runtime else 0,
                "error_count": self._errors,
                "long_sessions": self._long,
                "potential_leaks": sum(age > LEAK_SECONDS for age in ages),
            }

    def _note_opened(self, name):
        with self._lock:
            self._opened_at[name] = time.monotonic()
            self._created += 1
            self._most = max(self._most, len(self._opened_at))
            self._publish()

    def _note_error(self):
        with self._lock:
            self._errors += 1
            self._publish()

    def _note_closed(self, name):
        with self._lock:
            lifetime = time.monotonic() - self._opened_at.pop(name)
            self._closed += 1
            self._lifetimes += lifetime
            self._long += lifetime > LONG_SESSION_SECONDS
            self._publish()

    def _publish(self):
        if not self._path:
            return
        totals = {
            "sessions_created": self._created,
            "sessions_closed": self._closed,
            "error_count": self._errors,
            "long_sessions": self._long,
        }
        with open(self._path + ".new", "w") as file:
            json.dump(totals, file)
        os.replace(self._path + ".new", self._path)
