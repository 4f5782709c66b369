"""Writes metrics.json: scores of sacreBLEU, rouge_score and a few answer normalisations, for tests/it/metrics.rs.

    python make_metrics.py

Needs sacrebleu and rouge-score; their versions are written into the file. The sentences are ours.
"""

import json
import pathlib
import re
import string
from importlib.metadata import version

from rouge_score import rouge_scorer
from sacrebleu.metrics import BLEU, CHRF

# Each case: hypotheses, and for each of them its references.
CASES = {
    "perfect": (["The red house is in the old town.", "She reads a book."],
                [["The red house is in the old town."], ["She reads a book."]]),
    "partial": (["The house is red and it is in the old town.", "She was reading books yesterday evening."],
                [["The red house is in the old town."], ["She reads a book every evening."]]),
    "nothing in common": (["alpha beta gamma delta"], [["one two three four five"]]),
    "one word right": (["alpha beta gamma delta five"], [["one two three four five"]]),
    "no bigram right": (["three one five two four"], [["one two three four five"]]),
    "empty hypothesis": (["", "A small dog runs across the wide field."],
                         [["It was empty."], ["A small dog runs over the wide field."]]),
    "only empty hypotheses": (["", ""], [["a b c d"], ["e f g h"]]),
    "empty reference": (["something was said", "the cat sat on the mat"], [[""], ["the cat sat on the mat"]]),
    "spaces at the ends": (["  the cat   sat on\tthe mat  \n", "a b c d e"],
                           [["the cat sat on the mat"], [" a b c d e"]]),
    "shorter than four words": (["Paris", "New York"], [["Paris"], ["New York City"]]),
    "brevity": (["the cat sat"], [["the cat sat on the mat near the door of the house"]]),
    "too long": (["the cat sat on the mat near the door of the house"], [["the cat sat on the mat"]]),
    "repeated words": (["the the the the the the the"], [["the cat is on the mat in the hall"]]),
    "two references": (["The cat is on the mat, I think.", "He left at noon."],
                       [["There is a cat on the mat, I think.", "The cat is on a mat."],
                        ["At noon he left.", "He went away at twelve."]]),
    "references of equal F1": (["a b c d"], [["a b", "a b c d x y z w"]]),
    "references of equal distance": (["a b c d e"], [["a b c d e f g", "a b c"]]),
    "different numbers of references": (["a quick test of this", "one more line here now"],
                                        [["a quick test of that", "a fast test of this", "some test"],
                                         ["one more line there now"]]),
    "punctuation": (['"Well," she said, "it\'s 5:30 (or so) - isn\'t it?"', "A/B test: 50% off; cost $3.50 & tax!"],
                    [['"Well", she said: "it is 5:30 (or so) -- is it not?"'],
                     ["A / B test: 50 % off; cost $ 3.50 and tax !"]]),
    "numbers": (["In 1,234.56 days, 7.5% of 10-20 or 3-4 items (No. 7) cost 2,000,000.", "It was 1999.", ".5 and 5."],
                [["In 1,234.56 days 7.5 % of 10 - 20 or 3-4 items (no. 7) cost 2 000 000 .", ], ["It was 1999 ."],
                 ["0.5 and 5 ."]]),
    "markup": (["a &quot;b&quot; &amp;lt; c &lt;d&gt; <skipped> e-\nf\ng", "x & y"],
               [['a "b" < c <d> e f g'], ["x &amp; y"]]),
    "unicode punctuation": (["\u00ab Voil\u00e0 \u00bb, dit-il\u2026 \u201cl\u2019\u00e9t\u00e9\u201d \u2014 20\u202f\u20ac", "\u201eJa\u201c, sagte er \u2013 100\u00b0C; \u00bd\u00b2 + \u03c0 \u2248 3,64"],
                            [["\u00abVoil\u00e0\u00bb, dit-il ... \"l'\u00e9t\u00e9\" - 20 \u20ac"],
                             ["\u201eJa\u201c sagte er \u2013 100 \u00b0C ; \u00bd\u00b2 + \u03c0 \u2248 3,64"]]),
    "four languages": (["Das M\u00e4dchen h\u00f6rt gro\u00dfe V\u00f6gel im Wald.", "Il a \u00e9t\u00e9 \u00e0 No\u00ebl chez s\u0153ur Z\u00e9lie.",
                        "Ora\u0219ul vechi \u0219i c\u00e2mpia \u00een\u021beleapt\u0103.", "\u041e\u043d\u0430 \u0434\u043e\u043c\u0430."],
                       [["Das M\u00e4dchen h\u00f6rt gro\u00dfe V\u00f6gel in dem Wald."], ["Il a \u00e9t\u00e9 chez sa s\u0153ur Z\u00e9lie \u00e0 No\u00ebl."],
                        ["Ora\u0219ul \u0219i c\u00e2mpia \u00een\u021beleapt\u0103 \u0219i veche."], ["\u041e\u043d\u0430 \u0431\u044b\u043b\u0430 \u0434\u043e\u043c\u0430."]]),
    "case": (["THE CAT Sat on The mat", "\u00c9T\u00c9 \u00c0 \u0130stanbul \u03a3\u0391\u03a3"], [["the cat sat on the mat"], ["\u00e9t\u00e9 \u00e0 istanbul \u03c3\u03b1\u03c2"]]),
    "chinese and emoji": (["\u6211\u4eec\u559c\u6b22\u732b\u3002", "ok \U0001f44d\U0001f3fd yes"], [["\u6211\u4eec\u5f88\u559c\u6b22\u732b\u3002"], ["ok \U0001f44d yes"]]),
    "chinese sentences": (
        ["\u4ed6\u57282019\u5e74\u4e70\u4e863.5\u516c\u65a4\u82f9\u679c\uff0c\u82b1\u4e86\uffe520\u3002", " \u201c\u597d\u7684\u201d\uff0c\u5979\u8bf4\u2014\u2014\u7136\u540e\u8d70\u4e86 (OK).", "\ufe12\ufe22\ufa2e\U00020000\u2f81\u2fe0\u20ac5-6"],
        [["\u4ed6\u57282019\u5e74\u4e70\u4e863,5\u516c\u65a4\u7684\u82f9\u679c, \u82b1\u4e8620\u5143\u3002"], ["\u5979\u8bf4\u201c\u597d\u201d\u2014\u2014\u7136\u540e\u5c31\u8d70\u4e86(OK) ."], ["\ufe12 \ufe22 \ufa2e \U00020000 \u2f81\u2fe0 \u20ac 5 - 6"]],
    ),
    "odd spaces": (["a\u00a0b\u2003c d\u200be f\u3000g", "a\x1cb c d e"], [["a b c d\u200be f g"], ["a b c d e"]]),
    "lines": (["The fire began at night.\nNo one was hurt.\nThe street is closed.", "One line only, cats and dogs."],
              [["No one was hurt by the fire.\nIt began late at night.\n\nThe street is now closed."],
               ["Dogs and cats.\nOne line, only dogs."]]),
    "union of sequences": (["w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5", "a b a b\nb a"], [["w1 w2 w3 w4 w5"], ["b a b a\na b"]]),
    "nothing": ([], []),
}

