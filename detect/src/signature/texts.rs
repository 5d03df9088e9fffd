//! The distinct forms of one field: most decode to the same bytes, and those are scanned once.

use crate::decode::class::{
    AMP, BACKSLASH, CONTROL, HIGH, PERCENT, PLUS, SEMI, SLASH, SPACE, STAR,
};
use crate::decode::{CharClass, Decoder, Form, FormId};
use crate::field::Location;
use crate::signature::lexicon::{FormMask, Text};

/// How many forms a field can have.
const FORMS: usize = Form::COUNT + crate::decode::forms::MOST_CHAINS;

/// The distinct forms of one field.
pub(crate) struct Texts<'t> {
    list: [Text<'t>; FORMS],
    count: usize,
}

impl<'t> Texts<'t> {
    /// None yet, of a field at this location.
    pub(crate) fn new(location: Location) -> Self {
        let none = Text {
            bytes: &[],
            forms: 0,
            location,
        };
        Self {
            list: [none; FORMS],
            count: 0,
        }
    }

    /// Adds bytes and the forms that they are.
    pub(crate) fn add(&mut self, bytes: &'t [u8], forms: FormMask) {
        let known = self.list[..self.count]
            .iter_mut()
            .find(|text| same(text.bytes, bytes));
        if let Some(known) = known {
            known.forms |= forms;
        } else if forms != 0 {
            let text = &mut self.list[self.count];
            text.bytes = bytes;
            text.forms = forms;
            self.count += 1;
        }
    }

    /// Those added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Text<'t>> {
        self.list[..self.count].iter()
    }
}

/// Whether decoding changes nothing but letters' case, so that most forms are the bytes as sent.
pub(crate) fn is_bare(class: CharClass, bytes: &[u8]) -> bool {
    const ENCODED: u32 = PERCENT | PLUS | AMP | BACKSLASH | CONTROL | HIGH;
    let squeezed = || class.has(SPACE) && memchr::memmem::find(bytes, b"  ").is_some();
    !class.has(ENCODED) && !squeezed()
}

/// Whether a form of bare bytes of this class may be other than they are, case aside.
pub(crate) fn differs(id: FormId, class: CharClass) -> bool {
    match id.preset() {
        Some(Form::Raw | Form::Value | Form::Decoded | Form::Text) => false,
        Some(Form::Sql | Form::Css) => class.has(STAR),
        Some(Form::Shell) => class.intersects(Decoder::Shell.entry().needs),
        Some(Form::Path) => class.has(SLASH | SEMI),
        Some(Form::Compact) => class.has(SPACE),
        None => true,
    }
}

/// Whether the automaton would see the same in both.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (std::ptr::eq(a, b) || a.eq_ignore_ascii_case(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode::{Chains, Forms, classify};
    use crate::field::Encoding;

    proptest! {
        #[test]
        fn forms_of_bare_bytes_that_do_not_differ_are_the_bytes(text in "[ -~]{0,40}") {
            let raw = text.as_bytes();
            let class = classify(raw);
            prop_assume!(is_bare(class, raw));
            let encodings = [Encoding::Plain, Encoding::Form, Encoding::Percent, Encoding::JsonString, Encoding::Xml];
            for encoding in encodings {
                let mut forms = Forms::new();
                forms.begin(1);
                for (name, form) in Form::ALL {
                    forms.ensure(0, form, raw, encoding, Chains::EMPTY);
                    let bytes = forms.view(0, form, raw);
                    prop_assert!(differs(form.into(), class) || same(bytes, raw), "{name} {text:?}");
                }
            }
        }
    }
}
