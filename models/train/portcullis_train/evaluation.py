"""Figures on sites and payload families that no member was trained on: each member, the joint vote, signatures beside.

Rates of false alarms are counted on recorded requests of the sets that end in `.valid`. Thresholds are not chosen here
but on `dev` and checked here; the detection at a fixed rate is read off the curve and labelled so.
"""

import collections

import numpy as np

from portcullis_train import calibrate, features, gate, graph, metrics, pictures
from portcullis_train.train import described, say, table, trained
from portcullis_train.work import describe, write_json

PICTURE = {"dpi": 90, "bbox_inches": "tight", "metadata": {"Software": None}}
SHARES = {"unsupervised": 35, "supervised": 50, "neural": 15}


def raw_scores(work, name, part):
    """What a member's file says of each request of a part."""
    about = described(work, name)
    if about["role"] == "gate":
        loaded = features.fields(work.data(part), work.features(part, "fields"), distinct=False)
        weights = gate_of(work)
        return gate.by_request(weights.logits(loaded.matrix), loaded.rows, loaded.requests)
    values = table(work, part, about["view"]).values
    running = graph.session(str(work.model(name)))
    return np.concatenate([graph.infer(running, values[start:start + 1024]) for start in range(0, len(values), 1024)])


def gate_of(work):
    """The gate as its file has it."""
    import onnx
    from onnx import numpy_helper
    stored = {item.name: numpy_helper.to_array(item) for item in onnx.load(str(work.gate())).graph.initializer}
    return gate.Gate(stored["weight"], stored["bias"][0])


class Votes:
    """Calibrated probabilities of every voting member over a part, and what is known of the members."""

    def __init__(self, work, part):
        self.values, self.groups, self.weights, self.deep, self.shadow = {}, {}, {}, set(), set()
        for name in trained(work):
            about = described(work, name)
            if about["role"] == "classifier" or about["view"] not in ("fields", "request", "characters"):
                continue
            self.values[name] = calibrate.apply(about["calibration"], raw_scores(work, name, part))
            self.groups[name], self.weights[name] = about["group"], about["weight"]
            if about["cost"] == "deep":
                self.deep.add(name)
        self.judged, self.unfound = judged(work, part), unfound(work, part)

    def joint(self, chosen, shares=None):
        """The joint probability of some members, without those in shadow; 0 where the gateway does not ask them at all."""
        chosen = [name for name in chosen if name not in self.shadow]
        value = calibrate.joint({name: self.values[name] for name in chosen}, self.groups, self.weights, shares or SHARES)
        return np.where(self.judged, value, 0.0)

    def cheap(self):
        return self.joint([name for name in self.values if name not in self.deep])

    def cascade(self, grey):
        """As the gateway forms it: the deep members are asked where the cheap ones are in the grey zone."""
        cheap = self.cheap()
        return np.where((cheap >= grey[0]) & (cheap <= grey[1]), self.joint(list(self.values)), cheap) if self.deep - self.shadow else cheap

    def all(self, grey):
        """Every member, the vote as the gateway forms it, and its parts."""
        made = {**self.values, "joint": self.cascade(grey)}
        if self.deep - self.shadow:
            made.update({"joint of cheap members": self.cheap(), "joint of all members": self.joint(list(self.values))})
        for group in SHARES:
            if any(self.groups[name] == group for name in self.values if name not in self.shadow):
                chosen = [name for name in self.values if self.groups[name] == group]
                made[f"group {group}"] = self.joint(chosen, {group: 1})
        return made


def shadowed(votes, known):
    """Members that are run and recorded but do not vote: those that on dev, at three harmless requests in a thousand
    wronged, find less than two thirds of the attacks. A vote of theirs would blur the others' just where it has to be sharp."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    weak = {name for name, score in votes.values.items() if (score[known.labels == 1] >= metrics.cut_at(score[usual], 0.003)).mean() < 2 / 3}
    # Somebody has to vote, however small the set.
    return weak if len(weak) < len(votes.values) else set()


def judged(work, part):
    """Whether a request has a judged field or a finding; others are let pass without a vote."""
    view = table(work, part, "request")
    columns = [index for index, name in enumerate(view.names) if name == "field_judged" or name.startswith(("findings_", "weak_findings"))]
    return (view.values[:, columns] > 0).any(axis=1) if columns else np.ones(len(view.values), bool)


def grey_zone(cheap, known):
    """Where the deep members are asked: above all but a twentieth of harmless requests, below certainty."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    return [round(float(np.clip(np.quantile(cheap[usual], 0.95), 0.005, 0.3)), 4), 0.98]


