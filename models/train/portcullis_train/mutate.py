"""Changes to a payload that leave what it does as it is: case, comments, white space, equivalent operators, splitting.

Encodings belong to the place a payload is grafted into, see `graft.py`. Each operator takes the text and a source of
randomness and returns a text; one that finds nothing to change returns what it was given.
"""

import re

SQL_WORD = re.compile(r"(?i)\b(select|union|from|where|or|and|insert|update|delete|drop|table|sleep|having|order|by|group|"
                      r"like|concat|exec|into|values|case|when|then|else|end|limit|all|null|exists|substring|char|cast|as)\b")
# Not inside quotes or brackets, where an earlier round may have put it.
JS_NAME = re.compile(r"(?<![\w'\"/\\{\[])(alert|confirm|prompt|eval|fetch|print|document|window|location)\b(?!\s*[\]:'\"])")
QUOTED = re.compile(r"'([A-Za-z]{2,12})'")
NUMBER = re.compile(r"(?<![\w.'\"%\\])(\d{1,4})(?![\w.'\"%])")


def one(pattern, replace, text, rng):
    """Replaces one randomly chosen match of a pattern."""
    found = list(pattern.finditer(text))
    if not found:
        return text
    match = rng.choice(found)
    return text[:match.start()] + replace(match) + text[match.end():]


def every(pattern, replace, text, rng, share=0.6):
    """Replaces each match with the given probability."""
    return pattern.sub(lambda match: replace(match) if rng.random() < share else match.group(0), text)


def random_case(text, rng):
    return "".join(sign.upper() if rng.random() < 0.5 else sign.lower() for sign in text)


# SQL -----------------------------------------------------------------------------------------------------------

def sql_case(text, rng):
    return SQL_WORD.sub(lambda word: random_case(word.group(0), rng), text)


def sql_space(text, rng):
    blank = rng.choice(["/**/", "\t", "\n", "  ", "/*a*/", "\x0b", "\x0c", "\r\n", "/**/ ", "/*--*/", "\xa0"])
    return every(re.compile(r"(?<=\w) (?=\w)| "), lambda _: blank, text, rng, 0.8)


def sql_version_comment(text, rng):
    return one(SQL_WORD, lambda word: f"/*!{rng.choice(['', '50000', '00000', '40101'])}{word.group(0)}*/", text, rng)


def sql_operators(text, rng):
    text = every(re.compile(r"(?i)(?<=[\s)'\"])or(?=[\s('\"])"), lambda _: rng.choice(["||", "xor", "OR"]), text, rng)
    return every(re.compile(r"(?i)(?<=[\s)'\"])and(?=[\s('\"])"), lambda _: rng.choice(["&&", "AND"]), text, rng)


def sql_equals(text, rng):
    return every(re.compile(r"(?<=[\w'\"]) ?= ?(?=[\w'\"])"),
                 lambda _: rng.choice([" like ", "=", " = ", "/**/=/**/", "<=>", " rlike ", " in ", ">="]).replace(" in ", "="), text, rng)


def sql_number(text, rng):
    def other(match):
        value = int(match.group(1))
        return rng.choice([hex(value), f"({value})", f"{value}.0", f"{value + 7}-7", f"{value}e0", f"+{value}", f"~~{value}", f"{value}*1"])
    return one(NUMBER, other, text, rng)


def sql_string(text, rng):
    def other(match):
        word = match.group(1)
        return rng.choice([f"0x{word.encode().hex()}", f"char({','.join(str(ord(sign)) for sign in word)})",
                           f"'{word[:1]}'||'{word[1:]}'", f"concat('{word[:1]}','{word[1:]}')", f"'{word[:1]}' '{word[1:]}'"])
    return one(QUOTED, other, text, rng)


def sql_tautology(text, rng):
    number = rng.randint(2, 9999)
    word = "".join(rng.choice("abcdefghkmnprstuvw") for _ in range(4))
    fresh = rng.choice([f"{number}={number}", f"{number}<{number + 1}", f"'{word}'='{word}'", f"{number} between 1 and 99999", f"not {number}={number + 1}",
                        f"{number} is not null", f"'{word}' like '{word[:2]}%'", f"length('{word}')=4", f"{number} in ({number})", "true", f"\"{word}\"=\"{word}\"", f"!({number}<>{number})"])
    return re.sub(r"\b(\d+)\s*=\s*\1\b", lambda _: fresh, text, count=1)


def sql_tail(text, rng):
    return re.sub(r"(--[\s+-]*|#)$", lambda _: rng.choice(["-- ", "--\t", "#", "-- x", "--+", ";--", "/*", "-- -", ";%00", "--\n"]), text)


def sql_bracket(text, rng):
    text = every(re.compile(r"(?i)\bselect\s+(@@\w+|\w+\(\))"), lambda match: f"select({match.group(1)})", text, rng)
    return every(re.compile(r"(?i)\bfrom\s+([a-z_.]+)"), lambda match: rng.choice([f"from({match.group(1)})", f"from`{match.group(1)}`"]), text, rng)


