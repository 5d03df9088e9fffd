//! The view of networks that read characters: the bytes of the most suspicious fields.

use super::{Reading, marks};

/// Bytes of a field.
pub const CHARACTERS: usize = 256;

/// Fields of a request.
pub const FIELDS: usize = 3;

/// Raised when the view changes.
pub(super) const VERSION: u32 = 1;

/// Where a window of a longer field may begin: at multiples of this.
const STEP: usize = 64;

/// The bytes of a request, field by field.
pub type Characters = [u8; FIELDS * CHARACTERS];

impl Reading<'_> {
    /// Fills the view.
    pub fn characters(&self, out: &mut Characters) {
        out.fill(0);
        for (judged, room) in self.judged().iter().zip(out.chunks_exact_mut(CHARACTERS)) {
            let window = window(self.decoded(judged));
            room[..window.len()].copy_from_slice(window);
        }
    }
}

/// The bytes, or if there are too many the part of them that holds the most marks.
fn window(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= CHARACTERS {
        return bytes;
    }
    let mut best = (0, 0);
    let mut counts = [0; CHARACTERS / STEP];
    for (number, block) in bytes.chunks(STEP).enumerate() {
        counts[number % counts.len()] = marks::count(block);
        let sum: usize = counts.iter().sum();
        let first = (number + 1).saturating_sub(counts.len());
        if number + 1 >= counts.len() && sum > best.0 {
            best = (sum, first);
        }
    }
    let start = best.1 * STEP;
    &bytes[start..bytes.len().min(start + CHARACTERS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_holds_the_marks() {
        let plain = [b'a'; 300];
        assert_eq!(window(&plain[..10]).len(), 10);
        assert_eq!(window(&plain), &plain[..256]);
        let mut late = [b'a'; 1000];
        late[900] = b'\'';
        let shown = window(&late);
        assert!(shown.contains(&b'\''));
        let mut end = [b'a'; 1001];
        end[1000] = b'<';
        assert_eq!(window(&end).last(), Some(&b'<'));
    }
}
