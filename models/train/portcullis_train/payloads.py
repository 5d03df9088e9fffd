"""Payload lists: which folder means which attack, which lines are harmless, and which families are held out.

Lists are read as the gateway's `eval` reads them (docs/EVAL.md). *Families* are what a model may have seen: family A
trains, family B validates. A line of B that differs from a line of A only by case, digits or white space is dropped
from B, as the classic lists copy from each other.
"""

import csv
import re
import urllib.parse
from pathlib import Path

# Folder or file prefix below `payloads/`, class, family. Later lines win.
SOURCES = [
    ("payloadsallthethings/SQL Injection", "sqli", "A"), ("payloadsallthethings/XSS Injection", "xss", "A"),
    ("payloadsallthethings/Directory Traversal", "path-traversal", "A"), ("payloadsallthethings/File Inclusion", "path-traversal", "B"),
    ("payloadsallthethings/Command Injection", "command-injection", "B"), ("payloadsallthethings/Server Side Template Injection", "ssti", "B"),
    ("payloadsallthethings/NoSQL Injection", "nosql", "B"), ("payloadsallthethings/LDAP Injection", "ldap", "B"), ("payloadsallthethings/XXE Injection", "xxe", "B"),
    ("payloadbox/sql", "sqli", "A"), ("payloadbox/sql/Intruder/detect/NoSQL", "nosql", "B"), ("payloadbox/xss", "xss", "A"), ("payloadbox/cmd", "command-injection", "A"),
    ("fuzzdb/attack/sql-injection", "sqli", "A"), ("fuzzdb/attack/xss", "xss", "A"), ("fuzzdb/attack/path-traversal", "path-traversal", "A"), ("fuzzdb/attack/lfi", "path-traversal", "A"),
    ("fuzzdb/attack/rfi", "file-inclusion", "B"), ("fuzzdb/attack/os-cmd-execution", "command-injection", "B"), ("fuzzdb/attack/no-sql-injection", "nosql", "B"),
    ("fuzzdb/attack/ldap", "ldap", "A"), ("fuzzdb/attack/xpath", "xpath", "B"), ("fuzzdb/attack/server-side-include", "ssi", "B"), ("fuzzdb/attack/xml", "xxe", "A"),
    ("fuzzdb/attack/http-protocol/crlf-injection.txt", "crlf", "B"), ("libinjection/data/sqli-", "sqli", "B"), ("libinjection/data/xss-", "xss", "B"), ("httpparams", "", "A"),
]
HTTPPARAMS = {"sqli": "sqli", "xss": "xss", "path-traversal": "path-traversal", "cmdi": "command-injection"}
# Lists that name parts of attacks and not attacks: tables of columns, attribute names, words for guessing.
SKIPPED = ("LDAP_attributes.txt", "README.md", "Readme.md", "LICENSE", "useful-commands", "Commands-", "shell-delimiters", "shell-operators",
           "html-event-attributes", "default-javascript-event-attributes", "0xcela_event_handlers", "port_swigger_xss_cheatsheet_event_handlers",
           "all-encodings-of-lt", "xss-uri.txt", "Web-files", "test.xxe", "FUZZDB_", "LDAP_FUZZ_SMALL", "sqli-fullqueries.txt", "MSSQL-WHERE_Time")
PLAIN = re.compile(r"[A-Za-z0-9_.\-]*")
FILLED = [("XXpathXX", "http://files.example.net/shell.txt"), ("{FILE}", "etc/passwd"), ("{cmd}", "cat /etc/passwd"), ("__TIME__", "5")]


def source_of(relative):
    """Class and family of a list, or None where it is no list of attacks."""
    best = None
    for prefix, cls, family in SOURCES:
        if relative.startswith(prefix):
            best = (cls, family)
    return best


def table_lines(path):
    with open(path, newline="", encoding="utf-8", errors="replace") as rows:
        for row in csv.DictReader(rows):
            yield row["payload"], row["attack_type"]


def text_lines(path):
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    for line in text.split("\n"):
        line = line.rstrip("\r")
        if line.strip() and not re.match(r"#( |#|$)", line):
            yield line


def fenced_lines(path):
    """payloadbox/cmd keeps its list in the fenced blocks of its README."""
    inside = False
    for line in path.read_text(errors="replace").split("\n"):
        if line.startswith("```"):
            inside = not inside
        elif inside and line.strip():
            yield line


def lines_of(path, relative, cls):
    """The payloads of one file with their class, as text."""
    if relative.startswith("httpparams"):
        for text, kind in table_lines(path):
            if kind in HTTPPARAMS and "train" in path.name:
                yield text, HTTPPARAMS[kind]
        return
    if relative == "payloadbox/cmd/README.md":
        yield from ((line, cls) for line in fenced_lines(path))
        return
    for line in text_lines(path):
        if relative.startswith("libinjection/data"):
            line = urllib.parse.unquote_plus(line, errors="replace")
        elif path.name.endswith(".doc.txt"):
            if not line.startswith("Exploit String:"):
                continue
            line = line.partition(":")[2].strip()
        for hole, value in FILLED:
            line = line.replace(hole, value)
        yield line, cls


def read_lists(data):
    """All payloads of the public lists: (text, class, family, source)."""
    root = Path(data) / "payloads"
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root).as_posix()
        found = source_of(relative) if path.is_file() else None
        skipped = any(mark in path.name for mark in SKIPPED) and relative != "payloadbox/cmd/README.md"
        if not found or skipped:
            continue
        for text, cls in lines_of(path, relative, found[0]):
            if len(text) <= 2000:
                yield text, cls, found[1], relative


def normal(text):
    """A payload without what copies of it differ in."""
    text = urllib.parse.unquote(text, errors="replace").lower()
    return re.sub(r"\d+", "0", re.sub(r"\s+", " ", text)).strip()


def harmless(text, benign_values):
    """Whether a line is a word or number, or occurs as a value in recorded harmless traffic."""
    stripped = text.strip()
    return bool(PLAIN.fullmatch(stripped)) or stripped in benign_values or len(stripped) < 2


def clean(lines, benign_values):
    """Drops harmless lines and near copies. Returns the kept lines, family B without what A has, and the counts."""
    counts = {"read": 0, "harmless": 0, "copies": 0, "kept": 0}
    kept, seen = [], set()
    for text, cls, family, source in sorted(lines, key=lambda line: line[2]):
        counts["read"] += 1
        if harmless(text, benign_values):
            counts["harmless"] += 1
            continue
        key = (cls, normal(text))
        if key in seen:
            counts["copies"] += 1
            continue
        seen.add(key)
        counts["kept"] += 1
        kept.append((text, cls, family, source))
    return kept, counts
