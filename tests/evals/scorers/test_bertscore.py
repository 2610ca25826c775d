"""bertscore: through bert-score and torch, with a tiny BERT that is made here."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from promptreg.core.errors import PromptregError
from promptreg.evals.provider import Completion, Means
from promptreg.evals.scorer import Judgement, Scale
from promptreg.evals.scorers.bertscore import Bertscore
from tests.evals.scorers.desk import Desk, case, judged, scorer
from tests.support.place import Place

WORDS = [*"[PAD] [UNK] [CLS] [SEP] [MASK] the returns take days a b".split(), *"返品は日"]


def bertscore(**options: Any) -> Bertscore:
    return Bertscore.model_validate({"type": "bertscore", "model": "tiny", **options})


def test_without_the_library_the_message_is_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bert_score", None)
    with pytest.raises(PromptregError) as caught:
        asyncio.run(bertscore(layers=1).prepare(Means()))
    message = "The bertscore scorer needs bert-score and torch: pip install 'git-promptreg[bertscore]'"
    assert caught.value.message == message


def test_reading_a_suite_needs_no_torch(folder: Place, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "bert_score", None)
    options = {"type": "bertscore", "model": "tiny", "layers": 2}
    one = scorer(folder, options, [{"id": "c1", "expected": "x"}])
    assert one.scale() == Scale("score", 0, 1, "up")
    assert one.digest() != scorer(folder, options | {"revision": 2}).digest()


def test_an_empty_answer_scores_0_without_a_model():
    assert judged(bertscore(), " \n", case("x")) == (0, None)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder with a BERT of two layers in it, whose weights are the same on every run."""
    torch = pytest.importorskip("torch", reason="needs torch: pip install 'git-promptreg[bertscore]'")
    pytest.importorskip("bert_score", reason="needs bert-score: pip install 'git-promptreg[bertscore]'")
    from transformers import BertConfig, BertModel, BertTokenizerFast

    place = Place(tmp_path_factory.mktemp("models"))
    place.write("vocab.txt", "\n".join(WORDS) + "\n")
    tiny = str(place.path / "tiny")
    BertTokenizerFast(vocab=str(place.path / "vocab.txt")).save_pretrained(tiny)
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **size)).save_pretrained(tiny)
    return place


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of other people's libraries, while they are imported
class TestWithAModel:
    def test_near_texts_score_more_than_far_ones(self, models: Place, capfd: pytest.CaptureFixture[str]):
        desk = Desk(Means(directory=str(models.path)))
        judge = bertscore(layers=2)
        asyncio.run(judge.prepare(desk.means))
        expected = case("the returns take days")
        same, near, far = (
            judged(judge, text, expected, desk).score
            for text in ("the returns take days", "the returns take", "返品は日")
        )
        assert same == pytest.approx(1, abs=1e-5)
        assert 0 < far < near < same
        assert judged(judge, "返品は日", case(["the returns", "返品は日"]), desk).score == pytest.approx(1, abs=1e-5)
        assert capfd.readouterr().out == ""

    def test_it_is_what_bert_score_says(self, models: Place):
        from bert_score import BERTScorer

        desk = Desk(Means(directory=str(models.path)))
        there = BERTScorer(str(models.path / "tiny"), num_layers=1, device="cpu", use_fast_tokenizer=True)
        there._tokenizer.model_max_length = 32
        measures = [float(each[0]) for each in there.score(["the returns"], ["返品は日 a b"])]
        for measure, score in zip(("precision", "recall", "f"), measures, strict=True):
            judge = bertscore(layers=1, measure=measure)
            found = judged(judge, "the returns", case("返品は日 a b"), desk).score
            assert found == pytest.approx(score, abs=1e-6)

    def test_a_text_longer_than_the_model_is_cut(self, models: Place):
        desk = Desk(Means(directory=str(models.path)))
        assert 0 < judged(bertscore(layers=2), "the " * 500, case("返品 " * 500), desk).score <= 1

    def test_many_answers_share_one_model(self, models: Place):
        desk = Desk(Means(directory=str(models.path)))
        judge = bertscore(layers=2)

        async def several() -> list[Judgement]:
            one = Completion("a b", "m")
            return await asyncio.gather(*(judge.judge(one, case("a b"), desk, n) for n in range(8)))

        assert {round(each.score, 5) for each in asyncio.run(several())} == {1.0}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, "bert-score does not know tiny. Say how many layers: layers: 9"),
            (
                {"layers": 3},
                "the model tiny cannot be loaded: Invalid num_layers: num_layers should be between 0 and 2",
            ),
            ({"model": "no/such-model", "layers": 1}, "the model no/such-model cannot be loaded: "),
        ],
    )
    def test_a_model_that_cannot_be_loaded_ends_the_run(
        self, models: Place, options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
    ):
        import huggingface_hub.constants

        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
        with pytest.raises(PromptregError) as caught:
            judged(bertscore(**options), "x", case("y"), Desk(Means(directory=str(models.path))))
        assert type(caught.value) is PromptregError
        assert caught.value.message.startswith(message), caught.value.message
