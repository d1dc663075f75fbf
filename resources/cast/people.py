"""Builds characters: `build_figure(load_body(), sample_person(7)).moment(bones, face)`."""

from cast.attributes import Person
from cast.bodies import CastBody
from cast.clothes import dress
from cast.faces import face_front, make_face, make_skin
from cast.figures import Figure
from cast.hair import make_hair
from cast.sculpting import sculpt


def load_body() -> CastBody:
    """The body model, loaded once for all characters (0.5 s; the first time ever, minutes)."""
    return CastBody()


def build_figure(body: CastBody, person: Person) -> Figure:
    """The figure of a person: the same bytes for the same person."""
    shape = sculpt(body, person)
    clothes, hidden = dress(shape, person)
    front = face_front(shape)
    pieces = [
        make_skin(shape, person, hidden),
        *make_face(shape, person, front),
        *clothes,
        *make_hair(shape, person),
    ]
    return Figure(shape, pieces)
