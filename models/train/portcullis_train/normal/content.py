"""Content that clients legitimately send to APIs: code, markup, queries, logs, configuration.

It is where trust is lost: a query API receives SQL, an editor HTML, a build service commands, a mailer templates.
"""

import json

from portcullis_train.normal.words import ADJECTIVES, CITIES, FIRST, LAST, NOUNS, SENTENCES, VERBS


def noun(rng):
    return rng.choice(NOUNS)


def sentence(rng):
    return rng.choice(SENTENCES)


def paragraph(rng, most=5):
    return " ".join(plain_sentence(rng) if rng.random() < 0.6 else sentence(rng) for _ in range(rng.randint(1, most)))


def plain_sentence(rng):
    words = [rng.choice(NOUNS + ADJECTIVES + VERBS + ["the", "a", "of", "and", "or", "in", "for", "we", "it's", "is", "to", "with", "from", "where"]) for _ in range(rng.randint(4, 16))]
    text = " ".join(words).capitalize()
    return text + rng.choice([".", "!", "?", "...", ";", ":", ""])


def sql_query(rng):
    """A statement for an API whose input is SQL."""
    table, column, other = noun(rng) + "s", noun(rng), rng.choice(["id", "created_at", "status", "amount", "name"])
    return rng.choice([
        f"SELECT {column}, count(*) FROM {table} WHERE {other} > {rng.randint(1, 999)} GROUP BY {column} ORDER BY 2 DESC LIMIT {rng.randint(5, 100)}", f"SELECT * FROM {table} WHERE {column} = '{rng.choice(CITIES)}'",
        f"select {other} from {table} t join {noun(rng)}s u on t.id = u.{noun(rng)}_id where u.name like '%{rng.choice(FIRST)}%'", f"SELECT Id, Name FROM Account WHERE Name LIKE '{rng.choice(LAST)[:3]}%' LIMIT 10",
        f"SELECT date_trunc('day', created_at) AS d, sum(amount) FROM {table} WHERE created_at >= now() - interval '30 days' GROUP BY 1", f"UPDATE {table} SET {other} = $1 WHERE id = $2", f"INSERT INTO {table} ({column}, {other}) VALUES (?, ?)",
        f"WITH x AS (SELECT * FROM {table}) SELECT {column} FROM x UNION ALL SELECT {other} FROM {noun(rng)}s", f"DELETE FROM {table} WHERE {other} IS NULL AND id IN (1, 2, 3)"])


def query_language(rng):
    """Filters in the query languages of common APIs."""
    column, other, number = noun(rng), noun(rng), rng.randint(1, 5000)
    return rng.choice([
        f"{column} eq '{rng.choice(LAST).replace(chr(39), chr(39) * 2)}' and {other} gt {number}", f"contains(tolower({column}),'{rng.choice(NOUNS)}') or startswith({other},'a')", f"({column} ge 2024-01-01T00:00:00Z) and not({other} eq null)",
        f"project = {column.upper()[:4]} AND status in (Open, \"In Progress\") ORDER BY created DESC", f"assignee = currentUser() AND due <= endOfWeek() AND labels not in (\"{other}\")", f"{column}=={other};{noun(rng)}=gt={number},{noun(rng)}=in=(a,b,c)",
        f"rate({column}_total{{job=\"{other}\",code=~\"5..\"}}[5m]) / sum by (instance) ({column}_count) > 0.{number}", f"{{app=\"{column}\"}} |= \"error\" != \"timeout\" | json | line_format \"{{{{.msg}}}}\"", f"$.{column}[?(@.price < {number})].{other}", f"{column}s[?{other} > `{number}`].name | [0]",
        f"status:active AND ({column}:\"{other}\" OR {column}:{rng.choice(NOUNS)}*) -archived:true", f"(&(objectClass=person)(department={other}))", f"{column}.{other}.size() > 0 && resource.type == \"{noun(rng)}\"", f"source=\"{column}\" | stats count by {other} | where count > {number}",
        f"{column}s | where {other} > ago(1h) | summarize count() by bin(TimeGenerated, 5m)", f"type:pr is:open author:{rng.choice(FIRST)} label:\"good first issue\" sort:updated-desc", f"[[\"{column}\",\"=\",\"{other}\"],\"and\",[\"{noun(rng)}\",\">\",{number}]]", f"/{column}s/{other}[@id='{number}']",
        f"{column} LIKE '{other}%' AND {noun(rng)} BETWEEN 1 AND {number}", f"filter[{column}][gte]={number}", f"{column}:desc,{other}:asc", f"from:{rng.choice(FIRST)} has:attachment before:2024/05/01", f"(({column} = \"{other}\") OR ({column} != \"{noun(rng)}\")) AND deleted = false"])


