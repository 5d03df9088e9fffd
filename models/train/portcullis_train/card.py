"""A card for each model: what it reads, what it was trained on, what it was measured to do, where it fails."""

import json

from portcullis_train.export import sources
from portcullis_train.train import described, trained

ABOUT = {
    "gate": ("Linear model over hashed n-grams", "Runs on every judged field of every request in the gateway's own code; ranks fields for the other models and votes with its highest field."),
    "lightgbm": ("Boosted trees (LightGBM)", "Votes on every request with a judged field or a finding."), "xgboost": ("Boosted trees (XGBoost)", "Votes on every request with a judged field or a finding."),
    "catboost": ("Boosted symmetric trees (CatBoost)", "Votes beside the other boosted trees."),
    "random-forest": ("Random forest", "Votes beside the boosted trees; less sharp, and less led by single features."), "gradient-boosting": ("Histogram gradient boosting", "Votes beside the other trees."),
    "voting": ("Soft vote of a linear model, extremely random trees and boosted trees", "Three unlike models in one file."), "classifier": ("Boosted trees over all classes", "Names the category of an attack. It has no vote on whether there is one."),
    "isolation-forest": ("Isolation forest", "Flags requests unlike harmless ones; it was shown no attack."), "local-outlier-factor": ("Local outlier factor against a sample of harmless requests", "Flags requests that lie further from usual ones than these from each other."),
    "character-cnn": ("Convolution over characters", "Reads the three most suspicious fields where the cheap members are not sure."), "dnn-request": ("Feed-forward net", "Votes over the request view."),
    "one-class-svm": ("One-class support vectors", "Flags a subject whose figures are unlike those of harmless ones; it was shown no attack."), "dnn-behaviour": ("Feed-forward net 8-4-4", "Reads a subject's figures."), "lstm": ("LSTM", "Reads a subject's last requests in their order. Weight 0: the bidirectional one votes in its place, and it is run to be compared."), "bilstm": ("Bidirectional LSTM", "Reads a subject's last requests in both directions."),
    "flow-isolation-forest": ("Isolation forest", "Flags a connection unlike those of harmless clients; it was shown no attack."), "flow-cnn": ("1-D convolution", "Reads the figures of a connection in their order."),
}
LIMITS = """* The harmless half comes from recorded browsers, one recorded API and made-up services. A site whose clients send
  something none of these do (a query language, a template editor, a scanner of its own) will see more false alarms.
* A forbidden path or a known exploit of a product needs a signature: nothing in its text is odd.
* Grammars, mutations and lists are what attackers did; what nobody has done yet is in none of them.
* Figures of grafted attacks are for one payload in one place. Attackers try many, and need one."""


HISTORY_LIMITS = """* All traffic is made up by the simulator (docs/SIMULATE.md). Clients of a real site do things that its people and programs
  never do; begin in shadow, and look at `portcullis_model_shadow_votes_total`.
* The hour and the day were drawn at random in training and carry no sign: worlds of one week cannot teach which hours are
  hostile. They are in the view for those who train on traffic of their own.
* A history says whether a client behaves like an attacker, not whether this request is an attack. So its vote counts from its
  threshold on, and only where it makes the request more suspicious.
* Rates are over all clients. Those of whom behaviour has found something before are asked more often, and look more like
  attackers than others do: among them more harmless ones are wronged.
* What the detectors of behaviour noticed is a column of the sequences, and risk is why a model is asked: it generalises what
  they find, and is no independent witness.
* Somebody who comes for the first time has no history."""


