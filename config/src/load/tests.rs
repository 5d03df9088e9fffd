use std::fs;

use proptest::prelude::*;

use super::*;
use crate::{
    ByteSize, DEFAULT_FILE, Duration, LimitKey, Mode, Policy, Protocol, Ranges, Rate, RecordOutput,
    ResponseAction,
};

/// The smallest file that works, from the specification of the format, verbatim.
const MINIMAL: &str = r#"
listeners:
  - address: 127.0.0.1:8080        # tls: { cert: …, key: … } for HTTPS; several listeners allowed
admin:
  address: 127.0.0.1:9901
trusted_proxies: ["127.0.0.1/32"]  # whose X-Forwarded-For is believed
upstreams:
  api:
    servers: ["http://127.0.0.1:9000"]                  # protocol: http1 | http2 (h2c) | auto
    request_headers: { set: { x-gateway: "secret" } }   # also: add, remove; response_headers likewise
routes:
  - path: /
    upstream: api
    policy: default              # also: host, methods, websocket: true
policies:
  default:
    mode: enforce                  # enforce | observe | off (no inspection at all)
    thresholds: { tag: 40, throttle: 60, deny: 80 }   # throttle: 429 with Retry-After; with throttle_delay: 500ms it is delayed instead
    body: { inspect: 128KiB, max: 64MiB, beyond: stream }   # or beyond: deny
    on_failure: deny               # an engine error: deny | allow
    limits:
      - { key: client, rate: 100/min, burst: 100 }
    behaviour: { enabled: false }
"#;