def html(rng):
    title = plain_sentence(rng)
    return rng.choice([
        f"<p>{paragraph(rng)}</p>", f"<h2>{title}</h2><p>{paragraph(rng)}</p><ul><li>{noun(rng)}</li><li>{noun(rng)}</li></ul>", f"<p>Hi {rng.choice(FIRST)},</p><p>{paragraph(rng)}</p><p><a href=\"https://{noun(rng)}.example/{noun(rng)}?utm_source=mail&amp;id={rng.randint(1, 9999)}\">{title}</a></p>",
        f"<div class=\"{noun(rng)}\" style=\"color:#333;font-size:14px\"><img src=\"https://cdn.{noun(rng)}.example/{noun(rng)}.png\" alt=\"{noun(rng)}\" width=\"600\"/><br/>{sentence(rng)}</div>", f"<table border=\"0\"><tr><td>{noun(rng)}</td><td>{rng.randint(1, 99)}</td></tr></table>",
        f"<html><head><meta charset=\"utf-8\"><title>{title}</title><style>.a {{ color: red; }}</style></head><body>{paragraph(rng)}</body></html>", f"<strong>{noun(rng)}</strong> &nbsp; &mdash; <em>{sentence(rng)}</em>", f"<svg width=\"24\" height=\"24\" viewBox=\"0 0 24 24\"><path d=\"M12 2L2 7l10 5 10-5-10-5z\" fill=\"none\" stroke=\"currentColor\"/></svg>",
        f"<blockquote>{paragraph(rng)}</blockquote><pre><code class=\"language-js\">const {noun(rng)} = require('{noun(rng)}');</code></pre>"])


def code(rng):
    one, two, number = noun(rng), noun(rng), rng.randint(1, 99)
    return rng.choice([
        f"const {one} = await fetch(`/api/{two}s/${{id}}`);\nif (!{one}.ok) throw new Error('{two} failed');\nconsole.log({one}.status);", f"def {one}(self, {two}):\n    import os\n    return [{two}.get(\"{one}\", {number}) for x in range({number}) if x > 0 and x != 3]", f"import {{ {one} }} from './{two}';\nexport default function App() {{ return <div onClick={{() => {one}()}}>{{{two}.name}}</div>; }}",
        f"for (int i = 0; i < {number}; i++) {{ {one}[i] = {two}(i) & 0xff; }}", f"public class {one.title()} {{\n  private final String {two};\n  @Override public String toString() {{ return \"{one}=\" + {two}; }}\n}}", f"SELECT {one} FROM {two}s; -- list all", f"#!/bin/bash\nset -euo pipefail\ncd \"$(dirname \"$0\")\"\nfor f in *.{one}; do echo \"$f\"; done",
        f"npm ci && npm run build -- --{one} && npm test", f"docker build -t {one}:{number} . && docker push {one}:{number}", f"FROM node:20-alpine\nWORKDIR /{one}\nCOPY . .\nRUN npm ci --omit=dev\nCMD [\"node\", \"{two}.js\"]", f"curl -s https://{one}.example/api | jq '.{two}[] | select(.id > {number})'", f"git commit -m \"fix({one}): {two} isn't loaded\"",
        f"$('.{one}').on('click', function (e) {{ e.preventDefault(); alert('{two}'); }});", f"@media (max-width: {number}0px) {{ .{one} > .{two}::before {{ content: \"\\201C\"; }} }}", f"<?xml version=\"1.0\"?><{one}><{two} id=\"{number}\"/></{one}>", f"SELECT * FROM {one} WHERE {two} = %s", f"{{{{#each {one}s}}}}<li>{{{{this.{two}}}}}</li>{{{{/each}}}}",
        f"{{% for {one} in {two}s %}}{{{{ {one}.title|escape }}}}{{% endfor %}}", f"Hello {{{{ customer.first_name }}}}, your {one} of {{{{ {two}.total | money }}}} is ready", f"^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{{2,{number}}}$", f"=IF(A{number}>0,SUM(B1:B{number}),\"\")", f"=VLOOKUP(\"{one}\",A1:C{number},2,FALSE)",
        f"fn {one}<T: Clone>({two}: &[T]) -> Option<T> {{ {two}.first().cloned() }}", f"map(select(.{one} != null)) | length", f"```python\nprint(\"{one}\")\n```", f"chmod +x {one}.sh; ./{one}.sh > {two}.log 2>&1 &", f"if [ -f \"$HOME/.{one}\" ]; then source \"$HOME/.{one}\"; fi", f"kubectl get pods -n {one} | grep {two} | awk '{{print $1}}'"])


