use super::operator::OPERATORS;
use super::piece::{Kind, joined, pieces};
use super::statement::{Dialect, Meaning};
use super::*;

#[test]
fn what_is_an_injection_and_where() {
    for (payload, dialect) in [
        ("1' OR '1'='1", Some(Dialect::MySql)),
        ("1 OR 1=1", Some(Dialect::MySql)),
        (" AND SLEEP(5)", Some(Dialect::MySql)),
        ("') OR ('a'='a", Some(Dialect::MySql)),
        (
            "1' UNION SELECT password, b FROM users-- ",
            Some(Dialect::MySql),
        ),
        ("\" or \"\"=\"", Some(Dialect::MySql)),
        ("'; DROP TABLE t;-- ", Some(Dialect::MySql)),
        ("1' #", Some(Dialect::MySql)),
        // Values, and what no parser accepts.
        ("1", None),
        ("admin", None),
        ("it is a quiet evening", None),
        ("1' UNION SELECT", None),
    ] {
        let found = Meaning::of(payload);
        assert_eq!(found.map(|meaning| meaning.dialect), dialect, "{payload}");
    }
}

#[test]
fn the_same_is_the_same_and_the_rest_is_not() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        (
            "1' OR '1'='1",
            &[
                "1'/**/oR\t'1'='1",
                "1' || '1'='1",
                "1'OR'1'='1",
                "1' OR 'zq'='zq",
                "1' OR '1' LIKE '1",
                "1' /*!50000OR*/ '1'='1",
                "1' OR -- x\n('1')='1",
            ],
            &[
                "1' AND '1'='1",
                "1' OR '1'='2",
                "2' OR '1'='1",
                "1' OR '1'='1' --",
                "1' OR '1' LIKE '%1",
                "1' OR 1=1 OR '1'='1",
            ],
        ),
        (
            "7 AND a=2 ORDER BY 3 -- ",
            &[
                "07 && a=2.0 ORDER/**/BY 03#",
                "7.0 AND a=2e0 ORDER BY 3 -- ",
                "(7) AND a=(2) ORDER BY 3 -- ",
            ],
            &[
                "7 AND a=2 ORDER BY 3.0 -- ",
                "7 AND a=2.5 ORDER BY 3 -- ",
                "7 AND a=2 ORDER BY (3) -- ",
            ],
        ),
        (
            "1 AND 1=1 UNION SELECT 'ab', 2 FROM users -- ",
            &[
                "1 && 7>3 UNION DISTINCT SELECT 0x6162, 2 FROM users#x",
                "1 AND (1)=1 union/**/select char(97,98),02 from users;-- -",
                "1 AND 1=1 UNION SELECT concat('a','b'), 2 FROM users -- ",
                "1 AND 4 BETWEEN 0 AND 9 UNION SELECT 'a' 'b', 02 FROM users -- ",
                "1 AND 3 IN(3) UNION SELECT \"ab\", 2 FROM users -- ",
                "1 AND 3 IS NOT NULL UNION SELECT 'ab', 2 FROM users -- ",
            ],
            &[
                "1 AND 1=2 UNION SELECT 'ab', 2 FROM users -- ",
                "1 AND 1=1 UNION ALL SELECT 'ab', 2 FROM users -- ",
                "1 AND 1=1 UNION SELECT 'abc', 2 FROM users -- ",
                "1 AND 1=1 UNION SELECT 'ab', 3 FROM users -- ",
                "1 AND 1=1 UNION SELECT 'ab', 2 FROM others -- ",
                "1 OR 1=1 UNION SELECT 'ab', 2 FROM users -- ",
            ],
        ),
    ];
    for (payload, same, others) in cases {
        let meaning = Meaning::of(payload).expect("an injection");
        assert!(meaning.is_of(payload));
        for mutant in *same {
            assert!(meaning.is_of(mutant), "{mutant} means {payload}");
        }
        for other in *others {
            assert!(!meaning.is_of(other), "{other} does not mean {payload}");
        }
    }
}

#[test]
fn pieces_add_up_to_the_payload() {
    for (payload, quote) in [
        ("1' OR '1'='1", Some('\'')),
        ("1 or 1<>2 /* x */ && \"a\"\"b\" -- y", None),
        ("'", Some('\'')),
        ("", None),
        ("it\\'s' #", Some('\'')),
    ] {
        assert_eq!(joined(&pieces(payload, quote)), payload);
    }
    let kinds: Vec<Kind> = pieces("1' OR '1'='1", Some('\''))
        .iter()
        .map(|piece| piece.kind)
        .collect();
    let expected = [
        Kind::Part,
        Kind::Space,
        Kind::Word,
        Kind::Space,
        Kind::Text,
        Kind::Sign,
        Kind::Part,
    ];
    assert_eq!(kinds, expected);
}

/// Each operator has payloads that it changes into something that means the same.
#[test]
fn every_operator_makes_mutants_that_mean_the_same() {
    let payloads = [
        "1' OR '1'='1",
        "1 OR 1=1 -- ",
        "1' UNION SELECT 'ab', 2 FROM users WHERE a <> 1 AND c != 2 AND b = 'x' -- ",
    ];
    for (name, change) in OPERATORS {
        let mut made = HashSet::new();
        for seed in 0..200 {
            for payload in payloads {
                let meaning = Meaning::of(payload).expect("an injection");
                let mut parts = pieces(payload, meaning.context.quote());
                let mut random = Random::of(seed, 0);
                if change(&mut parts, meaning.dialect, &mut random).is_some() {
                    let mutant = joined(&parts);
                    if mutant != payload && meaning.is_of(&mutant) {
                        made.insert(mutant);
                    }
                }
            }
        }
        assert!(made.len() >= 2, "{name}: {made:?}");
    }
}

#[test]
fn shares_by_round() {
    let payload = Payload {
        text: "1 or 1=1".to_owned(),
        folder: "x".into(),
        class: Some(Class::Sql),
    };
    let hunted = |through| Hunted {
        through,
        zone: "query",
        score: 0.0,
        text: String::new(),
        encoding: "plain",
        operators: vec!["case of keywords"],
        judged: 3,
    };
    let all = [None, Some(0), Some(7), Some(100)];
    let result = Outcome {
        judge: "rules",
        hunted: all
            .map(|through| (&payload, Dialect::MySql, hunted(through)))
            .to_vec(),
    };
    for (round, denied) in [(0, 3), (1, 3), (6, 3), (7, 2), (10, 2), (100, 1)] {
        assert_eq!(result.denied(round), denied, "{round}");
    }
    assert_eq!(shown(100), [0, 1, 10, 100]);
    assert_eq!(shown(5), [0, 1, 5]);
    assert_eq!(result.operators(), [("case of keywords", 3)]);
    assert_eq!(result.got_through().len(), 3);
    assert!(!result.reaches(100));
}
