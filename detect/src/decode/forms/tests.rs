//! Forms: what each shows, what is borrowed, what is kept, and what must hold on any bytes.

use proptest::prelude::*;

use super::*;

fn form_of(form: Form, raw: &[u8], encoding: Encoding) -> Vec<u8> {
    let mut forms = Forms::new();
    forms.begin(1);
    forms.get(0, form, raw, encoding).to_vec()
}

#[test]
fn forms_show_what_the_rules_expect() {
    use Encoding::{Form as F, JsonString as J, Percent as P, Plain, Xml};
    let cases: &[(Form, Encoding, &str, &str)] = &[
        (Form::Raw, F, "A%41+", "A%41+"),
        (Form::Value, F, "A%41+%2541", "AA %41"),
        (Form::Value, P, "A+%41", "A+A"),
        (Form::Value, J, r"\u003c\n\x", "<\n\\x"),
        (Form::Value, Xml, "&lt;a&#39;&colon;", "<a'&colon;"),
        (Form::Value, Plain, "%41&lt;", "%41&lt;"),
        (Form::Decoded, F, "%253Cscript%253E", "<script>"),
        (Form::Decoded, F, "%26lt%3Bb%26gt%3B", "<b>"),
        (Form::Decoded, F, "%252527", "'"),
        (Form::Decoded, F, "1%2527%2Bor%2B1", "1' or 1"),
        (Form::Decoded, P, "1+1", "1+1"),
        (Form::Decoded, Plain, "&#x5c;u003cb", "<b"),
        (Form::Decoded, F, "%uff1cSCRIPT", "<SCRIPT"),
        (Form::Decoded, F, "%c0%ae%c0%ae/", "../"),
        (Form::Decoded, F, "%2BADw-b%2BAD4-", "<b>"),
        (Form::Decoded, Plain, "scr\0ipt", "script"),
        (Form::Decoded, F, "100%", "100%"),
        (Form::Text, F, "A++B%09%0aC", "a b c"),
        (Form::Text, F, "%EF%BC%A1%C2%A0%20B", "a b"),
        (
            Form::Sql,
            F,
            "1/**/UNION/*!50000SELECT*/2",
            "1 union select 2",
        ),
        (
            Form::Sql,
            F,
            "1%23x%0AUNION%20--%20y%0ASELECT",
            "1 union select",
        ),
        (Form::Sql, F, "a-b+c", "a-b c"),
        (
            Form::Shell,
            F,
            "c'a't$IFS$9/etc/pass\"\"wd",
            "cat /etc/passwd",
        ),
        (Form::Shell, F, r"ca\t+/etc/\nx", "cat /etc/nx"),
        (Form::Shell, F, r"$'\143\x61t'", "cat"),
        (Form::Path, F, r"..\..\NEW%5ctable", "../../new/table"),
        (Form::Path, F, "/..;/x//./y", "/../x/y"),
        (Form::Path, J, r"..\\..\\temp\u002e\\n", "../../temp./n"),
        (Form::Compact, F, "java%09script+:x", "javascript:x"),
        (Form::Css, F, r"\6a avas\63 ript", "javascript"),
        (Form::Css, F, "exp/**/ression(", "expression("),
        (Form::Css, F, r"width:\65xpression", "width:expression"),
    ];
    for (form, encoding, raw, expected) in cases {
        let result = form_of(*form, raw.as_bytes(), *encoding);
        assert_eq!(
            String::from_utf8_lossy(&result),
            *expected,
            "{form:?} {encoding:?} {raw}"
        );
    }
}

#[test]
fn untouched_fields_are_borrowed() {
    let raw = b"just some words, 12 - all (lower) case; /one/path";
    let mut forms = Forms::new();
    forms.begin(1);
    for form in [
        Form::Raw,
        Form::Value,
        Form::Decoded,
        Form::Text,
        Form::Sql,
        Form::Shell,
    ] {
        let view = forms.get(0, form, raw, Encoding::Form);
        assert!(std::ptr::eq(view, &raw[..]), "{form:?} was copied");
    }
    assert_eq!(forms.arena.len(), 0);
}

#[test]
fn equal_forms_share_their_bytes() {
    let raw = b"A%41 words";
    let mut forms = Forms::new();
    forms.begin(1);
    for form in [
        Form::Value,
        Form::Decoded,
        Form::Text,
        Form::Sql,
        Form::Shell,
        Form::Path,
        Form::Css,
    ] {
        forms.ensure(0, form, raw, Encoding::Form, Chains::EMPTY);
    }
    assert_eq!(forms.arena, b"AA wordsaa words");
}

#[test]
fn layers_tell_what_lay_around_a_value() {
    let layers = |raw: &[u8], encoding| {
        let mut forms = Forms::new();
        forms.begin(1);
        forms.ensure(0, Form::Decoded, raw, encoding, Chains::EMPTY);
        forms.layers(0)
    };
    assert_eq!(layers(b"a%20b", Encoding::Form), Layers::default());
    assert_eq!(layers(b"%2527", Encoding::Form).rounds, 1);
    assert_eq!(layers(b"%252527", Encoding::Form).rounds, 2);
    assert!(layers(b"%2500", Encoding::Form).nul);
    assert!(layers(b"a%00", Encoding::Form).nul);
    assert!(layers(b"100%", Encoding::Form).invalid_percent);
    assert!(!layers(b"100%", Encoding::JsonString).invalid_percent);
    assert!(layers(b"%c0%ae", Encoding::Form).overlong());
    assert!(layers(b"%c0%ae", Encoding::Form).invalid_utf8);
    assert!(layers(b"%26lt;", Encoding::Form).has(Decoder::Html));
    let deep = format!("%{}27", "25".repeat(9));
    assert!(layers(deep.as_bytes(), Encoding::Form).unfinished);
    assert!(!layers(b"%25252527", Encoding::Form).unfinished);
}