# Scripts -------------------------------------------------------------------------------------------------------

def xss_case(text, rng):
    return re.sub(r"</?[a-zA-Z]+|\bon[a-z]+(?=\s*=)|javascript(?=:)", lambda tag: random_case(tag.group(0), rng), text)


def xss_space(text, rng):
    return re.sub(r"(<[a-zA-Z]+)[\s/]+", lambda tag: tag.group(1) + rng.choice([" ", "/", "\n", "\t", "\x0c", " / ", "//", "\r\n", "  ", "/x/"]), text)


def xss_attribute(text, rng):
    extra = rng.choice(["id=x", "class=a", "x=y", "style=a", "hidden", "title=\"a\"", "data-x='1'", "lang=en", "aria-label=a", "alt=''", "a", "width=1"])
    return one(re.compile(r"<[a-zA-Z]+(?=[\s/])"), lambda tag: f"{tag.group(0)} {extra}", text, rng)


def xss_quotes(text, rng):
    return every(re.compile(r"(on\w+\s*=\s*)([\w().]+)(?=[\s>/])"),
                 lambda match: match.group(1) + rng.choice(["\"{}\"", "'{}'", "{}"]).format(match.group(2)), text, rng)


def js_name(text, rng):
    def other(match):
        name = match.group(1)
        cut = rng.randint(1, len(name) - 1)
        return rng.choice([f"\\u{ord(name[0]):04x}{name[1:]}", f"window['{name[:cut]}'+'{name[cut:]}']", f"self[\"{name}\"]", f"({name})", f"top[/{name}/.source]",
                           f"globalThis['{name}']", f"\\u{{{ord(name[0]):x}}}{name[1:]}", f"this['{name[:cut]}\\x{ord(name[cut]):02x}{name[cut + 1:]}']"])
    return one(JS_NAME, other, text, rng)


def js_call(text, rng):
    return one(re.compile(r"\b(alert|confirm|prompt)\((\d+)\)"),
               lambda match: rng.choice([f"{match.group(1)}`{match.group(2)}`", f"[{match.group(2)}].map({match.group(1)})", f"{match.group(1)}.call(null,{match.group(2)})",
                                         f"setTimeout({match.group(1)},{match.group(2)})", f"(0,{match.group(1)})({match.group(2)})", f"{match.group(1)}?.({match.group(2)})"]), text, rng)


def js_entities(text, rng):
    """Character references work inside attributes, so only there."""
    def other(match):
        return match.group(1) + "".join(
            rng.choice([f"&#{ord(sign)};", f"&#x{ord(sign):x};", f"&#{ord(sign):07d}", sign]) for sign in match.group(2)) + match.group(3)
    return one(re.compile(r"((?:on\w+|href|src|action)=\")([^\"<>&]+)(\")"), other, text, rng)


def xss_scheme(text, rng):
    return re.sub(r"javascript:", lambda _: rng.choice(["java\tscript:", "java\nscript:", "JavaScript:", "\x01javascript:", "javascript&colon;", "java&Tab;script:", "javascript:/**/", "javascript://%0a"]), text, count=1)


# Shells --------------------------------------------------------------------------------------------------------

SHELL_WORD = re.compile(r"(?<![\w/.'\"\\$-])(cat|ls|id|whoami|uname|curl|wget|ping|sleep|nc|bash|sh|echo|head|tail|python|perl|touch|env|ps)(?=[\s;|&$<`)'\"]|$)")


def shell_split(text, rng):
    def other(match):
        word = match.group(1)
        cut = rng.randint(1, max(1, len(word) - 1))
        return rng.choice([f"{word[:cut]}''{word[cut:]}", f"{word[:cut]}\\{word[cut:]}" if cut < len(word) else word, f"{word[:cut]}\"\"{word[cut:]}", f"{word[:cut]}$@{word[cut:]}",
                           f"/bin/{word}", f"/usr/bin/{word}", f"{word[:cut]}${{x}}{word[cut:]}", f"'{word}'", f"\"{word}\"", f"/???/{word}"])
    return one(SHELL_WORD, other, text, rng)


def shell_space(text, rng):
    blank = rng.choice(["${IFS}", "$IFS", "\t", "$IFS$9", "  ", "${IFS%?}"])
    return every(re.compile(r"(?<=\w) (?=[\w/\-.])"), lambda _: blank, text, rng, 0.9)


def shell_path(text, rng):
    return every(re.compile(r"/(etc|passwd|bin|tmp|var|shadow|proc)\b"),
                 lambda match: "/" + rng.choice([match.group(1)[:-1] + "?", match.group(1)[:1] + "*", "./" + match.group(1), match.group(1)[:1] + "''" + match.group(1)[1:], "/" + match.group(1),
                                                 match.group(1)[:1] + "\\" + match.group(1)[1:], f"[{match.group(1)[0]}]{match.group(1)[1:]}"]), text, rng, 0.5)