MOST_CLEAR = 0.15


def clear_below(votes, joint, attack, tag):
    """Below what the gate and the first cheap member together a request is clear: half of the least they say of an attack
    that the joint vote takes for one, where no rule found anything."""
    first = [name for name in votes.values if name not in votes.deep and name not in votes.shadow][:2]
    seen = votes.joint(first)[attack & votes.unfound & (joint >= tag)]
    return {"first": first, "below": round(float(min(MOST_CLEAR, 0.5 * seen.min())) if len(seen) else 0.0, 4), "attacks": len(seen)}


def unfound(work, part):
    """Whether no rule found anything."""
    view = table(work, part, "request")
    columns = [index for index, name in enumerate(view.names) if name.startswith("findings_")]
    return (view.values[:, columns] == 0).all(axis=1)


def signature_scores(work, part):
    """The signatures' own score of each request, from the columns of the view: all rules of paranoia 1 together."""
    view = table(work, part, "request")
    columns = [index for index, name in enumerate(view.names) if name.startswith("signature_")]
    return 1 - np.prod(1 - view.values[:, columns], axis=1)


def thresholds(scores, known):
    """Thresholds of a score for the rates of the report, chosen on dev by bootstrap over domains."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    return {f"{rate:g}": calibrate.threshold_at(scores[usual], known.domains[usual], rate) for rate in metrics.RATES}


def by_source(scores, known, cut):
    """Share of harmless requests at or above a threshold, by where they come from."""
    result = {}
    for source in sorted(set(known.sources[known.labels == 0])):
        chosen = (known.labels == 0) & (known.sources == source)
        result[source] = {"count": int(chosen.sum()), "wronged": float((scores[chosen] >= cut).mean())}
    return result


def figures(scores, known):
    """Detection and false alarms of one score on the valid part."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    result = metrics.detection(scores, known.labels, known.classes, usual)
    cut = result["at"]["0.001"]["threshold"]
    result["wronged_at_0.001"] = by_source(scores, known, cut)
    result["families"] = {name: float((scores[(known.labels == 1) & (known.families == name)] >= cut).mean()) for name in sorted(set(known.families[known.labels == 1]))}
    return result


def run(work):
    """Writes reports/evaluation.json, pictures, and the thresholds the export uses."""
    known = {part: describe(work.data(part)) for part in ("dev", "valid")}
    votes = {part: Votes(work, part) for part in ("dev", "valid")}
    votes["dev"].shadow = votes["valid"].shadow = shadowed(votes["dev"], known["dev"])
    grey = grey_zone(votes["dev"].cheap(), known["dev"])
    scores = {part: {**votes[part].all(grey), "signatures": signature_scores(work, part)} for part in votes}
    report = {"data": {part: {"requests": len(known[part].labels), "attacks": int(known[part].labels.sum()), "recorded_harmless": int(known[part].recorded().sum())} for part in known}, "scores": {}}
    for name, score in scores["valid"].items():
        say(f"evaluating {name}")
        chosen = thresholds(scores["dev"][name], known["dev"])
        report["scores"][name] = {**figures(score, known["valid"]), "thresholds": chosen, "transfer": transfer(score, known["valid"], chosen), **curves(score, known["valid"], chosen["0.001"])}
        if name in votes["valid"].values:
            report["scores"][name]["calibration_error"] = metrics.calibration_error(score, known["valid"].labels)
    # Below this only one attack in a hundred of dev lies: weak rules alone say little there.
    report["shadow"] = sorted(votes["dev"].shadow)
    cheap = votes["valid"].cheap()
    report["grey"] = {"zone": grey, "asked": {name: float(((cheap >= grey[0]) & (cheap <= grey[1]))[chosen].mean()) for name, chosen in (("harmless", known["valid"].recorded()), ("attacks", known["valid"].labels == 1)) if chosen.any()}}
    tag = max(report["scores"]["joint"]["thresholds"]["0.01"], report["scores"]["joint"]["at"]["0.01"]["threshold"])
    report["clear"] = clear_below(votes["dev"], scores["dev"]["joint"], known["dev"].labels == 1, tag)
    cleared = votes["valid"].unfound & (votes["valid"].joint(report["clear"]["first"]) < report["clear"]["below"])
    report["clear"]["cleared"] = {name: float(cleared[chosen].mean()) for name, chosen in (("harmless", known["valid"].recorded()), ("attacks", known["valid"].labels == 1), ("attacks tagged by all members", (known["valid"].labels == 1) & (scores["valid"]["joint"] >= tag))) if chosen.any()}
    report["scores"]["joint"]["lower"] = float(np.quantile(scores["dev"]["joint"][known["dev"].labels == 1], 0.01))
    report["beside_signatures"] = beside_signatures(scores["valid"], known["valid"])
    if "classifier" in trained(work):
        report["classifier"] = classification(work, known["valid"], scores["valid"]["joint"])
    write_json(work.root / "reports" / "evaluation.json", report)
    draw(work, report, scores["valid"], known["valid"])
    members(work, votes["valid"], known["valid"], report)
    show(report)
    return report


