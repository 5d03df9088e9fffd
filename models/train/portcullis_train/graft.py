"""Puts a text into a real request: argument, form, JSON leaf, header, cookie, path segment, multipart, XML; in the
encodings that place undoes.

Harmless texts go through here as well as payloads: otherwise the models would learn that only attacks are encoded.
"""

import base64
import copy
import json
import urllib.parse

PLACES = [("query", 34), ("json", 24), ("form", 14), ("cookie", 7), ("header", 8), ("path", 7), ("multipart", 5), ("xml", 1)]
TEXT_PLACES = [("query", 40), ("json", 36), ("form", 18), ("multipart", 6)]
SAFE = "-_.~"
NAMES = ["id", "q", "name", "search", "page", "file", "user", "url", "lang", "category", "sort", "comment", "message", "data", "filter", "ref", "type", "email",
         "title", "path", "value", "query", "text", "key", "code", "next", "format", "from", "to", "status", "view", "item", "token", "callback", "tag", "template"]
HEADERS = ["User-Agent", "Referer", "X-Forwarded-For", "X-Api-Version", "Accept-Language", "X-Request-Id", "X-Forwarded-Host", "X-Client-Id", "Origin"]


def every_byte(text):
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def quote(text, plus=False):
    return (urllib.parse.quote_plus if plus else urllib.parse.quote)(text, safe=SAFE, errors="surrogatepass")


def loose(text):
    """Only what would end the value or the line is escaped, as scanners and careless clients do."""
    return "".join(sign if 0x20 < ord(sign) < 0x7f and sign not in "&#%+\"<>" else quote(sign) for sign in text)


def unicode_percent(text):
    return "".join(f"%u{ord(sign):04x}" if ord(sign) < 0x10000 else quote(sign) for sign in text)


def references(text):
    return quote("".join(f"&#{ord(sign)};" if not sign.isalnum() else sign for sign in text))


def overlong(text):
    return "".join(f"%c0%{0x80 | ord(sign):02x}" if sign in "./\\<>'\"" else quote(sign) for sign in text)


def base64_text(text, url_safe=False):
    raw = text.encode("utf-8", "surrogatepass")
    return (base64.urlsafe_b64encode(raw).rstrip(b"=") if url_safe else base64.b64encode(raw)).decode()


# Share of each encoding where percent signs are undone.
PERCENT = [("plain", 44), ("plus", 13), ("loose", 14), ("full", 9), ("double", 7), ("unicode", 3), ("references", 3), ("overlong", 2), ("base64", 5)]


def choose(rng, table):
    names, weights = zip(*table)
    return rng.choices(names, weights)[0]


def encoded(text, kind, cls):
    """A text in one encoding of a query, a form, or a path."""
    if kind == "references" and cls not in ("xss", "text"):
        kind = "plain"
    if kind == "unicode" and any(ord(sign) > 0xffff for sign in text):
        kind = "plain"
    return {"plain": lambda: quote(text), "plus": lambda: quote(text, True), "loose": lambda: loose(text), "full": lambda: every_byte(text), "double": lambda: quote(quote(text)),
            "unicode": lambda: unicode_percent(text), "references": lambda: references(text), "overlong": lambda: overlong(text), "base64": lambda: quote(base64_text(text))}[kind]()


def header_name(headers, name):
    """The name under which a header stands in a request, whatever its case."""
    return next((key for key in headers if key.lower() == name.lower()), None)


def set_header(headers, name, value):
    headers[header_name(headers, name) or name] = value


def content_type(request):
    return request["headers"].get(header_name(request["headers"], "content-type") or "", "").lower()


def set_body(request, body, kind=None):
    request["body"] = body
    if kind:
        set_header(request["headers"], "Content-Type", kind)
    if request["method"] in ("GET", "HEAD", "DELETE", "OPTIONS"):
        request["method"] = "POST"
    if header_name(request["headers"], "content-length"):
        set_header(request["headers"], "Content-Length", str(len(body.encode("utf-8", "surrogatepass"))))


def in_pairs(pairs, text, kind, cls, rng, whole):
    """Places a text in `a=b&c=d`: in place of a value, behind one, or as a new argument."""
    items = [item for item in pairs.split("&") if item][:200]
    how = rng.random()
    if not items or how > 0.75 or (kind == "base64" and how > 0.5):
        name, value = rng.choice(NAMES), text
        items.insert(rng.randint(0, len(items)), f"{name}={encoded(text, kind, cls)}")
        return "&".join(items), name, value
    index = rng.randrange(len(items))
    name, _, old = items[index].partition("=")
    if how < 0.5 or whole or kind == "base64" or len(old) > 400:
        old = ""
    items[index] = f"{name}={old}{encoded(text, kind, cls)}"
    return "&".join(items), urllib.parse.unquote_plus(name), text


