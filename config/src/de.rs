//! From the tree to any serde type, with the place of what was wrong.
//!
//! What serde itself would say ("unknown field `x`, expected one of …") is turned into a problem with the line and
//! column of the node it happened at, and a suggestion.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};

use crate::problem::{Position, Problem};
use crate::suggest;
use crate::tree::{Key, Kind, Meaning, Node, Style};

/// What serde refused, and where.
#[derive(Debug)]
pub(crate) struct Error {
    position: Option<Position>,
    message: String,
    help: Option<String>,
    /// The key at `position` is not known: the rest can be read without it.
    unknown_key: bool,
}

/// Reads a whole tree as `T`. All unknown keys are reported at once, and otherwise the first problem.
pub(crate) fn read<T: DeserializeOwned>(node: &Node, file: &str) -> Result<T, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut rest = None;
    loop {
        let error = match T::deserialize(rest.as_ref().unwrap_or(node)) {
            Ok(value) if problems.is_empty() => return Ok(value),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let position = error.position.unwrap_or(node.position);
        let again = error.unknown_key && problems.len() < MAX_ROUNDS;
        problems.push(error.into_problem(file, position));
        let tree = rest.get_or_insert_with(|| node.clone());
        if !again || !remove_key(tree, position) {
            return Err(problems);
        }
    }
}

/// How often a tree is read again without an unknown key.
const MAX_ROUNDS: usize = 20;

/// Takes out the entry whose key stands at `position`.
fn remove_key(node: &mut Node, position: Position) -> bool {
    match &mut node.kind {
        Kind::Scalar(_) => false,
        Kind::Sequence(items) => items.iter_mut().any(|item| remove_key(item, position)),
        Kind::Mapping(entries) => {
            let before = entries.len();
            entries.retain(|(key, _)| key.position != position);
            entries.len() < before
                || entries
                    .iter_mut()
                    .any(|(_, value)| remove_key(value, position))
        }
    }
}

impl Error {
    fn new(message: String) -> Self {
        Self {
            position: None,
            message,
            help: None,
            unknown_key: false,
        }
    }

    /// The innermost place wins: it is set first.
    fn at(mut self, position: Position) -> Self {
        self.position.get_or_insert(position);
        self
    }

    fn into_problem(self, file: &str, position: Position) -> Problem {
        Problem {
            help: self.help,
            ..Problem::at(file, position, self.message)
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", described(found)))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {}", described(found)))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        let mut error = Self::new(format!(
            "`{word}` is not one of {}",
            suggest::list(known.iter().copied())
        ));
        error.help = suggest::nearest(word, known.iter().copied())
            .map(|near| format!("did you mean `{near}`?"));
        error
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        let mut error = Self::new(format!("the key `{word}` is not known here"));
        error.help = Some(match suggest::nearest(word, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", suggest::list(known.iter().copied())),
        });
        error.unknown_key = true;
        error
    }

    fn missing_field(name: &'static str) -> Self {
        let mut error = Self::new(format!("`{name}` is missing"));
        error.help = Some(format!("write `{name}: …`"));
        error
    }
}

fn described(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("the text `{text}`"),
        Unexpected::Bool(value) => format!("`{value}`"),
        Unexpected::Unsigned(value) => format!("the number {value}"),
        Unexpected::Signed(value) => format!("the number {value}"),
        Unexpected::Float(value) => format!("the number {value}"),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "a mapping".to_owned(),
        Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
        other => other.to_string(),
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let result = match &self.kind {
            Kind::Scalar(scalar) => match scalar.meaning() {
                Meaning::Null => visitor.visit_unit(),
                Meaning::Bool(value) => visitor.visit_bool(value),
                Meaning::Unsigned(value) => visitor.visit_u64(value),
                Meaning::Signed(value) => visitor.visit_i64(value),
                Meaning::Float(value) => visitor.visit_f64(value),
                Meaning::Text(text) => visitor.visit_borrowed_str(text),
            },
            Kind::Sequence(items) => visitor.visit_seq(Items(items.iter())),
            Kind::Mapping(entries) => visitor.visit_map(Entries::new(entries, &[])),
        };
        result.map_err(|error| error.at(self.position))
    }

    /// Text also where the scalar looks like a number or truth value: `x-version: 2` needs no quotes.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.kind {
            Kind::Scalar(scalar)
                if scalar.style == Style::Quoted || scalar.meaning() != Meaning::Null =>
            {
                visitor
                    .visit_borrowed_str(&scalar.text)
                    .map_err(|error: Error| error.at(self.position))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    /// A key without a value stands for its default, and a section without a value for an empty one: that is what
    /// remains when everything below is commented out.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match &self.kind {
            Kind::Mapping(entries) => visitor.visit_map(Entries::new(entries, fields)),
            Kind::Scalar(_) if self.is_null() => visitor.visit_map(Entries::new(&[], fields)),
            _ => return self.deserialize_any(visitor),
        };
        result.map_err(|error| error.at(self.position))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_null() {
            let nothing = Entries::new(&[], &[]);
            return visitor
                .visit_map(nothing)
                .map_err(|error| error.at(self.position));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let result = match &self.kind {
            Kind::Scalar(scalar) => visitor.visit_enum(scalar.text.as_str().into_deserializer()),
            Kind::Mapping(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant(&entries[0]))
            }
            Kind::Mapping(_) => Err(Error::new(
                "expected a mapping with exactly one key".to_owned(),
            )),
            Kind::Sequence(_) => Err(Error::new("expected a word, found a list".to_owned())),
        };
        result.map_err(|error: Error| error.at(self.position))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple
        tuple_struct identifier ignored_any
    }
}

struct Items<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        self.0.next().map(|node| seed.deserialize(node)).transpose()
    }
}

struct Entries<'de> {
    entries: std::slice::Iter<'de, (Key, Node)>,
    value: Option<&'de Node>,
    /// The fields of a struct, which are passed over where they have no value.
    optional: &'static [&'static str],
}

impl<'de> Entries<'de> {
    fn new(entries: &'de [(Key, Node)], optional: &'static [&'static str]) -> Self {
        Self {
            entries: entries.iter(),
            value: None,
            optional,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        for (key, value) in self.entries.by_ref() {
            if value.is_null() && self.optional.contains(&key.text.as_str()) {
                continue;
            }
            let words: StrDeserializer<'de, Error> = key.text.as_str().into_deserializer();
            let read = seed
                .deserialize(words)
                .map_err(|error| error.at(key.position))?;
            self.value = Some(value);
            return Ok(Some(read));
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value),
            None => Err(Error::new(
                "a value was asked for before its key".to_owned(),
            )),
        }
    }
}

struct Variant<'de>(&'de (Key, Node));

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Error;
    type Variant = &'de Node;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, &'de Node), Error> {
        let (key, node) = self.0;
        let words: StrDeserializer<'de, Error> = key.text.as_str().into_deserializer();
        let variant = seed
            .deserialize(words)
            .map_err(|error| error.at(key.position))?;
        Ok((variant, node))
    }
}

impl<'de> VariantAccess<'de> for &'de Node {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        if self.is_null() {
            return Ok(());
        }
        Err(Error::new("this word takes no value".to_owned()).at(self.position))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_struct("", fields, visitor)
    }
}
