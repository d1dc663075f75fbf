"""Holds every drawing for its film frames: writes film.mp4 and the truth beside it."""

import argparse
import csv
import json
import pathlib
import shutil
import zipfile

import av
import numpy as np

from maker import camera, notation, overlays
from maker.masks import read_mask, write_mask
from maker.measure import measure

COLUMNS = {
    "frames": "frame_no,time_s,shot_id,location,time_of_day,weather,indoor,is_fade,is_title,"
    "is_blurred,unique_render_id,plate",
    "shots": "shot_id,first_frame,end_frame,transition_in,camera",
    "instances": "frame_no,character,x0,y0,x1,y1,visible_px,occluded_fraction,action,expression,"
    "shot_type,body_yaw_deg,view",
    "keypoints": "frame_no,character,keypoint,x_px,y_px,visible",
    "faces": "frame_no,character,x0,y0,x1,y1,yaw_deg,pitch_deg,face_visible_fraction",
    "duplicates": "frame_no,unique_render_id,copy_no,change_from_previous_frame",
    "text": "frame_no,kind,x0,y0,x1,y1,text",
}
CRF = 18


class Encoder:
    """An H.264 film, one RGB image after another."""

    def __init__(self, path: pathlib.Path, size: tuple[int, int], fps: int) -> None:
        self.container = av.open(str(path), "w", options={"movflags": "+faststart"})
        options = {"crf": str(CRF), "preset": "slow"}
        self.stream = self.container.add_stream("libx264", rate=fps, options=options)
        self.stream.width, self.stream.height = size
        self.stream.pix_fmt = "yuv420p"

    def write(self, image: np.ndarray) -> None:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
        self.container.mux(self.stream.encode(frame))

    def close(self) -> None:
        self.container.mux(self.stream.encode())
        self.container.close()


def transition_into(shots: list[dict], shot: dict) -> str:
    """start, cut, fade or dissolve."""
    if shot["id"] == 0:
        return "start"
    if shot.get("dissolve_in"):
        return "dissolve"
    return "fade" if shot.get("fade_in") or shots[shot["id"] - 1].get("fade_out") else "cut"


def shot_row(shots: list[dict], shot: dict) -> list:
    """One line of shots.csv; a title card's camera is static."""
    end, moves = shot["first_frame"] + shot["frames"], shot["camera"]["move"] != "static"
    kind = "moving" if moves else "static"
    return [shot["id"], shot["first_frame"], end, transition_into(shots, shot), kind]


def plate_name(shot: dict, k: int | None = None) -> str:
    """File of the shot's plate; for drawing k empty when the camera is no longer where it was."""
    moved = k and shot["camera"]["move"] != "static"
    number = shot["id"] if shot["repeats"] is None else shot["repeats"]
    return "" if shot.get("title") or moved else f"shot_{number:02d}.jpg"


def frame_facts(shot: dict, k: int, is_fade: int) -> list:
    """What frames.csv says of drawing k, without its number and time."""
    where = [
        shot["id"],
        shot["location"],
        shot["time_of_day"],
        shot["weather"],
        int(shot["indoor"]),
    ]
    state = [is_fade, int(bool(shot.get("title"))), int(bool(shot.get("blur")))]
    return [*where, *state, notation.render_id(shot, k), plate_name(shot, k)]


def measure_people(film, shot, k, people, cam, work) -> dict[str, dict]:
    """Truths of every visible character in drawing k, by name."""
    if not people:
        return {}
    index = read_mask(work / "masks" / f"{notation.render_id(shot, k)}.png")
    found, names = {}, list(film["characters"])
    for person in people:
        name = person["who"]["name"]
        truth = measure(shot, person, k, cam, index == names.index(name) + 1)
        if truth is not None:
            found[name] = {**truth, "who": person["who"]}
    return found


