//! HTTP/2 frames that cost the server work and bring no request: SETTINGS, PING, PRIORITY, RST_STREAM, empty DATA,
//! unknown frames, and WINDOW_UPDATE beyond what was sent. Counted from the frame headers as they pass, on a budget
//! that honest traffic refills; CVE-2019-9511 to -9518, CVE-2023-44487 and RUSTSEC-2026-0258 are of this kind.

/// Frames that may be spent without bringing anything.
const BUDGET: i64 = 800;
/// What a frame that brings something gives back.
const EARNED: i64 = 4;
/// So many bytes sent allow one WINDOW_UPDATE.
const BYTES_PER_UPDATE: u64 = 512;

/// Follows the frames of one connection.
#[derive(Debug)]
pub struct FloodGuard {
    budget: i64,
    preface_left: usize,
    header: [u8; 9],
    have: usize,
    payload_left: u32,
    continuation: u32,
    block_open: bool,
    updates_paid: u64,
}

impl Default for FloodGuard {
    fn default() -> Self {
        Self {
            budget: BUDGET,
            preface_left: 24,
            header: [0; 9],
            have: 0,
            payload_left: 0,
            continuation: 0,
            block_open: false,
            updates_paid: 0,
        }
    }
}

impl FloodGuard {
    /// Looks at bytes from the client; `sent` is what has gone to it so far. `false`: the budget is spent.
    pub fn allows(&mut self, mut bytes: &[u8], sent: u64) -> bool {
        let skip = self.preface_left.min(bytes.len());
        self.preface_left -= skip;
        bytes = bytes.get(skip..).unwrap_or_default();
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let n = (self.payload_left as usize).min(bytes.len());
                self.payload_left -= u32::try_from(n).unwrap_or(self.payload_left);
                bytes = bytes.get(n..).unwrap_or_default();
                continue;
            }
            let n = (self.header.len() - self.have).min(bytes.len());
            let (head, rest) = bytes.split_at(n);
            self.header[self.have..self.have + n].copy_from_slice(head);
            self.have += n;
            bytes = rest;
            if self.have == self.header.len() {
                self.have = 0;
                self.frame(sent);
                if self.budget < 0 {
                    return false;
                }
            }
        }
        true
    }

    /// Whether the client stands in the middle of a frame or of a header block, which it must not do for long.
    pub fn is_mid_head(&self) -> bool {
        self.have > 0 || self.payload_left > 0 || self.block_open
    }

    fn frame(&mut self, sent: u64) {
        let [a, b, c, kind, flags, ..] = self.header;
        let length = u32::from_be_bytes([0, a, b, c]);
        self.payload_left = length;
        if matches!(kind, 1 | 9) {
            // END_HEADERS
            self.block_open = flags & 4 == 0;
        }
        match kind {
            // DATA: useful unless it is empty and does not end its stream.
            0 if length > 0 => self.earn(EARNED),
            0 if flags & 1 == 0 => self.budget -= 2,
            0 => {}
            // HEADERS
            1 => {
                self.continuation = 0;
                self.earn(2);
            }
            // CONTINUATION: a header block of the allowed size needs few.
            9 => {
                self.continuation += 1;
                self.budget -= if self.continuation > 8 || length == 0 {
                    50
                } else {
                    1
                };
            }
            // WINDOW_UPDATE: one for every so many bytes is honest.
            8 => {
                if sent / BYTES_PER_UPDATE > self.updates_paid {
                    self.updates_paid += 1;
                } else {
                    self.budget -= 1;
                }
            }
            // RST_STREAM: with the HEADERS that it undoes, a net loss.
            3 => self.budget -= 4,
            _ => self.budget -= 1,
        }
    }

    fn earn(&mut self, frames: i64) {
        self.budget = (self.budget + frames).min(BUDGET);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.extend_from_slice(payload);
        frame
    }

    fn frames_until_cut(one: &[u8]) -> Option<usize> {
        let mut guard = FloodGuard {
            preface_left: 0,
            ..FloodGuard::default()
        };
        (1..=5000).find(|_| !guard.allows(one, 0))
    }

    #[test]
    fn floods_are_cut_within_a_thousand_frames() {
        for (name, one) in [
            ("ping", frame(6, 0, &[0; 8])),
            ("settings", frame(4, 0, &[])),
            ("priority", frame(2, 0, &[0; 5])),
            ("window update", frame(8, 0, &[0, 0, 0, 1])),
            ("empty data", frame(0, 0, &[])),
            ("continuation", frame(9, 0, &[1])),
            ("unknown", frame(77, 0, &[1, 2, 3])),
            (
                "request and reset",
                [frame(1, 5, &[0x82]), frame(3, 0, &[0; 4])].concat(),
            ),
        ] {
            let cut = frames_until_cut(&one);
            assert!(cut.is_some_and(|n| n <= 1000), "{name}: {cut:?}");
        }
    }

    #[test]
    fn honest_traffic_is_never_cut() {
        let mut guard = FloodGuard::default();
        assert!(guard.allows(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0));
        let request = [
            frame(1, 4, &[0x82; 40]),
            frame(0, 1, &[0; 100]),
            frame(8, 0, &[0, 0, 0, 1]),
        ]
        .concat();
        for i in 0..100_000_u64 {
            assert!(guard.allows(&request, i * 600), "request {i}");
        }
    }

    #[test]
    fn frames_split_anywhere_count_the_same() {
        let pings = frame(6, 0, &[0; 8]).repeat(2000);
        for size in [1, 2, 7, 9, 17, 100] {
            let mut guard = FloodGuard {
                preface_left: 0,
                ..FloodGuard::default()
            };
            let passed = pings
                .chunks(size)
                .take_while(|chunk| guard.allows(chunk, 0))
                .count()
                * size;
            let expected = 800 * 17;
            assert!(passed.abs_diff(expected) <= 17 + size, "{size}: {passed}");
        }
    }
}
