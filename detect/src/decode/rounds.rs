//! Encodings inside encodings: every decoder of `STEPS` in turn, round after round, until a round changes nothing
//! or [`MOST_ROUNDS`] are done. What happened on the way is kept as [`Layers`], because the number of layers around a
//! value is evidence in itself.

use super::class::{CONTROL, CharClass, HIGH, classify};
use super::{Decoder, Run, js, percent};

/// How many rounds are made at most.
pub const MOST_ROUNDS: u8 = 5;

/// What undoing the layers around a value met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Rounds beyond `Value` in which an encoding was undone (folding and control bytes do not count), 0 to 5.
    pub rounds: u8,
    /// Which decoders changed something beyond `Value`: bits of [`Decoder::bit`].
    pub decoders: u32,
    /// A NUL byte stood in the value or under one of its layers.
    pub nul: bool,
    /// A percent sign of the value began no escape.
    pub invalid_percent: bool,
    /// The value is no well-formed UTF-8.
    pub invalid_utf8: bool,
    /// The last round still changed something: deeper layers are left.
    pub unfinished: bool,
}

impl Layers {
    /// Whether `decoder` changed something.
    pub const fn has(self, decoder: Decoder) -> bool {
        self.decoders & decoder.bit() != 0
    }

    /// Whether overlong UTF-8 was met.
    pub const fn overlong(self) -> bool {
        self.has(Decoder::Overlong)
    }
}

/// How backslashes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// As JavaScript escapes, `\n` and its like too.
    All,
    /// As JavaScript escapes, except those of one letter: for shells and paths.
    Numeric,
    /// As themselves: for CSS, whose escapes look like octal ones.
    None,
}

/// Two buffers that a chain of decoders passes bytes between.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    /// Where the result of a change is.
    pub(super) current: Vec<u8>,
    /// Where the next decoder writes.
    pub(super) spare: Vec<u8>,
}

impl Buffers {
    /// Runs one decoder over the current bytes (`input` while nothing has changed). True when it changed them.
    pub(super) fn step(&mut self, run: Run, input: &[u8], changed: bool) -> bool {
        let bytes = if changed {
            self.current.as_slice()
        } else {
            input
        };
        self.spare.clear();
        let now = run(bytes, &mut self.spare);
        if now {
            std::mem::swap(&mut self.current, &mut self.spare);
        }
        now
    }

    /// Gives back what an unusually large request made the buffers grow to.
    pub(super) fn shrink(&mut self, most: usize) {
        self.current.shrink_to(most);
        self.spare.shrink_to(most);
    }
}

/// The decoders of one round, in order. UTF-7 comes before percent escapes, whose second round reads `+` as a space;
/// overlong sequences come before folding, which reads well-formed UTF-8 only.
const STEPS: [(Decoder, Run); 7] = [
    (Decoder::Utf7, super::utf7::decode),
    (Decoder::Percent, percent::decode_again),
    (Decoder::Html, super::html::decode),
    (Decoder::Js, js::decode),
    (Decoder::Overlong, super::overlong::decode),
    (Decoder::Fold, super::fold::decode),
    (Decoder::Controls, super::controls::decode),
];

/// Undoes every layer around `input`, whose bytes are of `class`. When the answer is a class, something changed: the
/// result is in `buffers.current` and of that class.
pub(super) fn undo(
    input: &[u8],
    class: CharClass,
    escapes: Escapes,
    buffers: &mut Buffers,
    layers: &mut Layers,
) -> Option<CharClass> {
    let mut class = class;
    let mut changed = false;
    for round in 0..MOST_ROUNDS {
        let mut round_changed = false;
        let mut encoding_undone = false;
        for (decoder, run) in STEPS {
            let Some(run) = strength(decoder, run, escapes) else {
                continue;
            };
            if !class.intersects(decoder.entry().needs) {
                continue;
            }
            if decoder == Decoder::Controls && class.has(CONTROL) {
                let bytes = if changed {
                    buffers.current.as_slice()
                } else {
                    input
                };
                layers.nul |= memchr::memchr(0, bytes).is_some();
            }
            if buffers.step(run, input, changed) {
                changed = true;
                round_changed = true;
                encoding_undone |= !matches!(decoder, Decoder::Fold | Decoder::Controls);
                layers.decoders |= decoder.bit();
                class = classify(&buffers.current);
            }
        }
        layers.rounds += u8::from(encoding_undone);
        if !round_changed {
            break;
        }
        layers.unfinished = round + 1 == MOST_ROUNDS;
    }
    changed.then_some(class)
}

fn strength(decoder: Decoder, run: Run, escapes: Escapes) -> Option<Run> {
    match (decoder, escapes) {
        (Decoder::Js, Escapes::None) => None,
        (Decoder::Js, Escapes::Numeric) => Some(js::decode_numeric),
        _ => Some(run),
    }
}

/// Whether `undo` would find nothing to do, judged by the class alone.
pub(super) const fn is_bare(class: CharClass) -> bool {
    use super::class::{AMP, BACKSLASH, PERCENT, PLUS};
    !class.has(PERCENT | PLUS | AMP | BACKSLASH | CONTROL | HIGH)
}
