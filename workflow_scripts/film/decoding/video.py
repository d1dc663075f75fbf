"""A film as a stream of frames: one decode, times from its stamps, damage noted and survived."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from workflow_scripts.film.decoding.footage import Problem
from workflow_scripts.film.decoding.yuv import as_planar, bit_depth, is_full_range, view_planes
from workflow_scripts.lib.errors import CineloraError

GIVE_UP_AFTER = 200  # errors in a row without one readable packet
MISSING_S = 1.0  # of the promised length: less is how files are, more is reported
GAP_S = 0.5  # between frames: reported where a film is damaged, else it is a still
FALLBACK_RATE = 24  # frames per second of a film that gives neither time stamps nor a rate


@dataclass(frozen=True)
class PixelShape:
    """How players show a stored frame."""

    stretch: float = 1.0  # width of a pixel divided by its height
    turns: int = 0  # quarter turns to the left


class Clock:
    """Seconds since the film began; they rise from frame to frame even where time stamps do not."""

    def __init__(self, start_s: float | None, rate: float):
        self.step_s = 1 / rate
        self.start_s = start_s
        self.last_s: float | None = None
        self.jumps = 0

    def read(self, stamp_s: float | None) -> float:
        """Time of the next frame from its time stamp (None: it has none)."""
        if self.start_s is None:
            self.start_s = stamp_s or 0.0
        if self.last_s is None:
            self.last_s = max(0.0, (stamp_s or self.start_s) - self.start_s)
            return self.last_s
        if stamp_s is None or stamp_s - self.start_s <= self.last_s:
            now_s = self.last_s + self.step_s
            if stamp_s is not None:  # the clock was set back: two films in one file
                self.jumps += 1
                self.start_s = stamp_s - now_s
        else:
            now_s = stamp_s - self.start_s
        self.last_s = now_s
        return now_s


class Film:
    """An open film; `with Film(path) as film: for time_s, frame in film: ...`."""

    def __init__(self, path: str | Path, threads: int = 1):
        self.path = Path(path)
        self._container = _open(self.path)
        self._stream = _find_stream(self._container, self.path)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads
        start = self._stream.start_time
        rate = float(self._stream.average_rate or self._stream.guessed_rate or FALLBACK_RATE)
        self._clock = Clock(None if start is None else float(start * self._stream.time_base), rate)
        self.frame_count = self._stream.frames or round(self.duration_s * rate)  # promised, or 0
        self.problems: list[Problem] = []
        self._gaps: list[Problem] = []
        self.shape = PixelShape()  # known from the first frame on

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    @property
    def duration_s(self) -> float:
        """Length that the file promises; 0 when it does not say."""
        if self._stream.duration:
            return float(self._stream.duration * self._stream.time_base)
        return (self._container.duration or 0) / av.time_base

    def __iter__(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Every frame with its time in seconds; frames with damage come too (frame.is_corrupt)."""
        for packet in self._read_packets():
            for frame in self._decode(packet):
                if self._clock.last_s is None:
                    self.shape = self._read_shape(frame)
                last_s, time_s = self._clock.last_s or 0.0, self._clock.read(frame.time)
                if frame.is_corrupt:
                    self._note("a frame is damaged")
                if time_s - last_s > GAP_S:
                    self._gaps.append(
                        Problem(last_s, self.path.name, f"no frame until {time_s:.2f} s")
                    )
                yield time_s, frame
        self._check_end()

    def _read_shape(self, frame: av.VideoFrame) -> PixelShape:
        stretch = float(self._stream.sample_aspect_ratio or 1)
        return PixelShape(stretch, round(frame.rotation / 90) % 4)

    def _read_packets(self) -> Iterator[av.Packet]:
        packets, errors = self._container.demux(self._stream), 0
        while errors < GIVE_UP_AFTER:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                errors += 1
                self._note(f"the file cannot be read here ({error.strerror})")
                packets = self._container.demux(self._stream)
            else:
                errors = 0
                yield packet

    def _decode(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except av.error.FFmpegError as error:
            self._note(f"frames cannot be decoded here ({error.strerror})")
            return []

    def read_next_keyframe(self) -> av.VideoFrame | None:
        """The frame of the next packet that is a keyframe; the decoder is drained, so seek then.

        Without draining, the decoder hands out a frame only when it has read several more.
        """
        for packet in self._container.demux(self._stream):
            if packet.is_keyframe:
                frames = packet.decode() + self._stream.decode(None)
                self._stream.codec_context.flush_buffers()
                return frames[0] if frames else None
        return None

    def _note(self, problem: str) -> None:
        """Note a problem at the present time; the same one again within a second adds nothing."""
        now_s = self._clock.last_s or 0.0
        last = self.problems[-1] if self.problems else None
        if last is None or last.problem != problem or now_s - last.time_s > 1:
            self.problems.append(Problem(now_s, self.path.name, problem))

    def _check_end(self) -> None:
        end_s = (self._clock.last_s or 0.0) + self._clock.step_s
        if self.problems:
            self.problems += self._gaps
        if self._clock.jumps:
            self._note(f"its clock was set back {self._clock.jumps} time(s); times go on rising")
        elif self.duration_s - end_s > max(MISSING_S, 2 * self._clock.step_s):
            self._note(f"the film ends here, but promises {self.duration_s:.1f} s")


def read_keyframes(path: str | Path, count: int) -> Iterator[tuple[np.ndarray, int]]:
    """Luma (H, W) uint8 and its value of black, of `count` keyframes spread over the film."""
    with Film(path) as film:
        stream = film._stream
        stream.codec_context.skip_frame = "NONKEY"
        start = stream.start_time or 0
        length = film.duration_s / float(stream.time_base)
        for step in range(count):
            try:
                film._container.seek(start + int(length * (step + 0.5) / count), stream=stream)
                frame = film.read_next_keyframe()
            except av.error.FFmpegError:
                continue  # the pass over the whole film reports what cannot be read
            if frame is not None:
                yield _read_luma(as_planar(frame))


def _read_luma(frame: av.VideoFrame) -> tuple[np.ndarray, int]:
    luma = view_planes(frame)[0] >> (bit_depth(frame) - 8)
    return luma.astype(np.uint8), 0 if is_full_range(frame) else 16


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        raise CineloraError(f"There is no film {path} (seen from {Path.cwd()}).")
    if not path.stat().st_size:
        raise CineloraError(f"{path} is empty (0 bytes). Copy the film again.")
    try:
        return av.open(str(path))
    except av.error.FFmpegError as error:
        raise CineloraError(
            f"{path} cannot be opened as a film ({error.strerror}; {path.stat().st_size} bytes).\n"
            "  Expected a video that FFmpeg can read, such as .mp4, .mkv or .webm.\n"
            "  A copy that was broken off lacks its index at the end: copy the film again."
        ) from error


def _find_stream(container: av.container.InputContainer, path: Path) -> av.video.VideoStream:
    covers = av.stream.Disposition.attached_pic
    streams = [stream for stream in container.streams.video if not stream.disposition & covers]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise CineloraError(
            f"{path} holds no video (it holds: {kinds}).\n"
            "  Give the path of a film, or of a folder of images, under films in the config."
        )
    return max(streams, key=lambda stream: (stream.width or 0) * (stream.height or 0))
