"""Builds the labelled sets: harmless requests, harmless content in the same places as attacks, grafted attacks.

Three parts, torn apart by domain and by payload family so that no score measures memory:

* `train`: four fifths of the training domains, families A;
* `dev`: the other training domains, families A whose templates or lines were kept back: calibration and thresholds;
* `valid`: the recorded sets that end in `.valid`, services of another seed, families B: only ever for figures.

Without data the generator and the grammars make all three, smaller.
"""

import collections
import json
import math
import urllib.parse
from pathlib import Path

from portcullis_train import record
from portcullis_train.attack import GRAMMARS
from portcullis_train.graft import graft, leaves
from portcullis_train.mutate import mutate
from portcullis_train.normal import content, requests
from portcullis_train.payloads import clean, harmless, read_lists

# Share of each class among the attacks. Thin classes get more than traffic would give them, or no model learns them.
SHARES = {"sqli": 20, "xss": 17, "path-traversal": 10, "command-injection": 12, "file-inclusion": 5, "ssti": 6, "code-injection": 6, "nosql": 5, "expression-language": 4,
          "log4shell": 3, "ldap": 3, "xpath": 3, "xxe": 3, "ssi": 2, "crlf": 2, "prototype-pollution": 2, "deserialization": 3, "ssrf": 4}
ROUNDS = [(0, 40), (1, 15), (2, 15), (4, 12), (8, 10), (20, 8)]
# Sets whose licence is stated. CSIC 2010 and TORPEDA state none: they may not train what is shipped.
LICENCES = {"browser_benign.train": "Apache-2.0", "api_benign.train": "MIT", "text_and_sql_content": "mixed, permissive", "payloadsallthethings": "MIT", "payloadbox": "MIT",
            "fuzzdb": "BSD, CC-BY", "httpparams": "MIT", "libinjection": "BSD", "generator": "own", "grammar": "own"}
DEFAULT = {"seed": 1, "browser": 22000, "services": 12000, "content": 6000, "attacks": 26000, "dev": 0.2, "valid_services": 3000, "valid_attacks": 10000, "valid_browser": 20000, "pool": 100000, "families": "A"}
SMALL = {"seed": 1, "browser": 0, "services": 2400, "content": 400, "attacks": 1800, "dev": 0.2, "valid_services": 600, "valid_attacks": 500, "valid_browser": 0, "pool": 0, "families": "A"}


def sample_by_domain(pool, count, rng):
    """Draws requests so that a domain weighs as the root of how many it has: a few trackers would drown the rest."""
    if count >= len(pool):
        return list(pool)
    by_host = collections.defaultdict(list)
    for request in pool:
        by_host[record.host(request)].append(request)
    hosts = sorted(by_host)
    total = sum(math.sqrt(len(by_host[host])) for host in hosts)
    drawn = []
    for host in hosts:
        share = count * math.sqrt(len(by_host[host])) / total
        whole = min(len(by_host[host]), int(share) + (rng.random() < share % 1))
        drawn += rng.sample(by_host[host], whole)
    rng.shuffle(drawn)
    return drawn


def values_of(request):
    """Values of a harmless request that a payload list may hold as well: arguments, cookies, JSON scalars."""
    _, _, query = request["url"].partition("?")
    bodies = request["body"] if isinstance(request["body"], str) else ""
    for pairs in (query, bodies if "=" in bodies[:200] and len(bodies) < 4000 else ""):
        for pair in pairs.split("&")[:60]:
            yield urllib.parse.unquote_plus(pair.partition("=")[2])
    if bodies[:1] in "{[" and len(bodies) < 20000:
        try:
            document = json.loads(bodies)
        except ValueError:
            return
        yield from (str(value) for _, value in leaves(document))


