//! What several gateways of one installation have in common before they ever meet.

use super::*;

/// A configuration with behaviour on or off, and with this secret of the store.
fn config(behaviour: bool, secret: Option<&str>) -> Config {
    let secret = secret.map_or_else(String::new, |secret| format!(", secret: \"{secret}\""));
    let text = format!(
        "listeners: [{{ address: \"127.0.0.1:0\" }}]\nupstreams: {{ api: {{ servers: [\"http://127.0.0.1:9\"] }} }}\n\
         routes: [{{ path: /, upstream: api }}]\nbehaviour: {{ enabled: {behaviour} }}\nstore: {{ database: off{secret} }}\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("gateway.yaml");
    std::fs::write(&file, text).expect("written");
    portcullis_config::load(&file, &|_| None).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The hash of a user's name on a node with a state folder of its own.
fn hash(config: &Config) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let metrics = Metrics::new().expect("metrics");
    let memory = memory(config, Some(folder.path().to_owned()), &metrics).expect("it opens");
    let hashing = *memory.state().hashing();
    format!("{:?}", hashing.user(b"ada"))
}

#[test]
fn nodes_with_one_secret_give_one_hash_and_others_do_not() {
    let (one, other) = ("a".repeat(32), "b".repeat(32));
    for (behaviour, secrets, alike) in [
        (true, [Some(&one), Some(&one)], true),
        (false, [Some(&one), Some(&one)], true),
        (true, [Some(&one), Some(&other)], false),
        (true, [None, None], false),
        (false, [None, None], false),
        (true, [Some(&one), None], false),
    ] {
        let hashes = secrets.map(|secret| hash(&config(behaviour, secret.map(String::as_str))));
        assert_eq!(
            hashes[0] == hashes[1],
            alike,
            "{behaviour} {secrets:?}: {hashes:?}"
        );
    }
    // The same also where one of them judges behaviour and the other does not.
    assert_eq!(
        hash(&config(true, Some(&one))),
        hash(&config(false, Some(&one)))
    );
}
