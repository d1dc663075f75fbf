"""Files of corrections: read whole or refused by line; doubles, unknown ids; written, read back."""

import os

import pandas as pd
import pytest

from workflow_scripts.lib.emotions import EMOTIONS
from workflow_scripts.lib.errors import CineloraError
from workflow_scripts.lib.reviews import REVIEWS, count_unknown, read_review, write_review
from workflow_scripts.plan.schema import read_schema

GOOD = {
    "identities": "id,character\ns0001_t00,nella\n",
    "expressions": "id,emotion,intensity\ns0001_t00,happy,high\n",
    "locations": "frame_id,location\ns0001_f000048,plaza\n",
    "captions": "kind,image_id,caption\nstyle,s0001_f000048,a plaza\n",
}


def save(folder, data: str | bytes, name: str = "expressions"):
    path = folder / f"{name}.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def refuse(folder, data: str | bytes, name: str = "expressions", **options) -> str:
    path = save(folder, data, name)
    with pytest.raises(CineloraError) as error:
        read_review([str(path)], name, **options)
    assert str(path) in str(error.value)
    return str(error.value)


def test_every_review_file_is_read(tmp_path):
    assert set(GOOD) == set(REVIEWS)
    for name, text in GOOD.items():
        rows = read_review(save(tmp_path, text, name), name)
        assert rows.columns.tolist() == [*text.split("\n")[0].split(","), "line"]
        assert rows.iloc[0].tolist() == [*text.split("\n")[1].split(","), 2]


@pytest.mark.parametrize("path", ["", [], ()], ids=["no path", "no match", "none"])
def test_no_file_is_no_correction(path):
    rows = read_review(path, "captions")
    assert rows.empty
    assert rows.columns.tolist() == ["kind", "image_id", "caption", "line"]


@pytest.mark.parametrize(
    "data",
    [
        "id,emotion\ni0,happy\n",
        b"\xef\xbb\xbfid,emotion\r\ni0,happy\r\n",
        "id,emotion\ri0,happy\r",
        'emotion , id\n"happy", i0 \n\n,\n',
        "id,emotion,intensity\ni0,happy,\n",
        "id,emotion\ni0,happy\ni0,happy\n",
    ],
    ids=["plain", "a spreadsheet's", "old line ends", "spaces, blank rows", "no degree", "twice"],
)
def test_the_same_said_in_several_ways(tmp_path, data):
    rows = read_review(save(tmp_path, data), "expressions")
    assert rows.to_dict("records") == [{"id": "i0", "emotion": "happy", "intensity": "", "line": 2}]


def test_lines_are_those_of_the_file(tmp_path):
    text = 'kind,image_id,caption\n\nstyle,f1,"two\nlines, one ""caption"""\nstyle,f2,caf\u00e9\n'
    rows = read_review(save(tmp_path, text, "captions"), "captions")
    assert rows["line"].tolist() == [3, 5]
    assert rows["caption"].tolist() == ['two\nlines, one "caption"', "caf\u00e9"]