FLOW_LIMITS = """* All traffic is made up by the simulator (docs/SIMULATE.md) and went over loopback: no loss, no distance, no network's own
  delays, no TLS. Times and packets of a real network are others.
* Weight 0: it is run and shown, and has no say. The rate above is over simulated clients, and none wronged of n rows leaves
  up to 3 / n; count on your own traffic before you give it a weight (`ensemble.models`).
* Where much was sent late the machine had no time to spare: then times are longer, and figures worse, than elsewhere.
* A connection says how a client behaves there, not whether this request is an attack. So its vote would count from its
  threshold on, and only where it makes the request more suspicious.
* An attack spread over many addresses sends a request or two over each connection, and looks like anybody's first.
* Behind a proxy that puts many clients on one connection it judges the proxy.
* The gateway only looked on while the rows were made: attackers were not banned, as they would be in service."""
# What the card of a member says of its rows, by what it reads.
OVER = {
    "history": ("Asked where the request itself is in doubt, and for clients of whom behaviour has found something before.", "of each {requests} requests in {hours} hours", "A row is what was known when a request came.", HISTORY_LIMITS),
    "flow": ("Asked where the request itself is in doubt, and for clients of whom behaviour has found something before. Weight 0: it is shown, and has no say.",
             "of each {seconds} s in real time through the gateway, which only looked on; {load} harmless requests a second", "A row is what was measured of the connection when a request on it was judged.", FLOW_LIMITS),
}


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


def write_history(work, name, report, out, what="history"):
    """The card of a member that reads what a subject did before, or what happened on its connection."""
    about, one, rows = described(work, name), report["scores"][name], report["rows"][described(work, name)["view"]]
    (kind, purpose), (asked, worlds, row, limits) = ABOUT[name], OVER[what]
    if name in report["shadow"]:
        purpose += " In shadow: at its threshold it wrongs too many, or finds too little, to have a say."
    seeds = ", ".join(f"{part} {', '.join(map(str, seeds))}" for part, seeds in report["seeds"].items())
    lines = [f"# {name}", "", f"{kind}. {purpose} {asked}", "",
             f"View `{about['view']}` (schema `{about['schema']}`), role `{about['role']}`, group {about['group']}, cost {about['cost']}.", "", f"Parameters: `{json.dumps(about['params'], sort_keys=True)}`. Largest difference between the file and what was trained: {about['parity']:.1e}.", "",
             "## Data", "", f"* simulator: own. Seeds: {seeds}; {worlds.format(**report['params'])}.", *(f"* {part}: {told}." for part, told in report.get("sent", {}).items()), "", "| part | rows | of attackers | clients and campaigns |", "|---|---|---|---|"]
    lines += [f"| {part} | {count['rows']} | {count['hostile']} | {count['clients']} |" for part, count in rows.items()]
    lines += ["", f"{row} Rows of attackers count from their first hostile request on; who shares an account with an attacker is left out.", "", "## Figures", "", "On worlds that neither trained nor set the threshold:", "",
              "| aim: harmless rows wronged | wronged | harmless clients ever wronged | rows of attackers found | campaigns found |", "|---|---|---|---|---|"]
    lines += [f"| {100 * float(rate):g} % | {percent(at['wronged'])} | {percent(at['wronged_ever'])} | {percent(at['detected'])} | {percent(at['detected_ever'])} |" for rate, at in one["transfer"].items()]
    lines += ["", f"Area under the curve {one['auc']:.4f}, average precision {one['average_precision']:.4f}. Expected calibration error {one['calibration_error']:.3f}. By scenario, at the first threshold:", "", "| scenario | rows | above | clients or campaigns | ever above |", "|---|---|---|---|---|"]
    for hostile in (True, False):
        lines += [f"| {scenario}{'' if hostile else ' (harmless)'} | {at['rows']} | {percent(at['above'])} | {at['clients']} | {at['clients_above']} |" for scenario, at in one["scenarios"].items() if at["hostile"] == hostile]
    lines += ["", "## Limits", "", limits, ""]
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.md").write_text("\n".join(lines))


def run(work, out):
    report = json.loads((work.root / "reports" / "evaluation.json").read_text())
    summary = work.summary()
    for name in trained(work):
        if described(work, name)["view"] not in ("fields", "request", "characters"):
            continue
        write(work, name, report, summary, out / "cards")