/// A file that is right, for tables that add one wrong thing to it. Six lines.
const BASE: &str = "\
listeners: [{ address: \"127.0.0.1:8080\" }]
upstreams:
  api:
    servers: [\"http://127.0.0.1:9000\"]
routes:
  - upstream: api
";

fn no_env(_: &str) -> Option<String> {
    None
}

fn read(text: &str) -> Result<Config, Vec<Problem>> {
    parse(text, "f", &no_env)
}

/// Problems as `line: message`, with `| help` where there is one.
fn problems(text: &str) -> Vec<String> {
    let shown = |problem: &Problem| match &problem.help {
        Some(help) => format!("{}: {} | {help}", problem.line, problem.message),
        None => format!("{}: {}", problem.line, problem.message),
    };
    read(text)
        .err()
        .unwrap_or_default()
        .iter()
        .map(shown)
        .collect()
}

#[test]
fn the_minimal_file_works_as_written() {
    let config = read(MINIMAL).unwrap();
    assert_eq!(config.listeners[0].address.to_string(), "127.0.0.1:8080");
    assert_eq!(config.trusted_proxies[0].to_string(), "127.0.0.1/32");
    let route = &config.routes[0];
    let api = config.upstream_of(route).unwrap();
    assert_eq!(api.servers[0].authority(), "127.0.0.1:9000");
    assert_eq!(api.protocol, Protocol::Auto);
    assert_eq!(api.request_headers.set["x-gateway"], "secret");
    let policy = config.policy_of(route).unwrap();
    assert_eq!(policy.mode, Mode::Enforce);
    assert_eq!(policy.body.inspect, ByteSize::kib(128));
    let limits = policy.effective_limits();
    assert_eq!(
        (limits.len(), limits[0].rate, limits[0].effective_burst()),
        (1, Rate::per_minute(100), 100)
    );
}

#[test]
fn what_is_not_written_has_safe_defaults() {
    let config = read(BASE).unwrap();
    assert_eq!(config.policies["default"], Policy::default());
    let limits = config.policies["default"].effective_limits();
    assert_eq!(limits[0].key, LimitKey::Client);
    assert_eq!(
        (limits[0].rate, limits[0].burst),
        (Rate::per_minute(600), Some(300))
    );
    assert!(config.admin.address.ip().is_loopback());
    assert!(config.trusted_proxies.is_empty());
    assert_eq!(config.records.output, RecordOutput::Stdout);
    assert_eq!(config.timeouts.head, Duration::from_secs(10));
    assert_eq!(config.shutdown.drain, Duration::from_secs(30));
    assert_eq!(config.routes[0].path, "/");
}

#[test]
fn the_shipped_file_works() {
    let config = read(DEFAULT_FILE).unwrap();
    assert_eq!(
        config.upstreams["api"].servers[0].to_string(),
        "http://127.0.0.1:9000"
    );
    let trusted: Vec<String> = config
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(trusted, ["127.0.0.1/32", "::1/128"]);
    let env =
        |name: &str| (name == "PORTCULLIS_UPSTREAM").then(|| "https://api.example.com".to_owned());
    let config = parse(DEFAULT_FILE, "f", &env).unwrap();
    assert_eq!(
        config.upstreams["api"].servers[0].authority(),
        "api.example.com:443"
    );
}

#[test]
fn a_configuration_written_out_reads_the_same() {
    for text in [MINIMAL, BASE, DEFAULT_FILE] {
        let config = read(text).unwrap();
        // JSON is YAML.
        let again = read(&serde_json::to_string(&config).unwrap()).unwrap();
        assert_eq!(again, config);
    }
}

#[test]
fn answers_are_inspected_where_that_is_asked_for() {
    let config = read(&format!(
        "{BASE}policies: {{ default: {{ responses: {{ inspect: true, action: mask }} }} }}\n"
    ))
    .expect("it is right");
    let responses = &config.policies["default"].responses;
    assert!(responses.inspect);
    assert_eq!(responses.action, ResponseAction::Mask);
    assert_eq!(responses.hold, ByteSize::kib(64));
    assert_eq!(responses.hold_time, Duration::from_secs(2));
    assert_eq!(responses.ranges, Ranges::Whole);
    let silent = read(BASE).expect("it is right");
    assert!(!silent.policies["default"].responses.inspect);
}

#[test]
fn limits_are_off_only_when_the_list_is_empty() {
    for (written, expected) in [
        ("limits: []", 0),
        ("limits:", 1),
        ("mode: observe", 1),
        ("limits: [{ key: route, rate: 1/s }]", 1),
    ] {
        let config = read(&format!("{BASE}policies:\n  default:\n    {written}\n")).unwrap();
        assert_eq!(
            config.policies["default"].effective_limits().len(),
            expected,
            "{written}"
        );
    }
}

#[test]
fn sections_may_be_commented_out() {
    let text = format!(
        "{BASE}policies:\n  default:\n  strict:\n    thresholds:\nrecords:\nlog:\n  file:\nadmin: {{}}\n"
    );
    let config = read(&text).unwrap();
    assert_eq!(config.policies["strict"], Policy::default());
    assert_eq!(config.log.file, None);
}

#[test]
fn one_spelling_remains_of_several() {
    let text = "\
listeners: [{ address: 127.0.0.1:0 }, { address: 127.0.0.1:0 }]
upstreams: { api: { servers: [http://H], request_headers: { set: { X-A: 1, X-B: true }, remove: [X-C] } } }
routes: [{ upstream: api, host: API.Example.com }]
policies: { default: { body: { max: 1KiB }, tag_header: X-Score } }
records: { output: ./records.jsonl, redact: { headers: [X-Key], fields: [Password] } }
rules: { directory: . }
";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.yaml");
    fs::write(&path, text).unwrap();
    let config = load(&path, &no_env).unwrap();
    let headers = &config.upstreams["api"].request_headers;
    assert_eq!(
        (headers.set["x-a"].as_str(), headers.set["x-b"].as_str()),
        ("1", "true")
    );
    assert_eq!(headers.remove, ["x-c"]);
    assert_eq!(config.routes[0].host.as_deref(), Some("api.example.com"));
    assert_eq!(config.policies["default"].tag_header, "x-score");
    assert_eq!(config.policies["default"].body.inspect, ByteSize::kib(1));
    assert_eq!(config.records.redact.fields, ["password"]);
    assert_eq!(
        config.records.output,
        RecordOutput::File(folder.path().join("./records.jsonl"))
    );
}

#[test]
fn values_come_from_the_environment_and_from_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "s3cr$t: {x}\r\n").unwrap();
    fs::write(folder.path().join("lines"), "one\ntwo\n").unwrap();
    let path = folder.path().join("p.yaml");
    let env = |name: &str| match name {
        "BURST" => Some("7".to_owned()),
        "HEADER" => Some("a: b # c, file:key".to_owned()),
        "TRICK" => Some("file:key".to_owned()),
        _ => None,
    };
    let text = format!(
        "{BASE}    name: $$5\npolicies: {{ default: {{ limits: [{{ key: client, rate: \"${{RATE:-5/s}}\", burst: \"${{BURST}}\" }}] }} }}\n"
    );
    fs::write(&path, text).unwrap();
    // A quoted number is text, also from the environment; and `$5` is no name for a metric.
    let lines: Vec<usize> = load(&path, &env)
        .unwrap_err()
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [7, 8]);
    let text = "\
listeners: [{ address: 127.0.0.1:8080 }]
upstreams:
  api:
    servers: [http://h]
    request_headers:
      set:
        x-a: file:key
        x-b: ${HEADER}
        x-c: ${TRICK}
        x-d: ${EMPTY:-}
routes: [{ upstream: api }]
policies:
  default:
    limits:
      - key: client
        rate: ${RATE:-5/s}
        burst: ${BURST}
";
    fs::write(&path, text).unwrap();
    let config = load(&path, &env).unwrap();
    let set = &config.upstreams["api"].request_headers.set;
    let values: Vec<&str> = set.values().map(String::as_str).collect();
    assert_eq!(
        values,
        ["s3cr$t: {x}", "a: b # c, file:key", "file:key", ""]
    );
    let limits = config.policies["default"].limits.as_ref().unwrap();
    assert_eq!((limits[0].rate.count, limits[0].burst), (5, Some(7)));
}

#[test]
fn a_secret_is_never_repeated() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "hunter2\nhunter2").unwrap();
    let path = folder.path().join("p.yaml");
    for place in [
        "servers: [\"http://h\"]\n    request_headers: { set: { x-a: file:key } }",
        "servers: [file:key]",
        "servers: [\"http://h\"]\n    protocol: file:key",
        "servers: [\"http://h\"]\n    pool: { idle_per_server: file:key }",
        "servers: [\"http://h\"]\n    tls: { verify: file:key }",
        "servers: file:key",
        "servers: [\"http://h\"]\n    pool: file:key",
    ] {
        let text = format!(
            "listeners: [{{ address: 127.0.0.1:8080 }}]\nroutes: [{{ upstream: api }}]\nupstreams:\n  api:\n    {place}\n"
        );
        fs::write(&path, text).unwrap();
        let problems = load(&path, &no_env).unwrap_err();
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(!problem.to_string().contains("hunter2"), "{problem}");
        }
    }
}