def test_a_caption_left_empty_says_nothing(tmp_path):
    text = "kind,image_id,caption\nstyle,f1,\nstyle,f1,a plaza\npose,f1,\n"
    assert read_review(save(tmp_path, text, "captions"), "captions")["line"].tolist() == [3]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty. Its first line must read id,emotion,intensity"),
        (b" \n\n", "is empty"),
        (",,,\n", "is empty"),
        ('""\n', "is empty"),
        ("id,emotion\ni0,happy\n".encode("utf-16"), "is written in UTF-16"),
        ("id,emotion\ni0,happy\n".encode("utf-16-be"), "is written in UTF-16"),
        ("id,emotion\ni0,happy\n\u00e9,sad\n".encode("latin-1"), "line 3: byte 0xe9 is no UTF-8"),
        ("id;emotion\ni0;happy\n", "line 1: the columns are separated by semicolons"),
        ("id\temotion\ni0\thappy\n", "line 1: the columns are separated by tabs"),
        ("id\ni0\n", "line 1: no column emotion. Its first line must read id,emotion,intensity"),
        ("i0,happy\n", "line 1: no column id"),
        ("id,emotion,intensty\n", "unknown column 'intensty'. Did you mean 'intensity'?"),
        ("id,emotion,note\n", "unknown column 'note'. Known: id, emotion, intensity"),
        ("id,emotion,id\n", "line 1: the column id stands there more than once"),
        (
            "id,emotion\ni0,happy,a lot\n",
            "line 2: 3 fields, the header names 2. A text with a comma",
        ),
        ("id,emotion,intensity\ni0,happy\n", "line 2: 2 fields, the header names 3."),
        ('id,emotion\ni0,happy\ni1,"sad\ni2,sad\n', "line 3: unexpected end of data"),
        ("id,emotion\ni0,joyful\n", "line 2: no emotion 'joyful'. Known: neutral, happy"),
        ("id,emotion\ni0,hapy\n", "line 2: no emotion 'hapy'. Did you mean 'happy'?"),
        ("id,emotion\ni0,\n", "line 2: no emotion."),
        ("id,emotion\n,happy\n", "line 2: no id."),
        ("id,emotion,intensity\ni0,happy,huge\n", "line 2: no intensity 'huge'. Known: low"),
        ("id,emotion\ni0,happy\n\ni0,sad\n", "lines 2 and 4 say different things of i0"),
    ],
    ids=[
        *(
            "empty",
            "blank",
            "fields without a text",
            "an empty field",
            "UTF-16 with a mark",
            "UTF-16 without",
            "Latin-1",
            "semicolons",
            "tabs",
        ),
        *("no column", "no header", "misspelt column", "unknown column", "column twice"),
        *("unquoted comma", "too few", "open quote", "unknown word", "misspelt word"),
        *("no word", "no id", "unknown degree", "contradiction"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(tmp_path, data, message):
    assert message in refuse(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("captions", "styl,f1,a plaza", "line 2: no kind 'styl'. Did you mean 'style'?"),
        ("captions", "style,f1,a plaza, at night", "A text with a comma stands in quotes."),
        ("locations", "f1,The Plaza", "line 2: location 'The Plaza': use a-z, 0-9, _ and -"),
        ("identities", "t1,nela", "line 2: no character 'nela'. Did you mean 'nella'?"),
    ],
)
def test_each_file_has_its_own_words(tmp_path, name, row, message):
    header = ",".join(REVIEWS[name].columns)
    words = {"character": ["nella", "pip"]}
    assert message in refuse(tmp_path, f"{header}\n{row}\n", name, words=words)


def test_without_a_cast_nobody_can_be_named(tmp_path):
    text = "id,character\nt1,\nt2,nella\n"
    assert "line 3: no character 'nella'. Known: none" in refuse(
        tmp_path, text, "identities", words={"character": []}
    )


def test_one_image_may_have_a_caption_of_each_kind(tmp_path):
    text = "kind,image_id,caption\nstyle,f1,a\nlighting,f1,b\n"
    assert len(read_review(save(tmp_path, text, "captions"), "captions")) == 2
    text += "style,f1,c\n"
    assert "lines 2 and 4 say different things of style f1" in refuse(tmp_path, text, "captions")


def test_all_problems_are_named_at_once_in_their_order(tmp_path):
    rows = [f"i{n},joyful" for n in range(30)]
    message = refuse(tmp_path, "id,emotion\n" + "\n".join(rows))
    assert message.count("joyful") == 20
    assert message.index("line 2:") < message.index("line 3:") < message.index("and 10 more.")


def test_a_folder_and_a_broken_link_are_no_files(tmp_path):
    (tmp_path / "captions.csv").mkdir()
    with pytest.raises(CineloraError, match="is a folder"):
        read_review(tmp_path / "captions.csv", "captions")
    (tmp_path / "locations.csv").symlink_to(tmp_path / "gone.csv")
    with pytest.raises(CineloraError, match="is a link that leads nowhere"):
        read_review(tmp_path / "locations.csv", "locations")


def test_a_pipe_a_loop_of_links_and_a_huge_file_are_not_read(tmp_path):
    os.mkfifo(tmp_path / "captions.csv")
    with pytest.raises(CineloraError, match="a pipe or a device"):
        read_review(tmp_path / "captions.csv", "captions")
    (tmp_path / "locations.csv").symlink_to("locations.csv")
    with pytest.raises(CineloraError, match="is a link that leads nowhere"):
        read_review(tmp_path / "locations.csv", "locations")
    huge = tmp_path / "identities.csv"
    huge.touch()
    os.truncate(huge, 30 * 10**6)
    with pytest.raises(CineloraError, match="has 30 MB; of corrections, 5 MB are read"):
        read_review(huge, "identities")


@pytest.mark.parametrize("text", [",,", " , ", "{}|,", "\u202e", "\ufeff,\u200b"], ids=ascii)
def test_a_caption_without_a_word_is_refused(tmp_path, text):
    said = refuse(tmp_path, f'kind,image_id,caption\nstyle,f1,"{text}"\n', "captions")
    assert "line 2: caption" in said and "it says nothing" in said


def test_a_long_value_is_named_by_its_beginning(tmp_path):
    said = refuse(tmp_path, f"id,emotion\ni1,{'x' * 50_000}\n")
    assert "(50,002 characters)" in said and len(said) < 500


def test_unknown_ids_are_counted_and_logged_by_line(tmp_path, caplog):
    text = "id,character\nt1,nella\nt9,pip\nt2,\nt8,\n"
    rows = read_review(save(tmp_path, text, "identities"), "identities")
    assert count_unknown(rows, "identities", {"t1", "t2"}) == 2
    assert "identities.csv: 2 corrections fit nothing in this film: line 3 (t9), line 5 (t8)" in (
        caplog.text
    )
    caplog.clear()
    assert count_unknown(rows, "identities", ["t1", "t2", "t8", "t9"]) == 0
    assert not caplog.text


def test_what_is_written_is_read_back(tmp_path):
    path = tmp_path / "new" / "captions.csv"
    rows = pd.DataFrame(
        {
            "caption": ['a "brave" boy, running', "caf\u00e9\nat night"],
            "image_id": ["f2", "f1"],
            "kind": ["style", "lighting"],
        }
    )
    write_review(rows, path, "captions")
    assert path.read_bytes().startswith(b"kind,image_id,caption\nstyle,f2,")
    back = read_review(path, "captions")
    assert back["line"].tolist() == [2, 3]
    pd.testing.assert_frame_equal(back[rows.columns], rows, check_dtype=False)
    before = path.read_bytes()
    write_review(back, path, "captions")
    assert path.read_bytes() == before


def test_a_column_that_may_be_left_out_is_written_empty(tmp_path):
    write_review(
        pd.DataFrame({"id": ["i0"], "emotion": ["sad"]}), tmp_path / "e.csv", "expressions"
    )
    assert (tmp_path / "e.csv").read_text(encoding="utf-8") == "id,emotion,intensity\ni0,sad,\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"id": ["i0"], "emotion": ["joyful"]}, "line 2: no emotion 'joyful'"),
        ({"id": ["i0", "i0"], "emotion": ["sad", "fear"]}, "lines 2 and 3 say different things"),
        ({"id": ["i0"]}, "the rows to be written have id"),
        ({"id": ["i0"], "emotion": ["sad"], "note": [""]}, "the rows to be written have"),
        ({"id": ["i0"], "emotion": [None]}, "every value of a correction is a text"),
    ],
    ids=["unknown word", "contradiction", "column missing", "column unknown", "no text"],
)
def test_what_could_not_be_read_is_not_written(tmp_path, rows, message):
    path = save(tmp_path, GOOD["expressions"])
    with pytest.raises(CineloraError, match=message):
        write_review(pd.DataFrame(rows), path, "expressions")
    assert path.read_text(encoding="utf-8") == GOOD["expressions"]
    assert list(tmp_path.iterdir()) == [path]


def test_kinds_and_emotions_are_those_of_the_config():
    schema = read_schema()["properties"]
    film = schema["films"]["additionalProperties"]["properties"]
    assert film["kinds"]["items"] == {"$ref": "#/$defs/kind"}
    bias = schema["classify_expressions"]["properties"]["bias"]
    assert bias["required"] == EMOTIONS
