"""The file of words is read whole, or all that is wrong with it is said."""

from pathlib import Path

import pytest

from workflow_scripts.dataset.vocabulary import read_vocabulary
from workflow_scripts.lib.errors import CineloraError

SHIPPED = Path(__file__).resolve().parents[2] / "resources/vocabularies/captions.yaml"
TEXT = SHIPPED.read_text(encoding="utf-8")


def test_what_ships_is_read_as_it_is_written():
    words = read_vocabulary(SHIPPED)
    assert words["words"]["eyes"] == {"open": "open eyes", "closed": "closed eyes"}
    assert words["words"]["intensity"]["medium"] == ""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("    stand: standing\n", "    stand: [standing]\n", "words.action.stand: ['standing']"),
        ("    stand: standing\n", "    stand:\n", "words.action.stand: None is not"),
        ("    stand: standing\n", "    stand: a\n    stand: b\n", "stand stands in line"),
        ("\nrecipes:", "\nrecipe:", "'recipes' is a required property"),
        ("  pose: [action,", "  pose: [acton,", "recipes.pose: there are no words for 'acton'"),
        ("with {}", "with {0.__class__}", "words.others._: 'with {0.__class__}' does not match"),
        ("with {}", "with {", "words.others._: 'with {' does not match"),
        ("\n  pose:", "\n  poses:", "recipes: 'pose' is a required property"),
        (TEXT, "- a\n", "holds a list"),
        (TEXT, "", "is empty"),
    ],
)
def test_what_is_wrong_is_said(tmp_path, old, new, words):
    path = tmp_path / "captions.yaml"
    assert TEXT.count(old) >= 1
    path.write_text(TEXT.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CineloraError) as hit:
        read_vocabulary(path)
    assert str(path) in str(hit.value) and words in str(hit.value)
