"""Which stream of a file is the film, how long it promises to be, which stamps tell its time."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av

from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.paths import say_unreadable

# What FFmpeg opens, and is no film: lists, which lead to other files or to the network; text
LISTS = {"concat", "dash", "hls", "image2", "imf", "mlv", "sdp", "vobsub", "webm_dash_manifest"}
ADDRESSES = {"lavfi", "rtp", "rtsp", "sap"}
TEXT = {"adf", "bin", "ffmetadata", "idf", "tty", "xbin"}
FORMATS = sorted(av.formats_available - LISTS - ADDRESSES - TEXT)
READ_ONLY_THIS_FILE = {"protocol_whitelist": "file", "format_whitelist": ",".join(FORMATS)}
PROBED_PACKETS = 600  # of all streams that may be the film: some ten seconds
FEW = 4  # a stream with less than a fourth of another one's packets shows stills,
SMALL = 4  # and one with no more than a fourth of its pixels is a preview
DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")  # as Matroska writes it
ABSOLUTE = "matroska"  # its lengths count from 0, not from where the film starts
WITHOUT_SHOW_TIMES = {"avi"}  # what stands there for them is a guess; decoding times are true
_KINDS = av.stream.Disposition
STILLS = _KINDS.attached_pic | _KINDS.timed_thumbnails | _KINDS.still_image | _KINDS.dependent


def open_container(path: Path) -> av.container.InputContainer:
    """Open a file for reading; CineloraError says why it cannot be.

    Whatever its name and content are, no other file and no address is opened.
    """
    if problem := say_unreadable(path):
        raise CineloraError(f"There is no film to read: {problem}.")
    if not path.stat().st_size:
        raise CineloraError(f"{path} is empty (0 bytes). Copy the film again.")
    try:
        return av.open(
            f"file:{path}", container_options=READ_ONLY_THIS_FILE, metadata_errors="replace"
        )
    except av.error.FFmpegError as error:
        raise CineloraError(
            f"{path} cannot be opened as a film ({error.strerror}; {path.stat().st_size} bytes).\n"
            "  Expected a video that FFmpeg can read, such as .mp4, .mkv or .webm; not a list of\n"
            "  other files (.m3u8, .ffconcat), and no text.\n"
            "  A copy that was broken off lacks its index at the end: copy the film again."
        ) from error


@contextmanager
def in_plain_words(path: Path) -> Iterator[None]:
    """What FFmpeg raises while a film is read, as an error that a user can read."""
    try:
        yield
    except MemoryError:  # one of FFmpeg's too; format_error says what to do
        raise
    except av.error.FFmpegError as error:
        raise CineloraError(
            f"{path} cannot be read as a film ({error.strerror}).\n"
            "  Copy the film again, or convert it to H.264 with ffmpeg."
        ) from error


def find_stream(container: av.container.InputContainer, path: Path) -> av.video.VideoStream:
    """The film among a file's streams: no cover, no preview; the default one, or the largest."""
    streams = [stream for stream in container.streams.video if not stream.disposition & STILLS]
    if not streams:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise CineloraError(
            f"{path} holds no video (it holds: {kinds}).\n"
            "  Give the path of a film, or of a folder of images, under films in the config."
        )
    known = [stream for stream in streams if stream.codec_context is not None]
    if not known:
        raise CineloraError(
            f"{path} has a video stream in a format that this FFmpeg does not know.\n"
            "  Convert it to H.264 with ffmpeg."
        )
    return _choose(known, path) if len(known) > 1 else known[0]


def _choose(streams: list[av.video.VideoStream], path: Path) -> av.video.VideoStream:
    counts = _count_packets(path, [stream.index for stream in streams])
    most = max(counts.values(), default=0)
    moving = [stream for stream in streams if counts[stream.index] * FEW >= most]
    largest = max(map(_measure_area, moving))
    large = [stream for stream in moving if _measure_area(stream) * SMALL > largest]
    return max(
        large or moving,  # none says its size
        key=lambda each: (bool(each.disposition & _KINDS.default), _measure_area(each)),
    )


def _measure_area(stream: av.video.VideoStream) -> int:
    return (stream.width or 0) * (stream.height or 0)


def _count_packets(path: Path, indices: list[int]) -> Counter:
    """How many packets each stream has at the beginning of a file."""
    counts: Counter = Counter()
    with open_container(path) as container:
        try:
            for packet in container.demux([container.streams[index] for index in indices]):
                counts[packet.stream_index] += packet.size > 0
                if counts.total() >= PROBED_PACKETS:
                    break
        except av.error.FFmpegError:
            return counts  # the pass over the film tells what is damaged
    return counts


def read_promised_s(container: av.container.InputContainer, stream: av.video.VideoStream) -> float:
    """Length in seconds that a file promises for a stream; 0 when it does not say."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    said = DURATION.match(stream.metadata.get("DURATION", ""))
    if said:
        hours, minutes, seconds = map(float, said.groups())
        length_s = 3600 * hours + 60 * minutes + seconds
    else:
        length_s = (container.duration or 0) / av.time_base
    if ABSOLUTE in container.format.name and stream.start_time:
        length_s -= max(0.0, float(stream.start_time * stream.time_base))
    return max(0.0, length_s)


def goes_on_elsewhere(path: Path, index: int, after_s: float) -> bool:
    """Whether other streams of a file, such as sound, are there after a time of its clock."""
    with open_container(path) as container:
        others = [stream for stream in container.streams if stream.index != index]
        if not others:
            return False
        try:
            container.seek(int(after_s * av.time_base))
            packets = container.demux([stream for stream in others if stream.type != "data"])
            return any(p.pts is not None and p.pts * p.time_base > after_s for p in packets)
        except av.error.FFmpegError:
            return False
