//! YAML as a tree in which every node and key knows its line and column.
//!
//! `saphyr-parser` reads the syntax; this file builds the tree and refuses what a configuration does not need and
//! what makes files ambiguous or dangerous: duplicate keys, several documents, keys that are no text, tags, endless
//! aliases. Everything later ([`crate::check`], [`crate::de`]) works on this tree, so a file is read once.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::problem::{Position, Problem};

/// The longest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// The deepest nesting.
const MAX_DEPTH: usize = 64;

/// The most nodes of one file, aliases written out: what bounds "billion laughs".
const MAX_NODES: usize = 200_000;

/// One value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) kind: Kind,
    /// Something below was found wrong and taken out, so that conclusions about the whole may be false.
    pub(crate) damaged: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Scalar(Scalar),
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) position: Position,
}

/// A scalar's text and how it came about, which decides what it may mean.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    pub(crate) text: String,
    pub(crate) style: Style,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// Written without quotes: may be a number, a truth value or nothing.
    Plain,
    /// Written in quotes or as a block: always text.
    Quoted,
    /// Put in from the environment: a number or truth value, but never nothing.
    Expanded,
    /// Read from a file: like `Expanded`, and never repeated in a message.
    Secret,
}

/// What a scalar means under the core schema of YAML 1.2.2, section 10.3.2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Meaning<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'a str),
}

impl Node {
    pub(crate) fn new(position: Position, kind: Kind) -> Self {
        Self {
            position,
            kind,
            damaged: false,
        }
    }

    /// Whether nothing is written here: an empty value, `~` or `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar(scalar) if scalar.meaning() == Meaning::Null)
    }

    /// The value of a key, where this is a mapping that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Node> {
        self.entry(name).map(|(_, node)| node)
    }

    /// A key and its value, where this is a mapping that has it.
    pub(crate) fn entry(&self, name: &str) -> Option<&(Key, Node)> {
        match &self.kind {
            Kind::Mapping(entries) => entries.iter().find(|(key, _)| key.text == name),
            Kind::Scalar(_) | Kind::Sequence(_) => None,
        }
    }

    /// The items of a list; none where this is no list.
    pub(crate) fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::Sequence(items) => items,
            Kind::Scalar(_) | Kind::Mapping(_) => &[],
        }
    }

    /// The keys of a mapping; none where this is no mapping.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        let entries: &[(Key, Node)] = match &self.kind {
            Kind::Mapping(entries) => entries,
            Kind::Scalar(_) | Kind::Sequence(_) => &[],
        };
        entries.iter().map(|(key, _)| key)
    }

    /// The text of a scalar.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(scalar) => Some(&scalar.text),
            Kind::Sequence(_) | Kind::Mapping(_) => None,
        }
    }

    /// How many nodes this is, itself included, and how many levels.
    fn extent(&self) -> (usize, usize) {
        let (mut nodes, mut depth) = (1, 0);
        let mut add = |child: &Node| {
            let (n, d) = child.extent();
            nodes += n;
            depth = depth.max(d);
        };
        match &self.kind {
            Kind::Scalar(_) => {}
            Kind::Sequence(items) => items.iter().for_each(&mut add),
            Kind::Mapping(entries) => entries.iter().for_each(|(_, node)| add(node)),
        }
        (nodes, depth + 1)
    }
}

