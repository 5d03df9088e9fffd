//! As much of the ONNX format as the gate needs: the initializers of the graph. A model is a protobuf message; unknown
//! fields are stepped over, and what is cut off or overlong is no model.

/// An initializer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tensor<'a> {
    pub name: &'a str,
    kind: u64,
    raw: &'a [u8],
    packed: &'a [u8],
}

/// `TensorProto.DataType.FLOAT`.
const FLOAT: u64 = 1;

/// The numbers of the fields that are read, from `onnx.proto3`.
mod number {
    pub(super) const MODEL_GRAPH: u64 = 7;
    pub(super) const GRAPH_INITIALIZER: u64 = 5;
    pub(super) const TENSOR_TYPE: u64 = 2;
    pub(super) const TENSOR_FLOATS: u64 = 4;
    pub(super) const TENSOR_NAME: u64 = 8;
    pub(super) const TENSOR_RAW: u64 = 9;
}

impl Tensor<'_> {
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
