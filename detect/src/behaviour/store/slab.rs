//! A list in chunks, so that a table of a million grows without ever being copied.

/// It grows without moving what it holds, and never takes more than one chunk too much.
#[derive(Debug)]
pub(super) struct Slab<T, const CHUNK: usize> {
    chunks: Vec<Vec<T>>,
}

impl<T, const CHUNK: usize> Default for Slab<T, CHUNK> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T, const CHUNK: usize> Slab<T, CHUNK> {
    pub(super) fn len(&self) -> usize {
        match self.chunks.last() {
            None => 0,
            Some(last) => (self.chunks.len() - 1) * CHUNK + last.len(),
        }
    }

    pub(super) fn at(&mut self, at: u32) -> &mut T {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    pub(super) fn push(&mut self, element: T) -> u32 {
        let at = self.len();
        if at.is_multiple_of(CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(last) = self.chunks.last_mut() {
            last.push(element);
        }
        at as u32
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<T>() + self.chunks.capacity() * size_of::<Vec<T>>()
    }
}