class Payloads:
    """Payloads by family: lists after cleaning, and the grammars with the templates each part may use."""

    def __init__(self, data, benign, seed):
        self.counts = {}
        self.lists = collections.defaultdict(dict)
        if data:
            known = {value.strip() for request in benign for value in values_of(request) if 1 < len(value) < 300}
            kept, self.counts = clean(read_lists(data), known)
            for text, cls, family, source in kept:
                text = text.encode("utf-8", "replace").decode()
                part = family if family == "B" else ("dev" if record.share(text, seed) < 0.1 else "A")
                self.lists[part, cls].setdefault(source.split("/")[0], []).append(text)
        self.templates = collections.defaultdict(list)
        for cls, grammar in GRAMMARS.items():
            for index in range(len(grammar.templates)):
                # Templates of one class are dealt in turn, so that thin classes have some in each part.
                draw = (index * 7 + 3) % 10
                self.templates["B" if draw == 0 else "dev" if draw == 1 else "A", cls].append(index)

    def draw(self, part, cls, rng):
        """One payload of a class from a part, unmutated: (text, family). None where the part has none."""
        lists, templates = self.lists.get((part, cls), {}), self.templates[part, cls]
        # A thin list is repeated no more than it deserves, and a long one drowns no other.
        if lists and rng.random() < min(0.6, sum(map(len, lists.values())) / 60):
            source = rng.choices(sorted(lists), [math.sqrt(len(lists[name])) for name in sorted(lists)])[0]
            return rng.choice(lists[source]), f"{source}/{cls}"
        for _ in range(20):
            text, family = GRAMMARS[cls].make(rng, rng.choice(templates))
            if not harmless(text, ()):
                return text, family
        return None


def attacks(count, part, bases, payloads, rng, families=None):
    """Grafted attacks: a payload of a part, mutated, in a place of a harmless request."""
    classes, weights = zip(*SHARES.items())
    parts = families or [part]
    for _ in range(count):
        cls = rng.choices(classes, weights)[0]
        drawn = payloads.draw(rng.choice(parts), cls, rng)
        if drawn is None:
            continue
        text, family = drawn
        rounds = rng.choices(*zip(*ROUNDS))[0]
        text = mutate(text, cls, rng, rounds)
        made = graft(rng.choice(bases), text, cls, rng)
        made.update(family=family, rounds=rounds)
        yield made


def contents(count, texts, bases, rng):
    """Harmless content in the places and encodings of attacks."""
    for _ in range(count):
        text = rng.choice(texts) if texts and rng.random() < 0.4 else content.anything(rng)
        made = graft(rng.choice(bases), text, "benign", rng, label=0)
        made["src"] = "content"
        yield made


def read_sets(data, part):
    folder = Path(data) / "requests"
    browser = list(record.read(folder / f"browser_benign.{part}.jsonl.gz"))
    api = list(record.read(folder / f"api_benign.{part}.jsonl.gz"))
    return browser, api


def read_texts(data, name):
    return [(item["value"], item["src"]) for item in record.read(Path(data) / "text" / f"{name}.jsonl.gz")]


def split_texts(data, seed):
    """Content texts of the train and dev parts, by source; the strings that trip naive rules are for figures alone."""
    if not data:
        return {"train": [], "dev": [], "valid": []}
    parts = collections.defaultdict(list)
    for text, source in read_texts(data, "text_and_sql_content"):
        draw = record.share(source, seed)
        parts["valid" if draw < 0.25 else "dev" if draw < 0.4 else "train"].append(text)
    return parts


def is_dev(request, share, seed):
    return record.share(record.domain(request), seed) < share


