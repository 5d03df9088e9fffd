//! HTML character references: numeric ones with or without the semicolon, as browsers read them, and the named ones
//! that stand for characters an attack needs. Names nobody needs stay as they are.

use super::bytes::push_code_point;

/// Appends `input` with character references undone; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, reference)
}

/// What an XML parser does: numeric references and the five names of XML, each with its semicolon.
pub fn decode_xml(input: &[u8], out: &mut Vec<u8>) -> bool {
    run(input, out, xml_reference)
}

/// Reads the reference at the start of the bytes (an `&`), appends what it stands for, and returns its length;
/// `None`, and nothing appended, when it is none.
type Reader = fn(&[u8], &mut Vec<u8>) -> Option<usize>;

fn run(input: &[u8], out: &mut Vec<u8>, reader: Reader) -> bool {
    let mut changed = false;
    let mut rest = input;
    while let Some(at) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        if let Some(length) = reader(rest, out) {
            changed = true;
            rest = &rest[length..];
        } else {
            out.push(b'&');
            rest = &rest[1..];
        }
    }
    if changed {
        out.extend_from_slice(rest);
    }
    changed
}

fn reference(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    if rest.get(1) == Some(&b'#') {
        let (number, digits_end) = number(rest)?;
        push_number(out, number);
        let semicolon = rest.get(digits_end) == Some(&b';');
        return Some(digits_end + usize::from(semicolon));
    }
    let name = name(rest);
    let end = 1 + name.len();
    let closed = rest.get(end) == Some(&b';');
    if name.len() < SHORTEST_NAME {
        return None;
    }
    let found = NAMES.binary_search_by_key(&name, |(n, ..)| n.as_bytes());
    let (_, text, bare) = &NAMES[found.ok()?];
    // Without its semicolon a reference in front of `=` is a parameter of a URL, not a character.
    let stands_alone = *bare && rest.get(end) != Some(&b'=');
    if !closed && !stands_alone {
        return None;
    }
    out.extend_from_slice(text.as_bytes());
    Some(end + usize::from(closed))
}

fn xml_reference(rest: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    if rest.get(1) == Some(&b'#') {
        let (number, end) = number(rest)?;
        if rest.get(end) != Some(&b';') {
            return None;
        }
        push_number(out, number);
        return Some(end + 1);
    }
    for (text, byte) in [
        (&b"&lt;"[..], b'<'),
        (b"&gt;", b'>'),
        (b"&amp;", b'&'),
        (b"&quot;", b'"'),
        (b"&apos;", b'\''),
    ] {
        if rest.starts_with(text) {
            out.push(byte);
            return Some(text.len());
        }
    }
    None
}

/// The number after `&#` or `&#x`, and where its digits end. Any count of leading zeros is read, as browsers do.
fn number(rest: &[u8]) -> Option<(u32, usize)> {
    let hexadecimal = matches!(rest.get(2), Some(b'x' | b'X'));
    let (start, radix) = if hexadecimal { (3, 16) } else { (2, 10) };
    let mut number = 0_u32;
    let mut end = start;
    while let Some(digit) = rest.get(end).and_then(|b| (*b as char).to_digit(radix)) {
        number = number.saturating_mul(radix).saturating_add(digit);
        end += 1;
    }
    (end > start).then_some((number, end))
}

fn push_number(out: &mut Vec<u8>, number: u32) {
    if !push_code_point(out, number) {
        push_code_point(out, 0xfffd);
    }
}

/// The letters and digits after the `&`, at most as many as the longest name has.
fn name(rest: &[u8]) -> &[u8] {
    let letters = rest[1..]
        .iter()
        .take(LONGEST_NAME + 1)
        .take_while(|b| b.is_ascii_alphanumeric());
    &rest[1..=letters.count()]
}

const SHORTEST_NAME: usize = 2;
const LONGEST_NAME: usize = 16;

