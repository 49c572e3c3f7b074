"""What is a command and what is ordinary talk."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.webhooks.commands import Command, is_clear, named_in, names_something, parse, reason_of
from gateway.webhooks.words import ANSWER_WORDS, ANSWERS, PHRASES, WHOLE_MESSAGES, Kind

ORDER = "ORD2611000001"
ACCEPTED = (Command(Kind.ACCEPT, ORDER),)
NUMBERS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=64)


@pytest.mark.parametrize(
    "text",
    [
        f"ACCEPT {ORDER}",
        f"  Accept   {ORDER}  ",
        f"accept: {ORDER}",
        f"accept #{ORDER}",
        f"accept-{ORDER}",
        f"*ACCEPT* {ORDER}",
        f"ACCEPT order no. {ORDER}",
        f"accepted {ORDER}",
        f"ＡＣＣＥＰＴ\u3000{ORDER}",
        f"\u200eACCEPT\u00a0{ORDER}",
        f"👍 accept {ORDER}",
        f"To accept: ACCEPT {ORDER}",
        f"To accept, reply: ACCEPT {ORDER}",
        f"स्वीकार गर्न: ACCEPT {ORDER}",
        f"स्वीकार {ORDER}",
        f"{ORDER} accept",
        f"{ORDER} स्वीकार।",
        f"Namaste\nACCEPT {ORDER}",
    ],
)
def test_an_acceptance_is_read_however_it_is_written(text: str) -> None:
    assert parse(text) == ACCEPTED


@pytest.mark.parametrize(
    ("text", "about"),
    [
        (f"DECLINE {ORDER} out of stock", f"{ORDER} out of stock"),
        (f"decline {ORDER}: no rice\r\nuntil Friday", f"{ORDER}: no rice\nuntil Friday"),
        (f"reject {ORDER}", ORDER),
        (f"अस्वीकार गर्न: DECLINE {ORDER}", ORDER),
        (f"अस्वीकार {ORDER} सामान छैन", f"{ORDER} सामान छैन"),
        ("Decline", ""),
    ],
)
def test_a_refusal_keeps_what_follows_it(text: str, about: str) -> None:
    assert parse(text) == (Command(Kind.DECLINE, about),)


@pytest.mark.parametrize("text", ["ACCEPT", "accept!", "Accept 👍", "accepted, thanks", "स्वीकार गर्छु", "स्वीकार छ हजुर"])
def test_an_acceptance_may_leave_the_number_out(text: str) -> None:
    assert parse(text) == (Command(Kind.ACCEPT),)


def test_each_line_may_answer_another_order() -> None:
    text = "ACCEPT ORD1\n\nDECLINE ORD2 no rice\nsorry\naccept ORD3"

    assert parse(text) == (
        Command(Kind.ACCEPT, "ORD1"),
        Command(Kind.DECLINE, "ORD2 no rice\nsorry"),
        Command(Kind.ACCEPT, "ORD3"),
    )


@pytest.mark.parametrize("text", ["accept?", "Decline ?", "ACCEPT order?"])
def test_a_question_is_no_answer(text: str) -> None:
    assert parse(text) == (Command(Kind.UNCLEAR),)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("BALANCE", Kind.BALANCE),
        ("balance?", Kind.BALANCE),
        ("*Balance* please 🙏", Kind.BALANCE),
        ("बाँकी कति छ?", Kind.BALANCE),
        ("STOP", Kind.STOP),
        ("Stop.", Kind.STOP),
        ("Please stop sending reminders!", Kind.STOP),
        ("कृपया सन्देश नपठाउनुहोस्।", Kind.STOP),
        ("start", Kind.START),
        ("सुरु गर्नुहोस्", Kind.START),
    ],
)
def test_a_whole_message_is_a_command(text: str, kind: Kind) -> None:
    assert parse(text) == (Command(kind),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n\t ",
        "\x00\ud800",
        "Hi",
        "ok",
        "👍",
        "I can't accept this",
        "We do not accept ORD2611000001",
        "acceptance of goods",
        "accepting cash only",
        "stop it",
        "stop by tomorrow",
        "don't stop",
        "bus stop",
        "start tomorrow",
        "my balance is wrong",
        "Balance\nand more",
        "unacceptable",
        "To whom it may concern",
        "आज पसल बन्द छ",
    ],
)
def test_ordinary_talk_is_no_command(text: str) -> None:
    assert parse(text) == ()


@given(st.text(max_size=300))
@example("accept\ufe0f\u200d?")
@example("﷽" * 300)
def test_nothing_makes_the_parser_fail(text: str) -> None:
    for command in parse(text):
        numbers, rest = named_in(command.about, ["ORD1", "", "   ", "?", "#", text[:64]])
        is_clear(rest)
        names_something(rest)
        assert len(reason_of(rest) or "") <= 500
        assert "\x00" not in command.about
        assert set(numbers) <= {"ORD1", "", "   ", "?", "#", text[:64]}


@st.composite
def talk(draw: st.DrawFn) -> str:
    """Lines of three words and more, which may hold our words anywhere but in front."""
    first = st.sampled_from(["we", "tomorrow", "I", "25kg", "हामी", "don't", "bus", "ORD1"])
    others = st.lists(first | st.sampled_from(sorted({*ANSWER_WORDS, *PHRASES})), min_size=2, max_size=6)
    return "\n".join(draw(st.lists(st.builds(lambda one, more: " ".join([one, *more]), first, others), max_size=4)))


@given(talk())
def test_our_words_inside_a_sentence_are_no_commands(text: str) -> None:
    assert parse(text) == ()


@given(st.sampled_from(sorted(WHOLE_MESSAGES)), st.sampled_from(["", " ", "!", "...", " 🙏", "\n", "?"]), st.data())
def test_every_phrase_of_the_table_is_its_command(kind: Kind, after: str, data: st.DataObject) -> None:
    phrase = data.draw(st.sampled_from(WHOLE_MESSAGES[kind]))

    assert parse(phrase.upper() + after) == (Command(kind),)


@given(st.sampled_from(sorted(ANSWERS)), NUMBERS, st.data())
def test_every_word_of_the_table_answers_any_order_number(kind: Kind, number: str, data: st.DataObject) -> None:
    assume(any(map(str.isalnum, number)) and "?" not in number)
    word = data.draw(st.sampled_from(ANSWERS[kind]))

    commands = parse(f"{word.title()} {number}")

    assert [command.kind for command in commands] == [kind]
    assume(commands[0].about)  # a number of filler words only, such as "no", says nothing
    assert named_in(commands[0].about, [number, "ORD2611000001"])[0] == [number]


def test_numbers_are_found_whatever_their_case_spacing_and_punctuation() -> None:
    known = ["ORD1", "ord-2", "Po  55/a", "PO"]

    assert named_in("ord1, #ORD-2 and po 55/A.", known) == (["ORD1", "ord-2", "Po  55/a"], "")


def test_the_longest_number_is_meant() -> None:
    assert named_in("PO 55 thanks", ["PO", "PO 55"]) == (["PO 55"], "thanks")


@pytest.mark.parametrize("about", ["ORD10", "ORD1-2", "ORD1/2", "XORD1", ""])
def test_a_part_of_a_number_is_not_the_number(about: str) -> None:
    assert named_in(about, ["ORD1"]) == ([], about)


def test_numbers_that_differ_in_case_only_must_be_written_exactly() -> None:
    assert named_in("ord1", ["ORD1", "Ord1"]) == ([], "ord1")
    assert named_in("Ord1", ["ORD1", "Ord1"]) == (["Ord1"], "")


def test_a_question_mark_after_the_number_is_left_to_be_seen() -> None:
    assert named_in("ORD1?", ["ORD1"]) == (["ORD1"], "?")


@pytest.mark.parametrize(
    ("rest", "clear"),
    [("", True), ("thanks", True), ("can't accept that price", True), ("?", False), ("DECLINE ORD2", False)],
)
def test_what_follows_a_number_may_make_the_answer_unclear(rest: str, clear: bool) -> None:  # noqa: FBT001 - a table
    assert is_clear(rest) is clear


def test_a_reason_is_cut_at_the_length_that_the_contract_takes() -> None:
    assert reason_of("x" * 501) == "x" * 500
    assert reason_of(" \n ") is None