def shell_separator(text, rng):
    return one(re.compile(r" ?(;|&&|\|\|) ?"), lambda _: rng.choice([";", "&&", "\n", " ; ", " && ", "; ", "||", " | "]), text, rng)


# Paths, templates, code ------------------------------------------------------------------------------------------

def path_steps(text, rng):
    step = rng.choice(["..//", ".././", "..\\", "..\\/", "....//", "..%2f", "%2e%2e/", "..;/", "../", ".%2e/", "..%5c", "..%c0%af", "%2e%2e%2f"])
    return every(re.compile(r"\.\./"), lambda _: step, text, rng, rng.choice([0.3, 1.0]))


def path_doubling(text, rng):
    return every(re.compile(r"(?<=\w)/(?=\w)"), lambda _: rng.choice(["//", "/./", "/x/../", "\\", "/"]), text, rng, 0.5)


def template_space(text, rng):
    text = re.sub(r"(\{\{|\{%|<%=?|\$\{|#\{)\s*", lambda mark: mark.group(1) + rng.choice(["", " ", "  ", "\t", "\n"]), text)
    return re.sub(r"\s*(\}\}|%\}|%>)", lambda mark: rng.choice(["", " ", "\t"]) + mark.group(1), text)


def template_numbers(text, rng):
    first, second = rng.randint(2, 999), rng.randint(2, 999)
    return re.sub(r"\b7 ?\* ?7\b", lambda _: rng.choice([f"{first}*{second}", f"{first} * {second}", f"{first}+{second}", f"{first}-{second}", f"{first}*'{second}'"]), text)


def template_members(text, rng):
    return one(re.compile(r"\.(__\w+__|\w{4,})(?![\w(])"), lambda match: rng.choice([f"['{match.group(1)}']", f"[\"{match.group(1)}\"]", f"|attr('{match.group(1)}')", f"['{match.group(1)[:3]}'~'{match.group(1)[3:]}']"]), text, rng)


def lookup_nesting(text, rng):
    def other(match):
        return "".join(rng.choice([f"${{lower:{sign}}}", f"${{::-{sign}}}", sign, sign, f"${{upper:{sign}}}", f"${{env:X{rng.randint(0, 99)}:-{sign}}}"]) for sign in match.group(1)) + ":"
    return one(re.compile(r"\b(jndi|ldap|rmi|dns|ldaps):"), other, text, rng)


def code_space(text, rng):
    return every(re.compile(r"(?<=\w)\("), lambda _: rng.choice([" (", "/**/(", "\t(", "(", "\n("]), text, rng)


def php_case(text, rng):
    return re.sub(r"\b(system|exec|passthru|shell_exec|eval|assert|phpinfo|base64_decode|popen|print|die|echo)\b(?=\s*\()", lambda word: random_case(word.group(0), rng), text)


def json_space(text, rng):
    return every(re.compile(r"(?<=[{,:])\s*"), lambda _: rng.choice(["", " ", "  ", "\n", "\t"]), text, rng)


def host_form(text, rng):
    return re.sub(r"127\.0\.0\.1|localhost", lambda _: rng.choice(["127.1", "0x7f.1", "2130706433", "017700000001", "[::1]", "127.0.0.2", "localhost.", "LocalHost", "0.0.0.0", "[::ffff:7f00:1]"]), text, count=1)


def filter_space(text, rng):
    return one(re.compile(r"\)\("), lambda _: rng.choice([") (", ")\n(", ")("]), text, rng)


def nothing(text, _rng):
    return text


SQL = [sql_case, sql_space, sql_version_comment, sql_operators, sql_equals, sql_number, sql_string, sql_tautology, sql_tail, sql_bracket]
XSS = [xss_case, xss_space, xss_attribute, xss_quotes, js_name, js_call, js_entities, xss_scheme]
SHELL = [shell_split, shell_space, shell_path, shell_separator]
PATHS = [path_steps, path_doubling]
TEMPLATES = [template_space, template_numbers, template_members, shell_split]
CODE = [code_space, php_case, shell_split]
OPERATORS = {
    "sqli": SQL, "xss": XSS, "command-injection": SHELL, "path-traversal": PATHS, "file-inclusion": PATHS + [host_form], "ssti": TEMPLATES,
    "expression-language": TEMPLATES + [code_space], "log4shell": [lookup_nesting], "nosql": [json_space, code_space, sql_tautology], "ldap": [filter_space], "xpath": [sql_tautology, sql_number],
    "xxe": [path_doubling, host_form], "ssi": [shell_split, template_space], "crlf": [nothing], "prototype-pollution": [json_space], "deserialization": [json_space, nothing],
    "ssrf": [host_form], "code-injection": CODE, "open-redirect": [nothing],
}


def mutate(payload, cls, rng, rounds):
    """Applies operators of a class as many times as asked for. The text never grows over 2,000 signs."""
    operators = OPERATORS.get(cls, [nothing])
    for _ in range(rounds):
        changed = rng.choice(operators)(payload, rng)
        if 0 < len(changed) <= 2000:
            payload = changed
    return payload
