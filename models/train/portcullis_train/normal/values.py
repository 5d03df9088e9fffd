"""Values of parameters, members, cookies and headers: identifiers, tokens, times, addresses, encoded objects."""

import base64
import hashlib
import hmac
import json
import urllib.parse
import uuid

from portcullis_train.normal import content
from portcullis_train.normal.words import ADJECTIVES, CITIES, COMPANIES, FIRST, LAST, NOUNS, SEARCHES, SENTENCES, VERBS

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def pick(rng, signs, length):
    return "".join(rng.choice(signs) for _ in range(length))


def number(rng):
    return rng.choice([rng.randint(0, 20), rng.randint(0, 1000), rng.randint(0, 10**9), rng.randint(-50, 0)])


def identifier(rng):
    return rng.choice([lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)), lambda: pick(rng, "0123456789abcdef", 24), lambda: str(rng.randint(1, 10**7)), lambda: f"{rng.choice(NOUNS)[:4]}_{pick(rng, ALNUM, rng.randint(12, 24))}",
                       lambda: pick(rng, "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26), lambda: pick(rng, ALNUM + "-_", 11), lambda: f"{rng.choice(NOUNS)}-{rng.choice(NOUNS)}-{rng.randint(1, 999)}", lambda: f"urn:{rng.choice(NOUNS)}:{rng.randint(1, 9999)}",
                       lambda: f"arn:aws:iam::{rng.randint(10**11, 10**12)}:role/{rng.choice(NOUNS)}", lambda: f"gid://{rng.choice(NOUNS)}/{rng.choice(NOUNS).title()}/{rng.randint(1, 10**6)}", lambda: f"#{rng.randint(1, 99999)}"])()


