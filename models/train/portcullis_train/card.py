"""A card for each model: what it reads, what it was trained on, what it was measured to do, where it fails."""

import json

from portcullis_train.export import sources
from portcullis_train.train import described, trained

ABOUT = {
    "gate": ("Linear model over hashed n-grams", "Runs on every judged field of every request in the gateway's own code; ranks fields for the other models and votes with its highest field."),
    "lightgbm": ("Boosted trees (LightGBM)", "Votes on every request with a judged field or a finding."), "xgboost": ("Boosted trees (XGBoost)", "Votes on every request with a judged field or a finding."),
    "random-forest": ("Random forest", "Votes beside the boosted trees; less sharp, and less led by single features."), "gradient-boosting": ("Histogram gradient boosting", "Votes beside the other trees."),
    "voting": ("Soft vote of a linear model, extremely random trees and boosted trees", "Three unlike models in one file."), "classifier": ("Boosted trees over all classes", "Names the category of an attack. It has no vote on whether there is one."),
    "isolation-forest": ("Isolation forest", "Flags requests unlike harmless ones; it was shown no attack."), "local-outlier-factor": ("Local outlier factor against a sample of harmless requests", "Flags requests that lie further from usual ones than these from each other."),
    "character-cnn": ("Convolution over characters", "Reads the three most suspicious fields where the cheap members are not sure."), "dnn-request": ("Feed-forward net", "Votes over the request view."),
    "one-class-svm": ("One-class support vectors", "Reads a subject's window."), "dnn-behaviour": ("Feed-forward net 8-4-4", "Reads a subject's window."), "lstm": ("LSTM", "Reads a subject's last requests."), "bilstm": ("Bidirectional LSTM", "Reads a subject's last requests."),
    "flow-isolation-forest": ("Isolation forest", "Reads a connection's figures; weight 0."), "flow-cnn": ("1-D convolution", "Reads a connection's figures; weight 0."),
}
LIMITS = """* The harmless half comes from recorded browsers, one recorded API and made-up services. A site whose clients send
  something none of these do (a query language, a template editor, a scanner of its own) will see more false alarms.
* A forbidden path or a known exploit of a product needs a signature: nothing in its text is odd.
* Grammars, mutations and lists are what attackers did; what nobody has done yet is in none of them.
* Figures of grafted attacks are for one payload in one place. Attackers try many, and need one."""


def percent(value):
    return f"{100 * value:.2f} %"


def figures(one):
    lines = ["| harmless requests wronged | detected | 95 % interval |", "|---|---|---|"]
    for rate, at in one["at"].items():
        lines.append(f"| {100 * float(rate):g} % | {percent(at['detected'])} | {percent(at['interval'][0])} to {percent(at['interval'][1])} |")
    lines += ["", f"Area under the curve {one['auc']:.4f}, average precision {one['average_precision']:.4f}." + (f" Expected calibration error {one['calibration_error']:.3f}." if "calibration_error" in one else ""), "",
              "At 0.1 % by class:", "", "| class | attacks | detected |", "|---|---|---|"]
    lines += [f"| {name} | {value['count']} | {percent(value['detected'])} |" for name, value in one["classes"].items()]
    lines += ["", "At the same threshold, by source of harmless requests (only the recorded sets set the threshold):", "", "| source | requests | wronged |", "|---|---|---|"]
    lines += [f"| {name} | {value['count']} | {percent(value['wronged'])} |" for name, value in one["wronged_at_0.001"].items()]
    return lines


def sets(summary):
    options = summary["options"]
    lines = [f"* {name}: {summary['licences'][name]}" for name in sources(summary)]
    lines += ["", f"{summary['counts']['train']['requests']} requests trained, {summary['counts']['dev']['requests']} of other domains calibrated and set thresholds, {summary['counts']['valid']['requests']} of further domains and of payload families held out "
              f"(family B; trained families: {options['families']}) gave the figures. Seed {options['seed']}. Sets without a stated licence were not used."]
    return lines


def write(work, name, report, summary, out):
    about = described(work, name)
    kind, purpose = ABOUT.get(name, (name, ""))
    if name in report["shadow"]:
        purpose += " In shadow: it is run and recorded but has no vote, as at three harmless requests in a thousand wronged it finds less than two thirds of the attacks."
    lines = [f"# {name}", "", f"{kind}. {purpose}", "", f"View `{about['view']}` (schema `{about['schema']}`), role `{about['role']}`, group {about['group'] or 'none'}, cost {about['cost']}. Needs the gate's columns: {'yes' if about['needs_gate'] else 'no'}.",
             "", f"Parameters: `{json.dumps(about['params'], sort_keys=True)}`. Largest difference between the file and what was trained: {about['parity']:.1e}.", "", "## Data", "", *sets(summary), "", "## Figures", ""]
    if about["role"] == "classifier":
        one = report["classifier"]
        lines += [f"Of the attacks the vote stops at 0.1 % wronged, {percent(one['accuracy'])} are named right (traversal and file inclusion count as one); macro F1 {one['macro_f1']:.3f}.", "", "| class | F1 |", "|---|---|", *(f"| {cls} | {value:.3f} |" for cls, value in one["f1"].items())]
    elif name in report["scores"]:
        lines += figures(report["scores"][name])
    if about.get("importance"):
        lines += ["", "Strongest features: " + ", ".join(f"`{feature}` {100 * gain:.1f} %" for feature, gain in list(about["importance"].items())[:10]) + "."]
    lines += ["", "## Limits", "", LIMITS, ""]
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text("\n".join(lines))


def run(work, out):
    report = json.loads((work.root / "reports" / "evaluation.json").read_text())
    summary = work.summary()
    for name in trained(work):
        write(work, name, report, summary, out / "cards")