/// One wrong thing after the base file, and all that is said about it.
#[test]
fn each_mistake_is_named_with_its_line() {
    for (added, expected) in [
        // The schema.
        (
            "recrods: {}",
            "7: recrods: this key is not known | did you mean `records`?",
        ),
        (
            "zebra: 1",
            "7: zebra: this key is not known | known here: listeners, admin, trusted_proxies, upstreams, routes, policies, identity, behaviour, ensemble, share, tenants, alerts, rules, records, store, log, timeouts, caps, workers or shutdown",
        ),
        (
            "    websokcet: true",
            "7: routes[0].websokcet: this key is not known | did you mean `websocket`?",
        ),
        (
            "    websocket: yes",
            "7: routes[0].websocket: expected true or false, found `yes` | write true, without quotes",
        ),
        (
            "    methods: GET",
            "7: routes[0].methods: expected a list, found `GET` | write a list: [GET]",
        ),
        (
            "    methods: [GET, ~]",
            "7: routes[0].methods[1]: expected text, found nothing | for an empty text write \"\"",
        ),
        (
            "    host: [a]",
            "7: routes[0].host: expected text, found a list",
        ),
        (
            "  - path: /a",
            "7: routes[1]: `upstream` is missing | write `upstream: …`",
        ),
        (
            "  - { path: /a, upstream: }",
            "7: routes[1].upstream: has no value | write `upstream: …`",
        ),
        (
            "policies: { default: { mode: enforced } }",
            "7: policies.default.mode: `enforced` is not one of enforce, observe or off | did you mean `enforce`?",
        ),
        (
            "policies: { default: { paranoia: 5 } }",
            "7: policies.default.paranoia: `5` is out of range | write a whole number from 1 to 4, without quotes",
        ),
        (
            "policies: { default: { paranoia: \"2\" } }",
            "7: policies.default.paranoia: expected a whole number, found `2` | write a whole number from 1 to 4, without quotes",
        ),
        (
            "policies: { default: { thresholds: 80 } }",
            "7: policies.default.thresholds: expected a mapping, found `80` | write a mapping, with keys such as tag, throttle or deny",
        ),
        (
            "alerts: { rules: [{ name: \"A B\" }] }",
            "7: alerts.rules.A B: `A B` is no name of a rule | write up to 64 lower-case letters, digits and hyphens",
        ),
        (
            "alerts: { rules: [{ name: a }, { name: a }] }",
            "7: alerts.rules: there are two called `a` | give each a name of its own",
        ),
        (
            "alerts: { rules: [{ name: a, when: { action: [block] } }] }",
            "7: alerts.rules.a: `block` never stands in a record | write allow, tag, throttle or deny",
        ),
        (
            "alerts: { rules: [{ name: a, when: { status: [\"6xx\"] } }] }",
            "7: alerts.rules.a: `6xx` is no status | write 404, or a class such as 5xx",
        ),
        (
            "alerts: { rules: [{ name: a, within: 1s }] }",
            "7: alerts.rules.a: within: 1s is out of range | write a time from 10s to 1d",
        ),
        (
            "alerts: { rules: [{ name: a, share: 10 }] }",
            "7: alerts.rules.a: a share of one subject's requests says little | write per: route or per: all",
        ),
        (
            "alerts: { rules: [{ name: a, absent: true }] }",
            "7: alerts.rules.a: what is absent has no subject, route or share | write per: all, and no share",
        ),
        (
            "alerts: { receivers: { chat: {} } }",
            "7: alerts.receivers.chat: exactly one of webhook, email and syslog is needed | write one receiver for each",
        ),
        (
            "alerts: { receivers: { chat: { webhook: { url: \"example.com/s3cret\" } } } }",
            "7: alerts.receivers.chat: its address is none | write https://HOST/PATH",
        ),
        (
            "alerts: { receivers: { ops: { email: { server: \"smtps://h\", from: a@b, to: [nobody] } } } }",
            "7: alerts.receivers.ops: `nobody` is no mail address | write NAME@HOST, or Name <NAME@HOST>",
        ),
        (
            "alerts: { receivers: { log: { syslog: { server: \"udp://h:514\" }, quiet: { from: \"25:00\", to: \"07:00\" } } } }",
            "7: alerts.receivers.log: quiet: `25:00` is no time of day | write HH:MM, as 22:00",
        ),
        (
            "alerts: { receivers: { log: { syslog: { server: \"udp://h:514\" }, quiet: { from: \"22:00\", to: \"07:00\", offset: CET } } } }",
            "7: alerts.receivers.log: quiet.offset: `CET` is none | write +HH:MM or -HH:MM, as +01:00",
        ),
        (
            "admin: { public_url: \"https://gate.example/\" }",
            "7: admin.public_url: `https://gate.example/` is no origin | write scheme, host and port alone, such as https://gate.example.com",
        ),
        (
            "admin: { cors: [\"https://a.example\", \"*\"] }",
            "7: admin.cors: `*` is no origin | write scheme, host and port alone, such as https://gate.example.com",
        ),
        (
            "admin: { cors: [\"https://a.example:443\"] }",
            "7: admin.cors: `https://a.example:443` is no origin | write scheme, host and port alone, such as https://gate.example.com",
        ),
        (
            "admin: { metrics_token: secret }",
            "7: admin.metrics_token: it has fewer than 16 characters | draw one with `openssl rand -hex 32`, and write file:PATH",
        ),
        (
            "admin: { sessions: { idle: 10s } }",
            "7: admin.sessions.idle: 10s is out of range | write 1m or more, such as 30m",
        ),
        (
            "admin: { public_url: \"https://g.example\", oidc: { issuer: \"http://id.example\", client_id: g, default_role: viewer } }",
            "7: admin.oidc.issuer: `http://id.example` is no issuer | write the provider's URL, https://…; http is for loopback alone",
        ),
        (
            "admin: { public_url: \"https://g.example\", oidc: { issuer: \"http://localhost.evil.example\", client_id: g, default_role: viewer } }",
            "7: admin.oidc.issuer: `http://localhost.evil.example` is no issuer | write the provider's URL, https://…; http is for loopback alone",
        ),
        (
            "admin: { oidc: { issuer: \"https://id.example\", client_id: g, default_role: viewer } }",
            "7: admin.oidc: without `admin.public_url` the provider cannot send browsers back | set admin.public_url to where browsers reach the admin plane",
        ),
        (
            "admin: { public_url: \"https://g.example\", oidc: { issuer: \"https://id.example\", client_id: g } }",
            "7: admin.oidc: no value gives anybody a role, so nobody is let in | write roles: { admin: [\"…\"] }, or a default_role",
        ),
        (
            "tenants: { \"a b\": {} }",
            "7: tenants: `a b` is no name | write up to 64 letters, digits and -_., such as shop",
        ),
        (
            "tenants: { a: { hosts: [\"https://a.example\"] } }",
            "7: tenants.a.hosts: `https://a.example` is no host | write a name without scheme and port, or *.example.com",
        ),
        (
            "tenants: { a: { routes: [none] } }",
            "7: tenants.a.routes: there is no route `none` | defined: /",
        ),
        (
            "share: { redis: [\"redis://a\"] }",
            "7: share: `secret` is missing | write `secret: …`",
        ),
        (
            "store: { database: mysql://me:s3cret@x/y }",
            "7: store.database: this is no database that we speak to | write sqlite, sqlite:PATH, postgres://USER@HOST/NAME or off",
        ),
        (
            "store: { database: postgres://me:s3cret@x/y }",
            "7: store.database: there is a password in the address | write it as `password: file:PATH`",
        ),
        (
            "store: { node: \"a b\" }",
            "7: store.node: `a b` is no name | write up to 48 letters, digits and -_.:, such as gate-1",
        ),
        (
            "store: { secret: short }",
            "7: store.secret: it has fewer than 32 characters | draw one with `openssl rand -hex 32`, and write file:PATH",
        ),
        (
            "store: { elasticsearch: { url: \"http://h:9200\", prefix: Records } }",
            "7: store.elasticsearch.prefix: `Records` begins no name of an index | write lower-case letters, digits and -_., such as portcullis",
        ),
        (
            "store: { elasticsearch: { url: \"http://h:9200\", api_key: k, username: u } }",
            "7: store.elasticsearch: there are both an API key and a log-in | keep one of them",
        ),
        (
            "share: { redis: [], secret: 0123456789abcdef0123456789abcdef }",
            "7: share.redis: no server is named | write the server: [\"redis://127.0.0.1:6379\"]",
        ),
        (
            "share: { redis: [\"a:6379\"], secret: 0123456789abcdef0123456789abcdef }",
            "7: share.redis[0]: `a:6379` is no address of a server | write redis://HOST:PORT, or rediss://HOST:PORT for TLS",
        ),
        (
            "share: { redis: [\"redis://:hunter2@a\"], secret: 0123456789abcdef0123456789abcdef }",
            "7: share.redis[0]: there is a name or a password in the address | write them as `username` and `password: file:PATH`",
        ),
        (
            "share: { redis: [\"redis://a\"], secret: 0123456789abcdef0123456789abcdef, ca: a.pem }",
            "7: share.ca: the connection is not encrypted, so no certificate is checked | write rediss:// in share.redis, or remove `ca`",
        ),
        (
            "share: { redis: [\"redis://a\"], secret: short }",
            "7: share.secret: it has fewer than 32 characters | draw one with `openssl rand -hex 32`, and write file:PATH",
        ),
        (
            "share: { redis: [\"redis://a\"], secret: 0123456789abcdef0123456789abcdef, prefix: \"a b\" }",
            "7: share.prefix: `a b` is no prefix | write up to 64 letters, digits and -_.:, such as portcullis",
        ),
        (
            "share: { redis: [\"redis://a\"], secret: 0123456789abcdef0123456789abcdef, interval: 1ms }",
            "7: share.interval: 1ms is out of range | write a time from 10ms to 5s",
        ),
        (
            "policies: { default: { throttle_delay: 500 } }",
            "7: policies.default.throttle_delay: `500` is no length of time | write a whole number and ms, s, m, h or d, such as 500ms, 10s or 5m",
        ),
        (
            "policies: { default: { body: { inspect: 128kb/s } } }",
            "7: policies.default.body.inspect: `128kb/s` is no size | write a whole number of bytes, or one with KiB, MiB or GiB, such as 128KiB",
        ),
        (
            "policies: { default: { limits: [{ key: client, rate: 100 }] } }",
            "7: policies.default.limits[0].rate: `100` is no rate | write requests per s, min, h or day, such as 100/min",
        ),
        (
            "policies: { default: { limits: [{ key: client, rate: 0/s }] } }",
            "7: policies.default.limits[0].rate: a rate of 0 would let nothing through | write 1 or more requests per period",
        ),
        (
            "policies: { default: { limits: [{ key: ip, rate: 1/s }] } }",
            "7: policies.default.limits[0].key: `ip` is no key of a limit | write client, route or header:NAME",
        ),
        (
            "policies: { default: { limits: [{ key: client, rate: 1/s, burst: 0 }] } }",
            "7: policies.default.limits[0].burst: `0` is out of range | write a whole number from 1 to 4294967295, without quotes",
        ),
        (
            "admin: { address: \"localhost:9901\" }",
            "7: admin.address: `localhost:9901` is no address with a port | write an IP address and a port, such as 127.0.0.1:8080 or \"[::]:443\"",
        ),
        (
            "trusted_proxies: [10.0.0.1]",
            "7: trusted_proxies[0]: `10.0.0.1` has no prefix length | write 10.0.0.1/32 for this one address",
        ),
        (
            "trusted_proxies: [proxy]",
            "7: trusted_proxies[0]: `proxy` is no network | write address/bits, such as 10.0.0.0/8",
        ),
        (
            "records: { output: stdot }",
            "7: records.output: `stdot` is no place for records | write stdout, none, or a path such as /var/log/portcullis/records.jsonl (./stdot for a file of that name)",
        ),
        (
            "log: { level: warning }",
            "7: log.level: `warning` is not one of error, warn, info, debug or trace",
        ),
        (
            "log: { file: \"\" }",
            "7: log.file: the path is empty | write the path of a file or folder",
        ),
        (
            "timeouts: { head: -1s }",
            "7: timeouts.head: `-1s` is no length of time | write a whole number and ms, s, m, h or d, such as 500ms, 10s or 5m",
        ),
        // Across settings.
        (
            "  - { path: /a, upstream: apy }",
            "7: routes[1].upstream: no upstream is called `apy` | did you mean `api`?",
        ),
        (
            "    policy: strict",
            "7: routes[0].policy: no policy is called `strict` | defined: default",
        ),
        (
            "  - upstream: api",
            "7: routes[1].path: matches the same requests as the route in line 6 | change path, host or methods of one of them, or take one out",
        ),
        (
            "    path: api",
            "7: routes[0].path: `api` does not begin with a slash | write the path from its root, such as /api",
        ),
        (
            "    path: /a?b",
            "7: routes[0].path: `/a?b` holds a space, `?`, `#` or a control character | write the path alone, as clients send it",
        ),
        (
            "    path: /a/../b",
            "7: routes[0].path: `/a/../b` holds a dot segment or an empty one | write it as it reads after normalisation",
        ),
        (
            "    host: \"a.example:80\"",
            "7: routes[0].host: `a.example:80` is no host name | write a name without port, such as api.example.com or *.example.com",
        ),
        (
            "    methods: [get]",
            "7: routes[0].methods: `get` matches nothing, methods are in capitals | write GET",
        ),
        (
            "    methods: [TRACE]",
            "7: routes[0].methods: TRACE is refused on every route | leave it out",
        ),
        (
            "    name: \"a b\"",
            "7: routes[0].name: `a b` cannot be a label of metrics | write 1 to 64 letters, digits or _ . : / * -",
        ),
        (
            "admin: { address: \"127.0.0.1:8080\" }",
            "7: admin.address: 127.0.0.1:8080 is also a listener's, in line 1 | give the admin plane an address of its own",
        ),
        (
            "policies: { default: { thresholds: { deny: 50 } } }",
            "7: policies.default.thresholds: tag 40, throttle 60, deny 50 do not ascend | write tag ≤ throttle ≤ deny; what is not written is 40, 60, 80; 101 means never",
        ),
        (
            "policies: { default: { throttle_delay: 0s } }",
            "7: policies.default.throttle_delay: 0s is out of range | write a time from 1ms to 60s; without it such requests get 429",
        ),
        (
            "policies: { default: { capture: { body: 1MiB } } }",
            "7: policies.default.capture.body: 1MiB is out of range | write a size up to 16KiB",
        ),
        (
            "policies: { default: { responses: { inspect: true, hold: 2MiB } } }",
            "7: policies.default.responses.hold: 2MiB is out of range | write a size from 1KiB to 1MiB",
        ),
        (
            "policies: { default: { responses: { hold: 100 } } }",
            "7: policies.default.responses.hold: 100 is out of range | write a size from 1KiB to 1MiB",
        ),
        (
            "policies: { default: { responses: { hold_time: 2m } } }",
            "7: policies.default.responses.hold_time: 2m is out of range | write a time from 1ms to 1m",
        ),
        (
            "policies: { default: { body: { inspect: 2KiB, max: 1KiB } } }",
            "7: policies.default.body: inspect 2KiB is more than max 1KiB | write an `inspect` that is not above `max`",
        ),
        (
            "policies: { default: { body: { inspect: 17MiB } } }",
            "7: policies.default.body.inspect: 17MiB is more than one request may hold | write at most 16MiB",
        ),
        (
            "policies: { default: { tag_header: a b } }",
            "7: policies.default.tag_header: `a b` is no header name | write letters, digits and hyphens, such as x-request-source",
        ),
        (
            "policies: { default: { exceptions: [{ reason: x }] } }",
            "7: policies.default.exceptions[0]: neither a rule nor a tag | write `rule: ID` or `tag: TAG`; to inspect nothing at all, use `mode: off`",
        ),
        (
            "policies: { default: { exceptions: [{ rule: a, reason: \"\" }] } }",
            "7: policies.default.exceptions[0].reason: is empty | say why this is harmless here",
        ),
        (
            "policies: { default: { exceptions: [{ rule: a, reason: b, field: \"jsn:x\" }] } }",
            "7: policies.default.exceptions[0].field: `jsn` is no place in a request | did you mean `json`?",
        ),
        (
            "policies: { default: { exceptions: [{ rule: a, reason: b, route: x }] } }",
            "7: policies.default.exceptions[0].route: no route is called `x` | did you mean `/`?",
        ),
        (
            "timeouts: { head: 0s }",
            "7: timeouts.head: 0 would cut everything off at once | write a time above 0, such as 10s",
        ),
        (
            "caps: { head: 1KiB }",
            "7: caps.head: 1KiB is out of range | write a size from 8KiB to 1MiB",
        ),
        (
            "rules: { directory: /nowhere/at/all }",
            "7: rules.directory: `/nowhere/at/all` does not exist | write the path of a folder with rule files; without this setting the built-in rules hold",
        ),
        (
            "records: { output: ./a }\nlog: { file: ./a }",
            "8: log.file: `./a` is also where records go | give the log a file of its own",
        ),
        (
            "records: { redact: { headers: [\"a b\"] } }",
            "7: records.redact.headers: `a b` is no header name | write the name of a header, such as x-api-key",
        ),
        // From outside.
        (
            "log: { file: \"${NOWHERE}\" }",
            "7: the environment variable `NOWHERE` is not set | set it, or give a default: ${NOWHERE:-…}",
        ),
        (
            "log: { file: \"file:nowhere\" }",
            "7: the secret in `nowhere` cannot be read: No such file or directory (os error 2) | file: takes the path of a text file of at most 64 KiB that this process may read",
        ),
    ] {
        assert_eq!(problems(&format!("{BASE}{added}\n")), [expected], "{added}");
    }
}