def leaves(value, path=()):
    """All scalars of a JSON value, with the way to each; at most 400."""
    if isinstance(value, dict):
        found = [leaf for key, child in value.items() for leaf in leaves(child, (*path, key))]
    elif isinstance(value, list):
        found = [leaf for key, child in enumerate(value[:50]) for leaf in leaves(child, (*path, key))]
    else:
        return [(path, value)]
    return found[:400]


def set_leaf(document, path, value):
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def graft_query(request, text, cls, rng, raw):
    kind = "raw" if raw else choose(rng, PERCENT)
    path, _, query = request["url"].partition("?")
    query, mark, fragment = query.partition("#")
    if raw:
        name = rng.choice(NAMES)
        query = "&".join(filter(None, [query, f"{name}={loose(text) if not raw_sendable(text) else text}"]))
    else:
        query, name, _ = in_pairs(query, text, kind, cls, rng, False)
    request["url"] = f"{path}?{query}{mark}{fragment}"
    return name, kind


def graft_form(request, text, cls, rng, raw):
    kind = "raw" if raw else choose(rng, PERCENT)
    body = request["body"] if "form-urlencoded" in content_type(request) else "&".join(
        f"{rng.choice(NAMES)}={rng.choice(['', '1', 'en', 'submit', 'true', '2024-01-05', 'home'])}" for _ in range(rng.randint(0, 5)))
    if raw:
        name = rng.choice(NAMES)
        body = "&".join(filter(None, [body, f"{name}={text}"]))
    else:
        body, name, _ = in_pairs(body, text, kind, cls, rng, False)
    set_body(request, body, "application/x-www-form-urlencoded")
    return name, kind


def made_document(rng):
    """A small JSON document, for requests that have none."""
    document = {rng.choice(NAMES): rng.choice(["", 1, 25, True, None, "en", "active", "2024-05-01T10:00:00Z", 3.5, "a1b2c3"]) for _ in range(rng.randint(1, 6))}
    if rng.random() < 0.3:
        document = {rng.choice(["data", "input", "attributes", "variables", "params", "payload"]): document, "type": rng.choice(["item", "user", "order"])}
    return document


def graft_json(request, text, cls, rng, _raw):
    try:
        document = json.loads(request["body"]) if "json" in content_type(request) else None
    except ValueError:
        document = None
    if not isinstance(document, (dict, list)) or not document or len(request["body"]) > 20000:
        document = made_document(rng)
    kind = choose(rng, [("plain", 72), ("escapes", 16), ("base64", 6), ("percent", 6)])
    value = {"base64": lambda: base64_text(text, rng.random() < 0.3), "percent": lambda: quote(text)}.get(kind, lambda: text)()
    places = [(path, old) for path, old in leaves(document) if path and not isinstance(old, bool)]
    inner = json_object(text) if cls in ("nosql", "prototype-pollution", "deserialization") and kind == "plain" else None
    if places and (inner is None or rng.random() < 0.7):
        path, old = rng.choice(places)
        if isinstance(old, str) and kind in ("plain", "escapes") and rng.random() < 0.33 and len(old) < 400:
            value = old + value
        set_leaf(document, path, value if inner is None else inner)
        name = str(next((key for key in reversed(path) if isinstance(key, str)), ""))
    else:
        name = rng.choice(NAMES)
        if isinstance(document, list):
            document.append({name: value if inner is None else inner})
        else:
            document[name] = value if inner is None else inner
    body = json.dumps(document, ensure_ascii=rng.random() < 0.3, separators=rng.choice([(",", ":"), (", ", ": ")]))
    if kind == "escapes":
        plain = json.dumps(value)[1:-1]
        body = body.replace(json.dumps(value, ensure_ascii=False)[1:-1], plain).replace(plain, "".join(f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else sign for sign in value), 1)
    set_body(request, body, content_type(request) if "json" in content_type(request) else "application/json")
    return name, kind