def build(data, out, options=None):
    """Writes the three parts and `dataset.json`. Returns its content."""
    options = {**(DEFAULT if data else SMALL), **(options or {})}
    seed, dev = options["seed"], options["dev"]
    out = Path(out)
    browser, api = read_sets(data, "train") if data else ([], [])
    pool = browser + api
    payloads = Payloads(data, pool, seed)
    texts = split_texts(data, seed)
    rng = record.stream(seed, "dataset")
    made = list(requests(options["services"], seed))
    real = sample_by_domain(browser, options["browser"], rng)
    counts = {}
    for part in ("train", "dev"):
        wanted = [request for request in real + api + made if is_dev(request, dev, seed) == (part == "dev")]
        share = 1 - dev if part == "train" else dev
        bases = base_requests(wanted)
        families = ["A"] if part == "train" else ["A", "dev", "dev"]
        if options["families"] == "all":
            families = families + ["B"] + (["dev"] if part == "train" else [])
        parts = [wanted, contents(int(options["content"] * share), texts[part], bases, record.stream(seed, part, "content")),
                 attacks(int(options["attacks"] * share), "A", bases, payloads, record.stream(seed, part, "attacks"), families)]
        counts[part] = write_part(out / f"{part}.jsonl.gz", parts, record.stream(seed, part, "order"))
    counts["valid"] = write_valid(data, out, options, payloads, texts["valid"])
    if browser:
        # What hard negatives are mined from: harmless requests of the training domains that were not drawn.
        drawn = set(map(id, real))
        rest = [request for request in browser if id(request) not in drawn and not is_dev(request, dev, seed)]
        record.write(out / "pool.jsonl.gz", map(slim, sample_by_domain(rest, options["pool"], record.stream(seed, "pool"))))
    summary = {"options": options, "counts": counts, "payloads": payloads.counts, "licences": LICENCES if data else {"generator": "own", "grammar": "own"}, "classes": ["benign", *SHARES]}
    (out / "dataset.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def base_requests(wanted):
    """What attacks are grafted into: bodies of a size that leaves the payload inspected, no compressed ones."""
    return [request for request in wanted if len(request["body"]) < 32768 and not any(name.lower() == "content-encoding" for name in request["headers"])]


def write_valid(data, out, options, payloads, texts):
    rng = record.stream(options["seed"], "valid")
    browser, api = read_sets(data, "valid") if data else ([], [])
    made = list(requests(options["valid_services"], options["seed"] + 1000))
    real = sample_by_domain(browser, options["valid_browser"], rng) + api
    bases = base_requests(sample_by_domain(browser, 4000, rng) + api + (made if not data else made[:1500]))
    odd = [text for text, _ in read_texts(data, "false_positive_strings")] if data else []
    fixed = [mark(graft(rng.choice(bases), text, "benign", rng, 0, place), "false_positive_strings") for text in odd for place in ("query", "json")]
    parts = [(mark(request, "browser_benign.valid") for request in real if request.get("src") == "browser"), (mark(request, "api_benign.valid") for request in api), made,
             contents(min(1500, options["valid_services"]), texts, bases, record.stream(options["seed"], "valid", "content")), fixed,
             attacks(options["valid_attacks"], "B", bases, payloads, record.stream(options["seed"], "valid", "attacks"))]
    return write_part(out / "valid.jsonl.gz", parts, record.stream(options["seed"], "valid", "order"))


def mark(request, name):
    return {**request, "src": name}


KEPT = ("label", "cls", "src", "host", "method", "url", "headers", "body", "location", "name", "encoding", "payload", "family", "rounds")


def slim(request):
    return {key: request[key] for key in KEPT if key in request and not (key == "payload" and not request["label"])}


def write_part(path, parts, rng):
    """Writes one part in random order and counts its classes and sources."""
    everything = [slim(request) for part in parts for request in part]
    rng.shuffle(everything)
    for request in everything:
        request["body"] = request["body"].encode("utf-8", "replace").decode()
        request["domain"] = record.domain(request)
    record.write(path, everything)
    return {"requests": len(everything), "classes": dict(collections.Counter(request["cls"] for request in everything)),
            "sources": dict(collections.Counter(request["src"] for request in everything if not request["label"])), "families": dict(collections.Counter(family_of(request) for request in everything if request["label"]))}


def family_of(request):
    """The source of a payload without the number of its template."""
    return "/".join(request["family"].split("/")[:2])
