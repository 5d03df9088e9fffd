use super::*;

fn head(target: &str, pairs: &[(&str, &str)]) -> request::Parts {
    let mut builder = http::Request::builder().uri(target);
    for (name, value) in pairs {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn identity(settings: &config::Identity) -> Identity {
    Identity::build(settings, Hashing::new(7))
        .map_err(|problems| problems.join("\n"))
        .unwrap()
}

fn subjects(identity: &Identity, trusted: bool, parts: &request::Parts) -> Subjects {
    let origin = Origin {
        client: "192.0.2.1".parse().unwrap(),
        peer_is_trusted: trusted,
        ja4: None,
    };
    identity.of_head(&origin, &TrustedProxies::default(), parts)
}

/// {"alg":"HS256"}.{"sub":"ada"} signed with "right", and the same with a signature by "wrong".
fn tokens() -> [String; 2] {
    ["right", "wrong"].map(|secret| {
        let message = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ";
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let tag = ring::hmac::sign(&key, message.as_bytes());
        let tag = base64::Engine::encode(
            &base64::engine::general_purpose::URL_SAFE_NO_PAD,
            tag.as_ref(),
        );
        format!("{message}.{tag}")
    })
}

#[test]
fn each_source_where_it_stands() {
    let identity = identity(&config::Identity {
        keys: ["header:x-api-key", "cookie:key", "query:key"]
            .map(|source| source.parse().unwrap())
            .to_vec(),
        ..config::Identity::default()
    });
    let key = |name: &str| Some(identity.hashing.name("key", name.as_bytes()));
    for (target, pairs, expected) in [
        ("/", &[("x-api-key", "a")][..], key("a")),
        ("/?key=c", &[("cookie", "x=1; key=b")], key("b")),
        ("/?a=1&key=c", &[("cookie", "xkey=b")], key("c")),
        ("/?key=", &[], None),
        ("/", &[], None),
    ] {
        let found = subjects(&identity, false, &head(target, pairs)).key;
        assert_eq!(found, expected, "{target} {pairs:?}");
    }
}

#[test]
fn a_user_is_named_by_proof_only() {
    let [right, wrong] = tokens().map(|token| format!("Bearer {token}"));
    let verifying = config::Identity {
        users: ["jwt:sub", "header:x-user"]
            .map(|source| source.parse().unwrap())
            .to_vec(),
        tokens: config::Tokens {
            secret: Some("right".to_owned()),
            ..config::Tokens::default()
        },
        ..config::Identity::default()
    };
    let trusting = config::Identity {
        tokens: config::Tokens::default(),
        ..verifying.clone()
    };
    let (verifying, trusting) = (identity(&verifying), identity(&trusting));
    let ada = Some(verifying.hashing.user(b"ada"));
    let bob = Some(verifying.hashing.user(b"bob"));
    for (identity, trusted, pairs, user, token) in [
        (
            &verifying,
            false,
            &[("authorization", right.as_str())][..],
            ada,
            behaviour::Token::Valid,
        ),
        (
            &verifying,
            false,
            &[("authorization", wrong.as_str())],
            None,
            behaviour::Token::Forged,
        ),
        (
            &verifying,
            false,
            &[("authorization", "Bearer opaque")],
            None,
            behaviour::Token::Unchecked,
        ),
        (
            &verifying,
            false,
            &[("authorization", "Basic YTpi")],
            None,
            behaviour::Token::None,
        ),
        (
            &trusting,
            false,
            &[("authorization", right.as_str())],
            None,
            behaviour::Token::Unchecked,
        ),
        (
            &trusting,
            false,
            &[("x-user", "bob")],
            None,
            behaviour::Token::None,
        ),
        (
            &trusting,
            true,
            &[("x-user", "bob")],
            bob,
            behaviour::Token::None,
        ),
    ] {
        let found = subjects(identity, trusted, &head("/", pairs));
        assert_eq!((found.user, found.token), (user, token), "{pairs:?}");
    }
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let settings = config::Identity {
        tokens: config::Tokens {
            jwks: Some("no/such/set.json".into()),
            ..config::Tokens::default()
        },
        networks: Some("no/such/file.mmdb".into()),
        ..config::Identity::default()
    };
    let problems = match Identity::build(&settings, Hashing::new(7)) {
        Err(problems) => problems,
        Ok(_) => panic!("two files are missing"),
    };
    assert!(
        problems[0].starts_with("identity.tokens.jwks: no/such/set.json"),
        "{problems:?}"
    );
    assert!(
        problems[1].starts_with("identity.networks: no/such/file.mmdb"),
        "{problems:?}"
    );
}
