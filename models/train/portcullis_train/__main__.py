"""The command line: `python -m portcullis_train dataset|train|tune|cv|select|evaluate|harden|export|card|history|flow|fit|all`."""

import argparse
import json
import sys
from pathlib import Path

from portcullis_train import dataset
from portcullis_train.features import MissingBinary
from portcullis_train.graph import ParityError

REPOSITORY = Path(__file__).resolve().parents[3]


def parser():
    top = argparse.ArgumentParser(prog="portcullis_train", description="Trains the gateway's models. Features come from the gateway's own command: build it first, or set PORTCULLIS_BIN.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--work", type=Path, default=REPOSITORY / "target" / "train", help="working folder (default: target/train)")
    common.add_argument("--data", type=Path, help="folder of the public sets; without it everything comes from the generator, smaller")
    common.add_argument("--seed", type=int, default=1, help="everything random descends from it")
    common.add_argument("--params", type=Path, help="JSON: parameters by member name, and of the dataset by `dataset`")
    common.add_argument("--model", default="all", help="member names, by comma; all for every member of a request")
    common.add_argument("--models", type=Path, default=REPOSITORY / "models", help="where artifacts, cards and reports are written")
    commands = top.add_subparsers(dest="command", required=True)
    for name, text in HELP.items():
        added = commands.add_parser(name, parents=[common], help=text)
        if name == "tune":
            added.add_argument("--trials", type=int, default=20)
        if name == "harden":
            added.add_argument("--rounds", type=int, default=3)
        if name == "fit":
            added.add_argument("--set", action="append", help="only this set; may be given several times")
    return top


HELP = {"dataset": "build the labelled sets", "train": "train members and check their graphs", "tune": "search parameters of one member (optuna)", "cv": "five folds, stratified, grouped by domain", "select": "which features carry the trees",
        "evaluate": "figures and pictures on sites and payload families not trained on", "harden": "mutate attacks against the current models and add what slips through", "export": "artifacts and manifest, with a parity check that fails",
        "card": "a card for each model", "history": "members over what clients did, from the simulator's traffic: trained, judged and added to the manifest",
        "flow": "members over connections, from traffic that the simulator sends through the gateway: likewise",
        "fit": "training fit on textbook sets, for the report alone; needs --data", "all": "everything in order"}


def main(arguments=None):
    options = parser().parse_args(arguments)
    options.parameters = json.loads(options.params.read_text()) if options.params else {}
    try:
        perform(options)
    except (MissingBinary, ParityError, ValueError, RuntimeError) as error:
        sys.exit(f"error: {error}")


def perform(options):
    # Imported late: a set can be built without the libraries of training.
    from portcullis_train import work as folder
    work = folder.Work(options.work, options.seed, options.parameters)
    steps = {"dataset": build, "train": train, "tune": tune, "cv": cross, "select": choose, "evaluate": evaluate, "harden": harden, "export": export, "card": card, "history": history, "flow": flow, "fit": fit}
    if options.command == "all":
        for step in (build, train, evaluate, export, card, history, flow):
            step(work, options)
    else:
        steps[options.command](work, options)


def build(work, options):
    summary = dataset.build(options.data, work.root / "data", {"seed": options.seed, **options.parameters.get("dataset", {})})
    for part, counts in summary["counts"].items():
        print(f"{part}: {counts['requests']} requests, {counts['classes'].get('benign', 0)} harmless")


def train(work, options):
    from portcullis_train import train as module
    module.run(work, options.model)


def tune(work, options):
    from portcullis_train import tuning
    tuning.run(work, options.model, options.trials)


def cross(work, options):
    from portcullis_train import validation
    validation.run(work, options.model)


def choose(work, _options):
    from portcullis_train import selection
    selection.run(work)


def evaluate(work, _options):
    from portcullis_train import evaluation
    evaluation.run(work)


def harden(work, options):
    from portcullis_train import hardening
    hardening.run(work, options.data, options.rounds)


def export(work, options):
    from portcullis_train import export as module
    module.run(work, options.models)


def card(work, options):
    from portcullis_train import card as module
    module.run(work, options.models)


def history(work, options):
    from portcullis_train import history as module
    module.run(work, options.models)


def fit(work, options):
    from portcullis_train import fit as module
    module.run(work, options.data, options.models, options.set, options.models / "artifacts" / "manifest.json")


def flow(work, options):
    from portcullis_train import flow as module
    module.run(work, options.models)


if __name__ == "__main__":
    main()