impl Scalar {
    /// What the scalar means. Quoted text is text; `.inf`, `.nan` and numbers past 64 bits are text too, since no
    /// setting takes them.
    pub(crate) fn meaning(&self) -> Meaning<'_> {
        let text = self.text.as_str();
        match (self.style, text) {
            (Style::Quoted, _) => Meaning::Text(text),
            (Style::Plain, "" | "~" | "null" | "Null" | "NULL") => Meaning::Null,
            (_, "true" | "True" | "TRUE") => Meaning::Bool(true),
            (_, "false" | "False" | "FALSE") => Meaning::Bool(false),
            _ => number(text).unwrap_or(Meaning::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<Meaning<'static>> {
    let unsigned = match text.get(..2) {
        Some("0x") => u64::from_str_radix(digits(text.get(2..)?)?, 16).ok(),
        Some("0o") => u64::from_str_radix(digits(text.get(2..)?)?, 8).ok(),
        _ => text.parse().ok(),
    };
    if let Some(value) = unsigned {
        return Some(Meaning::Unsigned(value));
    }
    if let Ok(value) = text.parse() {
        return Some(Meaning::Signed(value));
    }
    // Rust also reads `inf`, `nan` and `infinity`; YAML does not.
    let shape = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
    let value: f64 = text.parse().ok().filter(|_| shape)?;
    value.is_finite().then_some(Meaning::Float(value))
}

/// Refuses the sign that `from_str_radix` would let pass after `0x`.
fn digits(text: &str) -> Option<&str> {
    text.bytes()
        .all(|b| b.is_ascii_alphanumeric())
        .then_some(text)
}

/// Reads one YAML document. A text without any is an empty value at its beginning.
pub(crate) fn parse(text: &str, file: &str) -> Result<Node, Vec<Problem>> {
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file is longer than {} MiB", MAX_FILE_BYTES >> 20);
        return Err(vec![Problem::whole(file, message)]);
    }
    let mut builder = Builder::new(file);
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    while let Some(next) = parser.next_event() {
        let step = match next {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(Box::new(
                Problem::at(file, place(error.marker()), format!("this is no YAML: {}", error.info())).with_help(
                    "check the indentation (spaces, never tabs), and quote text that holds `: `, ` #`, `{`, `[`, `*` or `&`",
                ),
            )),
        };
        if let Err(problem) = step {
            builder.problems.push(*problem);
            return Err(builder.problems);
        }
    }
    builder.finish()
}

fn place(marker: &Marker) -> Position {
    Position {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

/// Puts events together. Collects what is wrong where it can read on, and stops where it cannot.
struct Builder<'a> {
    file: &'a str,
    problems: Vec<Problem>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A list or mapping whose end has not come yet.
struct Frame {
    position: Position,
    anchor: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<(Key, Node)>,
        seen: HashSet<String>,
        key: Option<Key>,
    },
}

type Step = Result<(), Box<Problem>>;

impl<'a> Builder<'a> {
    fn new(file: &'a str) -> Self {
        Self {
            file,
            problems: Vec::new(),
            open: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            documents: 0,
            root: None,
        }
    }

    fn finish(self) -> Result<Node, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        Ok(self.root.unwrap_or_else(|| {
            let nothing = Scalar {
                text: String::new(),
                style: Style::Plain,
            };
            Node::new(Position::START, Kind::Scalar(nothing))
        }))
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Step {
        let position = place(&span.start);
        match event {
            Event::DocumentStart(_) => self.document(position),
            Event::Scalar(text, style, anchor, tag) => {
                let style = self.scalar_style(style, tag.as_deref(), position);
                let text = text.into_owned();
                let node = Node::new(position, Kind::Scalar(Scalar { text, style }));
                self.complete(node, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "seq", position);
                self.begin(position, anchor, Content::Sequence(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_tag(tag.as_deref(), "map", position);
                let content = Content::Mapping {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                };
                self.begin(position, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => self.alias(anchor, position),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn document(&mut self, position: Position) -> Step {
        self.documents += 1;
        if self.documents > 1 {
            return Err(self.problem(
                position,
                "a second document begins here",
                "keep one document per file, without `---`",
            ));
        }
        Ok(())
    }

    fn begin(&mut self, position: Position, anchor: usize, content: Content) -> Step {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.problem(
                position,
                format!("nested deeper than {MAX_DEPTH} levels"),
                "no setting is that deep",
            ));
        }
        self.open.push(Frame {
            position,
            anchor,
            content,
        });
        Ok(())
    }

    fn end(&mut self) -> Step {
        // The parser balances its events, so there is always a frame to close.
        let Some(frame) = self.open.pop() else {
            return Ok(());
        };
        let kind = match frame.content {
            Content::Sequence(items) => Kind::Sequence(items),
            Content::Mapping { entries, .. } => Kind::Mapping(entries),
        };
        self.complete(Node::new(frame.position, kind), frame.anchor)
    }

    fn alias(&mut self, anchor: usize, position: Position) -> Step {
        let Some(node) = self.anchors.get(&anchor) else {
            return Err(self.problem(
                position,
                "this alias stands inside its own anchor",
                "write the value out",
            ));
        };
        let (nodes, depth) = node.extent();
        if self.nodes + nodes > MAX_NODES || self.open.len() + depth > MAX_DEPTH {
            return Err(self.problem(
                position,
                "aliases make this file too large",
                "write the values out",
            ));
        }
        self.nodes += nodes;
        let copy = node.clone();
        self.complete(copy, 0)
    }

    /// Hands a whole node to what it stands in.
    fn complete(&mut self, node: Node, anchor: usize) -> Step {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.problem(
                node.position,
                format!("more than {MAX_NODES} values in one file"),
                "split the file",
            ));
        }
        if anchor > 0 {
            self.nodes += node.extent().0;
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut().map(|frame| &mut frame.content) {
            None => self.root = Some(node),
            Some(Content::Sequence(items)) => items.push(node),
            Some(Content::Mapping { entries, seen, key }) => match (key.take(), node.kind) {
                (Some(key), kind) => {
                    if seen.insert(key.text.clone()) {
                        entries.push((key, Node::new(node.position, kind)));
                    } else {
                        let first = entries.iter().find(|(k, _)| k.text == key.text);
                        let line = first.map_or(0, |(k, _)| k.position.line);
                        let message =
                            format!("`{}` is written twice, first in line {line}", key.text);
                        let problem = Problem::at(self.file, key.position, message);
                        self.problems.push(problem.with_help("keep one of the two"));
                    }
                }
                (None, Kind::Scalar(scalar)) => {
                    *key = Some(Key {
                        text: scalar.text,
                        position: node.position,
                    });
                }
                (None, Kind::Sequence(_) | Kind::Mapping(_)) => {
                    return Err(self.problem(
                        node.position,
                        "a list or mapping cannot be a key",
                        "if this is text such as `{name}` or `${NAME}`, put it in quotes",
                    ));
                }
            },
        }
        Ok(())
    }

    fn scalar_style(&mut self, style: ScalarStyle, tag: Option<&Tag>, position: Position) -> Style {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => return Style::Quoted,
            _ => self.refuse_tag(tag, "", position),
        }
        match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => Style::Quoted,
        }
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, known: &str, position: Position) {
        let Some(tag) = tag else { return };
        if tag.is_yaml_core_schema() && tag.suffix == known {
            return;
        }
        let problem = Problem::at(
            self.file,
            position,
            format!("the tag `{tag}` means nothing here"),
        );
        self.problems
            .push(problem.with_help("leave it out; text that begins with `!` needs quotes"));
    }

    fn problem(&self, position: Position, message: impl Into<String>, help: &str) -> Box<Problem> {
        Box::new(Problem::at(self.file, position, message).with_help(help))
    }
}

#[cfg(test)]
mod tests;