#[test]
fn chains_start_from_the_value() {
    let mut chains = Chains::default();
    let base64 = chains.intern(&[Decoder::Base64, Decoder::Lower]);
    assert_eq!(chains.intern(&[Decoder::Base64, Decoder::Lower]), base64);
    let lower = chains.intern(&[Decoder::Lower]);
    assert_ne!(lower, base64);
    let (base64, lower) = (base64.expect("room"), lower.expect("room"));
    let raw = b"PFNjcmlwdD4%3D";
    let mut forms = Forms::new();
    for _ in 0..2 {
        forms.begin(2);
        for id in [base64, lower, base64] {
            forms.ensure(1, id, raw, Encoding::Form, &chains);
        }
        assert_eq!(forms.view(1, base64, raw), b"<script>");
        assert_eq!(forms.view(1, lower, raw), b"pfnjcmlwdd4=");
        assert!(forms.class(1, base64).has(super::super::class::LT));
    }
    for _ in 0..MOST_CHAINS {
        let all = chains.0.len();
        chains.intern(&vec![Decoder::Plus; all]);
    }
    assert_eq!(chains.intern(&[Decoder::Hex]), None);
}

#[test]
fn the_arena_is_bounded() {
    let raw = b"AB  %41".repeat(1 << 16);
    let mut forms = Forms::new();
    forms.begin(20);
    for index in 0..20 {
        for (_, form) in Form::ALL {
            forms.ensure(index, form, &raw, Encoding::Form, Chains::EMPTY);
        }
    }
    assert!(forms.exhausted() && forms.arena.len() <= ARENA_CAP);
    // What found no room shows the bytes it would have been made from.
    assert_eq!(forms.view(19, Form::Text, &raw), raw);
    forms.begin(1);
    assert!(!forms.exhausted() && forms.arena.capacity() <= KEPT);
}

#[test]
fn an_index_out_of_range_reads_as_raw() {
    let mut forms = Forms::new();
    forms.begin(1);
    let class = forms.ensure(7, Form::Text, b"A%41", Encoding::Form, Chains::EMPTY);
    assert!(class.has(PERCENT));
    assert_eq!(forms.view(7, Form::Text, b"A%41"), b"A%41");
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "%", "25", "%27", "%5c", "%u003c", "+", "+ADw-", "&", "&#x3c;", "&lt;", "&amp;", "amp;",
        "#", "\\", "u003c", "x5c", "\\n", "t", "'", "/", "*", "\n", " ", "\0", "\u{200b}", "＜",
        "A", "select", ";", "..", "${ifs}", "00",
    ];
    let piece = prop::sample::select(pieces.to_vec()).prop_map(|s| s.as_bytes().to_vec());
    let any = prop::collection::vec(any::<u8>(), 1..3);
    prop::collection::vec(prop_oneof![6 => piece, 1 => any], 0..20).prop_map(|v| v.concat())
}

const ENCODINGS: [Encoding; 6] = [
    Encoding::Plain,
    Encoding::Form,
    Encoding::Percent,
    Encoding::JsonString,
    Encoding::Xml,
    Encoding::GraphqlString,
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn decoding_is_finished(raw in hostile()) {
        let mut forms = Forms::new();
        forms.begin(1);
        let decoded = forms.get(0, Form::Decoded, &raw, Encoding::Plain).to_vec();
        if !forms.layers(0).unfinished {
            prop_assert_eq!(&form_of(Form::Decoded, &decoded, Encoding::Plain), &decoded);
        }
    }

    #[test]
    fn skipping_by_class_changes_nothing(raw in hostile()) {
        // The same steps without looking at the class, always copied.
        let (mut result, mut spare) = (Vec::new(), Vec::new());
        let decoded = form_of(Form::Decoded, &raw, Encoding::Plain);
        let own = |chain: &[Decoder], result: &mut Vec<u8>, spare: &mut Vec<u8>| {
            if super::super::apply_chain(chain, &decoded, result, spare) { result.clone() } else { decoded.clone() }
        };
        let text = own(&[Decoder::Lower, Decoder::Whitespace], &mut result, &mut spare);
        prop_assert_eq!(form_of(Form::Text, &raw, Encoding::Plain), text);
        let sql = own(&[Decoder::SqlComment, Decoder::Lower, Decoder::Whitespace], &mut result, &mut spare);
        prop_assert_eq!(form_of(Form::Sql, &raw, Encoding::Plain), sql);
        let compact = own(&[Decoder::Lower, Decoder::Whitespace, Decoder::Compact], &mut result, &mut spare);
        prop_assert_eq!(form_of(Form::Compact, &raw, Encoding::Plain), compact);
    }

    #[test]
    fn forms_never_grow_and_do_not_depend_on_order(raw in hostile(), order in Just(Form::ALL.to_vec()).prop_shuffle()) {
        for encoding in ENCODINGS {
            let mut forms = Forms::new();
            forms.begin(1);
            for (_, form) in &order {
                let bytes = forms.get(0, *form, &raw, encoding).to_vec();
                prop_assert!(bytes.len() <= raw.len(), "{form:?} grew");
                prop_assert_eq!(&form_of(*form, &raw, encoding), &bytes);
                prop_assert_eq!(forms.class(0, *form), classify(&bytes));
            }
        }
    }
}
