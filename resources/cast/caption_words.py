"""The words of captions: from a value of the truth to the ways of saying it.

The first wording of what the workflow's captions say too is theirs (resources/vocabularies/
captions.yaml); a test compares. "unknown" says nothing anywhere.
"""

SUBJECTS = {  # (age band, gender)
    ("child", "female"): ("girl", "little girl", "young girl", "female child"),
    ("child", "male"): ("boy", "little boy", "young boy", "male child"),
    ("teen", "female"): ("teenage girl", "teen girl", "female teenager"),
    ("teen", "male"): ("teenage boy", "teen boy", "male teenager"),
    ("young_adult", "female"): ("young woman", "young adult woman", "young lady"),
    ("young_adult", "male"): ("young man", "young adult man"),
    ("middle_aged", "female"): ("middle-aged woman", "mature woman"),
    ("middle_aged", "male"): ("middle-aged man", "mature man"),
    ("elderly", "female"): ("elderly woman", "old woman", "old lady"),
    ("elderly", "male"): ("elderly man", "old man"),
    ("unknown", "female"): ("woman", "female person"),
    ("unknown", "male"): ("man", "male person"),
}
AGES = {
    "child": ("child", "kid"),
    "teen": ("teenager", "teen"),
    "young_adult": ("young adult", "young person"),
    "middle_aged": ("middle-aged person",),
    "elderly": ("elderly person", "old person"),
    "unknown": ("person", "character", "figure"),
}
GROUPS = {2: ("two people", "a group of two"), 3: ("three people", "a group of three")}
HAIR_STYLES = {
    "loose": ("loose hair", "hair worn down"),
    "bun": ("hair in a bun", "a hair bun", "hair tied up in a bun"),
    "ponytail": ("a ponytail", "hair in a ponytail"),
    "twintails": ("twintails", "pigtails", "hair in two tails"),
    "braid": ("a braid", "braided hair"),
    "curly": ("curly hair", "curls"),
    "bald": ("a bald head", "no hair"),
}
SKIN_TONES = {
    "fair": ("fair skin", "pale skin", "light skin"),
    "tan": ("tan skin", "tanned skin"),
    "brown": ("brown skin",),
    "dark": ("dark skin", "very dark skin"),
}
BODY_TYPES = {
    "slim": ("slim", "slender", "thin"),
    "average": ("of average build",),
    "heavy": ("heavyset", "overweight", "plump"),
    "muscular": ("muscular", "athletic"),
}
TOPS = {  # by dress type; {} is the color
    "casual": ("a {} shirt", "a {} top", "casual {} clothes"),
    "uniform": ("a {} uniform", "a {} uniform jacket"),
    "formal": ("a {} suit jacket", "formal {} clothes", "a {} blazer"),
    "traditional": ("a {} kimono", "a traditional {} robe", "traditional {} clothes"),
    "sportswear": ("{} sportswear", "a {} sports shirt", "a {} jersey"),
    "unknown": ("a {} top", "{} clothes"),
}
BOTTOMS = {
    "trousers": ("{} trousers", "{} pants"),
    "skirt": ("a {} skirt",),
    "shorts": ("{} shorts",),
    "robe": ("a long {} robe",),
}
SLEEVES = {"short": ("short sleeves",), "long": ("long sleeves",)}
GLASSES = {
    "glasses": ("glasses", "eyeglasses", "spectacles"),
    "sunglasses": ("sunglasses", "dark glasses"),
}
HATS = {
    "cap": ("a cap", "a baseball cap"),
    "brim_hat": ("a brimmed hat", "a hat with a brim"),
    "beanie": ("a beanie", "a knitted cap"),
}
BEARDS = {
    "moustache": ("a moustache", "a mustache"),
    "full_beard": ("a full beard", "a beard"),
}
SCARS = {"cheek": ("a scar on the cheek", "a scar"), "eye": ("a scar over the eye", "a scar")}
ABSENT = {  # what is plain to see that it is not there
    "glasses": ("without glasses", "no glasses"),
    "hat": ("without a hat", "no hat", "bareheaded"),
    "beard": ("without a beard", "clean-shaven", "no beard"),
    "scar": ("without scars",),
}
ACCESSORIES = {
    "scarf": ("a scarf",), "tie": ("a tie", "a necktie"), "backpack": ("a backpack",),
    "earrings": ("earrings",), "necklace": ("a necklace",), "hair_bow": ("a hair bow", "a bow"),
}  # fmt: skip
EXPRESSIONS = {
    "neutral": ("neutral expression", "calm face", "blank expression"),
    "happy": ("happy expression", "smiling", "happy face", "cheerful"),
    "sad": ("sad expression", "sad face", "unhappy"),
    "angry": ("angry expression", "angry face", "furious"),
    "surprised": ("surprised expression", "surprised face", "astonished"),
}
FEATURES = {  # what an expression does to a face
    "happy": ("smiling mouth",), "surprised": ("open mouth",), "angry": ("lowered brows",),
    "neutral": ("closed mouth",), "sad": ("closed mouth",),
}  # fmt: skip
EYES = {True: ("closed eyes", "eyes closed"), False: ("open eyes",)}  # by blink
INTENSITIES = {"low": ("subtle emotion",), "high": ("strong emotion",)}
ACTIONS = {
    "stand": ("standing", "standing still"),
    "walk": ("walking",),
    "run": ("running",),
    "sit": ("sitting", "seated"),
    "wave": ("waving", "waving a hand"),
    "lie": ("lying down", "lying on the ground"),
}
POSTURES = {
    "both_arms_raised": ("both arms raised",),
    "one_arm_raised": ("one arm raised", "a raised arm"),
    "arms_lowered": ("arms lowered",),
    "arms_bent": ("arms bent",),
    "one_arm_bent": ("one arm bent",),
    "legs_straight": ("legs straight",),
    "knees_bent": ("knees bent",),
    "one_knee_bent": ("one knee bent",),
}
VIEWS = {
    "front": ("front view", "seen from the front", "facing the camera"),
    "three_quarter": ("three-quarter view",),
    "side": ("side view", "seen from the side", "profile"),
    "three_quarter_back": ("three-quarter back view",),
    "back": ("seen from behind", "back view"),
}
SHOT_TYPES = {
    "close-up": ("close-up", "close-up shot", "portrait"),
    "medium": ("medium shot", "waist up"),
    "full": ("full body shot", "full body", "full shot"),
    "wide": ("wide shot", "long shot"),
}
PLACES = {
    "beach": ("at the beach", "on a beach", "beach"),
    "forest": ("in a forest", "in the woods", "forest"),
    "park": ("in a park", "park"),
    "garden": ("in a garden", "flower garden", "garden"),
    "mountains": ("in the mountains", "mountains"),
    "desert": ("in a desert", "desert"),
    "field": ("on a field", "farmland", "field"),
    "snowfield": ("in a snowfield", "snowy landscape", "snowfield"),
    "street": ("on a street", "city street", "street"),
    "harbor": ("at a harbor", "on a quay", "harbor"),
    "village": ("in a village square", "village"),
    "living room": ("in a living room", "living room"),
    "kitchen": ("in a kitchen", "kitchen"),
    "bedroom": ("in a bedroom", "bedroom"),
    "café": ("in a café", "in a coffee shop", "café"),
    "classroom": ("in a classroom", "classroom"),
    "library": ("in a library", "library"),
    "office": ("in an office", "office"),
    "shop": ("in a shop", "in a grocery store", "shop"),
}
INDOOR = {"indoor": ("indoors", "inside"), "outdoor": ("outdoors", "outside")}
TIMES = {
    "day": ("daytime", "by day", "in daylight"),
    "sunset": ("sunset", "at sunset", "in the light of the low sun"),
    "evening": ("evening", "in the evening", "at dusk"),
    "night": ("night", "at night"),
}
TIMES_INDOORS = {**TIMES, "evening": ("evening", "in the evening", "by lamp light")}
WEATHERS = {
    "clear": ("clear weather", "clear sky"),
    "overcast": ("overcast sky", "cloudy", "overcast weather"),
    "fog": ("fog", "foggy", "in the fog"),
    "rain": ("rain", "raining", "in the rain"),
    "snow": ("snow", "snowing", "snowfall"),
}
LIGHTS = {
    "bright": ("bright light",), "soft": ("soft light",), "dim": ("dim light",),
    "dark": ("dark scene",),
}  # fmt: skip
WARMTHS = {"warm": ("warm colors",), "cool": ("cool colors",)}
STYLES = {"toon": ("cel shading", "cel shaded"), "outlined": ("drawn outlines", "outlined")}
