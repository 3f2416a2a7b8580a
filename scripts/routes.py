"""Pin the REST surface: `routes.py --write` writes `tests/contract/routes.golden` from the contracts, `--check` compares.

buf does not see a changed `google.api.http` path, and an access level is an option like any other to it. The golden file shows
both in a review: one line a call and path, with who may call, the verb, the path and what becomes the body.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTORS = ROOT / "shared" / "contracts" / "descriptors.binpb"
GOLDEN = ROOT / "tests" / "contract" / "routes.golden"
PACKAGE = "cine."
ACCESS = "cine.common.v1.access"
HEADER = """\
# Every call of the mesh. Written by `python scripts/routes.py --write`; a line that changes or goes breaks somebody's client.
# call, who may call it, verb and path ("-" for calls that gRPC alone reaches), then what is sent other than query and path.
"""


@dataclass(frozen=True)
class Route:
    """One way to reach a call: a REST binding, or none for a call that only gRPC reaches (`verb` and `path` are empty)."""

    call: str
    access: str
    verb: str
    path: str
    body: str
    response_body: str
    client_streaming: bool
    server_streaming: bool
    idempotency: str

    def line(self) -> str:
        """Returns the route as one line of the golden file."""
        notes = [
            f"body={self.body}" if self.body else "",
            f"answer={self.response_body}" if self.response_body else "",
            "stream-in" if self.client_streaming else "",
            "stream-out" if self.server_streaming else "",
        ]
        return " ".join([self.call, self.access or "-", self.verb or "-", self.path or "-", *filter(None, notes)])


def read(descriptors: Path = DESCRIPTORS) -> list[Route]:
    """Reads the routes of every method of our packages, in the order of the files and of the methods in them.

    Raises:
        FileNotFoundError: the contracts have not been generated.
    """
    # through a pool of its own, so that options are read as these files define them and not as some imported stub does
    files = descriptor_pb2.FileDescriptorSet.FromString(descriptors.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    options = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.MethodOptions"))
    message_factory.GetMessageClassesForFiles([file.name for file in files.file], pool)
    access: Any = pool.FindExtensionByName(ACCESS)
    routes: list[Route] = []
    for file in files.file:
        if not file.package.startswith(PACKAGE):
            continue
        for service in file.service:
            for method in service.method:
                read_options = options.FromString(method.options.SerializeToString())
                level = access.enum_type.values_by_number[read_options.Extensions[access]].name
                routes.extend(_routes(f"{file.package}.{service.name}/{method.name}", method, level))
    return routes


def _routes(call: str, method: descriptor_pb2.MethodDescriptorProto, level: str) -> Iterator[Route]:
    rules: list[http_pb2.HttpRule | None] = [None]
    http: Any = annotations_pb2.http
    if method.options.HasExtension(http):
        rule: http_pb2.HttpRule = method.options.Extensions[http]
        rules = [rule, *rule.additional_bindings]
    idempotency = descriptor_pb2.MethodOptions.IdempotencyLevel.Name(method.options.idempotency_level)
    for one in rules:
        verb = (one.WhichOneof("pattern") or "") if one else ""
        yield Route(
            call=call,
            access=level.removeprefix("ACCESS_"),
            verb=verb.upper(),
            path=getattr(one, verb) if verb else "",
            body=one.body if one else "",
            response_body=one.response_body if one else "",
            client_streaming=method.client_streaming,
            server_streaming=method.server_streaming,
            idempotency=idempotency,
        )


def render(routes: Iterable[Route]) -> str:
    """Returns the golden file's text: a header, then the routes by name, so that a moved method changes no line."""
    return HEADER + "".join(f"{line}\n" for line in sorted(route.line() for route in routes))


def main() -> int:
    """Command line: `--check` (1 when the golden file differs, and how) or `--write`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare the contracts with the golden file")
    mode.add_argument("--write", action="store_true", help="write the golden file")
    arguments = parser.parse_args()
    wanted = render(read())
    if arguments.write:
        GOLDEN.write_text(wanted)
        print(f"{GOLDEN.relative_to(ROOT)}: {wanted.count(chr(10)) - HEADER.count(chr(10))} routes")
        return 0
    pinned = GOLDEN.read_text() if GOLDEN.exists() else ""
    if pinned == wanted:
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(pinned.splitlines(True), wanted.splitlines(True), "routes.golden", "contracts", n=0)
    )
    print("the surface differs from tests/contract/routes.golden; if that is meant: python scripts/routes.py --write")
    return 1


if __name__ == "__main__":
    sys.exit(main())
