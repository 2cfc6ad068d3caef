import json
from pathlib import Path

import pytest

from bench.completeness.corpora import Follows, parse, read

MORE, COMMA, SENTENCE, TURN = Follows


@pytest.mark.parametrize(
    ("text", "words", "follows"),
    [
        ("Yes", ["yes"], [TURN]),
        ("Yes, please. Now!", ["yes", "please", "now"], [COMMA, SENTENCE, TURN]),
        (
            "At 10 a.m. on Friday?",
            ["at", "10", "a.m", "on", "friday"],
            [MORE, MORE, SENTENCE, MORE, TURN],
        ),
        ("Wait... what", ["wait", "what"], [SENTENCE, TURN]),
        ("I - well - don’t", ["i", "well", "don't"], [COMMA, COMMA, TURN]),
        ("...", [], []),
    ],
)
def test_marks_become_what_follows_a_word(
    text: str, words: list[str], follows: list[Follows]
) -> None:
    turn = parse(text)
    assert list(turn.words) == words
    assert list(turn.follows) == follows


def test_each_corpus_is_read_as_its_publisher_writes_it(tmp_path: Path) -> None:
    def put(name: str, text: str) -> None:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    put(
        "dstc8-schema-guided-dialogue/train/dialogues_001.json",
        json.dumps([{"turns": [{"utterance": "One."}, {"utterance": "Two?"}]}]),
    )
    put(
        "Taskmaster/TM-4-2024/data/data_00.json",
        json.dumps([{"utterances": [{"text": "Three."}, {"text": "Three."}]}]),
    )
    put("Taskmaster/TM-1-2019/woz.json", json.dumps([{"utterances": [{"text": "Not read."}]}]))
    put(
        "Topical-Chat/conversations/train.json",
        json.dumps({"t_1": {"content": [{"message": "Four."}]}}),
    )
    put(
        "multi-domain-goal-oriented-dialogues-dataset/data/paper_splits/"
        "splits_annotated_at_turn_level/airline/train.tsv",
        'conversationId\tutterance\tintent\n1\tsay "five\t-\n1\t...\t-\n',
    )
    put("tatoeba/deu.txt", "Seven.\tSieben.\n")
    found = {
        name: [" ".join(turn.words) for turn in turns] for name, turns in read(tmp_path).items()
    }

    assert found == {
        "dstc8-schema-guided-dialogue": ["one", "two"],
        "Taskmaster": ["three", "three"],
        "multi-domain-goal-oriented-dialogues-dataset": ["say five"],
        "Topical-Chat": ["four"],
        "tatoeba": ["seven"],
    }


def test_a_folder_without_corpora_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="Taskmaster"):
        read(tmp_path)
