"""What a page is made of: sections build these, resources/report/page.html.j2 draws them.

All words in them are plain text: the template escapes them. Only `Chart.svg` and `Card.caption`
may be markup, made by functions that escape what they are given.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from markupsafe import Markup


@dataclass(frozen=True)
class PageImage:
    """An image within the page, as a data URI, and its size in pixels.

    Where it was shrunk from `whole_px` of width, `file` (below the film's folder) has all pixels;
    what was drawn for the page has no file.
    """

    uri: str
    width_px: int
    height_px: int
    whole_px: int
    file: str = ""

    @property
    def is_shrunk(self) -> bool:
        """Whether there was more to show."""
        return self.width_px < self.whole_px


@dataclass(frozen=True)
class Card:
    """One image of a gallery, or two of them: before and after."""

    images: Sequence[PageImage]
    title: str
    note: str = ""
    caption: Markup | str = ""
    tint: str = ""  # color of the mark beside the title


@dataclass(frozen=True)
class Gallery:
    """A contact sheet: some of `total` images."""

    kind: ClassVar[str] = "gallery"
    title: str
    cards: Sequence[Card]
    total: int
    shape: str = "wide"  # wide | tall | square | pair | sheet | story
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """A drawing; `wide` ones scroll sideways on a narrow screen instead of shrinking."""

    kind: ClassVar[str] = "chart"
    title: str
    svg: Markup
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Bar:
    """One bar within 0 to 1, with the range in which it should end."""

    name: str
    share: float
    value: str
    low: float | None = None
    high: float | None = None
    tint: str = ""
    start: float = 0.0

    @property
    def state(self) -> str:
        """good or off where there is a range, else plain."""
        if self.low is None or self.high is None:
            return "plain"
        return "good" if self.low - 1e-9 <= self.share <= self.high + 1e-9 else "off"


@dataclass(frozen=True)
class Bars:
    """Shares side by side; a shaded band shows what is recommended."""

    kind: ClassVar[str] = "bars"
    title: str
    bars: Sequence[Bar]
    note: str = ""
    broad: bool = False  # over the whole column


@dataclass(frozen=True)
class Link:
    """Text in a table that leads to another part of the page."""

    text: str
    part: str  # its id


@dataclass(frozen=True)
class ImageFile:
    """Text in a table that opens an image below the film's folder; plain text without one."""

    text: str
    file: str


@dataclass(frozen=True)
class Table:
    """Rows of text, numbers, links, image files; numbers are flush right. `foot`: the sums."""

    kind: ClassVar[str] = "table"
    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[Any]]
    foot: Sequence[Any] = ()
    note: str = ""
    folded: bool = False  # only the title is shown until it is clicked


@dataclass(frozen=True)
class Note:
    """A plain sentence; `tone` is plain, good or warn."""

    kind: ClassVar[str] = "note"
    text: str
    tone: str = "plain"


@dataclass(frozen=True)
class Figures:
    """A row of large numbers with what they count."""

    kind: ClassVar[str] = "figures"
    figures: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Columns:
    """Blocks side by side where the screen is wide enough."""

    kind: ClassVar[str] = "columns"
    blocks: Sequence[Any]


@dataclass(frozen=True)
class Tabs:
    """Named lists of blocks, one of which is shown at a time (all of them without JavaScript).

    The id of each is that of the tabs, a hyphen and its name.
    """

    kind: ClassVar[str] = "tabs"
    id: str
    tabs: Sequence[tuple[str, Sequence[Any]]]


@dataclass(frozen=True)
class Section:
    """A chapter of the page: heading, one opening sentence, blocks."""

    id: str
    title: str
    lead: str = ""
    blocks: Sequence[Any] = field(default_factory=list)
