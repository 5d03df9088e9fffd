"""Payloads, mutations, grafting, made-up traffic, and how the sets are torn apart."""

import json
import random
import urllib.parse

import pytest

from portcullis_train import dataset, record
from portcullis_train.attack import GRAMMARS
from portcullis_train.attack.expand import Grammar
from portcullis_train.graft import PUT, encoded, graft, is_escaped, leaves
from portcullis_train.mutate import OPERATORS, mutate
from portcullis_train.normal import Service, content, requests
from portcullis_train.payloads import clean, harmless, normal, source_of


def base():
    return {"label": 0, "cls": "benign", "src": "x", "host": "api.example", "method": "POST", "url": "/v1/items?a=1&b=two", "headers": {"Host": "api.example", "Content-Type": "application/json", "Content-Length": "19"}, "body": '{"a": 1, "b": "two"}'}


@pytest.mark.parametrize("cls", GRAMMARS)
def test_every_template_expands(cls):
    rng = random.Random(1)
    for index in range(len(GRAMMARS[cls].templates)):
        for _ in range(5):
            text, family = GRAMMARS[cls].make(rng, index)
            assert text and "«" not in text and "»" not in text and family.startswith(f"grammar/{cls}/")


def test_a_grammar_without_end_or_table_is_a_mistake():
    with pytest.raises(ValueError, match="does not end"):
        Grammar("x", ["«a»"], {"a": ["«a»"]}).make(random.Random(1))
    with pytest.raises(KeyError, match="no table"):
        Grammar("x", ["«nothing»"]).make(random.Random(1))


def test_grammars_make_many_payloads():
    rng = random.Random(2)
    for cls, least in (("sqli", 900), ("command-injection", 900), ("ssti", 400), ("nosql", 350)):
        assert len({GRAMMARS[cls].make(rng)[0] for _ in range(1000)}) > least


@pytest.mark.parametrize(("text", "expected"), [("select", True), ("a.b-c_d", True), ("x", True), ("' or 1=1", False), ("seen before", True), ("; id", False)])
def test_harmless_lines(text, expected):
    assert harmless(text, {"seen before"}) is expected


def test_copies_between_families_are_dropped_from_b():
    lines = [("' OR 1=1 --", "sqli", "B", "b"), ("' or 2=2  --", "sqli", "A", "a"), ("<script>x", "xss", "B", "b"), ("word", "sqli", "A", "a")]
    kept, counts = clean(lines, set())
    assert [(text, family) for text, _, family, _ in kept] == [("' or 2=2  --", "A"), ("<script>x", "B")]
    assert counts == {"read": 4, "harmless": 1, "copies": 1, "kept": 2}


def test_normal_form_ignores_what_copies_differ_in():
    assert normal("%27 OR  12=12") == normal("' or 3=4")


@pytest.mark.parametrize(("relative", "expected"), [("payloadbox/sql/Intruder/detect/NoSQL/no-sql.txt", ("nosql", "B")), ("payloadbox/sql/Intruder/x.txt", ("sqli", "A")), ("libinjection/data/sqli-misc.txt", ("sqli", "B")), ("fuzzdb/discovery/x", None)])
def test_sources(relative, expected):
    assert source_of(relative) == expected


@pytest.mark.parametrize("cls", OPERATORS)
def test_mutation_changes_and_stays_bounded(cls):
    rng, changed = random.Random(3), 0
    for _ in range(60):
        text, _ = GRAMMARS[cls].make(rng) if cls in GRAMMARS else ("//a.example", "")
        mutated = mutate(text, cls, rng, 6)
        assert 0 < len(mutated) <= max(2000, len(text))
        changed += mutated != text
    assert changed > 10 or cls in ("crlf", "open-redirect", "ldap", "deserialization", "xpath", "ssi", "ssrf")


@pytest.mark.parametrize("place", [place for place in PUT if place != "target"])
def test_a_grafted_text_arrives(place):
    text = "a' or 'b'=\"c\" <x>;{1} ü&d"
    found = 0
    for seed in range(40):
        made = graft(base(), text, "sqli", random.Random(seed), 1, place)
        assert made["label"] == 1 and made["location"] == place and made["payload"] == text
        everything = made["url"] + made["body"] + "".join(made["headers"].values())
        decoded = urllib.parse.unquote_plus(urllib.parse.unquote(everything))
        found += any(form in candidate for candidate in (everything, decoded) for form in (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], "a' or 'b'=\"c\" &lt;x&gt;"))
    # Some encodings (base64, %u, escapes) are not undone here.
    assert found >= 22