/// Name (in order), what it stands for, and whether browsers know it without a semicolon. From the table of named character
/// references of the HTML standard.
const NAMES: &[(&str, &str, bool)] = &[
    ("AMP", "&", true),
    ("CloseCurlyQuote", "'", false),
    ("DiacriticalGrave", "`", false),
    ("GT", ">", true),
    ("Hat", "^", false),
    ("LT", "<", true),
    ("NewLine", "\n", false),
    ("NonBreakingSpace", " ", false),
    ("OpenCurlyQuote", "'", false),
    ("QUOT", "\"", true),
    ("Tab", "\t", false),
    ("UnderBar", "_", false),
    ("VerticalLine", "|", false),
    ("ZeroWidthSpace", "", false),
    ("amp", "&", true),
    ("apos", "'", false),
    ("ast", "*", false),
    ("bsol", "\\", false),
    ("colon", ":", false),
    ("comma", ",", false),
    ("commat", "@", false),
    ("dash", "-", false),
    ("dollar", "$", false),
    ("equals", "=", false),
    ("excl", "!", false),
    ("grave", "`", false),
    ("gt", ">", true),
    ("hyphen", "-", false),
    ("lbrace", "{", false),
    ("lbrack", "[", false),
    ("lcub", "{", false),
    ("lowbar", "_", false),
    ("lpar", "(", false),
    ("lsqb", "[", false),
    ("lsquo", "'", false),
    ("lt", "<", true),
    ("midast", "*", false),
    ("nbsp", " ", true),
    ("num", "#", false),
    ("percnt", "%", false),
    ("period", ".", false),
    ("plus", "+", false),
    ("quest", "?", false),
    ("quot", "\"", true),
    ("rbrace", "}", false),
    ("rbrack", "]", false),
    ("rcub", "}", false),
    ("rpar", ")", false),
    ("rsqb", "]", false),
    ("rsquo", "'", false),
    ("semi", ";", false),
    ("shy", "", true),
    ("sol", "/", false),
    ("verbar", "|", false),
    ("vert", "|", false),
    ("zwj", "", false),
    ("zwnj", "", false),
];

#[cfg(test)]
mod tests {
    use super::super::bytes::check;
    use super::*;

    #[test]
    fn table() {
        check(
            decode,
            &[
                (b"", b""),
                (b"a & b", b"a & b"),
                (b"&lt;b&gt;", b"<b>"),
                (b"&LT;b", b"<b"),
                (b"&lt b", b"< b"),
                (b"/?a=1&lt=5&amp=6", b"/?a=1&lt=5&amp=6"),
                (b"&ltfoo;", b"&ltfoo;"),
                (b"&#60;&#x3C;&#X3c;", b"<<<"),
                (b"&#60script&#x3escript", b"<script>script"),
                (b"&#0000000000000000060;", b"<"),
                (
                    b"java&Tab;script&colon;alert&lpar;1&rpar;",
                    b"java\tscript:alert(1)",
                ),
                (b"&colon 1", b"&colon 1"),
                (b"&apos;&sol;&bsol;", b"'/\\"),
                (b"&#;&#x;&;&&amp;", b"&#;&#x;&;&&"),
                (b"&#99999999999;", "\u{fffd}".as_bytes()),
                (b"&#0;", b"\0"),
                (b"&amp;lt;", b"&lt;"),
                (b"&eacute;", b"&eacute;"),
            ],
        );
    }

    #[test]
    fn xml_table() {
        check(
            decode_xml,
            &[
                (b"&lt;&gt;&amp;&quot;&apos;", b"<>&\"'"),
                (b"&#60;&#x3c;", b"<<"),
                (b"&#60 &lt &colon;", b"&#60 &lt &colon;"),
            ],
        );
    }

    #[test]
    fn the_names_are_in_order_and_their_lengths_known() {
        assert!(NAMES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let lengths = || NAMES.iter().map(|(n, ..)| n.len());
        assert_eq!(lengths().min(), Some(SHORTEST_NAME));
        assert_eq!(lengths().max(), Some(LONGEST_NAME));
    }
}
