//! As much of the ONNX format as the gate and the explanations of trees need: the graph's operators and initializers. A
//! model is a protobuf message; unknown fields are stepped over, and what is cut off or overlong is no model.

/// A graph, with what it has exactly one of.
#[derive(Debug, Default)]
pub(super) struct Graph<'a> {
    /// The name of its input, if it has a single one that is no initializer.
    pub input: Option<&'a str>,
    /// The name of its output, if it has a single one.
    pub output: Option<&'a str>,
    /// In the order of the file, which is one in which they can be run.
    pub operators: Vec<Operator<'a>>,
    pub initializers: Vec<Tensor<'a>>,
}

/// A node of the graph.
#[derive(Debug, Default)]
pub(super) struct Operator<'a> {
    pub kind: &'a str,
    pub domain: &'a str,
    pub inputs: Vec<&'a str>,
    pub outputs: Vec<&'a str>,
    /// Names, and the messages that hold the values.
    attributes: Vec<(&'a str, &'a [u8])>,
}

/// An initializer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    kind: u64,
    raw: &'a [u8],
    packed: &'a [u8],
    integers: Vec<i64>,
}

/// Of `TensorProto.DataType`.
const FLOAT: u64 = 1;
const UINT8: u64 = 2;
const INT64: u64 = 7;

/// The numbers of the fields that are read, from `onnx.proto3`.
mod number {
    pub(super) const MODEL_GRAPH: u64 = 7;
    pub(super) const GRAPH_NODE: u64 = 1;
    pub(super) const GRAPH_INITIALIZER: u64 = 5;
    pub(super) const GRAPH_INPUT: u64 = 11;
    pub(super) const GRAPH_OUTPUT: u64 = 12;
    /// Of a `ValueInfoProto` and of an `AttributeProto`.
    pub(super) const NAME: u64 = 1;
    pub(super) const NODE_INPUT: u64 = 1;
    pub(super) const NODE_OUTPUT: u64 = 2;
    pub(super) const NODE_KIND: u64 = 4;
    pub(super) const NODE_ATTRIBUTE: u64 = 5;
    pub(super) const NODE_DOMAIN: u64 = 7;
    pub(super) const ATTRIBUTE_INTEGER: u64 = 3;
    pub(super) const ATTRIBUTE_TENSOR: u64 = 5;
    pub(super) const ATTRIBUTE_INTEGERS: u64 = 8;
    pub(super) const TENSOR_TYPE: u64 = 2;
    pub(super) const TENSOR_FLOATS: u64 = 4;
    pub(super) const TENSOR_INTEGERS: u64 = 7;
    pub(super) const TENSOR_NAME: u64 = 8;
    pub(super) const TENSOR_RAW: u64 = 9;
}

impl<'a> Operator<'a> {
    /// The value of an attribute that is a whole number.
    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        let mut found = None;
        each(self.attribute(name)?, |number, value| {
            if let (number::ATTRIBUTE_INTEGER, Value::Number(value)) = (number, value) {
                found = Some(value.cast_signed());
            }
            Some(())
        })?;
        found
    }

    /// The values of an attribute that is a list of whole numbers.
    pub(super) fn integers(&self, name: &str) -> Option<Vec<i64>> {
        let mut found = Vec::new();
        each(self.attribute(name)?, |number, value| match number {
            number::ATTRIBUTE_INTEGERS => take_integers(value, &mut found),
            _ => Some(()),
        })?;
        Some(found)
    }

    /// The tensor of an attribute that is one.
    pub(super) fn tensor(&self, name: &str) -> Option<Tensor<'a>> {
        let mut found = None;
        each(self.attribute(name)?, |number, value| {
            if let (number::ATTRIBUTE_TENSOR, Value::Bytes(bytes)) = (number, value) {
                found = Some(tensor(bytes)?);
            }
            Some(())
        })?;
        found
    }

    fn attribute(&self, name: &str) -> Option<&'a [u8]> {
        let found = self.attributes.iter().find(|(named, _)| *named == name);
        found.map(|(_, bytes)| *bytes)
    }
}

impl<'a> Tensor<'a> {
    /// The values, if they are uint8 as they lie.
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        (self.kind == UINT8).then_some(self.raw)
    }

    /// The values, if they are int64.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        if self.kind != INT64 {
            return None;
        }
        if self.raw.is_empty() {
            return Some(self.integers.clone());
        }
        let (values, rest) = self.raw.as_chunks::<8>();
        let values = values.iter().map(|bytes| i64::from_le_bytes(*bytes));
        rest.is_empty().then(|| values.collect())
    }

    /// The values, if they are float32.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        if self.kind != FLOAT {
            return None;
        }
        let bytes = if self.raw.is_empty() {
            self.packed
        } else {
            self.raw
        };
        let (values, rest) = bytes.as_chunks::<4>();
        rest.is_empty().then(|| {
            values
                .iter()
                .map(|bytes| f32::from_le_bytes(*bytes))
                .collect()
        })
    }
}

/// The initializers of a model's graph; `None` if the bytes are no message.
pub(super) fn initializers(model: &[u8]) -> Option<Vec<Tensor<'_>>> {
    let mut tensors = Vec::new();
    each(model, |number, value| {
        if let (number::MODEL_GRAPH, Value::Bytes(graph)) = (number, value) {
            each(graph, |number, value| {
                if let (number::GRAPH_INITIALIZER, Value::Bytes(bytes)) = (number, value) {
                    tensors.push(tensor(bytes)?);
                }
                Some(())
            })?;
        }
        Some(())
    })?;
    Some(tensors)
}

