//! One spelling of a path: backslashes to slashes, `;…` path parameters, `/./` and doubled slashes removed. `..`
//! segments stay: they are what rules look for.

use super::bytes::is_space;

/// Appends `input` as a path in one spelling; true when that changed something.
pub fn decode(input: &[u8], out: &mut Vec<u8>) -> bool {
    let mut changed = false;
    let mut position = 0;
    while let Some(byte) = input.get(position) {
        position += 1;
        match byte {
            b'/' | b'\\' => {
                changed |= *byte == b'\\';
                changed |= !push_slash(out);
            }
            b';' => {
                let rest = &input[position..];
                let ends = |b: &u8| matches!(b, b'/' | b'\\') || is_space(*b);
                position += rest.iter().position(ends).unwrap_or(rest.len());
                changed = true;
            }
            _ => out.push(*byte),
        }
    }
    changed
}

/// Appends a slash unless one is there; takes back a segment that is only a dot. True when it simply appended.
fn push_slash(out: &mut Vec<u8>) -> bool {
    match out.as_slice() {
        [.., b'/'] => false,
        [.., b'/', b'.'] => {
            out.pop();
            false
        }
        _ => {
            out.push(b'/');
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::bytes::check;

    #[test]
    fn table() {
        check(
            super::decode,
            &[
                (b"", b""),
                (b"/a/b.c", b"/a/b.c"),
                (br"..\..\windows", b"../../windows"),
                (b"//a///b/././c", b"/a/b/c"),
                (b"/..;/manager/..;x=1/html", b"/../manager/../html"),
                (b"/a;jsessionid=1", b"/a"),
                (br"/.\../x", b"/../x"),
                (b"....//....//etc", b"..../..../etc"),
                (b"/.hidden/..a", b"/.hidden/..a"),
                (b";cat /etc", b" /etc"),
            ],
        );
    }
}
