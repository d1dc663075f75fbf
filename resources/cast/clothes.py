"""What characters wear: casual, uniform, formal, traditional, sportswear."""

import numpy as np

from cast.attributes import Part, Person
from cast.pieces import Piece
from cast.sculpting import Sculpture
from cast.tailoring import Tailor


def dress(body: Sculpture, person: Person) -> tuple[list[Piece], np.ndarray]:
    """Clothes, and which vertices (V,) of the skin they hide."""
    tailor, k = Tailor(body), body.size
    sleeve = 0.93 if person.sleeves == "long" else 0.40
    hem = tailor.waist - 0.06 * k
    leg = {"trousers": tailor.ankle + 0.01 * k}.get(person.bottom, tailor.knee + 0.05 * k)
    pieces = [
        tailor.cut_top(sleeve, hem, 0.014 * k, person.top_rgb),
        tailor.cut(tailor.lower(leg), 0.008 * k, person.bottom_rgb, Part.BOTTOM),
        tailor.cut(
            tailor.ankle + 0.005 * k - tailor.above, 0.010 * k, (0.05, 0.04, 0.04), Part.SHOES
        ),
    ]
    hidden = (tailor.upper(sleeve, hem) > 0.012 * k) | (tailor.lower(leg) > 0.012 * k)
    hidden |= tailor.above < tailor.ankle - 0.01 * k
    return pieces, hidden
