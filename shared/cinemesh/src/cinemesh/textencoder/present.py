"""The sentence encoder of a store, where there is one."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from cinemesh import telemetry
from cinemesh.artifacts import ArtifactError, ArtifactStore
from cinemesh.errors import Unavailable
from cinemesh.textencoder._sentence import SENTENCE_KIND, SentenceEncoder, sentence_version


class EncoderUnusable(Exception):
    """There is a sentence encoder, and it cannot be used; the message says why, for whoever gets a poorer answer."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What came of loading an artifact: an encoder, or what is wrong."""

    artifact: str
    encoder: SentenceEncoder | None
    problem: str = ""


class PresentEncoder:
    """Gives the sentence encoder that was published, loaded when it is first wanted and again when another one is.

    An encoder is optional: that there is none is no fault. One that is damaged is, and is logged once. Threads may share it; it
    blocks, so keep it off the event loop.

    Args:
        store: where it is published.
        threads: threads that work at one text.
    """

    def __init__(self, store: ArtifactStore, *, threads: int = 1) -> None:
        """Load nothing yet."""
        self._store, self._threads = store, threads
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._reported: set[str] = set()
        self._log = telemetry.logger("textencoder")

    def of_version(self, version: str) -> SentenceEncoder | None:
        """Return the encoder, None when there is none.

        Args:
            version: what it must be, because vectors at hand were made with that one.

        Raises:
            EncoderUnusable: it is damaged, or another one.
        """
        held = self._current()
        if held is None:
            return None
        if held.encoder is None:
            raise EncoderUnusable("the sentence encoder is damaged")
        if held.encoder.version != version:
            self.report(
                "another", f"films were embedded with {version}, present is {held.encoder.version}: train again"
            )
            raise EncoderUnusable("films were embedded with another sentence encoder than the one that is there")
        return held.encoder

    def report(self, what: str, reason: str) -> None:
        """Log that something is wrong with the encoder, once for each reason."""
        if reason not in self._reported:
            self._reported.add(reason)
            self._log.warning("sentence encoder not used", fault=what, reason=reason)

    def probe(self) -> str:
        """Say which one there is, from its manifest, without loading it.

        Raises:
            Unavailable: there is one, and it is damaged.
        """
        try:
            if self._store.current_version(SENTENCE_KIND) is None:
                return "none: the static encoder answers alone"
            artifact = self._store.current(SENTENCE_KIND)
            version = sentence_version(artifact.manifest)
        except ArtifactError as error:
            raise Unavailable(f"{error}; the static encoder answers alone") from None
        held = self._held
        if held is not None and held.artifact == artifact.version and held.problem:
            raise Unavailable(f"{held.problem}; the static encoder answers alone")
        return version

    def _current(self) -> _Held | None:
        try:
            wanted = self._store.current_version(SENTENCE_KIND)
        except ArtifactError as error:
            self.report("damaged", str(error))
            return _Held("", None, str(error))
        if wanted is None:
            return None
        with self._lock:
            if self._held is None or self._held.artifact != wanted:
                self._held = self._loaded(wanted)
            return self._held

    def _loaded(self, version: str) -> _Held:
        try:
            encoder = SentenceEncoder.load(self._store.get(SENTENCE_KIND, version), threads=self._threads)
        except ArtifactError as error:
            self.report("damaged", str(error))
            return _Held(version, None, str(error))
        self._log.info("sentence encoder loaded", encoder=encoder.version)
        return _Held(version, encoder)