#[test]
fn each_mistake_of_an_upstream_is_named_with_its_line() {
    for (written, expected) in [
        (
            "servers: []",
            "4: upstreams.api.servers: the list is empty | write at least one, such as [\"http://127.0.0.1:9000\"]",
        ),
        (
            "servers: [\"127.0.0.1:9000\"]",
            "4: upstreams.api.servers[0]: `127.0.0.1:9000` is no server: the scheme is missing | write http://host:port or https://host:port",
        ),
        (
            "servers: [\"http://h/v1\"]",
            "4: upstreams.api.servers[0]: `http://h/v1` is no server: a path or query cannot stand here, requests keep their own | write http://host:port or https://host:port",
        ),
        (
            "servers: [\"http://h\", \"http://h:80\"]",
            "4: upstreams.api.servers: `http://h:80` is listed twice | list each server once; all get equal shares",
        ),
        (
            "servers: [\"http://h\"]\n    request_headers: { set: { \"x y\": 1 } }",
            "5: upstreams.api.request_headers.set.x y: `x y` is no header name | write letters, digits and hyphens, such as x-request-source",
        ),
        (
            "servers: [\"http://h\"]\n    request_headers:\n      set:\n        host: a",
            "7: upstreams.api.request_headers.set.host: the Host header cannot be edited here | choose with `host: preserve` or `host: server` of the upstream",
        ),
        (
            "servers: [\"http://h\"]\n    response_headers: { remove: [Content-Length] }",
            "5: upstreams.api.response_headers.remove: `Content-Length` frames the message or belongs to one connection, and the gateway writes it | leave it out",
        ),
        (
            "servers: [\"http://h\"]\n    request_headers: { add: { x-a: \"b\\r\\nx-c: d\" } }",
            "5: upstreams.api.request_headers.add.x-a: the value holds a line break or another control character | a header's value is one line of text",
        ),
        (
            "servers: [\"http://h\"]\n    request_headers: { set: { X-A: b,\n      x-a: c } }",
            "6: upstreams.api.request_headers.set.x-a: written twice, in two cases of letters | keep one of the two",
        ),
        (
            "servers: [\"http://h\"]\n    timeouts: { connect: 0s }",
            "5: upstreams.api.timeouts.connect: 0 would cut everything off at once | write a time above 0, such as 10s",
        ),
        (
            "servers: [\"http://h\"]\n    ejection: { for: 0s }",
            "5: upstreams.api.ejection.for: a server cannot be left out for no time | write a time, or `failures: 0` to never leave one out",
        ),
        (
            "servers: [\"http://h\"]\n    tls: { ca: ca.pem }",
            "5: upstreams.api.tls: no server of this upstream is spoken to over TLS | write https:// in `servers`, or leave `tls` out",
        ),
        (
            "servers: [\"https://h\"]\n    tls: { server_name: \"a b\" }",
            "5: upstreams.api.tls.server_name: `a b` is no host name | write a name such as api.internal",
        ),
        (
            "server: [\"http://h\"]",
            "4: upstreams.api.server: this key is not known | did you mean `servers`?",
        ),
    ] {
        let text = format!(
            "listeners: [{{ address: 127.0.0.1:8080 }}]\nupstreams:\n  api:\n    {written}\nroutes: [{{ upstream: api }}]\n"
        );
        let found = problems(&text);
        assert_eq!(
            found.first().map(String::as_str),
            Some(expected),
            "{written}"
        );
        assert!(
            found.len() == 1 || written.starts_with("server:"),
            "{found:#?}"
        );
    }
}

