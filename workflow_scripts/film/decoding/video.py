"""A film as a stream of frames: one decode, times from its stamps, damage noted and survived."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av

from workflow_scripts.film.decoding.footage import Problem
from workflow_scripts.film.decoding.streams import (
    WITHOUT_SHOW_TIMES,
    find_stream,
    goes_on_elsewhere,
    open_container,
    read_promised_s,
)

GIVE_UP_AFTER = 200  # errors in a row without one readable packet
MISSING_S = 1.0  # of the promised length: less is how files are, more is reported
GAP_S = 0.5  # between frames: reported where a film is damaged, else it is a still
SET_BACK_S = 0.5  # a clock that goes back by less only stumbles
STUMBLE_S = 0.001  # by which a frame follows one with the same stamp
READ_AHEAD = 600  # packets after a place that are searched for a keyframe
FALLBACK_RATE = 24  # frames per second of a film that gives neither time stamps nor a rate
MOST_STRETCH = 8  # width of a pixel over its height, or the other way round: more is a mistake


@dataclass(frozen=True)
class PixelShape:
    """How players show a stored frame."""

    stretch: float = 1.0  # width of a pixel divided by its height
    turns: int = 0  # quarter turns to the left


class Clock:
    """Seconds since the film began; they rise from frame to frame even where time stamps do not."""

    def __init__(self, start_s: float | None, rate: float):
        self.step_s = 1 / rate  # from frame to frame, as far as is known
        self.start_s = start_s
        self.last_s: float | None = None
        self.jumps = 0

    def read(self, stamp_s: float | None) -> float:
        """Time of the next frame from its time stamp (None: it has none)."""
        self.last_s = self._begin(stamp_s) if self.last_s is None else self._go_on(stamp_s)
        return self.last_s

    def _begin(self, stamp_s: float | None) -> float:
        if self.start_s is None or (stamp_s is not None and stamp_s < self.start_s):
            self.start_s = stamp_s or 0.0
        return 0.0 if stamp_s is None else stamp_s - self.start_s

    def _go_on(self, stamp_s: float | None) -> float:
        if stamp_s is None:
            return self.last_s + self.step_s
        now_s = stamp_s - self.start_s
        if now_s > self.last_s:
            self.step_s = now_s - self.last_s
            return now_s
        if self.last_s - now_s < SET_BACK_S:  # two frames of one stamp
            return self.last_s + STUMBLE_S
        self.jumps += 1  # the clock was set back: two films in one file
        now_s = self.last_s + self.step_s
        self.start_s = stamp_s - now_s
        return now_s


class Film:
    """An open film; `with Film(path) as film: for time_s, frame in film: ...`."""

    def __init__(self, path: str | Path, threads: int = 1):
        self.path = Path(path)
        self._container = open_container(self.path)
        self.stream = find_stream(self._container, self.path)
        self.stream.thread_type = "AUTO"
        self.stream.codec_context.thread_count = threads
        self.duration_s = read_promised_s(self._container, self.stream)  # 0: it does not say
        self._by_dts = self._container.format.name in WITHOUT_SHOW_TIMES
        start = None if self._by_dts else self.stream.start_time
        self.rate = self._read_rate()
        start_s = None if start is None else float(start * self.stream.time_base)
        self._clock = Clock(start_s, self.rate)
        self.frame_count = self.stream.frames or round(
            self.duration_s * self.rate
        )  # promised, or 0
        self.problems: list[Problem] = []
        self._gaps: list[Problem] = []
        self.shape = PixelShape()  # known from the first frame on

    def _read_rate(self) -> float:
        """Frames per second; without time stamps, FFmpeg's mean is a guess, what it read is not."""
        rates = [self.stream.average_rate, self.stream.guessed_rate]
        if self.stream.start_time is None:
            rates = rates[::-1]
        return float(rates[0] or rates[1] or FALLBACK_RATE)

    def __enter__(self) -> "Film":
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def __iter__(self) -> Iterator[tuple[float, av.VideoFrame]]:
        """Every frame with its time in seconds; frames with damage come too (frame.is_corrupt)."""
        for packet in self._read_packets():
            for frame in self._decode(packet):
                if self._clock.last_s is None:
                    self.shape = self._read_shape(frame)
                last_s, time_s = self._clock.last_s or 0.0, self._clock.read(self._stamp(frame))
                if frame.is_corrupt:
                    self._note("a frame is damaged")
                if time_s - last_s > GAP_S:
                    self._gaps.append(
                        Problem(last_s, self.path.name, f"no frame until {time_s:.2f} s")
                    )
                yield time_s, frame
        self._check_end()

    def _stamp(self, frame: av.VideoFrame) -> float | None:
        if not self._by_dts:
            return frame.time
        return None if frame.dts is None else float(frame.dts * self.stream.time_base)

    def _read_shape(self, frame: av.VideoFrame) -> PixelShape:
        stretch = float(self.stream.sample_aspect_ratio or 1)
        if not 1 / MOST_STRETCH <= stretch <= MOST_STRETCH:
            self._note(f"pixels {stretch:g} times as wide as high are taken for square")
            stretch = 1.0
        return PixelShape(stretch, round(frame.rotation / 90) % 4)

    def _read_packets(self) -> Iterator[av.Packet]:
        packets, errors = self._container.demux(self.stream), 0
        while errors < GIVE_UP_AFTER:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                errors += 1
                self._note(f"the file cannot be read here ({error.strerror})")
                packets = self._container.demux(self.stream)
            else:
                errors = 0
                yield packet

    def _decode(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except av.error.FFmpegError as error:
            self._note(f"frames cannot be decoded here ({error.strerror})")
            return []

    def read_at(self, stamp: int, count: int) -> list[av.VideoFrame]:
        """So many frames in a row from the keyframe at a stamp of the stream's clock."""
        self._container.seek(stamp, stream=self.stream)
        self.stream.codec_context.flush_buffers()
        frames: list[av.VideoFrame] = []
        for packet in islice(self._container.demux(self.stream), READ_AHEAD):
            if not frames and count == 1 and not packet.is_keyframe:
                continue
            frames += packet.decode()
            if count == 1 or len(frames) >= count:
                break
        # drained, else the decoder hands out a frame only when it has read several more
        frames += self.stream.decode(None) if len(frames) < count else []
        self.stream.codec_context.flush_buffers()
        return frames[:count]

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
            on_file_s = end_s + (self._clock.start_s or 0.0) + MISSING_S
            if goes_on_elsewhere(self.path, self.stream.index, on_file_s):
                return  # the sound is longer than the film
            self._note(f"the film ends here, but promises {self.duration_s:.1f} s")