def json_object(text):
    """The object that a payload is, where it is one: an operator must stand in the document, not in a string."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, (dict, list)) else None


def graft_header(request, text, cls, rng, _raw):
    name = rng.choice(HEADERS)
    text = "".join(sign for sign in text if sign >= " " or sign == "\t")
    old = request["headers"].get(header_name(request["headers"], name) or "", "")
    set_header(request["headers"], name, old + text if old and rng.random() < 0.33 else text.strip() or "-")
    return name, "plain"


def graft_cookie(request, text, cls, rng, raw):
    kind = "raw" if raw else choose(rng, [("plain", 70), ("full", 12), ("double", 4), ("base64", 14)])
    old = request["headers"].get(header_name(request["headers"], "cookie") or "", "")
    cookies = [cookie.strip() for cookie in old.split(";") if cookie.strip()]
    value = text if raw else encoded(text, kind, cls)
    index = rng.randint(0, len(cookies))
    if index < len(cookies) and rng.random() < 0.5:
        name = cookies[index].partition("=")[0]
        cookies[index] = f"{name}={value}"
    else:
        name = rng.choice(["session", "lang", "theme", "uid", "token", "prefs", "cart", "ref", *NAMES])
        cookies.insert(index, f"{name}={value}")
    set_header(request["headers"], "Cookie", "; ".join(cookies))
    return name, kind


def graft_path(request, text, cls, rng, raw):
    kind = "raw" if raw else choose(rng, [("plain", 70), ("loose", 10), ("full", 10), ("double", 7), ("overlong", 3)])
    path, mark, query = request["url"].partition("?")
    segments = path.split("/")
    value = text if raw else encoded(text, kind, cls)
    if kind == "loose" or raw:
        value = value.replace("?", "%3F")
    if len(segments) > 2 and rng.random() < 0.5:
        segments[rng.randrange(1, len(segments))] = value
    else:
        segments.append(value)
    path = "/".join(segments)
    request["url"] = (path if path.startswith("/") else "/" + path) + mark + query
    return "", kind


def graft_multipart(request, text, cls, rng, _raw):
    mark = "----" + "".join(rng.choice("abcdefghijkmnpqrstuvwxyz0123456789") for _ in range(20))
    name = rng.choice(NAMES)
    parts = [f'Content-Disposition: form-data; name="{rng.choice(NAMES)}"\r\n\r\n{rng.choice(["1", "en", "report", "", "true"])}' for _ in range(rng.randint(0, 3))]
    kind = "plain"
    if rng.random() < 0.2 and not set("\"\r\n\\") & set(text) and len(text) < 200:
        kind = "file name"
        part = f'Content-Disposition: form-data; name="{name}"; filename="{text}"\r\nContent-Type: application/octet-stream\r\n\r\n{"x" * rng.randint(0, 40)}'
    else:
        part = f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'
    parts.insert(rng.randint(0, len(parts)), part)
    body = "".join(f"--{mark}\r\n{part}\r\n" for part in parts) + f"--{mark}--\r\n"
    set_body(request, body, f"multipart/form-data; boundary={mark}")
    return name, kind


def graft_xml(request, text, cls, rng, _raw):
    name = rng.choice(NAMES)
    if text.lstrip().startswith(("<?xml", "<!DOCTYPE", "<!ENTITY", "<soap")):
        body = text
    else:
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = f'<?xml version="1.0" encoding="UTF-8"?><request><{name}>{escaped}</{name}></request>'
    set_body(request, body, rng.choice(["application/xml", "text/xml"]))
    return name, "plain"


PUT = {"query": graft_query, "form": graft_form, "json": graft_json, "header": graft_header, "cookie": graft_cookie, "path": graft_path, "multipart": graft_multipart, "xml": graft_xml}


def graft_target(request, text, cls, rng, _raw):
    """A line that is a path and query by itself replaces the target."""
    request["url"] = "".join(sign if 0x20 < ord(sign) < 0x7f else quote(sign) for sign in text)
    return "", "plain"


PUT["target"] = graft_target


def raw_sendable(text):
    """Whether a text can stand in a request line as it is: a line of a list that is URL-encoded already."""
    return all(0x20 < ord(sign) < 0x7f and sign not in "\"<>#&" for sign in text)


def is_escaped(text):
    """Whether a payload is in the form of a URL: every percent sign begins an escape, and there is one."""
    marks = text.split("%")[1:]
    return bool(marks) and raw_sendable(text) and all(
        (mark[:1] in "uU" and len(mark) >= 5) or (len(mark) >= 2 and all(sign in "0123456789abcdefABCDEF" for sign in mark[:2])) for mark in marks)


def place_of(text, cls, rng, harmless):
    if text.startswith(("<?xml", "<!DOCTYPE", "<!ENTITY")) and rng.random() < 0.6:
        return "xml"
    if harmless:
        return choose(rng, TEXT_PLACES)
    if cls == "file-inclusion" and text.startswith("/") and "?" in text and "=" in text:
        return "target"
    if is_escaped(text):
        return choose(rng, [("query", 58), ("form", 18), ("path", 14), ("cookie", 10)])
    if cls in ("path-traversal", "file-inclusion") and rng.random() < 0.15:
        return "path"
    if cls in ("nosql", "prototype-pollution", "deserialization") and json_object(text) is not None and rng.random() < 0.5:
        return "json"
    return choose(rng, PLACES)


def graft(request, text, cls, rng, label=1, place=None):
    """A copy of a harmless request with a text in it. The result says where: `location`, `name`, `encoding`."""
    request = copy.deepcopy(request)
    place = place or place_of(text, cls, rng, label == 0)
    raw = label == 1 and is_escaped(text) and place in ("query", "form", "path", "cookie")
    if place == "path" and len(text) > 1500:
        place = "json"
    name, kind = PUT[place](request, text, cls if label else "text", rng, raw)
    request.update(label=label, cls=cls, location=place, name=name, encoding=kind, payload=text)
    if len(request["url"]) > 7000:
        return graft(dict(request, url=request["url"].partition("?")[0][:500]), text, cls, rng, label, "json")
    return request