def curves(score, known, cut):
    """The ROC curve on valid, and what was taken for what at the threshold that dev chose."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    return {"roc": metrics.roc(score, known.labels, usual), "confusion": metrics.confusion(score, known.labels, usual, cut)}


def transfer(score, known, chosen):
    """What thresholds chosen on dev do on valid: the false alarms they really cause, and what they detect."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    return {rate: {"wronged": float((score[usual] >= cut).mean()), "detected": float((score[known.labels == 1] >= cut).mean())} for rate, cut in chosen.items()}


def beside_signatures(scores, known):
    """What the joint vote adds to signatures that deny from 0.8 on, at one request in a thousand wronged by the vote."""
    attacked = known.labels == 1
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    signed = scores["signatures"] >= 0.8
    voted = scores["joint"] >= metrics.cut_at(scores["joint"][usual], 0.001)
    missed = attacked & ~signed
    return {"signatures": float(signed[attacked].mean()), "joint": float(voted[attacked].mean()), "either": float((signed | voted)[attacked].mean()), "added_of_missed": float(voted[missed].mean()) if missed.any() else None,
            "wronged_by_signatures": float(signed[usual].mean()), "wronged_by_either": float((signed | voted)[usual].mean())}


def classification(work, known, joint):
    """How often the attack is named right, of attacks that the vote stopped; traversal and file inclusion count as one."""
    about = described(work, "classifier")
    values = table(work, "valid", "request").values
    output = graph.infer(str(work.model("classifier")), values)
    names = np.array(about["classes"])
    # An attack that is stopped has a name other than harmless, so the best of the others is taken.
    best = names[1:][output[:, 1:].argmax(1)]
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    chosen = (known.labels == 1) & (joint >= metrics.cut_at(joint[usual], 0.001))

    def merged(column):
        return np.where(column == "file-inclusion", "path-traversal", column)
    truth, said = merged(known.classes[chosen]), merged(best[chosen])
    confusion = collections.Counter(zip(truth, said))
    scored = {}
    for name in sorted(set(truth)):
        right, wrong, lost = confusion[name, name], sum(count for (real, given), count in confusion.items() if given == name and real != name), sum(count for (real, given), count in confusion.items() if real == name and given != name)
        scored[name] = 2 * right / max(1, 2 * right + wrong + lost)
    return {"accuracy": float((truth == said).mean()), "macro_f1": float(np.mean(list(scored.values()))), "f1": scored, "confused": [{"class": real, "named": given, "count": count} for (real, given), count in confusion.most_common() if real != given][:25],
            "confusion": square(confusion)}


def square(confusion):
    """Counts of pairs of true and given class as a square table; classes that were only given stand in it too."""
    names = sorted({str(name) for pair in confusion for name in pair})
    return {"threshold": None, "labels": names, "rows": [[confusion[real, given] for given in names] for real in names]}


def show(report):
    print(f"{'score':34} {'0.1 %':>7} {'0.3 %':>7} {'1 %':>7} {'AUC':>7}   detection at harmless requests wronged")
    for name, one in report["scores"].items():
        print(f"{name:34} " + " ".join(f"{100 * one['at'][rate]['detected']:7.1f}" for rate in one["at"]) + f" {one['auc']:7.4f}")
    print(f"without a vote: {', '.join(report['shadow']) or 'none'}")
    beside = report["beside_signatures"]
    print("beside signatures: " + ", ".join(f"{name} {100 * value:.2f} %" for name, value in beside.items() if value is not None))
    if "classifier" in report:
        print(f"classifier: {100 * report['classifier']['accuracy']:.1f} % named right, macro F1 {report['classifier']['macro_f1']:.3f}")


