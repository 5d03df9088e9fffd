"""Training fit on tiny made-up sets in the files' own forms, with a stand-in for the gateway."""

import gzip
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from portcullis_train import __main__ as command
from portcullis_train import fit, fit_engine, fit_requests, fit_tables


def shop(rng, path, attack):
    """A request of a shop: of an attack, one value ends in what no harmless value has."""
    values = {"id": str(rng.integers(1, 9)), "name": rng.choice(["Vino", "Queso", "Aceite"]), "price": str(rng.integers(10, 99))}
    if attack:
        values[rng.choice(list(values))] += rng.choice(["%27--", "%22%3E", "%27%3B--"])
    return {"label": int(attack), "cls": "SQLi" if attack else "benign", "src": "shop", "method": "GET", "url": f"/{path}.jsp?" + "&".join(f"{name}={value}" for name, value in values.items()), "headers": {}, "body": ""}


def write_lines(path, items):
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as out:
        out.writelines(json.dumps(item) + "\n" for item in items)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(5)
    requests = [shop(rng, f"page{number % 6}", number % 3 == 0) for number in range(900)]
    write_lines(root / "requests" / "csic2010_raw.jsonl.gz", requests + requests[:50])
    write_lines(root / "requests" / "torpeda2012.jsonl.gz", requests + [{**requests[0], "cls": "anomalous", "url": "/left-out.jsp"}])
    rows = ["," + ",".join(fit_tables.BEHAVIOUR) + ",source,classification"]
    for number in range(400):
        users = int(rng.integers(1, 100) if number % 4 == 0 else rng.integers(101, 900))
        cells = [f"{rng.random():.6f}" if name != "ip_type" else "default" for name in fit_tables.BEHAVIOUR]
        cells[fit_tables.BEHAVIOUR.index("num_users")] = str(users)
        rows.append(f"{number},{','.join(cells)},{'F' if number % 5 == 0 else 'E'},{'outlier' if users < 101 else 'normal'}")
    (root / "behaviour").mkdir()
    (root / "behaviour" / "api_access_behaviour_supervised.csv").write_text("\n".join(rows) + "\n")
    (root / "flows").mkdir()
    flows = [" Destination Port, Flow Duration, Flow Bytes/s, Label"] + [f"80,{rng.integers(1, 9) + 10 * (number % 3 == 0)},{'Infinity' if number % 7 == 0 else rng.random()},{'DoS' if number % 3 == 0 else 'BENIGN'}" for number in range(300)]
    with zipfile.ZipFile(root / "flows" / "Monday.pcap_ISCX.csv.zip", "w") as archive:
        archive.writestr("Monday.csv", "\n".join(flows) + "\n")
    (root / "payloads" / "httpparams").mkdir(parents=True)
    (root / "payloads" / "httpparams" / "payload_test.csv").write_text('"payload","length","attack_type","label"\n"rosa","4","norm","norm"\n"\' or 1=1 --\'","12","sqli","anom"\n"<script>","8","xss","anom"\n"1-1","3","sqli","anom"\n"rosa","4","norm","norm"\n')
    return root


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "portcullis"
    path.write_text(f"#!/bin/sh\nexec {sys.executable} {Path(__file__).parent / 'fake_portcullis.py'} \"$@\"\n")
    path.chmod(0o755)
    patch = pytest.MonkeyPatch()
    patch.setenv("PORTCULLIS_BIN", str(path))
    yield path
    patch.undo()


def run(data, folder, *names):
    command.main(["fit", "--work", str(folder / "work"), "--data", str(data), "--models", str(folder / "models"), *(argument for name in names for argument in ("--set", name))])
    return json.loads((folder / "models" / "reports" / "fit.json").read_text())["sets"]


@pytest.fixture(scope="module")
def told(data, program, tmp_path_factory):
    return run(data, tmp_path_factory.mktemp("all"))