def moment(rng):
    day = f"20{rng.randint(18, 26)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}"
    return rng.choice([day, f"{day}T{clock}Z", f"{day}T{clock}.{rng.randint(0, 999):03d}+02:00", f"{day} {clock}", str(rng.randint(15 * 10**8, 18 * 10**8)), str(rng.randint(15 * 10**11, 18 * 10**11)), f"{day}..{day}", f"[{day} TO *]", f">={day}", f"P{rng.randint(1, 30)}DT{rng.randint(1, 12)}H",
                       f"Mon May 0{rng.randint(1, 9)} 2024 {clock} GMT+0200 (Central European Summer Time)", f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/2024"])


def encode64(raw, rng):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode() if rng.random() < 0.5 else base64.b64encode(raw).decode()


def jwt(rng):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).rstrip(b"=")
    head = {"alg": rng.choice(["HS256", "RS256", "ES256"]), "typ": "JWT", **({"kid": identifier(rng)} if rng.random() < 0.5 else {})}
    claims = {"sub": identifier(rng), "iss": f"https://{rng.choice(['auth', 'login', 'id'])}.{rng.choice(NOUNS)}.example/", "iat": rng.randint(16 * 10**8, 18 * 10**8), "exp": rng.randint(17 * 10**8, 19 * 10**8), "aud": [rng.choice(NOUNS)],
              "scope": " ".join(f"{rng.choice(['read', 'write'])}:{rng.choice(NOUNS)}s" for _ in range(rng.randint(1, 4))), "name": name(rng), "email": email(rng), "https://claims.example/roles": [rng.choice(ADJECTIVES)]}
    claims = {key: value for key, value in claims.items() if rng.random() < 0.7}
    signed = part(head) + b"." + part(claims)
    mark = hmac.new(rng.randbytes(16), signed, hashlib.sha256).digest() if head["alg"] == "HS256" else rng.randbytes(64)
    return (signed + b"." + base64.urlsafe_b64encode(mark).rstrip(b"=")).decode()


def cursor(rng):
    inside = rng.choice([lambda: {"id": rng.randint(1, 10**6), "created_at": moment(rng)}, lambda: {"offset": rng.randint(0, 999), "sort": [rng.choice(NOUNS), "desc"]}, lambda: [rng.randint(1, 10**6), rng.choice(NOUNS)], lambda: {"after": identifier(rng), "filter": {"status": ["open", "closed"]}}])()
    raw = json.dumps(inside, separators=(",", ":")).encode() if rng.random() < 0.7 else f"cursor:v2:{rng.choice(NOUNS)}:{rng.randint(1, 10**6)}".encode()
    return encode64(raw, rng)


def opaque(rng):
    """Random bytes as text: tokens, signatures, states. They decode to noise that may look like anything."""
    raw = rng.randbytes(rng.choice([8, 16, 20, 24, 32, 48, 64, 96, 160, 256]))
    return rng.choice([lambda: encode64(raw, rng), lambda: raw.hex(), lambda: pick(rng, ALNUM, rng.randint(8, 64)), lambda: base64.b64encode(raw).decode(), lambda: pick(rng, ALNUM + "-_.~", rng.randint(20, 80)), lambda: "sha256-" + base64.b64encode(rng.randbytes(32)).decode(),
                       lambda: pick(rng, ALNUM + "!$*()-_.", rng.randint(10, 40)), lambda: f"v1.{pick(rng, ALNUM, 32)}!{pick(rng, ALNUM, 10)}=="])()


def encoded_object(rng):
    """A JSON object or a text in base64, as states and analytics cookies have it."""
    value = {rng.choice(NOUNS): scalar(rng) for _ in range(rng.randint(1, 6))}
    raw = json.dumps(value, ensure_ascii=rng.random() < 0.5) if rng.random() < 0.7 else content.anything(rng)
    return encode64(raw.encode("utf-8", "surrogatepass"), rng)


def name(rng):
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"


def email(rng):
    return f"{rng.choice(NOUNS)}{rng.choice(['.', '_', '+', '', '-', chr(39)])}{rng.choice(NOUNS)}{rng.choice(['', str(rng.randint(1, 99))])}@{rng.choice(['example.com', 'mail.example', 'test.example.co.uk', 'gmail.com'])}"


def password(rng):
    return rng.choice([lambda: pick(rng, ALNUM + "!@#$%^&*()-_=+[]{};:'\",.<>/?\\|`~ ", rng.randint(8, 24)), lambda: f"{rng.choice(NOUNS).title()}{rng.randint(1, 9999)}{rng.choice('!?#$%&*')}", lambda: "-".join(rng.choice(NOUNS) for _ in range(4)), lambda: f"{rng.choice(FIRST)}'s \"{rng.choice(NOUNS)}\" {rng.randint(1, 99)};"])()


def url(rng):
    query = "&".join(f"{rng.choice(NOUNS)}={urllib.parse.quote(str(rng.choice([number(rng), rng.choice(NOUNS), rng.choice(SEARCHES)])))}" for _ in range(rng.randint(0, 5)))
    host = rng.choice([f"www.{rng.choice(NOUNS)}.example", f"{rng.choice(NOUNS)}.{rng.choice(NOUNS)}.com", "localhost:3000", f"cdn.{rng.choice(NOUNS)}.net", f"{rng.choice(NOUNS)}.s3.eu-west-1.amazonaws.com", f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}:8080"] if rng.random() < 0.3 else
                      [f"www.{rng.choice(NOUNS)}.example", f"{rng.choice(NOUNS)}.{rng.choice(NOUNS)}.com"])
    return f"{rng.choice(['https', 'https', 'http'])}://{host}/{'/'.join(rng.choice(NOUNS) for _ in range(rng.randint(0, 4)))}{'?' + query if query else ''}{rng.choice(['', '', '', '#' + rng.choice(NOUNS), '#/' + rng.choice(NOUNS) + '?tab=1'])}"


def path(rng):
    return rng.choice([lambda: "/" + "/".join(rng.choice(NOUNS) for _ in range(rng.randint(1, 4))), lambda: f"{rng.choice(NOUNS)}s/{rng.choice(NOUNS)}.{rng.choice(['png', 'pdf', 'json', 'csv', 'tar.gz', 'js', 'php', 'docx'])}", lambda: f"src/{rng.choice(NOUNS)}/index.{rng.choice(['js', 'ts', 'py'])}", lambda: f"./{rng.choice(NOUNS)}/{rng.choice(NOUNS)}",
                       lambda: f"C:\\Users\\{rng.choice(NOUNS)}\\{rng.choice(NOUNS)}.txt", lambda: f"/home/{rng.choice(NOUNS)}/{rng.choice(NOUNS)}.log", lambda: f"~/{rng.choice(NOUNS)}", lambda: f"**/*.{rng.choice(['js', 'ts'])}", lambda: f"@{rng.choice(NOUNS)}/{rng.choice(NOUNS)}@^{rng.randint(1, 9)}.0.0", lambda: f"file:///Users/{rng.choice(NOUNS)}/{rng.choice(NOUNS)}.html",
                       lambda: f"/var/www/{rng.choice(NOUNS)}/public/{rng.choice(NOUNS)}.jpg", lambda: f"//cdn.{rng.choice(NOUNS)}.example/{rng.choice(NOUNS)}.js", lambda: f"s3://{rng.choice(NOUNS)}/{rng.choice(NOUNS)}/*.parquet", lambda: f"../{rng.choice(NOUNS)}/{rng.choice(NOUNS)}.md"])()


def address(rng):
    return rng.choice([f"{rng.randint(1, 999)} St. {rng.choice(FIRST)}'s Rd., Apt #{rng.randint(1, 99)}", f"{rng.choice(CITIES)}er Str. {rng.randint(1, 200)}/{rng.randint(1, 9)}", f"C/ {rng.choice(NOUNS)}, {rng.randint(1, 99)}, 3º B", f"c/o {name(rng)}; P.O. Box {rng.randint(1, 999)}", f"{rng.randint(10000, 99999)} {rng.choice(CITIES)}"])


def phone(rng):
    return rng.choice([f"+{rng.randint(1, 99)} ({rng.randint(0, 999)}) {rng.randint(100, 999)}-{rng.randint(1000, 9999)}", f"0{rng.randint(10, 999)}/{rng.randint(10000, 9999999)}", f"{rng.randint(200, 999)}.{rng.randint(100, 999)}.{rng.randint(1000, 9999)} x{rng.randint(1, 99)}"])


def short(rng):
    return rng.choice([rng.choice(NOUNS), rng.choice(ADJECTIVES), rng.choice(VERBS), rng.choice(NOUNS) + "," + rng.choice(NOUNS), f"-{rng.choice(NOUNS)}", f"{rng.choice(NOUNS)}.{rng.choice(NOUNS)}", f"{rng.choice(NOUNS)}:{rng.choice(['asc', 'desc'])}", "en-US", "de_DE.UTF-8", "EUR", "*", "true", "null", "undefined", "[]", "{}", "",
                       f"{rng.choice(NOUNS)}[]", f"{rng.randint(0, 9)}.{rng.randint(0, 20)}.{rng.randint(0, 9)}-beta+{rng.randint(1, 99)}", f"#{rng.randrange(16**6):06x}", f"rgba({rng.randint(0, 255)}, 0, 0, 0.5)", f"{rng.uniform(-90, 90):.6f},{rng.uniform(-180, 180):.6f}", f"{rng.randint(1, 99)}%", f"${rng.uniform(0, 99):.2f}", f"€{rng.randint(1, 99)},-",
                       "N/A", "n/a", "--", "(none)", "<unknown>", "?", "-1", "1e-5", "0x1F", f"{rng.randint(1, 99)}x{rng.randint(1, 99)}", f"bytes=0-{rng.randint(1, 9999)}", "Europe/Berlin", "America/New_York", "text/html; charset=utf-8", "application/json", "W/\"abc123\"", f"POINT({rng.uniform(0, 9):.3f} {rng.uniform(0, 9):.3f})", f"M{rng.randint(0, 9)} {rng.randint(0, 9)}L10 10Z"])


def person_text(rng):
    return rng.choice([name, email, address, phone, lambda _: rng.choice(COMPANIES), lambda _: rng.choice(CITIES)])(rng)


def json_in_text(rng):
    return json.dumps({rng.choice(NOUNS): rng.choice([number(rng), rng.choice(SENTENCES), [rng.choice(NOUNS)], {rng.choice(NOUNS): True}, None]) for _ in range(rng.randint(1, 5))}, ensure_ascii=rng.random() < 0.5)


STRINGS = [(short, 22), (identifier, 18), (moment, 8), (person_text, 12), (url, 7), (path, 4), (cursor, 2), (opaque, 7), (encoded_object, 2), (jwt, 1), (content.sentence, 8), (content.anything, 6), (content.query_language, 2), (json_in_text, 2), (password, 1), (lambda rng: rng.choice(SEARCHES), 3), (content.fragment, 5)]


def string(rng):
    makers, weights = zip(*STRINGS)
    return rng.choices(makers, weights)[0](rng)


def scalar(rng):
    draw = rng.random()
    if draw < 0.2:
        return number(rng)
    if draw < 0.28:
        return rng.choice([True, False, None])
    if draw < 0.34:
        return round(rng.uniform(-1000, 1000), rng.randint(0, 6))
    return string(rng)