/// A model's graph; `None` if the bytes are no message.
pub(super) fn graph(model: &[u8]) -> Option<Graph<'_>> {
    let mut graph = Graph::default();
    let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
    each(model, |number, value| match (number, value) {
        (number::MODEL_GRAPH, Value::Bytes(bytes)) => each(bytes, |number, value| {
            let Value::Bytes(bytes) = value else {
                return Some(());
            };
            match number {
                number::GRAPH_NODE => graph.operators.push(operator(bytes)?),
                number::GRAPH_INITIALIZER => graph.initializers.push(tensor(bytes)?),
                number::GRAPH_INPUT => inputs.push(value_name(bytes)?),
                number::GRAPH_OUTPUT => outputs.push(value_name(bytes)?),
                _ => {}
            }
            Some(())
        }),
        _ => Some(()),
    })?;
    inputs.retain(|name| graph.initializers.iter().all(|known| known.name != *name));
    graph.input = only(&inputs);
    graph.output = only(&outputs);
    Some(graph)
}

fn only<'a>(names: &[&'a str]) -> Option<&'a str> {
    match names {
        [one] => Some(one),
        _ => None,
    }
}

/// The name of an input, an output or an attribute.
fn value_name(bytes: &[u8]) -> Option<&str> {
    let mut name = "";
    each(bytes, |number, value| {
        if let (number::NAME, Value::Bytes(bytes)) = (number, value) {
            name = std::str::from_utf8(bytes).ok()?;
        }
        Some(())
    })?;
    Some(name)
}

fn operator(bytes: &[u8]) -> Option<Operator<'_>> {
    let mut operator = Operator::default();
    each(bytes, |number, value| {
        let Value::Bytes(bytes) = value else {
            return Some(());
        };
        let text = || std::str::from_utf8(bytes).ok();
        match number {
            number::NODE_INPUT => operator.inputs.push(text()?),
            number::NODE_OUTPUT => operator.outputs.push(text()?),
            number::NODE_KIND => operator.kind = text()?,
            number::NODE_DOMAIN => operator.domain = text()?,
            number::NODE_ATTRIBUTE => operator.attributes.push((value_name(bytes)?, bytes)),
            _ => {}
        }
        Some(())
    })?;
    Some(operator)
}

/// Whole numbers of a repeated field, which writers put one by one or packed.
fn take_integers(value: Value<'_>, into: &mut Vec<i64>) -> Option<()> {
    match value {
        Value::Number(value) => into.push(value.cast_signed()),
        Value::Bytes(mut bytes) => {
            while !bytes.is_empty() {
                into.push(varint(&mut bytes)?.cast_signed());
            }
        }
        Value::Fixed => return None,
    }
    Some(())
}

fn tensor(bytes: &[u8]) -> Option<Tensor<'_>> {
    let mut tensor = Tensor::default();
    each(bytes, |number, value| {
        match (number, value) {
            (number::TENSOR_TYPE, Value::Number(kind)) => tensor.kind = kind,
            (number::TENSOR_FLOATS, Value::Bytes(packed)) => tensor.packed = packed,
            (number::TENSOR_NAME, Value::Bytes(name)) => {
                tensor.name = std::str::from_utf8(name).ok()?;
            }
            (number::TENSOR_RAW, Value::Bytes(raw)) => tensor.raw = raw,
            (number::TENSOR_INTEGERS, value) => take_integers(value, &mut tensor.integers)?,
            _ => {}
        }
        Some(())
    })?;
    Some(tensor)
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Four or eight bytes, which nothing here reads.
    Fixed,
}

/// Calls `take` with each field of a message.
fn each<'a>(mut bytes: &'a [u8], mut take: impl FnMut(u64, Value<'a>) -> Option<()>) -> Option<()> {
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Number(varint(&mut bytes)?),
            1 => fixed(&mut bytes, 8)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Value::Bytes(bytes.split_off(..length)?)
            }
            5 => fixed(&mut bytes, 4)?,
            _ => return None,
        };
        take(key >> 3, value)?;
    }
    Some(())
}

fn fixed<'a>(bytes: &mut &'a [u8], length: usize) -> Option<Value<'a>> {
    bytes.split_off(..length).map(|_| Value::Fixed)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for place in 0..10 {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes, as protobuf writes it.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    #[test]
    fn initializers_are_found_between_other_fields() {
        let mut tensor = vec![0x08, 0x02, 0x10, 0x01];
        tensor.extend(field(8, b"bias"));
        tensor.extend(field(9, &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]));
        let mut graph = field(2, b"gate");
        graph.extend(field(5, &tensor));
        graph.extend([0x25, 1, 2, 3, 4]);
        let mut model = vec![0x08, 0x0a];
        model.extend(field(7, &graph));
        let found = initializers(&model).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].name, "bias");
        assert_eq!(found[0].floats(), Some(vec![1.0, -2.0]));
    }

    #[test]
    fn broken_messages_are_no_models() {
        let cases: &[&[u8]] = &[
            b"\x3a\xff",
            b"\x3a\x05ab",
            b"\x0b",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x39\x01",
        ];
        for bytes in cases {
            assert_eq!(initializers(bytes), None, "{bytes:?}");
        }
        assert_eq!(initializers(b""), Some(Vec::new()));
    }
}
