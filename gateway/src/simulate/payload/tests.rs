use std::collections::HashSet;

use super::*;

#[test]
fn a_grammar_is_wide_and_repeatable() {
    for family in Family::ALL {
        let texts = |seed| {
            let mut draw = Draw::new(seed);
            (0..300)
                .map(|_| family.text(&mut draw))
                .collect::<Vec<String>>()
        };
        assert_eq!(texts(1), texts(1));
        let distinct: HashSet<String> = texts(1).into_iter().collect();
        let least = if family == Family::NoSql { 50 } else { 100 };
        assert!(distinct.len() > least, "{family:?}: {}", distinct.len());
        assert!(
            distinct
                .iter()
                .all(|text| !text.is_empty() && text.len() < 600)
        );
    }
}

#[test]
fn layers_come_off_again() {
    let text = "1' or '1'='1 größe <a> %41";
    for (layer, rounds) in [
        (Layer::Needed, 1),
        (Layer::All, 1),
        (Layer::Least, 1),
        (Layer::Double, 2),
    ] {
        let mut back = percent(text, layer).into_bytes();
        for _ in 0..rounds {
            back = unpercent(&back);
        }
        assert_eq!(String::from_utf8(back).unwrap(), text, "{layer:?}");
    }
    assert_eq!(percent("a'", Layer::Unicode), "a%u0027");
}

fn unpercent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(&after[..2]).unwrap();
            out.push(u8::from_str_radix(digits, 16).unwrap());
            rest = &after[2..];
        } else {
            out.push(byte);
            rest = after;
        }
    }
    out
}
