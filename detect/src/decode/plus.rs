//! `+` to space, as forms mean it.

/// Appends `input` with every `+` turned into a space; true when there was one.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let Some(first) = memchr::memchr(b'+', input) else {
        return false;
    };
    out.extend_from_slice(&input[..first]);
    out.extend(
        input[first..]
            .iter()
            .map(|b| if *b == b'+' { b' ' } else { *b }),
    );
    true
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode,
            &[(b"", b""), (b"ab", b"ab"), (b"+a++b", b" a  b")],
        );
    }
}