#[test]
fn each_mistake_of_a_listener_is_named_with_its_line() {
    for (written, expected) in [
        (
            "[]",
            "1: listeners: the list is empty | write at least one: - address: 127.0.0.1:8080",
        ),
        (
            "[{ tls: {} }]",
            "1: listeners[0]: `address` is missing | write `address: …`",
        ),
        (
            "[{ address: 127.0.0.1 }]",
            "1: listeners[0].address: `127.0.0.1` is no address with a port | write an IP address and a port, such as 127.0.0.1:8080 or \"[::]:443\"",
        ),
        (
            "[{ address: 127.0.0.1:1 },\n  { address: 127.0.0.1:1 }]",
            "2: listeners[1].address: 127.0.0.1:1 is used twice, first in line 1 | give each listener an address of its own",
        ),
        (
            "[{ address: 127.0.0.1:1, tls: {} }]",
            "1: listeners[0].tls: no certificate | write `cert` and `key`, or a list of `certificates`",
        ),
        (
            "[{ address: 127.0.0.1:1, tls: { cert: a } }]",
            "1: listeners[0].tls: `key` is missing | write the PEM file of the private key",
        ),
        (
            "[{ address: 127.0.0.1:1, tls: { key: a } }]",
            "1: listeners[0].tls: `cert` is missing | write the PEM file of the certificate",
        ),
        (
            "[{ address: 127.0.0.1:1, tls: { certificates: [{ cert: a }] } }]",
            "1: listeners[0].tls.certificates[0]: `key` is missing | write `key: …`",
        ),
        (
            "[{ address: 127.0.0.1:1, tls: { certificates: [{ cert: a, key: b, names: [\"*\"] }] } }]",
            "1: listeners[0].tls.certificates[0].names: `*` is no host name | write a name such as api.example.com or *.example.com",
        ),
    ] {
        let text = format!(
            "listeners: {written}\nupstreams: {{ api: {{ servers: [http://h] }} }}\nroutes: [{{ upstream: api }}]\n"
        );
        assert_eq!(problems(&text), [expected], "{written}");
    }
}