def test_every_set_is_fitted_and_told(told):
    assert list(told) == list(fit.SETS)
    for name, one in told.items():
        tested = sum(map(sum, one["confusion"]["rows"]))
        assert tested == sum(test["tested"] for test in one["tests"]) and one["remarks"] and one["split"] and one["bar"] == fit.SETS[name][1]
        assert one["reached"] == fit.reached(one)
    assert told["csic2010_raw"]["duplicates"] >= 50 and told["csic2010_raw"]["rows"] == 950
    assert told["csic2010_raw"]["f1"] > 0.95 and set(told["csic2010_raw"]["beside"]) == {"gateway_view"}
    assert told["torpeda2012"]["rows"] == 900, "anomalous requests are left out"
    assert told["api_access_behaviour_supervised"]["f1"] > 0.95 and told["api_access_behaviour_supervised"]["beside"]["one_column"]["f1"] == 1.0
    # Without the column that makes the labels nothing is left to learn from in this made-up table.
    assert told["api_access_behaviour_supervised"]["beside"]["without_num_users"]["f1"] < 0.7
    assert told["cicids2017"]["f1"] > 0.95 and told["cicids2017"]["beside"]["without_port"]["f1"] > 0.95
    assert told["httpparams"]["recall"] == pytest.approx(2 / 3) and not told["httpparams"]["reached"] and told["httpparams"]["duplicates"] == 1


def test_one_set_leaves_the_figures_of_others(data, program, tmp_path):
    assert set(run(data, tmp_path, "httpparams")) == {"httpparams"}
    assert list(run(data, tmp_path, "api_access_behaviour_supervised")) == ["api_access_behaviour_supervised", "httpparams"]


@pytest.mark.parametrize(("arguments", "message"), [(["--data", "x", "--set", "csic"], "no set named csic"), ([], "needs --data")])
def test_what_cannot_be_fitted_is_said(arguments, message, tmp_path):
    with pytest.raises(SystemExit, match=message):
        command.main(["fit", "--work", str(tmp_path), "--models", str(tmp_path), *arguments])


def test_figures_by_table():
    made = fit.scores([1, 1, 1, 0, 0], [1, 1, 0, 1, 0])
    assert made["confusion"]["rows"] == [[1, 1], [1, 2]] and made["precision"] == pytest.approx(2 / 3) and made["f1"] == pytest.approx(2 / 3)
    assert fit.scores([0, 0], [0, 0])["f1"] == 0.0
    one = {"measure": "recall", "recall": 1.0, "bar": 0.995, "confusion": {"rows": [[5, 1], [0, 9]]}}
    assert fit.reached(one) and not fit.reached({**one, "alarms_allowed": 0})


def test_nothing_is_tested_on_a_path_that_was_trained(told):
    paths = [set(test["test"].partition(": ")[2].split(", ")) for test in told["torpeda2012"]["tests"]]
    assert all(not one & other for index, one in enumerate(paths) for other in paths[index + 1:])


def test_shapes_and_forms():
    request = {"url": "/a?nombreA=Jam%F3n+Ib%E9rico&precio=85%2F", "body": ""}
    assert [fit_requests.shape(value) for _, value in fit_requests.pairs(request)] == ["Aa Aa", "0/"]
    assert fit_requests.form_of(request) == "nombre,precio"
    assert {"w^0/$", "v0/$", "naA"} <= set(fit_requests.shapes(request))


def test_copies_and_contradictions_are_dropped():
    one = {"method": "GET", "url": "/a", "body": "", "label": 0}
    kept, copies, contradictory = fit_requests.distinct([one, dict(one), {**one, "url": "/b"}, {**one, "url": "/b", "label": 1}])
    assert (kept, copies, contradictory) == ([one], 2, 1)


def test_harmless_values_count_as_wronged_when_throttled():
    rows = fit_engine.counted("x", [{"class": "norm", "count": 4, "denied": 1, "throttled": 1}, {"class": "sqli", "count": 3, "denied": 2, "throttled": 1}])
    assert rows["said"].sum() == 4 and (rows["said"] & (rows["truth"] == 1)).sum() == 2
