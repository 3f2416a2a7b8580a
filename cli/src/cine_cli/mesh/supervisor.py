"""Starts every process of the mesh, restarts those that die, and stops them all in order.

Run detached as `python -m cine_cli.mesh.supervisor`; `cine up`, `cine stop` and `cine status` talk to it through its state
file and signals. A process that dies is started again after a back-off that doubles up to 10 s and is forgotten after a
minute of health. Children die with the supervisor, also when it is killed outright (Linux parent-death signal).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import psutil

from cine_cli.mesh.checks import busy_ports, is_ready
from cine_cli.mesh.plan import MeshOptions, ProcessPlan, child_environment, plan
from cine_cli.mesh.state import MeshState, ProcessState, write_state
from cinemesh.as_child import as_child
from cinemesh.tls import TlsFiles, ensure_tls

BACKOFF_SECONDS = 0.25
BACKOFF_LIMIT_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 60.0
STOP_SECONDS = 10.0
LOG_LIMIT_BYTES = 20 * 1024 * 1024


class Child:
    """One process of the plan: started, watched, restarted, stopped."""

    def __init__(self, process: ProcessPlan, log_dir: Path, tls: TlsFiles | None = None) -> None:
        self.plan = process
        self._tls = tls
        self.log = log_dir / f"{process.name}.log"
        self.state = ProcessState(name=process.name, log=str(self.log))
        self._process: asyncio.subprocess.Process | None = None
        self._backoff = BACKOFF_SECONDS
        self.stopping = False

    async def keep_running(self) -> None:
        """Starts the process and starts it again whenever it ends, until `stop`."""
        while not self.stopping:
            started = time.monotonic()
            await self._start()
            assert self._process is not None
            self.state.last_exit = await self._process.wait()
            self.state.pid, self.state.ready = 0, False
            if self._asked_to_stop():
                return
            if time.monotonic() - started > HEALTHY_AFTER_SECONDS:
                self._backoff = BACKOFF_SECONDS
            self.state.restarts += 1
            await asyncio.sleep(self._backoff)
            self._backoff = min(self._backoff * 2, BACKOFF_LIMIT_SECONDS)

    def _asked_to_stop(self) -> bool:
        return self.stopping

    async def _start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *as_child(self.plan.command),
                env=child_environment(self.plan),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        self.state.pid = self._process.pid
        self.state.since = time.time()
        with contextlib.suppress(psutil.Error):
            self.state.create_time = psutil.Process(self._process.pid).create_time()

    async def watch(self) -> None:
        """Keeps `state.ready` true to what the process itself says: often while it starts, then every few seconds."""
        while not self.stopping:
            if self.state.pid:
                self.state.ready = await is_ready(self.plan, 1.0 if not self.state.ready else 3.0, self._tls)
            await asyncio.sleep(2.0 if self.state.ready else 0.15)

    async def stop(self) -> None:
        """Ends the process: SIGTERM, and SIGKILL when it has not gone after ten seconds."""
        self.stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Supervisor:
    """The whole mesh of one machine."""

    def __init__(self, options: MeshOptions) -> None:
        self.options = options
        self.children = [Child(process, options.var_dir / "log", options.tls) for process in plan(options)]
        self.state = MeshState(
            supervisor_pid=os.getpid(),
            supervisor_create_time=psutil.Process().create_time(),
            phase="starting",
            gateway_port=options.gateway_port,
            port_base=options.port_base,
            started_at=time.time(),
            processes=[child.state for child in self.children],
        )

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT, then stops the gateway first and the services after it."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        self._write()
        tasks = [asyncio.create_task(child.keep_running()) for child in self.children]
        tasks += [asyncio.create_task(child.watch()) for child in self.children]
        tasks.append(asyncio.create_task(self._report()))
        await stop.wait()
        self.state.phase = "stopping"
        self._write()
        # Envoy drains first, so that no call arrives at a service that is going away
        gateway = [c for c in self.children if c.plan.name == "envoy"]
        others = [c for c in self.children if c.plan.name != "envoy"]
        for group in (gateway, others):
            await asyncio.gather(*(child.stop() for child in group))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _report(self) -> None:
        while True:
            if self.state.phase == "starting" and self.state.ready:
                self.state.phase, self.state.ready_at = "running", time.time()
            self._write()
            await asyncio.sleep(0.2 if self.state.phase == "starting" else 1.0)

    def _write(self) -> None:
        write_state(self.options.var_dir, self.state)


def main() -> None:
    """Entry of the detached process."""
    options = MeshOptions.from_environment()
    busy = busy_ports(plan(options))
    if busy:
        for name, port in busy:
            print(f"error: port {port}, wanted by {name}, is in use", file=sys.stderr)
        sys.exit(3)
    if options.makes_tls:
        ensure_tls(options.var_dir)  # before the gateway's processes, which only read
    asyncio.run(Supervisor(options).run())


if __name__ == "__main__":
    main()