def people_rows(shot: dict, found: dict[str, dict]) -> dict[str, list[list]]:
    """Rows of the three tables about people, without the frame number."""
    rows = {"instances": [], "faces": [], "keypoints": []}
    for name, truth in found.items():
        who, seen = truth["who"], [truth["visible_px"], truth["occluded"]]
        acts = [who["action"], who["expression"], shot["framing"], truth["body_yaw"], truth["view"]]
        rows["instances"].append([name, *truth["box"], *seen, *acts])
        rows["faces"].append([name, *truth["face"]])
        rows["keypoints"] += [[name, *joint] for joint in truth["joints"]]
    return rows


def drawing_rows(film, shot, k, people, cam, work) -> tuple[np.ndarray, dict[str, list[list]]]:
    """The image of drawing k and its rows for every table, without the frame number."""
    image, is_fade, texts = overlays.compose(film, shot, k, work)
    rows = people_rows(shot, measure_people(film, shot, k, people, cam, work))
    return image, {
        **rows,
        "frames": [frame_facts(shot, k, is_fade)],
        "text": [list(t) for t in texts],
    }


def add_shot(film: dict, shot: dict, cache, work, encoder: Encoder, tables: dict) -> None:
    """Encode a shot and append its rows."""
    people = camera.read_people(shot, cache)
    titled = bool(shot.get("title"))
    cameras = [None] if titled else camera.cameras_of(shot, people, film["size"])
    shown, last = None, None
    for f in range(shot["frames"]):
        n, k = shot["first_frame"] + f, notation.drawing_of(shot, f)
        change, copy = "0", f - k * notation.HOLD
        if k != shown:
            image, rows = drawing_rows(film, shot, k, people, cameras[k], work)
            change = "" if last is None else f"{np.abs(image.astype(int) - last).mean():.3f}"
            shown, last = k, image
        encoder.write(image)
        for name, lines in rows.items():
            tables[name] += [[n, *line] for line in lines]
        tables["duplicates"].append([n, notation.render_id(shot, k), copy, change])


def write_tables(tables: dict[str, list[list]], truth: pathlib.Path) -> None:
    for name, header in COLUMNS.items():
        with (truth / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(header.split(","))
            rows.writerows(tables[name])


def write_images(film: dict, work: pathlib.Path, truth: pathlib.Path) -> None:
    """Masks (one a drawing, black for cards) and plates."""
    (truth / "plates").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(truth / "masks.zip", "w", zipfile.ZIP_DEFLATED) as masks:
        for shot in notation.to_draw(film):
            for k in range(shot["drawings"]):
                name = f"{notation.render_id(shot, k)}.png"
                if shot.get("title"):
                    write_mask(np.zeros(film["size"][::-1], "u1"), work / "masks" / name)
                masks.write(work / "masks" / name, f"masks/{name}")
            if not shot.get("title"):
                shutil.copy(work / "plates" / plate_name(shot), truth / "plates")


def main(play: str, cache: pathlib.Path, work: pathlib.Path, out: pathlib.Path) -> None:
    film, truth = notation.build(play), out / "truth"
    cache, work = cache / play, work / play
    shutil.rmtree(truth, ignore_errors=True)
    write_images(film, work, truth)
    tables = {name: [] for name in COLUMNS}
    encoder = Encoder(out / "film.mp4", film["size"], film["fps"])
    for shot in film["shots"]:
        add_shot(film, shot, cache, work, encoder, tables)
        tables["shots"].append(shot_row(film["shots"], shot))
    encoder.close()
    for row in tables["frames"]:
        row.insert(1, f"{row[0] / film['fps']:.4f}")
    write_tables(tables, truth)
    film["mask_index"] = {name: i + 1 for i, name in enumerate(film["characters"])}
    (truth / "screenplay.json").write_text(json.dumps(film, separators=(",", ":")) + "\n")
    print({name: len(rows) for name, rows in tables.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("play", help="screenplay module")
    parser.add_argument("--cache", type=pathlib.Path, default="cache")
    parser.add_argument("--work", type=pathlib.Path, default="work")
    parser.add_argument("--out", type=pathlib.Path, default=".")
    main(**vars(parser.parse_args()))