def members(work, votes, known, report):
    """A file and a picture of each member that votes; the gate's columns are n-grams without names."""
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    for name, scores in votes.values.items():
        worth = None
        if described(work, name)["role"] != "gate":
            view = table(work, "valid", described(work, name)["view"])
            chosen = usual | (known.labels == 1)
            worth = pictures.of_file(work.model(name), view.values[chosen], known.labels[chosen], view.names)
        pictures.write(work.root / "reports", name, pictures.figures(scores, known.labels, usual, report["scores"][name]["thresholds"]["0.001"], worth))
    if "classifier" in report:
        view = table(work, "valid", "request")
        worth = pictures.of_classifier(work.model("classifier"), view.values, known.classes, view.names, described(work, "classifier")["classes"])
        pictures.write_classifier(work.root / "reports", "classifier", report["classifier"], worth)


def draw(work, report, scores, known):
    """ROC, precision and recall, calibration, confusion; nothing where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError:
        say("no pictures: matplotlib is not installed")
        return
    matplotlib.use("Agg")
    import matplotlib.pyplot as plot
    from sklearn.metrics import precision_recall_curve, roc_curve
    drawn = [name for name in ("joint", "gate", "lightgbm", "xgboost", "random-forest", "character-cnn", "dnn-request", "isolation-forest", "local-outlier-factor", "signatures") if name in scores]
    usual = known.recorded() if known.recorded().any() else known.labels == 0
    counted = usual | (known.labels == 1)
    figure, axes = plot.subplots(1, 3, figsize=(15, 4.5))
    for name in drawn:
        false, true, _ = roc_curve(known.labels[counted], scores[name][counted])
        axes[0].plot(np.maximum(false, 1e-5), true, label=name)
        precision, recall, _ = precision_recall_curve(known.labels[counted], scores[name][counted])
        axes[1].plot(recall, precision, label=name)
    axes[0].set(xscale="log", xlim=(1e-4, 1), xlabel="harmless requests wronged", ylabel="attacks detected", title="ROC")
    axes[1].set(xlabel="recall", ylabel="precision", title="precision and recall")
    axes[0].legend(fontsize=7)
    joint = scores["joint"]
    bins = np.clip((joint * 15).astype(int), 0, 14)
    filled = [one for one in range(15) if (bins == one).any()]
    axes[2].plot([joint[bins == one].mean() for one in filled], [known.labels[bins == one].mean() for one in filled], marker="o")
    axes[2].plot([0, 1], [0, 1], linestyle=":", color="grey")
    axes[2].set(xlabel="joint probability", ylabel="share of attacks", title="calibration of the vote")
    figure.savefig(work.root / "reports" / "curves.png", **PICTURE)
    plot.close(figure)
    confusion_picture(work, plot, report)
    importance_picture(work, plot)


def confusion_picture(work, plot, report):
    at = report["scores"]["joint"]["classes"]
    names = sorted(at, key=lambda name: at[name]["detected"])
    figure, axis = plot.subplots(figsize=(7, 0.3 * len(names) + 1))
    axis.barh(names, [100 * at[name]["detected"] for name in names])
    axis.set(xlabel="% detected at 0.1 % wronged", title="the vote, by class", xlim=(0, 100))
    figure.savefig(work.root / "reports" / "classes.png", **PICTURE)
    plot.close(figure)


def importance_picture(work, plot):
    shown = [name for name in ("lightgbm", "xgboost", "random-forest") if name in trained(work)]
    if not shown:
        return
    figure, axes = plot.subplots(1, len(shown), figsize=(5 * len(shown), 6), squeeze=False)
    for axis, name in zip(axes[0], shown):
        gains = list(described(work, name)["importance"].items())[:25][::-1]
        axis.barh([feature for feature, _ in gains], [gain for _, gain in gains])
        axis.set(title=name, xlabel="share of gain")
        axis.tick_params(labelsize=7)
    figure.tight_layout()
    figure.savefig(work.root / "reports" / "importance.png", **PICTURE)
    plot.close(figure)
