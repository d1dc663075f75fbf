"""The first question of a reader: is each dataset good, and what would make it better?"""

from workflow_scripts.report.page.blocks import Link, Section, Table
from workflow_scripts.report.page.film import Film
from workflow_scripts.report.page.packed import find_remarks, read_dataset

HEAD = ["dataset", "what stands out", "to train", "held out", "different images"]
ALL_IS_WELL = "nothing: the splits are apart, images are large enough, shares as recommended"


def show_verdicts(film: Film) -> Section:
    """One row a dataset: how large it is, and what stands out in it."""
    rows = [_judge(film, name) for name in film.datasets]
    good = sum(row[1] == ALL_IS_WELL for row in rows)
    images = sum(row[2] + row[3] for row in rows)
    lead = f"{images} images in {len(rows)} dataset{'s' * (len(rows) != 1)}. "
    lead += f"{len(rows) - good or 'None'} of them with something to look at."
    note = (
        "Few and many: beside recommended shares, which stand with each dataset; nothing was cut to"
        " them. Scenes that show what is rare move them, and so do the limits of select_images."
        f" Wrong names, emotions and captions are mended in config/reviews/{film.name}/."
    )
    return Section("verdicts", "Is it good?", lead, [Table("", HEAD, rows, note=note)])


def _judge(film: Film, name: str) -> list:
    dataset = read_dataset(film, name)
    train, chosen = len(dataset.train), len(dataset.chosen)
    remarks = "\n".join(find_remarks(film, dataset)) or ALL_IS_WELL
    sizes = [train, chosen - train, dataset.effective or ""]
    return [Link(name, f"dataset-{name}"), remarks, *sizes]
