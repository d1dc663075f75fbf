"""Who plays: body, face, hair and clothes of three characters. Colors are linear RGB, 0 to 1."""

# Hairlines: (degrees from the face, elevation of the rim in degrees).
LONG = [(0, 40), (35, 38), (52, 28), (66, 8), (80, -14), (100, -22), (120, -30), (180, -38)]
BOWL = [(0, 22), (40, 22), (58, 14), (70, 4), (84, -4), (100, -6), (115, -22), (180, -28)]
RECEDE = [
    *[(0, 52), (20, 46), (34, 46), (50, 34), (66, 14)],
    *[(80, 4), (97, 2), (112, -24), (180, -34)],
]


def race(caucasian: float, african: float) -> dict[str, float]:
    """The body model's mix of origins."""
    return {"caucasian": caucasian, "african": african, "asian": 0.0}


NELLA = {
    "body": {
        "gender": 1.0,
        "age": 0.62,
        "muscle": 0.45,
        "weight": 0.42,
        "height": 0.55,
        "proportions": 0.9,
        **race(1.0, 0.0),
    },
    "face": {
        "head-scale-vert-incr": 0.35,
        "l-eye-scale-incr": 0.9,
        "r-eye-scale-incr": 0.9,
        "nose-scale-vert-incr": -0.4,
        "chin-width-incr": -0.5,
    },
    "skin": (0.62, 0.33, 0.21),
    "lips": (0.62, 0.14, 0.15),
    "iris": (0.04, 0.26, 0.08),
    "top": (0.75, 0.42, 0.03),
    "bottom": (0.03, 0.22, 0.24),
    "skirt": (0.03, 0.22, 0.24),
    "shoes": (0.20, 0.06, 0.03),
    "sleeve": 0.30,
    "hem": 0.575,
    "hair": {
        "color": (0.24, 0.045, 0.015),
        "edge": LONG,
        "volume": 0.018,
        "length": 0.13,
        "open": 74,
    },
}

BRUNO = {
    "body": {
        "gender": 0.0,
        "age": 0.70,
        "muscle": 0.6,
        "weight": 0.85,
        "height": 0.40,
        "proportions": 0.5,
        **race(0.2, 0.8),
    },
    "face": {
        "head-scale-horiz-incr": 0.7,
        "chin-width-incr": 0.8,
        "nose-volume-incr": 0.7,
        "nose-scale-horiz-incr": 0.7,
        "l-eye-scale-incr": 0.5,
        "r-eye-scale-incr": 0.5,
        "mouth-scale-horiz-incr": 0.5,
    },
    "skin": (0.30, 0.145, 0.075),
    "lips": (0.33, 0.10, 0.09),
    "iris": (0.10, 0.045, 0.02),
    "top": (0.05, 0.33, 0.07),
    "bottom": (0.20, 0.12, 0.05),
    "shoes": (0.04, 0.03, 0.03),
    "sleeve": 0.45,
    "brow": 0.0056,
    "hair": {"color": (0.018, 0.014, 0.012), "edge": RECEDE, "volume": 0.010, "strands": 0.04},
}

PIP = {
    "body": {
        "gender": 0.2,
        "age": 0.35,
        "muscle": 0.4,
        "weight": 0.5,
        "height": 0.36,
        "proportions": 0.7,
        **race(1.0, 0.0),
    },
    "face": {
        "head-scale-vert-incr": 0.6,
        "head-scale-horiz-incr": 0.9,
        "head-scale-depth-incr": 0.8,
        "l-eye-scale-incr": 1.0,
        "r-eye-scale-incr": 1.0,
        "l-cheek-volume-incr": 0.8,
        "r-cheek-volume-incr": 0.8,
        "nose-scale-vert-incr": -0.5,
    },
    "skin": (0.68, 0.40, 0.27),
    "lips": (0.70, 0.24, 0.22),
    "iris": (0.05, 0.20, 0.48),
    "top": (0.80, 0.80, 0.76),
    "stripes": (0.68, 0.05, 0.06),
    "bottom": (0.06, 0.10, 0.36),
    "shoes": (0.72, 0.70, 0.66),
    "sleeve": 0.24,
    "trousers": 0.24,
    "brow": 0.0040,
    "hair": {
        "color": (0.66, 0.40, 0.11),
        "brow_color": (0.45, 0.25, 0.07),
        "edge": BOWL,
        "volume": 0.026,
        "strands": 0.28,
        "strand_count": 11,
    },
}

CAST = {"Nella": NELLA, "Bruno": BRUNO, "Pip": PIP}
