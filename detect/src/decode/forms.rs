//! The forms of every field of one request, computed on first use and shared by all rules.
//!
//! A form that changes nothing borrows the bytes it was made from, in the end the field's own. What does change is
//! written to one arena, which is reused from request to request and bounded: past [`ARENA_CAP`] a form falls back to
//! the bytes it would have been made from, and [`Forms::exhausted`] says so.

use super::class::{BACKSLASH, CharClass, HIGH, PERCENT, PLUS, SEMI, SLASH, classify};
use super::rounds::{self, Buffers, Escapes, Layers};
use super::{Decoder, Form, Run, html, js, percent};
use crate::field::Encoding;

/// Most bytes of changed forms that one request may have.
pub const ARENA_CAP: usize = 4 << 20;

/// Most chains that one set of rules may name.
pub const MOST_CHAINS: usize = 16;

/// Capacity that is kept from request to request.
const KEPT: usize = 1 << 20;

/// A form by number: first the presets, then the chains of a rule set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FormId(u8);

impl FormId {
    /// The number, below [`Form::COUNT`] + [`MOST_CHAINS`].
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// The preset, where it is one.
    pub fn preset(self) -> Option<Form> {
        Form::ALL.get(self.index()).map(|(_, form)| *form)
    }
}

impl From<Form> for FormId {
    fn from(form: Form) -> Self {
        Self(form as u8)
    }
}

/// The lists of decoders that the rules of a set name beside the presets. A list starts from `Value`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chains(Vec<Vec<Decoder>>);

impl Chains {
    /// No chains.
    pub const EMPTY: &'static Chains = &Chains(Vec::new());

    /// The number of this chain, the same one for equal chains. `None` when [`MOST_CHAINS`] others are there.
    pub fn intern(&mut self, chain: &[Decoder]) -> Option<FormId> {
        let known = self.0.iter().position(|c| c == chain);
        let at = known.unwrap_or(self.0.len());
        if at >= MOST_CHAINS {
            return None;
        }
        if known.is_none() {
            self.0.push(chain.to_vec());
        }
        u8::try_from(Form::COUNT + at).ok().map(FormId)
    }

    /// The decoders of a chain; `None` for presets and numbers of another set.
    pub fn decoders(&self, id: FormId) -> Option<&[Decoder]> {
        self.0
            .get(id.index().checked_sub(Form::COUNT)?)
            .map(Vec::as_slice)
    }
}

/// Where the bytes of one form are.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u32,
    end: u32,
    class: CharClass,
}

impl Slot {
    const UNKNOWN: Slot = Slot {
        start: u32::MAX,
        end: 0,
        class: CharClass(0),
    };

    /// The field's own bytes.
    const fn raw(class: CharClass) -> Slot {
        Slot {
            start: u32::MAX,
            end: 1,
            class,
        }
    }

    const fn is_known(self) -> bool {
        self.start != u32::MAX || self.end != 0
    }

    fn bytes<'a>(self, arena: &'a [u8], raw: &'a [u8]) -> &'a [u8] {
        if self.start == u32::MAX {
            return raw;
        }
        arena
            .get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

/// `Value` with layers undone but `\n` and its like left, which `Shell` and `Path` start from.
const NUMERIC: usize = Form::COUNT;
/// `Value` with layers undone but no escape of JavaScript, which `Css` starts from.
const UNESCAPED: usize = Form::COUNT + 1;
const SLOTS: usize = Form::COUNT + 2;

#[derive(Clone, Copy, Debug)]
struct Row {
    slots: [Slot; SLOTS],
    layers: Layers,
}

const FRESH: Row = Row {
    slots: [Slot::UNKNOWN; SLOTS],
    layers: Layers {
        rounds: 0,
        decoders: 0,
        nul: false,
        invalid_percent: false,
        invalid_utf8: false,
        unfinished: false,
    },
};

/// The forms of the fields of one request.
#[derive(Debug, Default)]
pub struct Forms {
    rows: Vec<Row>,
    /// [`MOST_CHAINS`] a field, or empty while no chain was asked for.
    chained: Vec<Slot>,
    arena: Vec<u8>,
    buffers: Buffers,
    exhausted: bool,
}

impl Forms {
    /// Room for no fields yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the request before and makes room for `fields` fields.
    pub fn begin(&mut self, fields: usize) {
        self.rows.clear();
        self.rows.resize(fields, FRESH);
        self.chained.clear();
        self.arena.clear();
        self.arena.shrink_to(KEPT);
        self.buffers.shrink(KEPT);
        self.exhausted = false;
    }

    /// Whether some form of this request fell back to an earlier one for want of room.
    pub const fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// Computes `form` of the field `index`, unless that was done, and says what bytes it is made of. The same
    /// `raw` and `encoding` must come with an index throughout a request. Does nothing for an index out of range.
    pub fn ensure(
        &mut self,
        index: usize,
        form: impl Into<FormId>,
        raw: &[u8],
        encoding: Encoding,
        chains: &Chains,
    ) -> CharClass {
        let id = form.into();
        match id.preset() {
            Some(form) => self.preset(index, form, raw, encoding).class,
            None => self.chain(index, id, raw, encoding, chains).class,
        }
    }

    /// The bytes of a form that [`ensure`](Self::ensure) computed; `raw` for one that it did not.
    pub fn view<'a>(&'a self, index: usize, form: impl Into<FormId>, raw: &'a [u8]) -> &'a [u8] {
        self.slot(index, form.into()).bytes(&self.arena, raw)
    }

    /// The kinds of bytes of a form that [`ensure`](Self::ensure) computed.
    pub fn class(&self, index: usize, form: impl Into<FormId>) -> CharClass {
        self.slot(index, form.into()).class
    }

    /// [`ensure`](Self::ensure) and [`view`](Self::view) in one, for a preset.
    pub fn get<'a>(
        &'a mut self,
        index: usize,
        form: Form,
        raw: &'a [u8],
        encoding: Encoding,
    ) -> &'a [u8] {
        let slot = self.preset(index, form, raw, encoding);
        slot.bytes(&self.arena, raw)
    }