#[test]
fn all_problems_come_at_once() {
    let text = "\
listners: []
listeners: [{ address: nowhere }]
upstreams:
  api: { servers: [\"h\", \"http://h\"], protocl: http1 }
  bad: { servers: 1 }
routes:
  - { path: x, upstream: bad }
  - { upstream: other, policy: strict }
policies:
  default: { thresholds: { tag: 90, deny: x }, mode: on }
";
    let found: Vec<(usize, usize)> = read(text)
        .unwrap_err()
        .iter()
        .map(|p| (p.line, p.column))
        .collect();
    assert_eq!(
        found,
        [
            (1, 1),
            (2, 24),
            (4, 20),
            (4, 38),
            (5, 19),
            (7, 13),
            (8, 17),
            (8, 32),
            (10, 43),
            (10, 54)
        ]
    );
}

#[test]
fn whole_files_can_be_wrong() {
    let nowhere = load(Path::new("/nowhere/p.yaml"), &no_env).unwrap_err();
    assert!(
        nowhere[0]
            .to_string()
            .starts_with("/nowhere/p.yaml: the file cannot be read: "),
        "{}",
        nowhere[0]
    );
    for (text, expected) in [
        ("", "1: `listeners` is missing | write `listeners: …`"),
        (
            "- a",
            "1: expected a mapping, found a list | write a mapping, with keys such as listeners, admin, trusted_proxies or upstreams",
        ),
        ("listeners: [\n", "2: this is no YAML: "),
        (
            "a: 1\na: 2\n",
            "2: `a` is written twice, first in line 1 | keep one of the two",
        ),
    ] {
        let found = problems(text);
        assert!(found[0].starts_with(expected), "{text:?}: {found:#?}");
    }
}

#[test]
fn an_alias_repeats_no_problem() {
    let text = format!("{BASE}policies: {{ default: &p {{ mode: x }}, other: *p }}\n");
    assert_eq!(problems(&text).len(), 2);
}

/// Words that make random files interesting.
fn fragment() -> impl Strategy<Value = String> {
    let words = [
        "listeners",
        "upstreams",
        "routes",
        "policies",
        "default",
        "address",
        "servers",
        "limits",
        "tls",
        ": ",
        ":\n  ",
        "- ",
        "\n",
        "\n  ",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&a ",
        "*a",
        "!t ",
        "|\n",
        ">\n",
        "'",
        "\"",
        "#",
        "${",
        "}",
        "$$",
        "${A:-",
        "file:",
        "~",
        "127.0.0.1:80",
        "10s",
        "1/s",
        "http://h",
        "---\n",
        "...\n",
        "?",
        "%",
        "\t",
        "\u{feff}",
        "é",
    ];
    prop_oneof![4 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => ".{0,4}"]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_yaml_like_text_panics(parts in proptest::collection::vec(fragment(), 0..60)) {
        let text = parts.concat();
        if let Err(problems) = read(&text) {
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| !problem.message.is_empty()));
        }
        let _ = crate::yaml_to_json(&text, "f");
    }

    #[test]
    fn a_good_file_with_a_changed_byte_is_read_or_refused(at in 0..MINIMAL.len(), put in any::<char>()) {
        let mut text: Vec<char> = MINIMAL.chars().collect();
        let at = at % text.len();
        text[at] = put;
        let text: String = text.into_iter().collect();
        if let Err(problems) = read(&text) {
            prop_assert!(!problems.is_empty());
        }
    }
}
