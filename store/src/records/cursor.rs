//! Where the next page begins: the key of the last record that was looked at, and a sum over it and over the filter,
//! so that a cursor that was made up, cut, or given for another question is refused instead of answered wrongly. It
//! is no secret: whoever may ask the question may read from anywhere.

use super::Filter;
use crate::database::StoreError;

/// The cursor's text: 16 hexadecimal digits of the key, 16 of the sum.
pub(super) fn write(key: i64, filter: &Filter) -> String {
    format!("{key:016x}{:016x}", sum(key, filter))
}

/// Reads a cursor back.
///
/// # Errors
/// When it is none, or belongs to another filter.
pub(super) fn read(text: &str, filter: &Filter) -> Result<i64, StoreError> {
    let number = |part: Option<&str>| u64::from_str_radix(part?, 16).ok();
    let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let key = plain.then(|| number(text.get(..16))).flatten();
    let Some(key) = key.and_then(|key| i64::try_from(key).ok()) else {
        return Err(StoreError::Asked(NO_CURSOR.into()));
    };
    match number(text.get(16..)) == Some(sum(key, filter)) {
        true => Ok(key),
        false => Err(StoreError::Asked(OTHER_CURSOR.into())),
    }
}

/// FNV-1a over the filter's text: every node of an installation must come to the same sum.
fn sum(key: i64, filter: &Filter) -> u64 {
    super::key::fnv(format!("{key} {filter:?}").as_bytes())
}

const NO_CURSOR: &str =
    "this is no cursor of ours: pass on what `next` said, or leave it out to begin anew";
const OTHER_CURSOR: &str = "this cursor was given for another question: leave it out to begin anew when the filter changes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_others_are_refused() {
        let filter = Filter {
            text: Some("a".into()),
            ..Filter::default()
        };
        let cursor = write(77, &filter);
        assert_eq!(read(&cursor, &filter).expect("it is ours"), 77);
        let mut turned = cursor.clone().into_bytes();
        turned[3] = b'1';
        for wrong in [
            "",
            "x",
            "' OR 1=1",
            &"f".repeat(32),
            &"ä".repeat(16),
            &String::from_utf8_lossy(&turned),
        ] {
            let error = read(wrong, &filter).expect_err(wrong);
            assert!(error.to_string().contains("cursor"), "{error}");
        }
        let error = read(&cursor, &Filter::default()).expect_err("another question");
        assert!(error.to_string().contains("another question"), "{error}");
    }
}
