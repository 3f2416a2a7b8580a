"""Starts a Redis server of its own, in memory, and prints one line of JSON with its URL; stops it on Ctrl-C or SIGTERM.

It listens on 127.0.0.1, on a free port unless told which. Needs Debian's package `redis-server`.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading

from cinemesh.testing.postgres import StoreFailed, StoreNotInstalled
from cinemesh.testing.redis import RedisServer


def main() -> None:
    """Command line: `python scripts/start_redis.py [--port N]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; default: any free one")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        with RedisServer(port=arguments.port) as server:
            print(json.dumps({"url": server.url, "port": server.port, "pid": server.pid}), flush=True)
            stop.wait()
    except (StoreNotInstalled, StoreFailed) as reason:
        sys.exit(str(reason))


if __name__ == "__main__":
    main()
