"""Builds characters: `build_figure(load_body(), sample_person(7)).moment(bones, face)`."""

from cast.accessories import wear_accessories
from cast.attributes import Person
from cast.bodies import CastBody
from cast.clothes import dress
from cast.faces import face_front, make_face, make_skin
from cast.figures import Figure
from cast.hair import make_hair
from cast.marks import draw_lines, draw_scar, grow_beard
from cast.outfits import plan_outfit
from cast.scalp import measure_scalp
from cast.sculpting import sculpt


def load_body() -> CastBody:
    """The body model, loaded once for all characters (0.5 s; the first time ever, minutes)."""
    return CastBody()


def build_figure(body: CastBody, person: Person) -> Figure:
    """The figure of a person: the same bytes for the same person."""
    shape = sculpt(body, person)
    outfit, front, scalp = plan_outfit(shape, person), face_front(shape), measure_scalp(shape)
    clothes, hidden = dress(outfit)
    pieces = [
        make_skin(shape, person, hidden),
        *make_face(shape, person, front),
        *draw_lines(shape, person, front),
        *draw_scar(shape, person, front),
        *grow_beard(shape, person),
        *clothes,
        *make_hair(scalp, person),
        *wear_accessories(outfit, scalp),
    ]
    return Figure(shape, pieces)
