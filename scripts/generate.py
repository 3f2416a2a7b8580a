"""Generate what the contracts imply: Python stubs, typed stubs and the descriptor set, under `shared/contracts/`.

Third-party protos come from installed packages: google/api and google/rpc from googleapis-common-protos, google/protobuf from
grpcio-tools, and buf/validate from the descriptor that protovalidate embeds. Nothing third-party is committed. A stamp of the
inputs makes a second run free.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
TARGET = ROOT / "shared" / "contracts"
VALIDATE = "buf/validate/validate.proto"
TOOLS = ("grpcio-tools", "googleapis-common-protos", "protovalidate", "mypy-protobuf", "protobuf")


def _validate_descriptor_set() -> bytes:
    """Returns a serialized FileDescriptorSet with buf/validate/validate.proto and what it imports."""
    from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
    from protovalidate._gen.buf.validate import validate_pb  # the only place where the wheel carries the contract

    files = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, timestamp_pb2, field_mask_pb2):
        module.DESCRIPTOR.CopyToProto(files.file.add())
    files.file.add().ParseFromString(validate_pb.desc().proto.to_binary())
    return files.SerializeToString()


def _stamp(sources: list[Path]) -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for tool in TOOLS:
        digest.update(f"{tool}={importlib.metadata.version(tool)}\n".encode())
    for source in sources:
        digest.update(f"{source.relative_to(ROOT)}\n".encode() + source.read_bytes())
    return digest.hexdigest()


def _run(arguments: list[str]) -> None:
    status = protoc.main(["protoc", *arguments])
    if status != 0:
        sys.exit(f"protoc failed with status {status}")


def generate(*, force: bool = False) -> bool:
    """Generates the stubs unless they are fresh. Returns whether anything was written."""
    sources = sorted(PROTOS.rglob("*.proto"))
    stamp_file = TARGET / ".stamp"
    stamp = _stamp(sources)
    if not force and stamp_file.exists() and stamp_file.read_text() == stamp:
        return False
    names = [str(source.relative_to(PROTOS)) for source in sources]
    site = Path(sysconfig.get_paths()["purelib"])
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    # protoc looks for its plugins on the path; they live beside the interpreter
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=TARGET.parent, prefix=".contracts-") as folder:
        out = Path(folder)
        validate = out / "validate.binpb"
        validate.write_bytes(_validate_descriptor_set())
        paths = [f"-I{PROTOS}", f"-I{site}", f"-I{well_known}", f"--descriptor_set_in={validate}"]
        _run(
            [
                *paths,
                f"--python_out={out}",
                f"--grpc_python_out={out}",
                f"--mypy_out=quiet:{out}",
                f"--mypy_grpc_out=quiet:{out}",
                *names,
            ]
        )
        _run([*paths, f"--python_out={out}", f"--mypy_out=quiet:{out}", VALIDATE])
        _run(
            [
                *paths,
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={out / 'descriptors.binpb'}",
                *names,
            ]
        )
        validate.unlink()
        for package in [p for p in out.rglob("*") if p.is_dir()]:
            (package / "__init__.py").touch()
            (package / "py.typed").touch()
        (out / ".stamp").write_text(stamp)
        if TARGET.exists():
            shutil.rmtree(TARGET)
        out.chmod(0o755)
        out.rename(TARGET)
        out.mkdir()  # the context manager removes what it made
    return True


def main() -> None:
    """Command line: `python scripts/generate.py [--force]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--force", action="store_true", help="generate even when nothing changed")
    parser.add_argument("--quiet", action="store_true", help="say nothing when nothing changed")
    arguments = parser.parse_args()
    written = generate(force=arguments.force)
    if written or not arguments.quiet:
        print("contracts generated" if written else "contracts up to date")


if __name__ == "__main__":
    main()
