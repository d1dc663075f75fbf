"""Characters that captions may not hold, or that say nothing; both as they stand in a class [...]
of a regular expression."""

FORBIDDEN = (
    "{}|"  # which trainers read as choices
    "\x00-\x1f\x7f-\x9f\u2028\u2029"  # control characters, line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"  # marks of direction, of byte order
    "\ud800-\udfff"  # halves of a character, which no file can hold
)
# spaces without width, joiners, hints on hyphens and looks: scripts and emoji need them
INVISIBLE = "\u00ad\u034f\u180e\u200b-\u200d\u2060-\u2064\u206a-\u206f\ufe00-\ufe0f"