BLEU_OPTIONS = [
    dict(),
    dict(tokenize="intl"),
    dict(tokenize="none"),
    dict(tokenize="char"),
    dict(tokenize="zh"),
    dict(lowercase=True),
    dict(tokenize="intl", lowercase=True),
    dict(smooth_method="none"),
    dict(smooth_method="floor"),
    dict(smooth_method="floor", smooth_value=0.5),
    dict(smooth_method="add-k"),
    dict(smooth_method="add-k", smooth_value=0.25),
    dict(effective_order=True),
    dict(max_ngram_order=2),
]

CHRF_OPTIONS = [dict(), dict(word_order=2), dict(lowercase=True), dict(word_order=1, lowercase=True), dict(beta=1)]

ANSWERS = [
    "The Beatles", "a  Beatles!", "An apple", "U.S.A.", "U.S. A", "Rock 'n' Roll", "rock\u2019n\u2019roll", "\u00c9cole_normale", "the-end",
    "A.B. the C", "", "...", "Theatre of a nation", "3,000.5 km", "\u2018quoted\u2019 `text\u00b4", "\u00ab\u00e0 la\u00bb the\u2014a", "a\u0301 the", "\u00e9a the\u00e9",
    "snake_the_case", "line\nbreak\tthe tab\x1dgroup",
]


def bleu(options, hypotheses, references):
    # sacreBLEU wants one stream per reference; rows with fewer are filled up with None.
    width = max(map(len, references))
    streams = [[row[i] if i < len(row) else None for row in references] for i in range(width)]
    metric = BLEU(**options)
    score = metric.corpus_score(hypotheses, streams)
    return {
        "options": options,
        "score": score.score,
        "precisions": score.precisions,
        "brevity_penalty": score.bp,
        "prediction_length": score.sys_len,
        "reference_length": score.ref_len,
        "signature": str(metric.get_signature()),
    }


def chrf(options, hypotheses, references):
    width = max(map(len, references))
    streams = [[row[i] if i < len(row) else None for row in references] for i in range(width)]
    metric = CHRF(**options)
    score = metric.corpus_score(hypotheses, streams)
    return {"options": options, "score": score.score, "signature": str(metric.get_signature())}


def rouge(hypotheses, references):
    kinds = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
    scorer = rouge_scorer.RougeScorer(kinds, use_stemmer=False)
    rows = [scorer.score_multi(list_, hypothesis) for hypothesis, list_ in zip(hypotheses, references)]
    return {
        kind: {
            "score": 100 * sum(row[kind].fmeasure for row in rows) / len(rows),
            "precision": 100 * sum(row[kind].precision for row in rows) / len(rows),
            "recall": 100 * sum(row[kind].recall for row in rows) / len(rows),
            "rows": [row[kind].fmeasure for row in rows],
        }
        for kind in kinds
    }


def normalise(text, punctuation, replacement):
    """The rules of the SQuAD and TriviaQA evaluation scripts: lower case, punctuation, articles, spaces."""
    text = "".join(replacement if c in punctuation else c for c in text.lower())
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def main():
    cases = []
    for name, (hypotheses, references) in CASES.items():
        case = {"name": name, "hypotheses": hypotheses, "references": references}
        if hypotheses:
            case["bleu"] = [bleu(options, hypotheses, references) for options in BLEU_OPTIONS]
            case["chrf"] = [chrf(options, hypotheses, references) for options in CHRF_OPTIONS]
            case["rouge"] = rouge(hypotheses, references)
        cases.append(case)
    trivia = string.punctuation + "\u2018\u2019\u00b4`_"
    answers = [
        {"text": text, "squad": normalise(text, string.punctuation, ""), "triviaqa": normalise(text, trivia, " ")}
        for text in ANSWERS
    ]
    versions = {package: version(package) for package in ["sacrebleu", "rouge-score", "regex"]}
    out = pathlib.Path(__file__).with_name("metrics.json")
    lines = {key: ",\n".join(map(json.dumps, rows)) for key, rows in [("cases", cases), ("answers", answers)]}
    body = ",\n".join(f'"{key}": [\n{rows}\n]' for key, rows in lines.items())
    out.write_text(f'{{"versions": {json.dumps(versions)},\n{body}}}\n')  # one case a line


main()
