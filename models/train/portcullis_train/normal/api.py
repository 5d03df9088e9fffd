"""Made-up services and their clients: each has its own style of paths, names, heads, sessions and bodies.

A service is drawn from its number alone, so that a split by service is a split of style as well.
"""

import json
import urllib.parse

from portcullis_train.normal import content, values
from portcullis_train.normal.words import ADJECTIVES, FIRST, NOUNS, SEARCHES, VERBS
from portcullis_train.record import stream

BROWSERS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Safari/537.36", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} Safari/605.1.15",
            "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0", "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{1} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.{1} Mobile/15E148 Safari/604.1", "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{0}.0.0.0 Mobile Safari/537.36"]
PROGRAMS = ["okhttp/4.{1}.0", "python-requests/2.3{1}.0", "axios/1.{1}.2", "Go-http-client/1.1", "Apache-HttpClient/4.5.{1} (Java/17.0.{1})", "MyApp/3.{1} CFNetwork/1485 Darwin/23.1.0", "Dalvik/2.1.0 (Linux; U; Android 13; SM-G99{1}B)", "curl/8.{1}.0", "PostmanRuntime/7.3{1}.0", "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
            "grpc-node-js/1.{1}", "Faraday v2.{1}", "GuzzleHttp/7", "Java/11.0.{1}", "aws-sdk-js/2.14{0} promise", "Terraform/1.{1} (+https://www.terraform.io)", "Stripe/v1 NodeBindings/12.{1}", "", "Ruby", "reqwest/0.12", "kube-probe/1.2{1}", "Prometheus/2.5{1}.0", "Slackbot 1.0 (+https://api.slack.com/robots)"]
FETCHES = [("sort", lambda rng: rng.choice(NOUNS) + rng.choice(["", ",desc", ":asc", " desc"])), ("page", lambda rng: rng.randint(1, 99)), ("limit", lambda rng: rng.choice([10, 20, 25, 50, 100])), ("offset", lambda rng: rng.randint(0, 500)), ("fields", lambda rng: ",".join(rng.sample(NOUNS, 3))), ("include", lambda rng: f"{rng.choice(NOUNS)}s.{rng.choice(NOUNS)}"),
           ("filter", content.query_language), ("q", content.fragment), ("cursor", values.cursor), ("since", values.moment), ("ids", lambda rng: ",".join(values.identifier(rng) for _ in range(rng.randint(2, 5)))), ("expand", lambda rng: f"{rng.choice(NOUNS)}({rng.choice(NOUNS)},{rng.choice(NOUNS)}({rng.choice(NOUNS)}))"), ("callback", lambda rng: f"jQuery{rng.randint(10**9, 10**10)}_{rng.randint(10**9, 10**10)}"),
           ("redirect_uri", values.url), ("state", values.encoded_object), ("ts", values.moment), ("sig", values.opaque), ("where", values.json_in_text), ("select", lambda rng: ",".join(rng.sample(NOUNS, 2))), ("search", lambda rng: rng.choice(SEARCHES)), ("lang", lambda rng: rng.choice(["en", "de-DE", "zh_CN", "fr,en;q=0.9"])), ("utm_campaign", lambda rng: f"{rng.choice(ADJECTIVES)} {rng.choice(NOUNS)} {rng.randint(1, 99)}%"), ("title", content.plain_sentence)]
ODATA = [("$filter", content.query_language), ("$select", lambda rng: ",".join(rng.sample(NOUNS, 3))), ("$orderby", lambda rng: f"{rng.choice(NOUNS)} desc"), ("$top", lambda rng: rng.randint(1, 100)), ("$expand", lambda rng: f"{rng.choice(NOUNS)}($select=id,name;$top=5)"), ("$count", lambda rng: "true"), ("$skiptoken", values.opaque), ("$search", lambda rng: f"\"{rng.choice(SEARCHES)}\"")]
STYLES = ["rest", "rest", "rest", "rest", "graphql", "form", "form", "rpc", "analytics", "odata", "search", "content", "soap", "upload"]


def case(words, how):
    if how == "snake":
        return "_".join(words)
    if how == "kebab":
        return "-".join(words)
    return words[0] + "".join(word.title() for word in words[1:])


