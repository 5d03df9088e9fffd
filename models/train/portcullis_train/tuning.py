"""Searches the parameters of one member with optuna, judged on dev at one harmless request in a thousand."""

import json

from portcullis_train import metrics
from portcullis_train.train import MEMBERS, load_parts, say
from portcullis_train.work import describe, write_json

# Ranges around the defaults; parameters that are missing here are left as they are.
SPACE = {
    "lightgbm": {"leaves": (15, 63), "rate": (0.03, 0.15), "least": (10, 80), "features": (0.3, 0.9), "l2": (0.1, 20.0)},
    "xgboost": {"depth": (4, 8), "rate": (0.03, 0.2), "least": (1.0, 20.0), "features": (0.3, 0.9), "l2": (0.1, 20.0)},
    "random-forest": {"depth": (9, 16), "least": (3, 20), "features": (0.05, 0.4)},
    "gradient-boosting": {"leaves": (12, 48), "rate": (0.04, 0.2), "least": (10, 80)},
}


def suggest(trial, space):
    return {name: trial.suggest_int(name, *ends) if isinstance(ends[0], int) else trial.suggest_float(name, *ends, log=ends[1] / ends[0] > 10) for name, ends in space.items()}


def run(work, name, trials):
    """Writes reports/tuning-NAME.json, whose `best` can be given back as --params."""
    try:
        import optuna
    except ImportError as error:
        raise ValueError("tuning needs optuna: pip install -e 'models/train[tune]'") from error
    if name not in SPACE:
        raise ValueError(f"no search space for {name!r}; there are: {', '.join(SPACE)}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    parts, known = load_parts(work, MEMBERS[name].view), describe(work.data("dev"))
    usual = known.recorded() if known.recorded().any() else None

    def objective(trial):
        member = MEMBERS[name]({**work.of(name), **suggest(trial, SPACE[name])}, work.seed).fit(parts["train"], parts["dev"])
        found = metrics.detection(member.raw(parts["dev"].values), parts["dev"].labels, known.classes, usual)
        # The rate of interest is noisy with few harmless requests; its neighbour steadies it.
        return found["at"]["0.001"]["detected"] + found["at"]["0.003"]["detected"]
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=work.seed))
    study.optimize(objective, n_trials=trials)
    write_json(work.root / "reports" / f"tuning-{name}.json", {"best": {name: study.best_params}, "value": study.best_value, "trials": [{"value": one.value, **one.params} for one in study.trials]})
    say(f"best of {trials}: {json.dumps(study.best_params)}, sum of detection at 0.1 and 0.3 %: {study.best_value:.4f}")
    return study.best_params