def markdown(rng):
    return (f"# {plain_sentence(rng)}\n\n{paragraph(rng)}\n\n- [ ] {noun(rng)}\n- [x] `{noun(rng)}()`\n\n> {sentence(rng)}\n\n| {noun(rng)} | {noun(rng)} |\n|---|---|\n| 1 | 2 |\n\n"
            f"See [{noun(rng)}](https://{noun(rng)}.example/{noun(rng)}#{noun(rng)}).\n\n```\n{code(rng)}\n```\n")


def stack_trace(rng):
    one = noun(rng)
    return rng.choice([
        f"TypeError: Cannot read properties of undefined (reading '{one}')\n    at {noun(rng)} (https://app.{one}.example/static/js/main.{rng.randrange(16**8):08x}.js:2:{rng.randint(1, 99999)})\n    at Array.map (<anonymous>)\n    at async Promise.all (index 0)",
        f"java.lang.IllegalStateException: {one} is null\n\tat com.{one}.{noun(rng)}.Service.run(Service.java:{rng.randint(1, 900)})\n\tat java.base/java.lang.Thread.run(Thread.java:829)\nCaused by: java.sql.SQLException: Unknown column '{one}' in 'where clause'",
        f"Traceback (most recent call last):\n  File \"/app/{one}.py\", line {rng.randint(1, 900)}, in {noun(rng)}\n    raise KeyError('{one}')\nKeyError: '{one}'", f"2024-05-01T10:00:00Z ERROR [{one}] request failed: status=500 path=/api/{one}s?id=1 err=\"dial tcp 10.0.0.5:5432: i/o timeout\"",
        f"ReferenceError: {one} is not defined at onclick (<anonymous>:1:1)", f"10.1.2.3 - - [01/May/2024:10:00:00 +0000] \"GET /{one}?a=1 HTTP/1.1\" 200 123 \"-\" \"Mozilla/5.0\"", f"panic: runtime error: index out of range [{rng.randint(1, 9)}] with length 0\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/{one}.go:12 +0x1d"])


