"""Starts a PostgreSQL server of its own and prints one line of JSON with its URL; stops it on Ctrl-C or SIGTERM.

It listens on 127.0.0.1, on a free port unless told which, and touches no cluster of the system. Needs Debian's package `postgresql`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from cinemesh.testing.postgres import PostgresServer, StoreFailed, StoreNotInstalled


def main() -> None:
    """Command line: `python scripts/start_postgres.py [--folder DIR] [--port N] [--fsync] [--database NAME ...]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the cluster lies and stays; default: a temporary folder")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; default: any free one")
    parser.add_argument("--fsync", action="store_true", help="make commits survive a power cut")
    parser.add_argument("--database", action="append", default=[], help="also create this database; may be repeated")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with PostgresServer(arguments.folder, port=arguments.port, fsync=arguments.fsync, keep=True) as server:
            databases = {name: server.create_database(name) for name in arguments.database}
            answer = {
                "url": server.url,
                "port": server.port,
                "pid": server.pid,
                "folder": str(server.folder),
                "databases": databases,
            }
            print(json.dumps(answer), flush=True)
            stop.wait()
    except (StoreNotInstalled, StoreFailed) as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
