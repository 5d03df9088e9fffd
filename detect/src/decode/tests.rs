//! What must hold for every decoder, on any bytes.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

#[test]
fn the_table_is_in_the_order_of_the_discriminants() {
    for (at, entry) in TABLE.iter().enumerate() {
        assert_eq!(entry.decoder as usize, at, "{}", entry.name);
        assert_eq!(Decoder::named(entry.name), Some(entry.decoder));
    }
    for (at, (name, form)) in Form::ALL.iter().enumerate() {
        assert_eq!(*form as usize, at);
        assert_eq!(Form::named(name), Some(*form));
    }
}

#[test]
fn chains_run_in_order() {
    let cases: &[(&[Decoder], &str, &str)] = &[
        (&[], "A%41", "A%41"),
        (&[Decoder::Percent, Decoder::Lower], "A%41", "aa"),
        (&[Decoder::Lower, Decoder::Percent], "A%41", "aA"),
        (&[Decoder::Base64, Decoder::Html], "Jmx0O2ImZ3Q7", "<b>"),
        (&[Decoder::Compact, Decoder::Plus], "a b+c", "ab c"),
    ];
    for (chain, input, expected) in cases {
        let (mut result, mut spare) = (Vec::new(), Vec::new());
        let changed = apply_chain(chain, input.as_bytes(), &mut result, &mut spare);
        let bytes = if changed {
            result.as_slice()
        } else {
            input.as_bytes()
        };
        assert_eq!(bytes, expected.as_bytes(), "{input}");
    }
}

/// Bytes that attacks are made of, rather than any bytes.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&'static [u8]> = vec![
        b"%",
        b"25",
        b"%27",
        b"%u003c",
        b"+",
        b"+ADw-",
        b"&",
        b"#",
        b"&#x3c;",
        b"&lt",
        b";",
        b"\\",
        b"u003c",
        b"x3c",
        b"\\u{3c}",
        b"74",
        b"n",
        b"'",
        b"\"",
        b"/",
        b"*",
        b"--",
        b"\n",
        b" ",
        b"\0",
        b"\x01",
        b"\xc0",
        b"\xae",
        b"\xe2\x80\x8b",
        b"\xef\xbc\x9c",
        b"\xa0",
        b"$",
        b"{ifs}",
        b"@",
        b"^",
        b"..",
        b".",
        b"A",
        b"select",
        b"0x",
        b"3c3c3c3c",
        b"(",
        b"!",
        b"50000",
        b"\xff",
    ];
    let piece = prop::sample::select(pieces).prop_map(<[u8]>::to_vec);
    let any = prop::collection::vec(any::<u8>(), 1..4);
    prop::collection::vec(prop_oneof![6 => piece, 1 => any], 0..24).prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_decoder_panics_grows_or_lies(input in hostile()) {
        for entry in TABLE {
            let mut out = Vec::new();
            let changed = (entry.run)(&input, &mut out);
            if changed {
                prop_assert!(out.len() <= input.len(), "{} grew", entry.name);
                prop_assert!(out != input, "{} says changed", entry.name);
            }
            let class = classify(&input);
            prop_assert!(!changed || class.intersects(entry.needs), "{} needs more", entry.name);
        }
    }

    #[test]
    fn some_decoders_are_idempotent(input in hostile()) {
        use Decoder::*;
        for decoder in [Plus, Whitespace, Compact, Lower, Fold, Controls, Path] {
            let (mut once, mut twice) = (Vec::new(), Vec::new());
            if (decoder.entry().run)(&input, &mut once) {
                prop_assert!(!(decoder.entry().run)(&once, &mut twice), "{decoder:?} of {once:?}");
            }
        }
    }
}

#[test]
fn time_is_linear_on_hostile_inputs() {
    // A quadratic decoder takes seconds here; the generous bound is for slow machines and debug builds.
    for piece in HOSTILE_PIECES {
        let input = piece.repeat(200_000 / piece.len());
        for entry in TABLE {
            let start = Instant::now();
            (entry.run)(&input, &mut Vec::new());
            let took = start.elapsed();
            let show = String::from_utf8_lossy(piece);
            assert!(
                took < Duration::from_millis(500),
                "{} on {show:?}: {took:?}",
                entry.name
            );
        }
    }
}

const HOSTILE_PIECES: &[&[u8]] = &[
    b"%",
    b"%25",
    b"%u",
    b"&",
    b"&#",
    b"&#0",
    b"&l",
    b"\\",
    b"\\u",
    b"\\x",
    b"\\wn",
    b"\\7",
    b"/*",
    b"*/",
    b"/*!",
    b"--",
    b"#",
    b"-\n",
    b"+",
    b"+A",
    b"+AD",
    b"+ADwAPAA",
    b"$",
    b"${",
    b"${ifs",
    b"'",
    b"x'",
    b"0x",
    b"0x41",
    b";",
    b"/.",
    b"/",
    b"\xc0",
    b"\xf0\x80",
    b"\xe2",
    b"\xa0",
    b" ",
    b"\n",
    b"\0",
    b"A",
];
