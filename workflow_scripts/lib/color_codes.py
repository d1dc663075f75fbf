"""What AVIF and PNG say of their colors in the codes of ITU-T H.273 rather than by a profile."""

from workflow_scripts.lib.errors import CineloraError

AVIF_BOX, PNG_CHUNK = b"colrnclx", b"cICP"
SEARCHED = 4096  # bytes, in which either stands before the pixels
HDR = {16: "PQ", 18: "HLG"}  # codes of the transfer
SRGB_PRIMARIES = {1, 2}  # those of BT.709, and none said
AVIF_STARTS = (b"ftypavif", b"ftypavis", b"ftypmif1")


def read_codes(data: bytes) -> tuple[int, int]:
    """Primaries and transfer of an AVIF or a PNG; (2, 2), unspecified, where it says none."""
    start = data[:SEARCHED]
    if data[4:12] in AVIF_STARTS and (at := start.find(AVIF_BOX)) >= 0:
        codes = start[at + len(AVIF_BOX) :]
        return int.from_bytes(codes[:2], "big"), int.from_bytes(codes[2:4], "big")
    if data.startswith(b"\x89PNG") and (at := start.find(PNG_CHUNK)) >= 0:
        codes = start[at + len(PNG_CHUNK) :]
        return (codes[0], codes[1]) if len(codes) > 1 and b"IDAT" not in start[:at] else (2, 2)
    return 2, 2


def check_codes(data: bytes) -> str:
    """Refuse HDR, which would come out gray; say where wide colors are taken for those of sRGB."""
    primaries, transfer = read_codes(data)
    if transfer in HDR:
        raise CineloraError(f"an HDR image ({HDR[transfer]}), not read here: convert it to SDR")
    if primaries in SRGB_PRIMARIES:
        return ""
    return f"its wide colors (primaries {primaries} of H.273) are taken for those of sRGB"