class Service:
    """One made-up service and those who use it."""

    def __init__(self, number, seed):
        rng = stream(seed, "service", number)
        self.style = STYLES[number % len(STYLES)]
        self.host = f"{rng.choice(['api', 'app', 'www', 'gateway', 'my', 'data'])}.{rng.choice(NOUNS)}{number}.example"
        self.case = rng.choice(["snake", "camel", "kebab", "snake", "camel"])
        self.base = rng.choice(["", "/api", "/v1", "/api/v2", "/rest/3", f"/{rng.choice(NOUNS)}", "/_api"])
        self.resources = rng.sample(NOUNS, 6)
        # Each member has a kind of value, as a schema does.
        self.members = [(case(rng.sample(NOUNS + ADJECTIVES, rng.randint(1, 2)), self.case), rng.choice([values.scalar, values.scalar, values.string, values.number, values.identifier, values.moment, values.short])) for _ in range(24)]
        self.browser = rng.random() < (0.2 if self.style in ("rpc", "odata", "soap") else 0.55)
        self.cookies = [(case(rng.sample(NOUNS, 2), self.case), rng.choice([values.opaque, values.identifier, values.encoded_object, values.jwt, values.short, values.json_in_text, values.moment, quoted_cookie, analytics_cookie])) for _ in range(rng.randint(1, 6))]
        self.auth = rng.choice(["bearer", "key", "cookie", "none", "basic", "signed"])
        self.agents = [(rng.choice(BROWSERS) if self.browser else rng.choice(PROGRAMS)).format(rng.randint(100, 130), rng.randint(0, 9)) for _ in range(4)]
        self.topic = rng.choice([content.anything, content.script, content.xml, content.exchange, content.sentence, content.html, content.markdown, content.code, content.sql_query, content.query_language, content.stack_trace])

    def request(self, rng):
        """One request that somebody means well with."""
        method, url, body, kind = getattr(self, self.style)(rng)
        headers = self.head(rng, kind, len(body.encode("utf-8", "surrogatepass")) if body else 0)
        return {"label": 0, "cls": "benign", "src": "generator", "host": self.host, "method": method, "url": url, "headers": headers, "body": body}

    def head(self, rng, kind, length):
        headers = {"Host": self.host, "User-Agent": rng.choice(self.agents), "Accept": rng.choice(["application/json", "*/*", "application/json, text/plain, */*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"])}
        if kind:
            headers["Content-Type"] = kind
            headers["Content-Length"] = str(length)
        if self.browser:
            headers.update({"Accept-Encoding": "gzip, deflate, br", "Accept-Language": rng.choice(["en-US,en;q=0.9", "de,en;q=0.7,*;q=0.3", "fr-FR"]), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"})
            if rng.random() < 0.7:
                headers["Referer"] = rng.choice([f"https://{self.host}/{rng.choice(NOUNS)}", values.url(rng)])
            headers["Cookie"] = "; ".join(f"{name}={cookie_value(maker(rng))}" for name, maker in self.cookies if rng.random() < 0.85)
        if self.auth == "bearer":
            headers["Authorization"] = f"Bearer {values.jwt(rng)}"
        elif self.auth == "key":
            headers[rng.choice(["X-Api-Key", "Api-Key", "Authorization"])] = values.opaque(rng)
        elif self.auth == "basic":
            headers["Authorization"] = "Basic " + values.base64.b64encode(f"{rng.choice(FIRST)}:{values.password(rng)}".encode()).decode()
        elif self.auth == "signed":
            headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=AKIA{values.pick(rng, 'ABCDEFGHIJKLMNOP', 16)}/20240501/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature={values.pick(rng, '0123456789abcdef', 64)}"
        for name, maker in [("X-Request-Id", values.identifier), ("If-None-Match", lambda _: f'W/"{values.opaque(rng)}"'), ("X-Client-Info", lambda _: f"{rng.choice(NOUNS)}-js/{rng.randint(1, 9)}.2.1 ({rng.choice(NOUNS)}; build={rng.randint(1, 999)})"), ("traceparent", lambda _: f"00-{values.pick(rng, '0123456789abcdef', 32)}-{values.pick(rng, '0123456789abcdef', 16)}-01"),
                            ("X-Forwarded-For", lambda _: f"{rng.randint(1, 223)}.{rng.randint(0, 255)}.1.2, 10.0.0.{rng.randint(1, 254)}"), ("Baggage", lambda _: f"sentry-trace_id={values.pick(rng, '0123456789abcdef', 32)},sentry-release={rng.choice(NOUNS)}%401.2.3"), ("X-Timezone", lambda _: "Europe/Berlin")]:
            if rng.random() < 0.12:
                headers[name] = maker(rng)
        return {name: value for name, value in headers.items() if value}

    def document(self, rng, depth=0):
        """A JSON object of this service."""
        members = rng.sample(self.members, rng.randint(1, 9))
        result = {name: maker(rng) for name, maker in members}
        if depth < 3 and rng.random() < 0.5:
            result[rng.choice(NOUNS)] = self.document(rng, depth + 1)
        if depth < 3 and rng.random() < 0.35:
            result[rng.choice(NOUNS) + "s"] = [self.document(rng, depth + 1) if rng.random() < 0.5 else values.scalar(rng) for _ in range(rng.randint(0, 4))]
        return result

    def json(self, rng, document):
        return json.dumps(document, ensure_ascii=rng.random() < 0.4, separators=rng.choice([(",", ":"), (", ", ": ")]))

    def query(self, rng, table, least=0):
        pairs = [(name, str(maker(rng))) for name, maker in rng.sample(table, rng.randint(least, 4))]
        if rng.random() < 0.3:
            pairs += [(name, str(maker(rng))[:600]) for name, maker in rng.sample(self.members, rng.randint(1, 3))]
        return encode_pairs(pairs, rng)

    def rest(self, rng):
        parts = [rng.choice(self.resources) + "s"]
        if rng.random() < 0.6:
            parts.append(urllib.parse.quote(values.identifier(rng), safe=rng.choice(["", ":"])))
            if rng.random() < 0.4:
                parts.append(rng.choice(self.resources) + "s")
        method = rng.choices(["GET", "POST", "PUT", "PATCH", "DELETE"], [50, 25, 8, 12, 5])[0]
        query = self.query(rng, FETCHES) if method == "GET" or rng.random() < 0.1 else ""
        url = f"{self.base}/{'/'.join(parts)}" + (f"?{query}" if query else "")
        if method not in ("POST", "PUT", "PATCH"):
            return method, url, "", ""
        document = self.document(rng)
        if method == "PATCH" and rng.random() < 0.3:
            document = [{"op": rng.choice(["replace", "add", "remove"]), "path": f"/{rng.choice(NOUNS)}/{rng.randint(0, 9)}", "value": values.scalar(rng)} for _ in range(rng.randint(1, 4))]
        elif rng.random() < 0.2:
            document = {"data": {"type": rng.choice(NOUNS), "attributes": document}}
        return method, url, self.json(rng, document), rng.choice(["application/json", "application/json; charset=utf-8", "application/vnd.api+json"])

    def graphql(self, rng):
        one, two = rng.choice(self.resources), rng.choice(self.resources)
        fields = " ".join(rng.sample(NOUNS, 3))
        document, variables = rng.choice([
            (f"query {one.title()}($id: ID!, $first: Int = 10) {{ {one}(id: $id) {{ {fields} {two}s(first: $first, orderBy: {{field: CREATED_AT, direction: DESC}}) {{ edges {{ node {{ id ...F }} }} pageInfo {{ hasNextPage endCursor }} }} }} }} fragment F on {two.title()} {{ __typename name }}", {"id": values.identifier(rng), "first": rng.randint(1, 50)}),
            (f"mutation Update{one.title()}($input: {one.title()}Input!) {{\n  update{one.title()}(input: $input) {{\n    {one} {{ {fields} }}\n    errors {{ field message }}\n  }}\n}}", {"input": self.document(rng)}),
            (f"{{ {one}s(filter: \"{rng.choice(SEARCHES).replace(chr(92), '').replace(chr(34), '')}\", limit: {rng.randint(1, 50)}) {{ {fields} }} }}", None),
            (f"query Search($q: String!, $after: String) @cached(ttl: 60) {{ search(query: $q, type: {one.upper()}, after: $after) {{ nodes {{ ... on {one.title()} {{ {fields} @include(if: true) }} }} }} }}", {"q": rng.choice([rng.choice(SEARCHES), content.query_language(rng), content.sentence(rng)]), "after": values.cursor(rng)}),
            ("query IntrospectionQuery { __schema { queryType { name } types { kind name } } }" if rng.random() < 0.1 else f"subscription {{ {one}Added {{ {fields} }} }}", {})])
        if rng.random() < 0.15:
            return "GET", f"/graphql?{encode_pairs([('query', document), ('variables', json.dumps(variables or {}))], rng)}", "", ""
        body = {"query": document, "variables": variables, "operationName": rng.choice([one.title(), None])}
        if rng.random() < 0.2:
            body["extensions"] = {"persistedQuery": {"version": 1, "sha256Hash": values.pick(rng, "0123456789abcdef", 64)}}
        return "POST", "/graphql", self.json(rng, [body] if rng.random() < 0.1 else body), "application/json"

    def form(self, rng):
        kind = rng.choice(["login", "search", "contact", "profile", "post"])
        pairs = {"login": [("username", rng.choice([values.email(rng), rng.choice(FIRST)])), ("password", values.password(rng)), ("remember", "1"), ("_token", values.opaque(rng))], "search": [("q", rng.choice(SEARCHES)), ("submit", "Search »")],
                 "contact": [("name", values.name(rng)), ("email", values.email(rng)), ("subject", content.plain_sentence(rng)), ("message", content.paragraph(rng, 8)), ("g-recaptcha-response", values.opaque(rng))],
                 "profile": [("first_name", rng.choice(FIRST)), ("address[street]", values.address(rng)), ("address[city]", values.person_text(rng)), ("phone", values.phone(rng)), ("company", values.person_text(rng)), ("website", values.url(rng)), ("utf8", "✓")],
                 "post": [("title", content.plain_sentence(rng)), ("body", content.anything(rng)), ("tags[]", rng.choice(NOUNS)), ("tags[]", rng.choice(NOUNS)), ("__VIEWSTATE", values.base64.b64encode(rng.randbytes(rng.randint(60, 400))).decode()), ("return_to", values.path(rng)), ("authenticity_token", values.opaque(rng))]}[kind]
        pairs += [(name, str(maker(rng))[:800]) for name, maker in rng.sample(self.members, rng.randint(0, 3))]
        target = f"{self.base}/{rng.choice(self.resources)}/{rng.choice(VERBS)}{rng.choice(['', '.php', '.aspx', '.do', ''])}"
        if kind == "search" or rng.random() < 0.2:
            return "GET", f"{target}?{encode_pairs([pair for pair in pairs if pair[0] not in ('password', '__VIEWSTATE')], rng)}", "", ""
        return "POST", target, encode_pairs(pairs, rng), "application/x-www-form-urlencoded"

    def rpc(self, rng):
        call = {"jsonrpc": "2.0", "id": rng.randint(1, 9999), "method": f"{rng.choice(self.resources)}.{rng.choice(VERBS)}", "params": rng.choice([self.document(rng), [values.scalar(rng) for _ in range(rng.randint(0, 4))]])}
        return "POST", f"{self.base}/rpc", self.json(rng, [call, dict(call, id=call["id"] + 1)] if rng.random() < 0.15 else call), "application/json"

    def analytics(self, rng):
        event = {"event": f"{rng.choice(NOUNS)} {rng.choice(VERBS)}ed", "properties": {"$current_url": values.url(rng), "$referrer": values.url(rng), "title": content.plain_sentence(rng), "$browser": "Chrome", "element_text": rng.choice([content.sentence(rng), rng.choice(SEARCHES)]), "selector": f"div.{rng.choice(NOUNS)} > a:nth-child({rng.randint(1, 9)})", "distinct_id": values.identifier(rng),
                                                                              "html": content.html(rng)[:300] if rng.random() < 0.15 else None}, "timestamp": values.moment(rng)}
        draw = rng.random()
        if draw < 0.35:
            return "GET", f"{self.base}/collect?{encode_pairs([('v', '2'), ('dl', values.url(rng)), ('dt', content.plain_sentence(rng)), ('ul', 'en-us'), ('cid', f'{rng.randint(1, 10**9)}.{rng.randint(1, 10**9)}'), ('ep.text', rng.choice(SEARCHES)), ('data', values.encoded_object(rng))], rng)}", "", ""
        if draw < 0.5:
            return "POST", f"{self.base}/track/", encode_pairs([("data", values.encode64(json.dumps(event).encode(), rng))], rng), "application/x-www-form-urlencoded"
        if draw < 0.65:
            lines = [{"event_id": values.pick(rng, "0123456789abcdef", 32), "sent_at": values.moment(rng)}, {"type": "event"}, {"exception": {"values": [{"type": "Error", "value": content.stack_trace(rng)}]}, "request": {"url": values.url(rng)}, "breadcrumbs": [{"category": "console", "message": content.anything(rng)[:300]}]}]
            return "POST", f"/api/{rng.randint(1, 99)}/envelope/?sentry_version=7", "\n".join(json.dumps(line) for line in lines), "text/plain;charset=UTF-8"
        if draw < 0.75:
            return "POST", "/v1/traces", self.json(rng, {"resourceSpans": [{"scopeSpans": [{"spans": [{"name": rng.choice(NOUNS), "attributes": [{"key": "db.statement", "value": {"stringValue": content.sql_query(rng)}}, {"key": "http.url", "value": {"stringValue": values.url(rng)}}]}]}]}]}), "application/json"
        return "POST", f"{self.base}/{rng.choice(['e', 'batch', 'track', 'collect', 'events'])}", self.json(rng, {"batch": [event], "api_key": values.opaque(rng)} if rng.random() < 0.5 else event), rng.choice(["application/json", "text/plain;charset=UTF-8"])

    def odata(self, rng):
        key = rng.choice(["", f"({rng.randint(1, 9999)})", f"('{rng.choice(FIRST)}')", f"(guid'{values.uuid.UUID(int=rng.getrandbits(128))}')", f"/{rng.choice(NOUNS).title()}s"])
        return "GET", f"{self.base}/{rng.choice(self.resources).title()}s{key}?{self.query(rng, ODATA, 1)}", "", ""

    def search(self, rng):
        text = rng.choice([rng.choice(SEARCHES), content.fragment(rng), content.fragment(rng), content.sentence(rng), content.query_language(rng), content.plain_sentence(rng)])
        if rng.random() < 0.5:
            return "GET", f"{self.base}/search?{encode_pairs([('q', text), *[(name, str(maker(rng))) for name, maker in rng.sample(FETCHES, rng.randint(0, 3))]], rng)}", "", ""
        body = rng.choice([{"query": {"bool": {"must": [{"match": {rng.choice(NOUNS): text}}], "filter": [{"range": {"price": {"gte": rng.randint(1, 50), "lt": rng.randint(50, 900)}}}]}}, "sort": [{"_score": "desc"}], "size": 10},
                           {"requests": [{"indexName": rng.choice(NOUNS), "params": encode_pairs([("query", text), ("facetFilters", '[["category:' + rng.choice(NOUNS) + '"]]')], rng)}]}, {"q": text, "filter": content.query_language(rng), "highlight": {"pre_tags": ["<em>"], "post_tags": ["</em>"]}}, {"sql": content.sql_query(rng), "parameters": [values.scalar(rng)]},
                           {"query": content.sql_query(rng), "database": rng.choice(NOUNS)}, {"aggs": {rng.choice(NOUNS): {"terms": {"field": f"{rng.choice(NOUNS)}.keyword", "script": {"source": "doc['price'].value * params.factor", "lang": "painless"}}}}}])
        return "POST", f"{self.base}/{rng.choice(self.resources)}s/{rng.choice(['_search', 'query', 'search', '_msearch'])}", self.json(rng, body), "application/json"

    def content(self, rng):
        member = rng.choice(["body", "content", "text", "html", "markdown", "description", "message", "source", "comment", "template", "script", "snippet", "code", "notes"])
        document = {member: self.topic(rng) if rng.random() < 0.6 else content.anything(rng), "title": content.plain_sentence(rng), **dict(rng.sample([(name, maker(rng)) for name, maker in self.members], 3))}
        if rng.random() < 0.25:
            document = {"messages": [{"role": rng.choice(["user", "assistant", "system"]), "content": content.anything(rng)} for _ in range(rng.randint(1, 5))], "model": f"{rng.choice(NOUNS)}-{rng.randint(1, 9)}", "temperature": 0.7}
        if rng.random() < 0.15:
            return "PUT", f"{self.base}/{rng.choice(self.resources)}s/{rng.choice(NOUNS)}.{rng.choice(['md', 'txt', 'yaml'])}", document.get(member) or content.markdown(rng), rng.choice(["text/plain", "text/markdown", "application/yaml"])
        return rng.choice(["POST", "PUT", "PATCH"]), f"{self.base}/{rng.choice(self.resources)}s/{rng.randint(1, 9999)}", self.json(rng, document), "application/json"

    def soap(self, rng):
        def escape(text):
            return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        call = rng.choice(VERBS).title() + rng.choice(self.resources).title()
        inside = "".join(f"<{name.replace('-', '_')}>{escape(maker(rng))}</{name.replace('-', '_')}>" for name, maker in rng.sample(self.members, rng.randint(1, 6)))
        if rng.random() < 0.2:
            inside += f"<html><![CDATA[{content.html(rng)}]]></html>"
        body = f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><{call} xmlns="http://{self.host}/">{inside}</{call}></soap:Body></soap:Envelope>'
        return "POST", f"{self.base}/services/{rng.choice(self.resources).title()}", body, "text/xml; charset=utf-8"

    def upload(self, rng):
        mark = "----WebKitFormBoundary" + values.pick(rng, values.ALNUM, 16)
        parts = [(f'form-data; name="{name}"', str(maker(rng))[:1000]) for name, maker in rng.sample(self.members, rng.randint(1, 4))]
        parts.append((f'form-data; name="file"; filename="{rng.choice(NOUNS)} ({rng.randint(1, 9)}).{rng.choice(["csv", "txt", "md", "json", "html"])}"\r\nContent-Type: text/plain', rng.choice([content.table(rng), content.markdown(rng), content.configuration(rng), content.stack_trace(rng), content.html(rng)])))
        body = "".join(f"--{mark}\r\nContent-Disposition: {head}\r\n\r\n{text}\r\n" for head, text in parts) + f"--{mark}--\r\n"
        return "POST", f"{self.base}/{rng.choice(self.resources)}s/upload", body, f"multipart/form-data; boundary={mark}"


def encode_pairs(pairs, rng):
    """A query as clients write it: strict, with pluses, or as loose as browsers are."""
    how = rng.random()
    if how < 0.45:
        return urllib.parse.urlencode(pairs, errors="surrogatepass")
    safe = "" if how < 0.75 else "!'()*,:;/@$?"
    return "&".join(f"{urllib.parse.quote(str(name), safe='[]$')}={urllib.parse.quote(str(value), safe=safe, errors='surrogatepass')}" for name, value in pairs)


def cookie_value(text):
    """Cookies hold no semicolons, spaces or signs outside ASCII: they are escaped, as libraries do."""
    return text if text.isascii() and not set(text) & set('; ,\r\n\t"') or text.startswith('"') else urllib.parse.quote(text, safe="!'()*:/@$", errors="surrogatepass")


def quoted_cookie(rng):
    inside = values.json_in_text(rng)
    return '"' + "".join(f"\\{ord(sign):03o}" if sign in ' ,;"\\' or not 0x20 < ord(sign) < 0x7f else sign for sign in inside.encode().decode("latin-1")) + '"'


def analytics_cookie(rng):
    return rng.choice([f"GA1.2.{rng.randint(1, 10**9)}.{rng.randint(1, 10**9)}", f"GS1.1.{rng.randint(1, 10**9)}.1.1.{rng.randint(1, 10**9)}.0.0.0", f"isGpcEnabled=0&datestamp=Mon+May+06+2024&version=2024.1&interactionCount=1&groups=C0001%3A1%2CC0002%3A0", f"{rng.randint(1, 9)}|{values.opaque(rng)}|{rng.randint(1, 10**9)}",
                       "%7B%22stamp%22%3A%22" + values.opaque(rng)[:20] + "%22%2C%22necessary%22%3Atrue%7D", f"s%3A{values.pick(rng, values.ALNUM, 32)}.{urllib.parse.quote(values.opaque(rng), safe='')}", "{stamp:'" + values.pick(rng, values.ALNUM, 12) + "',necessary:true,preferences:false}"])


def requests(count, seed, services=140):
    """Harmless requests of so many services, in turn."""
    made = [Service(number, seed) for number in range(services)]
    rng = stream(seed, "requests")
    for _ in range(count):
        yield rng.choice(made).request(rng)
