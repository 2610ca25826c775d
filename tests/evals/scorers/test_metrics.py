"""bleu, chrf and rouge: what the libraries compute, on 0 to 1, in English and in Japanese."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptreg.evals.all_scorers import SCORERS
from promptreg.evals.scorer import Scale, Scorer
from promptreg.evals.scorers import sacrebleu_metrics
from promptreg.evals.scorers.rouge import Rouge, Tokens
from promptreg.evals.scorers.sacrebleu_metrics import Bleu, Chrf
from tests.evals.scorers.desk import SUITE, case, judged, refusal, scorer, without_library
from tests.support.place import Place

EN = ("Returns are taken within 30 days.", "We take returns within 30 days.")
JA = ("返品は30日以内に承ります。", "返品は14日以内に承ります。")


def metric(kind: str, **options: Any) -> Scorer:
    return SCORERS[kind].model_validate({"type": kind, **options})


@pytest.mark.parametrize("pair", [EN, JA])
@pytest.mark.parametrize("kind", ["bleu", "chrf", "rouge"])
def test_the_same_text_scores_1_another_less_and_nothing_0(kind: str, pair: tuple[str, str]):
    answer, expected = pair
    judge = metric(kind)
    assert judge.scale() == Scale("score", 0, 1, "up")
    assert judged(judge, answer, case(answer)).score == 1
    assert 0.1 < judged(judge, answer, case(expected)).score < 0.95
    assert judged(judge, "", case(expected)).score == 0
    assert judged(judge, answer, case([expected, answer])).score == 1
    assert judged(metric(kind, expected="{text}"), answer, case(inputs={"text": answer})).score == 1


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        ({}, {"tokenize": "13a"}),
        ({"tokenize": "char"}, {"tokenize": "char"}),
        ({"tokenize": "intl", "lowercase": True}, {"tokenize": "intl", "lowercase": True}),
    ],
)
def test_bleu_is_what_sacrebleu_says(options: dict[str, Any], settings: dict[str, Any]):
    from sacrebleu.metrics import BLEU

    there = BLEU(effective_order=True, **settings)
    assert (
        judged(metric("bleu", **options), EN[0], case(EN[1])).score * 100 == there.sentence_score(EN[0], [EN[1]]).score
    )
    signature = "|".join(part for part in str(there.get_signature()).split("|") if part[:4] not in ("nref", "vers"))
    if options:
        assert metric("bleu", **options).facts() == {"signature": signature}
    assert metric("bleu").facts() == {"signature": "case:mixed|eff:yes|tok:13a or char|smooth:exp"}


@pytest.mark.parametrize("options", [{}, {"word_order": 2}, {"lowercase": True}])
def test_chrf_is_what_sacrebleu_says(options: dict[str, Any]):
    from sacrebleu.metrics import CHRF

    there = CHRF(**options)
    points = there.sentence_score(JA[0], [JA[1], EN[0]]).score
    assert judged(metric("chrf", **options), JA[0], case([JA[1], EN[0]])).score * 100 == pytest.approx(points, abs=1e-9)
    signature = "|".join(part for part in str(there.get_signature()).split("|") if part[:4] not in ("nref", "vers"))
    assert metric("chrf", **options).facts() == {"signature": signature}


def test_japanese_is_cut_into_characters_by_what_is_expected():
    auto, char, words = metric("bleu"), metric("bleu", tokenize="char"), metric("bleu", tokenize="13a")
    for answer in (JA[0], EN[0]):  # never by the answer, so that two versions are cut alike
        assert auto.score(answer, case(JA[1])) == char.score(answer, case(JA[1]))
        assert auto.score(answer, case(EN[1])) == words.score(answer, case(EN[1]))
    assert words.score(JA[0], case(JA[1])) < char.score(JA[0], case(JA[1]))
    assert auto.score("ＡＢＣ！", case("ＡＢＣ！")) == 1


def test_mecab_cuts_japanese_into_words():
    pytest.importorskip("MeCab", reason="needs MeCab: pip install 'git-promptreg[ja-mecab]'")
    score = metric("bleu", tokenize="ja-mecab").score(JA[0], case(JA[1]))
    assert 0.1 < score < 0.95
    assert score != metric("bleu").score(JA[0], case(JA[1]))


# ROUGE


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Returns, within 30-day_limits!", ["returns", "within", "30", "day", "limits"]),
        ("返品は30日以内。", ["返", "品", "は", "30", "日", "以", "内"]),
        ("ＡＢＣ ﾍﾝﾋﾟﾝ", ["abc", "ヘ", "ン", "ピ", "ン"]),
        ("café naïve", ["café", "naïve"]),
        ("、。！ 「」", []),
    ],
)
def test_words_and_single_characters_of_scripts_without_spaces(text: str, tokens: list[str]):
    assert Tokens().tokenize(text) == tokens


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_in_plain_english_the_tokens_are_those_of_rouge_score(text: str):
    from rouge_score.tokenizers import DefaultTokenizer

    assert Tokens().tokenize(text) == DefaultTokenizer().tokenize(text)


@pytest.mark.parametrize(
    ("options", "answer", "expected", "score"),
    [
        ({"variant": "rouge1"}, "a b c d", "a b x", 4 / 7),
        ({"variant": "rouge1", "measure": "precision"}, "a b c d", "a b x", 0.5),
        ({"variant": "rouge1", "measure": "recall"}, "a b c d", "a b x", 2 / 3),
        ({"variant": "rouge2"}, "a b c", "a b d", 0.5),
        ({"variant": "rougeL"}, "a x b y c", "a b c", 0.75),
        ({"variant": "rouge1"}, "返品は可", "返品は不可", 8 / 9),
    ],
)
def test_rouge_counts_what_is_shared(options: dict[str, Any], answer: str, expected: str, score: float):
    assert metric("rouge", **options).score(answer, case(expected)) == pytest.approx(score, abs=1e-12)


@settings(deadline=None)
@given(st.text(), st.text().filter(str.strip))
def test_any_text_has_a_score_between_0_and_1(answer: str, expected: str):
    for judge in (Bleu(type="bleu"), Chrf(type="chrf", word_order=2), Rouge(type="rouge")):
        assert 0 <= judge.score(answer, case(expected)) <= 1


# What is missing or wrong


@pytest.mark.parametrize(
    ("kind", "module", "message"),
    [
        ("bleu", "sacrebleu.metrics.bleu", "The bleu scorer needs sacrebleu: pip install 'git-promptreg[metrics]'"),
        ("chrf", "sacrebleu.metrics.chrf", "The chrf scorer needs sacrebleu: pip install 'git-promptreg[metrics]'"),
        (
            "rouge",
            "rouge_score.rouge_scorer",
            "The rouge scorer needs rouge-score: pip install 'git-promptreg[metrics]'",
        ),
    ],
)
def test_without_the_library_the_message_is_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str, message: str
):
    from promptreg.evals.scorers import rouge

    for made in (sacrebleu_metrics._bleu, sacrebleu_metrics._chrf, rouge._scorer):
        made.cache_clear()
    assert without_library(monkeypatch, module, metric(kind)) == message


def test_without_mecab_the_message_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    from sacrebleu.tokenizers import tokenizer_ja_mecab

    monkeypatch.setattr(tokenizer_ja_mecab, "MeCab", None)
    sacrebleu_metrics._bleu.cache_clear()
    message = "The tokenizer ja-mecab needs MeCab: pip install 'git-promptreg[ja-mecab]'"
    assert without_library(monkeypatch, "MeCab", metric("bleu", tokenize="ja-mecab")) == message


@pytest.mark.parametrize(
    ("options", "cases", "message"),
    [
        (
            {"type": "bleu", "tokenize": "mecab"},
            None,
            "2:35: tokenize must be 'auto', '13a', 'intl', 'char', 'ja-mecab' or 'none', not 'mecab'.",
        ),
        ({"type": "chrf", "word_order": 9}, None, "2:37: word_order: input should be less than or equal to 4."),
        (
            {"type": "rouge", "variant": "rouge3"},
            None,
            "2:35: variant must be 'rouge1', 'rouge2' or 'rougeL', not 'rouge3'.",
        ),
        ({"type": "rouge", "expected": ""}, None, "2:36: m: the expected text is empty. Say what is expected."),
        ({"type": "bleu"}, [{"id": "c1"}], "3:9: m: case c1: expected is missing."),
        ({"type": "chrf"}, [{"id": "c1", "expected": {"a": "b"}}], "3:9: m: case c1: expected is no text."),
        ({"type": "bertscore", "expected": "x"}, None, "2:6: model is missing."),
        ({"type": "bertscore", "model": "x"}, [{"id": "c1"}], "3:9: m: case c1: expected is missing."),
        (
            {"type": "bertscore", "model": "x", "layers": 0},
            None,
            "2:52: layers: input should be greater than or equal to 1.",
        ),
    ],
)
def test_what_cannot_judge_is_said_when_the_suite_is_read(
    folder: Place, options: dict[str, Any], cases: Any, message: str
):
    assert refusal(folder, options, cases) == f"{SUITE}:{message}"


def test_the_digest_tells_settings_apart(folder: Place):
    kinds = [
        {"type": "bleu"},
        {"type": "bleu", "tokenize": "char"},
        {"type": "chrf"},
        {"type": "chrf", "word_order": 2},
    ]
    assert len({scorer(folder, options).digest() for options in kinds}) == 4


def test_reading_a_suite_needs_no_library(folder: Place, monkeypatch: pytest.MonkeyPatch):
    for module in (
        "sacrebleu.metrics.bleu",
        "sacrebleu.metrics.chrf",
        "rouge_score.rouge_scorer",
        "rapidfuzz.distance",
    ):
        monkeypatch.setitem(sys.modules, module, None)
    for kind in ("bleu", "chrf", "rouge", "edit-distance"):
        assert scorer(folder, {"type": kind}, [{"id": "c1", "expected": "x"}]).digest()


def test_a_combination_prepares_its_parts(folder: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "rapidfuzz.distance", None)
    judge = scorer(folder, {"type": "all", "of": [{"type": "any", "of": [{"type": "edit-distance"}]}]})
    assert without_library(monkeypatch, "rapidfuzz.distance", judge).endswith("[edit-distance]'")