    /// What lay around the field's value. Complete once `Decoded`, or any form after it, was computed.
    pub fn layers(&self, index: usize) -> Layers {
        self.rows.get(index).map_or(FRESH.layers, |row| row.layers)
    }

    fn slot(&self, index: usize, id: FormId) -> Slot {
        let slot = match id.preset() {
            Some(form) => self.rows.get(index).map(|row| row.slots[form as usize]),
            None => self
                .chained
                .get(index * MOST_CHAINS + id.index() - Form::COUNT)
                .copied(),
        };
        slot.unwrap_or(Slot::UNKNOWN)
    }

    fn preset(&mut self, index: usize, form: Form, raw: &[u8], encoding: Encoding) -> Slot {
        let Some(row) = self.rows.get(index) else {
            return Slot::raw(classify(raw));
        };
        let known = row.slots[form as usize];
        if known.is_known() {
            return known;
        }
        let slot = match form {
            Form::Raw => Slot::raw(classify(raw)),
            Form::Value => self.value(index, raw, encoding),
            Form::Decoded => self.decoded(index, raw, encoding),
            Form::Text => {
                let from = self.preset(index, Form::Decoded, raw, encoding);
                self.derive(from, raw, &[Decoder::Lower, Decoder::Whitespace])
            }
            Form::Compact => {
                let from = self.preset(index, Form::Text, raw, encoding);
                self.derive(from, raw, &[Decoder::Compact])
            }
            Form::Sql => self.sql(index, raw, encoding),
            Form::Shell => self.shell(index, raw, encoding),
            Form::Path => self.path(index, raw, encoding),
            Form::Css => self.css(index, raw, encoding),
        };
        self.rows[index].slots[form as usize] = slot;
        slot
    }

    fn value(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.preset(index, Form::Raw, raw, encoding);
        let mut invalid = false;
        let (needs, run): (u32, Run) = match encoding {
            // Never run: nothing is needed of it.
            Encoding::Plain => (0, percent::decode_value),
            Encoding::Form => (PERCENT | PLUS, percent::decode_form),
            Encoding::Percent => (PERCENT, percent::decode_value),
            Encoding::JsonString | Encoding::GraphqlString => (BACKSLASH, js::decode_json),
            Encoding::Xml => (super::class::AMP, html::decode_xml),
        };
        let mut slot = from;
        if from.class.has(needs) {
            if from.class.has(PERCENT) && matches!(encoding, Encoding::Form | Encoding::Percent) {
                invalid = percent::has_invalid(raw);
            }
            if self.buffers.step(run, raw, false) {
                slot = self.store(from, classify(&self.buffers.current));
            }
        }
        let bytes = slot.bytes(&self.arena, raw);
        let invalid_utf8 = slot.class.has(HIGH) && std::str::from_utf8(bytes).is_err();
        let layers = &mut self.rows[index].layers;
        layers.invalid_percent = invalid;
        layers.invalid_utf8 = invalid_utf8;
        slot
    }

    fn decoded(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.preset(index, Form::Value, raw, encoding);
        let mut layers = self.rows[index].layers;
        let slot = self.undo(from, raw, Escapes::All, &mut layers);
        self.rows[index].layers = layers;
        slot
    }

    fn undo(&mut self, from: Slot, raw: &[u8], escapes: Escapes, layers: &mut Layers) -> Slot {
        if rounds::is_bare(from.class) {
            return from;
        }
        let bytes = from.bytes(&self.arena, raw);
        match rounds::undo(bytes, from.class, escapes, &mut self.buffers, layers) {
            Some(class) => self.store(from, class),
            None => from,
        }
    }

