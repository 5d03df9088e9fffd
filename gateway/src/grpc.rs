//! gRPC streams are inspected message by message: a message is held until it is whole, judged, and passed on, so that
//! a stream that never ends is never waited for. Messages over the cap pass with their first bytes judged.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header;

use crate::inspect::Inspection;

/// Holds back each message until it is judged.
pub struct MessageGate {
    held: BytesMut,
    cap: usize,
    passing: usize,
    judge: Rc<Inspection>,
}

/// A message was denied.
#[derive(Debug)]
pub struct Denied;

/// Whether a request is gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// What keeps gRPC's frame: one flag and four bytes of length.
const PREFIX: usize = 5;

impl MessageGate {
    /// A gate that holds at most `cap` bytes of a message.
    pub fn new(cap: usize, judge: Rc<Inspection>) -> Self {
        Self {
            held: BytesMut::new(),
            cap,
            passing: 0,
            judge,
        }
    }

    /// Takes in bytes and gives out what may pass, possibly nothing yet.
    ///
    /// # Errors
    /// When a message was denied; nothing of it has passed.
    pub fn pass(&mut self, data: Bytes) -> Result<Bytes, Denied> {
        self.held.extend_from_slice(&data);
        let mut out = BytesMut::new();
        loop {
            if self.passing > 0 {
                let n = self.passing.min(self.held.len());
                out.extend_from_slice(&self.held.split_to(n));
                self.passing -= n;
            }
            let Some(length) = self.next_length() else {
                break;
            };
            let inspected = length.min(self.cap.max(PREFIX));
            if self.held.len() < inspected {
                break;
            }
            let whole = inspected == length;
            if self.judge.denies_message(&self.held[..inspected], whole) {
                return Err(Denied);
            }
            self.passing = length;
        }
        Ok(out.freeze())
    }

    fn next_length(&self) -> Option<usize> {
        if self.passing > 0 {
            return None;
        }
        let length = self.held.get(1..PREFIX)?;
        let length: [u8; 4] = length.try_into().ok()?;
        Some(PREFIX + usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX - PREFIX))
    }
}