def configuration(rng):
    one, two = noun(rng), noun(rng)
    return rng.choice([
        f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {one}\nspec:\n  containers:\n  - name: {two}\n    image: {one}:latest\n    command: [\"/bin/sh\", \"-c\", \"sleep {rng.randint(1, 3600)}\"]\n", f"{one}.enabled=true\n{two}.path=/var/lib/{two}\n{one}.url=jdbc:postgresql://db:5432/{one}\n",
        f"[{one}]\n{two} = \"/etc/{one}/{two}.conf\"\ntimeout = 30\n", f"{one}:\n  script:\n    - npm ci\n    - npm test\n  only: [main]\n", f"server {{ listen 80; server_name {one}.example; location / {{ proxy_pass http://127.0.0.1:8080; }} }}", f"#cloud-config\npackages:\n  - nginx\nruncmd:\n  - systemctl restart nginx\n",
        f"*/5 * * * * /usr/bin/{one} --{two} >/dev/null 2>&1", f"{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":[\"s3:Get*\"],\"Resource\":\"arn:aws:s3:::{one}/*\"}}]}}", f"-----BEGIN CERTIFICATE-----\nMIID{''.join(rng.choice('ABCDEFGHabcdefgh0123456789+/') for _ in range(120))}\n-----END CERTIFICATE-----\n",
        f"diff --git a/{one}.js b/{one}.js\n@@ -1,3 +1,3 @@\n-var {two} = 1;\n+const {two} = 1; // changed\n"])


def table(rng):
    head = ",".join(noun(rng) for _ in range(4))
    rows = "\n".join(f"{rng.randint(1, 999)},\"{rng.choice(FIRST)} {rng.choice(LAST)}\",{rng.choice(CITIES)},{rng.uniform(0, 999):.2f}" for _ in range(rng.randint(1, 8)))
    return f"{head}\n{rows}\n"


JOINTS = [" or ", " and ", " & ", " | ", "|", " / ", "/", "; ", ", ", " -- ", " - ", "-", "'s ", " + ", "+", " = ", "=", " > ", " -> ", ": ", "...", " vs. ", " AND ", " OR ", " not ", "*", "_", " @ ", "#", "%", "\\", " <-> ", "&&", "||", "\t", "  "]
AROUND = [("", ""), ("", ""), ("", ""), ("", ""), ('"', '"'), ("'", "'"), ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ("*", "*"), ("/", "/"), ("", "/*"), ("'", ""), ("", '"'), ("", ")"), ("\u201c", "\u201d"), ("$", ""), ("~", ""), ("", "!"), ("", "?"), ("--", ""), ("", ";"), ("", "*"), ("#", ""), ("", "'"), ("%", "%"), ("\u00ab", "\u00bb"), ("`", "`"), ("{{", "}}"), ("${", "}"), ("", "\\")]


def fragment(rng):
    """Words and numbers with signs between and around them, as people type them into search boxes and names."""
    parts = [rng.choice([noun(rng), rng.choice(VERBS), rng.choice(ADJECTIVES), str(rng.randint(0, 2100)), rng.choice(FIRST), f"{rng.randint(1, 99)}{rng.choice(['%', '$', 'cm', '°', chr(34), chr(39), 'x', 'k', '°C'])}", f"{noun(rng)}({rng.choice(['', str(rng.randint(0, 9)), noun(rng)])})"]) for _ in range(rng.randint(1, 5))]
    text = parts[0]
    for part in parts[1:]:
        text += (rng.choice(JOINTS) if rng.random() < 0.6 else " ") + part
    before, after = rng.choice(AROUND)
    return before + text + after


STATEMENTS = ["apt-get update -y", "apt-get install -y {0} {1}", "yum -y install {0}", "export {0}=\"${1}\"", "if [ -z \"${0}\" ]; then echo \"{1} missing\" >&2; exit 1; fi", "curl -fsSL https://{0}.example/{1}.tar.gz | tar xz -C /opt", "systemctl enable --now {0}", "useradd -m -s /bin/bash {0}", "cat > /etc/{0}.conf <<EOF", "EOF",
              "chown -R {0}:{0} /var/lib/{1}", "for i in $(seq 1 {2}); do echo $i; done", "cd /opt/{0} && ./{1} --{0}={2}", "echo \"{0} ${{{1}}}\" >> ~/.bashrc", "sed -i 's/{0}/{1}/g' /etc/{0}/{1}.yaml", "wget -q https://{0}.example/{1}.sh -O /tmp/{1}.sh && bash /tmp/{1}.sh", "docker run -d -p {2}:80 --name {0} {1}:latest",
              "kubectl apply -f {0}.yaml", "sleep {2}", "# <UDF name=\"{0}\" label=\"The {1}\" default=\"\" />", "source <ssinclude StackScriptID=\"{2}\">", "mkdir -p /srv/{0}/{1}; chmod 755 /srv/{0}", "rm -f /tmp/{0}.lock", "ls -la /home/{0}", "ping -c 1 {0}.example || true", "mysql -e 'select 1 from {0}'", "psql -c \"CREATE TABLE {0} (id serial)\"", "npm ci && npm run {0}", "exit 0"]


def script(rng):
    """A shell script, as servers get theirs through an API."""
    lines = [rng.choice(STATEMENTS).format(noun(rng), noun(rng), rng.randint(1, 9999)) for _ in range(rng.randint(1, 10))]
    return rng.choice(["#!/bin/bash\n", "#!/bin/sh\nset -e\n", "", "#!/usr/bin/env bash\n"]) + rng.choice(["\n", "\n", "\r\n", " && "]).join(lines) + rng.choice(["", "\n"])


def exchange(rng):
    """A recorded request as a document: what test tools and gateways send to their own APIs."""
    head = {"Host": f"{noun(rng)}.example", "User-Agent": f"{noun(rng)}/{rng.randint(1, 9)}.0 ({noun(rng)}; +http://{noun(rng)}.example)", "Accept": rng.choice(["*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5"])}
    return json.dumps({"method": rng.choice(["GET", "POST"]), rng.choice(["uri", "url", "path"]): f"/{noun(rng)}?{noun(rng)}={rng.randint(1, 99)}&{noun(rng)}={fragment(rng)}", "headers": head, rng.choice(["body", "data"]): rng.choice([None, fragment(rng), html(rng), "", plain_sentence(rng)])})


def xml(rng):
    """An XML document or filter as a value."""
    one, two = noun(rng), noun(rng)
    return rng.choice([
        f"<ogc:Filter xmlns:ogc=\"http://www.opengis.net/ogc\"><ogc:PropertyIsLike wildCard=\"*\" singleChar=\".\" escape=\"!\"><ogc:PropertyName>{one}</ogc:PropertyName><ogc:Literal>*{two}*</ogc:Literal></ogc:PropertyIsLike></ogc:Filter>", f"<{one}><{two} id=\"{rng.randint(1, 99)}\">{rng.randint(1, 99)}</{two}></{one}>",
        f"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{one} xmlns=\"http://{two}.example/ns\"><item name=\"{noun(rng)}\"/></{one}>", f"<wfs:Query typeName=\"{one}:{two}\"><ogc:PropertyName>{noun(rng)}</ogc:PropertyName></wfs:Query>", f"<rss version=\"2.0\"><channel><title>{plain_sentence(rng)}</title><link>https://{one}.example/</link></channel></rss>"])


def alias_query(rng):
    """A statement as generators of queries write it."""
    one, two = noun(rng).upper(), noun(rng).upper()
    return rng.choice([f"SELECT DISTINCT {one}alias0.{two} FROM {one} AS {one}alias0 WHERE {one}alias0.{two} = ( SELECT MAX( {one}alias1.{two} ) FROM {one} AS {one}alias1 ) ;", f"SELECT COUNT( DISTINCT {one}alias0.ID ) FROM {one} AS {one}alias0 , {two} AS {two}alias0 WHERE {two}alias0.NAME = \"{rng.choice(FIRST)}\" AND {one}alias0.ID = {two}alias0.{one}ID ;",
                       f"select t1.{one.lower()} from {two.lower()} as t1 inner join {one.lower()} as t2 on t1.id = t2.id group by t1.{one.lower()} having count(*) >= {rng.randint(1, 9)}", f"which {one.lower()} has the most {two.lower()}s and is not {rng.choice(FIRST)}'s?"])


CONTENT = [(fragment, 10), (script, 3), (exchange, 2), (xml, 2), (alias_query, 2), (paragraph, 5), (markdown, 3), (html, 4), (code, 4), (sql_query, 2), (query_language, 4), (stack_trace, 2), (configuration, 2), (table, 1), (sentence, 8)]


def anything(rng):
    """A text of any kind."""
    makers, weights = zip(*CONTENT)
    return rng.choices(makers, weights)[0](rng)