def test_json_operators_stand_in_the_document():
    texts = [graft(base(), '{"$ne": null}', "nosql", random.Random(seed), 1, "json") for seed in range(60)]
    inside = [path for made in texts if made["encoding"] == "plain" for path, _ in leaves(json.loads(made["body"])) if "$ne" in path]
    assert len(inside) > 20


def test_lengths_follow_the_body():
    made = graft(base(), "x" * 50, "sqli", random.Random(5), 1, "json")
    assert int(made["headers"]["Content-Length"]) == len(made["body"].encode())


def test_escaped_lines_are_sent_as_they_are():
    assert is_escaped("..%2f..%2fetc") and not is_escaped("100% sure") and not is_escaped("../../etc")
    made = graft(base(), "%2e%2e%2fetc", "path-traversal", random.Random(1), 1, "query")
    assert "%2e%2e%2fetc" in made["url"]


@pytest.mark.parametrize("kind", ["plain", "plus", "full", "double", "loose"])
def test_encodings_undo(kind):
    text = "a b'<\"&c=%é"
    value = encoded(text, kind, "xss")
    for _ in range(2 if kind == "double" else 1):
        value = urllib.parse.unquote_plus(value) if kind == "plus" else urllib.parse.unquote(value)
    assert value == text


def test_made_up_traffic_is_well_formed_and_broad():
    made = list(requests(1500, 4))
    assert len({item["host"] for item in made}) > 100
    for item in made:
        json.dumps(item).encode()
        assert item["url"].startswith("/") and not set(item["url"]) & set(" \r\n") and item["label"] == 0
        if item["headers"].get("Content-Type", "").startswith("application/json"):
            json.loads(item["body"])
        assert all(value.isprintable() or "\t" in value for value in item["headers"].values())
    assert {item["method"] for item in made} >= {"GET", "POST", "PUT", "PATCH", "DELETE"}


def test_a_service_is_the_same_each_time():
    one, two = Service(3, 9), Service(3, 9)
    assert one.request(random.Random(1)) == two.request(random.Random(1))
    assert one.host != Service(3, 10).host or one.members[0][0] != Service(3, 10).members[0][0]


def test_sets_without_data(tmp_path):
    options = {"services": 500, "content": 60, "attacks": 300, "valid_services": 120, "valid_attacks": 100}
    summary = dataset.build(None, tmp_path / "one", options)
    again = dataset.build(None, tmp_path / "two", options)
    assert summary == again
    for part in ("train", "dev", "valid"):
        assert (tmp_path / "one" / f"{part}.jsonl.gz").read_bytes() == (tmp_path / "two" / f"{part}.jsonl.gz").read_bytes()
    rows = {part: list(record.read(tmp_path / "one" / f"{part}.jsonl.gz")) for part in ("train", "dev", "valid")}
    domains = {part: {item["domain"] for item in items if item["src"] == "generator"} for part, items in rows.items()}
    assert not domains["train"] & domains["dev"]
    families = {part: {item["family"] for item in items if item["label"]} for part, items in rows.items()}
    assert not families["train"] & families["valid"], "a payload template of the figures was trained on"
    assert len(families["valid"]) > 20 and all(item["payload"] for items in rows.values() for item in items if item["label"])


def test_seeds_differ(tmp_path):
    small = {"services": 60, "content": 5, "attacks": 20, "valid_services": 20, "valid_attacks": 10}
    dataset.build(None, tmp_path / "one", {**small, "seed": 1})
    dataset.build(None, tmp_path / "two", {**small, "seed": 2})
    assert (tmp_path / "one" / "train.jsonl.gz").read_bytes() != (tmp_path / "two" / "train.jsonl.gz").read_bytes()


def test_domains_weigh_by_root():
    pool = [{"host": "big.example", "headers": {}} for _ in range(900)] + [{"host": f"s{number}.example", "headers": {}} for number in range(30) for _ in range(1)]
    drawn = dataset.sample_by_domain(pool, 60, random.Random(1))
    big = sum(item["host"] == "big.example" for item in drawn)
    assert 15 <= big <= 45 and len(drawn) - big >= 20


@pytest.mark.parametrize(("host", "expected"), [("a.b.example.com", "example.com"), ("x.co.uk", "x.co.uk"), ("a.x.co.uk", "x.co.uk"), ("10.0.0.1", "10.0.0.1"), ("localhost:80", "localhost")])
def test_registered_domains(host, expected):
    assert record.domain({"host": host, "headers": {}}) == expected


def test_made_up_content_is_broad():
    rng = random.Random(7)
    for maker in (content.fragment, content.script, content.paragraph, content.html):
        assert len({maker(rng) for _ in range(300)}) > 200
    for maker, _ in content.CONTENT:
        assert all(isinstance(maker(rng), str) for _ in range(50))
    assert json.loads(content.exchange(rng))["headers"]["Host"].endswith(".example")