    /// `Decoded`, or where JavaScript escapes played a part in it, what comes out with other `escapes`.
    fn base(&mut self, index: usize, raw: &[u8], encoding: Encoding, escapes: Escapes) -> Slot {
        let decoded = self.preset(index, Form::Decoded, raw, encoding);
        if !self.rows[index].layers.has(Decoder::Js) {
            return decoded;
        }
        let at = if escapes == Escapes::Numeric {
            NUMERIC
        } else {
            UNESCAPED
        };
        let known = self.rows[index].slots[at];
        if known.is_known() {
            return known;
        }
        let from = self.preset(index, Form::Value, raw, encoding);
        let slot = self.undo(from, raw, escapes, &mut Layers::default());
        self.rows[index].slots[at] = slot;
        slot
    }

    fn sql(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.preset(index, Form::Decoded, raw, encoding);
        // Every comment needs one of these pairs or a newline; without them the text is the form.
        let bytes = from.bytes(&self.arena, raw);
        if from.class.intersects(Decoder::SqlComment.entry().needs)
            && super::sqlcomment::is_likely(bytes)
        {
            let chain = [Decoder::SqlComment, Decoder::Lower, Decoder::Whitespace];
            return self.derive(from, raw, &chain);
        }
        self.preset(index, Form::Text, raw, encoding)
    }

    fn shell(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.base(index, raw, encoding, Escapes::Numeric);
        if from.class.intersects(Decoder::Shell.entry().needs) {
            // Before white space is squeezed: a backslash and a newline vanish together.
            let chain = [Decoder::Lower, Decoder::Shell, Decoder::Whitespace];
            return self.derive(from, raw, &chain);
        }
        self.preset(index, Form::Text, raw, encoding)
    }

    fn path(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.base(index, raw, encoding, Escapes::Numeric);
        if from.class.has(BACKSLASH) {
            let chain = [Decoder::Lower, Decoder::Whitespace, Decoder::Path];
            return self.derive(from, raw, &chain);
        }
        let text = self.preset(index, Form::Text, raw, encoding);
        if text.class.has(SLASH | SEMI) {
            return self.derive(text, raw, &[Decoder::Path]);
        }
        text
    }

    fn css(&mut self, index: usize, raw: &[u8], encoding: Encoding) -> Slot {
        let from = self.base(index, raw, encoding, Escapes::None);
        if from.class.intersects(Decoder::Css.entry().needs) {
            let chain = [Decoder::Css, Decoder::Lower, Decoder::Whitespace];
            return self.derive(from, raw, &chain);
        }
        self.preset(index, Form::Text, raw, encoding)
    }

    fn chain(
        &mut self,
        index: usize,
        id: FormId,
        raw: &[u8],
        encoding: Encoding,
        chains: &Chains,
    ) -> Slot {
        let known = self.slot(index, id);
        if known.is_known() {
            return known;
        }
        let from = self.preset(index, Form::Value, raw, encoding);
        let Some(decoders) = chains.decoders(id) else {
            return from;
        };
        let slot = self.derive(from, raw, decoders);
        if self.chained.is_empty() {
            let all = self.rows.len() * MOST_CHAINS;
            self.chained.resize(all, Slot::UNKNOWN);
        }
        if let Some(place) = self
            .chained
            .get_mut(index * MOST_CHAINS + id.index() - Form::COUNT)
        {
            *place = slot;
        }
        slot
    }

    /// The bytes of `from` through a chain of decoders, each skipped where it has nothing to do.
    fn derive(&mut self, from: Slot, raw: &[u8], chain: &[Decoder]) -> Slot {
        let input = from.bytes(&self.arena, raw);
        let mut class = from.class;
        let mut changed = false;
        for decoder in chain {
            let entry = decoder.entry();
            if class.intersects(entry.needs) && self.buffers.step(entry.run, input, changed) {
                changed = true;
                class = classify(&self.buffers.current);
            }
        }
        if changed {
            self.store(from, class)
        } else {
            from
        }
    }

    /// Keeps what is in the buffer, or falls back to `from` where there is no room.
    fn store(&mut self, from: Slot, class: CharClass) -> Slot {
        let bytes = &self.buffers.current;
        if self.arena.len() + bytes.len() > ARENA_CAP {
            self.exhausted = true;
            return from;
        }
        let start = self.arena.len();
        self.arena.extend_from_slice(bytes);
        match (u32::try_from(start), u32::try_from(self.arena.len())) {
            (Ok(start), Ok(end)) => Slot { start, end, class },
            _ => from,
        }
    }
}

#[cfg(test)]
mod tests;
