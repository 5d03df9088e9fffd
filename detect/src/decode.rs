//! Decoders, one file each, and the forms that rules look at.
//!
//! A client's bytes reach an application through layers: percent escapes, entities, JavaScript escapes, odd
//! UTF-8. Each decoder undoes one of them; they stand in [`TABLE`], and that table is all there is. What rules ask
//! for is a [`Form`] of a field; [`Forms`] computes it on first use, keeps it for the request, and borrows the
//! field's own bytes wherever nothing changed. This is the step between the view (fields) and the signatures.

use self::class::{
    AMP, BACKSLASH, CARET, CONTROL, DIGIT, DOLLAR, DQUOTE, HASH, HIGH, LOWER, PERCENT, PLAIN_PUNCT,
    PLUS, QUOTE, SEMI, SLASH, SPACE, STAR, UPPER,
};

pub mod base64;
pub mod bytes;
pub mod class;
pub mod compact;
pub mod controls;
pub mod css;
pub mod fold;
pub mod forms;
pub mod hex;
pub mod html;
pub mod js;
pub mod lower;
pub mod overlong;
pub mod path;
pub mod percent;
pub mod plus;
pub mod rounds;
pub mod shell;
pub mod sqlcomment;
pub mod utf7;
pub mod whitespace;

pub use self::class::{CharClass, classify};
pub use self::forms::{Chains, FormId, Forms};
pub use self::rounds::Layers;

/// The forms of a field, as docs/RULES.md describes them. The discriminant is the first part of a [`FormId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Form {
    /// The bytes as sent.
    Raw,
    /// What one correct parser would make of them.
    Value,
    /// `Value` with every further layer of encoding undone.
    Decoded,
    /// `Decoded` in lower case, white space squeezed.
    Text,
    /// `Text` without SQL comments.
    Sql,
    /// `Text` without shell quoting.
    Shell,
    /// `Text` with one kind of slash and no empty segments.
    Path,
    /// `Text` without white space.
    Compact,
    /// `Text` without CSS escapes and comments.
    Css,
}

impl Form {
    /// How many forms there are.
    pub const COUNT: usize = 9;

    /// All forms and the names that rules use, in the order of their discriminants.
    pub const ALL: [(&'static str, Form); Form::COUNT] = [
        ("raw", Form::Raw),
        ("value", Form::Value),
        ("decoded", Form::Decoded),
        ("text", Form::Text),
        ("sql", Form::Sql),
        ("shell", Form::Shell),
        ("path", Form::Path),
        ("compact", Form::Compact),
        ("css", Form::Css),
    ];

    /// The form that rules call `name`.
    pub fn named(name: &str) -> Option<Form> {
        Self::ALL
            .iter()
            .find(|(n, _)| *n == name)
            .map(|(_, form)| *form)
    }

    /// The name that rules use.
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }

    /// Whether the form is in lower case, so that patterns over it must be too.
    pub const fn is_lower_case(self) -> bool {
        !matches!(self, Form::Raw | Form::Value | Form::Decoded)
    }
}

/// A decoder, for rules that give an explicit list. The discriminant is the index in [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "TABLE says what each one does")]
pub enum Decoder {
    Percent,
    Plus,
    Html,
    Js,
    Css,
    Base64,
    Hex,
    Utf7,
    Overlong,
    Fold,
    Controls,
    Whitespace,
    SqlComment,
    Shell,
    Path,
    Lower,
    Compact,
}

/// Appends the decoded input to an empty buffer and says whether it differs from the input. When it does not, what
/// the buffer holds means nothing. The result is never longer than the input, and the time is linear in it.
pub type Run = fn(&[u8], &mut Vec<u8>) -> bool;

/// One row of [`TABLE`].
pub struct Entry {
    /// The name that rules use.
    pub name: &'static str,
    /// Which decoder this is.
    pub decoder: Decoder,
    /// The decoder changes nothing in bytes that have none of these classes.
    pub needs: CharClass,
    /// The decoder.
    pub run: Run,
}

const fn entry(name: &'static str, decoder: Decoder, needs: u32, run: Run) -> Entry {
    Entry {
        name,
        decoder,
        needs: CharClass(needs),
        run,
    }
}

/// Every decoder.
pub const TABLE: &[Entry] = &[
    // %XX and %uXXXX; what is no escape stays.
    entry("percent", Decoder::Percent, PERCENT, percent::decode),
    // + to space.
    entry("plus", Decoder::Plus, PLUS, plus::decode),
    // HTML character references.
    entry("html", Decoder::Html, AMP, html::decode),
    // JavaScript and JSON escapes.
    entry("js", Decoder::Js, BACKSLASH, js::decode),
    // CSS escapes and comments.
    entry("css", Decoder::Css, BACKSLASH | STAR, css::decode),
    // Base64 of plausible text, the whole input.
    entry(
        "base64",
        Decoder::Base64,
        LOWER | UPPER | DIGIT,
        base64::decode_text,
    ),
    // 0x… and x'…' of plausible text, in place.
    entry("hex", Decoder::Hex, DIGIT | QUOTE, hex::decode),
    // UTF-7 runs of ASCII.
    entry("utf7", Decoder::Utf7, PLUS, utf7::decode),
    // Overlong UTF-8 to the ASCII it stands for.
    entry("overlong", Decoder::Overlong, HIGH, overlong::decode),
    // Full-width, styled and look-alike characters to ASCII.
    entry("fold", Decoder::Fold, HIGH, fold::decode),
    // NUL and invisible characters removed, other control bytes to space.
    entry(
        "controls",
        Decoder::Controls,
        CONTROL | HIGH,
        controls::decode,
    ),
    // Runs of white space to one space.
    entry(
        "whitespace",
        Decoder::Whitespace,
        SPACE | CONTROL | HIGH,
        whitespace::decode,
    ),
    // SQL comments to one space.
    entry(
        "sqlcomment",
        Decoder::SqlComment,
        STAR | HASH | PLAIN_PUNCT,
        sqlcomment::decode,
    ),
    // Shell quoting removed.
    entry(
        "shell",
        Decoder::Shell,
        QUOTE | DQUOTE | BACKSLASH | CARET | DOLLAR,
        shell::decode,
    ),
    // One kind of slash, no path parameters, no empty or `.` segments.
    entry(
        "path",
        Decoder::Path,
        SLASH | BACKSLASH | SEMI,
        path::decode,
    ),
    // ASCII lower case.
    entry("lower", Decoder::Lower, UPPER, lower::decode),
    // White space removed.
    entry(
        "compact",
        Decoder::Compact,
        SPACE | CONTROL | HIGH,
        compact::decode,
    ),
];

impl Decoder {
    /// The row of [`TABLE`].
    pub const fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// The decoder that rules call `name`.
    pub fn named(name: &str) -> Option<Decoder> {
        TABLE.iter().find(|e| e.name == name).map(|e| e.decoder)
    }

    /// The decoder's bit in [`Layers::decoders`].
    pub const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Runs `chain` over `input`, one decoder after the other. The result is in `result` when the answer is true; when
/// it is false nothing changed. `spare` is room to work in.
pub fn apply_chain(
    chain: &[Decoder],
    input: &[u8],
    result: &mut Vec<u8>,
    spare: &mut Vec<u8>,
) -> bool {
    let mut changed = false;
    for decoder in chain {
        let current = if changed { result.as_slice() } else { input };
        spare.clear();
        if (decoder.entry().run)(current, spare) {
            std::mem::swap(result, spare);
            changed = true;
        }
    }
    changed
}

#[cfg(test)]
mod tests;
