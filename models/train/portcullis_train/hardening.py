"""Adversarial hardening: rounds in which attacks are changed without changing what they do, until the models miss them.

In each round every attack gets several fresh mutations in the same place; the one that the current gate and trees like
least to accuse survives into the next round. What slips through in the end trains the next models. Detection of the
same search against old and new models is reported, on attacks of the part that never trains.
"""

import collections

import numpy as np

from portcullis_train import calibrate, evaluation, features, graph, metrics, record, train
from portcullis_train.graft import graft
from portcullis_train.mutate import mutate
from portcullis_train.train import described, say
from portcullis_train.work import describe, write_json

VARIANTS = 4
JUDGE = "lightgbm"
# How many attacks of each part are searched; `--params` changes it under `harden`.
COUNTS = {"valid": 1500, "train": 4000}


def bases_of(path):
    return [item for item in record.read(path) if not item["label"] and len(item["body"]) < 32768]


def judge(work, requests, name):
    """The judge's probability for requests that exist only here."""
    path = work.root / "data" / f"{name}.jsonl.gz"
    record.write(path, requests)
    view = features.request_view(path, work.features(name, "request"), "request", work.gate())
    return calibrate.apply(described(work, JUDGE)["calibration"], graph.infer(str(work.model(JUDGE)), view.values).ravel())


def cut_of(work):
    """What the judge needs to see to accuse at one harmless request in a thousand of dev."""
    known = describe(work.data("dev"))
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    score = calibrate.apply(described(work, JUDGE)["calibration"], evaluation.raw_scores(work, JUDGE, "dev"))
    return metrics.cut_at(score[usual], 0.001)


def search(work, part, count, rounds, name):
    """Attacks of a part after a guided search. Returns them with their scores before and after."""
    rng = record.stream(work.seed, "harden", name)
    attacks = [item for item in record.read(work.data(part)) if item["label"] and item["encoding"] != "raw"]
    attacks = rng.sample(attacks, min(count, len(attacks)))
    bases = bases_of(work.data(part))
    best, scores = attacks, judge(work, attacks, f"{name}-0")
    before = scores.copy()
    for number in range(rounds):
        fresh = [variant(item, bases, rng) for item in best for _ in range(VARIANTS)]
        judged = judge(work, fresh, f"{name}-{number + 1}").reshape(len(best), VARIANTS)
        lowest = judged.argmin(1)
        better = judged[np.arange(len(best)), lowest] < scores
        best = [fresh[index * VARIANTS + lowest[index]] if better[index] else item for index, item in enumerate(best)]
        scores = np.where(better, judged[np.arange(len(best)), lowest], scores)
        say(f"harden {name}: round {number + 1}, mean score {scores.mean():.3f}")
    return best, before, scores


def variant(item, bases, rng):
    """The same attack in other words: further mutations, the same kind of place in another request."""
    place = item["location"] if item["location"] != "target" else None
    made = graft(rng.choice(bases), mutate(item["payload"], item["cls"], rng, rng.randint(1, 4)), item["cls"], rng, 1, place)
    made.update(family=item["family"], rounds=item.get("rounds", 0) + 1)
    return made


def detected(scores, attacks, cut):
    by_class = collections.defaultdict(list)
    for item, score in zip(attacks, scores):
        by_class[item["cls"]].append(score >= cut)
    return {"all": float((scores >= cut).mean()), "classes": {name: float(np.mean(hits)) for name, hits in sorted(by_class.items())}}


def run(work, _data, rounds):
    """Searches, trains on what slipped through, searches again with the same effort; writes reports/hardening.json."""
    cut, counts = cut_of(work), {**COUNTS, **work.of("harden")}
    attacks, before, after = search(work, "valid", counts["valid"], rounds, "valid")
    report = {"rounds": rounds, "variants": VARIANTS, "judge": JUDGE, "attacks": len(attacks), "before_training": {"unchanged": detected(before, attacks, cut), "after_search": detected(after, attacks, cut)}}
    found, _, scores = search(work, "train", counts["train"], rounds, "train")
    slipped = [item for item, score in zip(found, scores) if score < cut]
    say(f"harden: {len(slipped)} of {len(found)} training attacks slipped through and are added")
    known = list(record.read(work.data("train")))
    for item in slipped:
        item["domain"] = record.domain(item)
    record.write(work.data("train"), known + slipped)
    train.run(work, f"gate,{JUDGE}")
    cut = cut_of(work)
    attacks, before, after = search(work, "valid", counts["valid"], rounds, "again")
    report["after_training"] = {"added": len(slipped), "unchanged": detected(before, attacks, cut), "after_search": detected(after, attacks, cut)}
    write_json(work.root / "reports" / "hardening.json", report)
    for name in ("before_training", "after_training"):
        print(f"{name}: unchanged {100 * report[name]['unchanged']['all']:.1f} %, after the search {100 * report[name]['after_search']['all']:.1f} %")
