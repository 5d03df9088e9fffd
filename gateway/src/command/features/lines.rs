//! Lines of a file, worked on by all cores and handed over in their order. A part of the file is read, spread, written;
//! then the next, so that memory stays bounded whatever the file's size.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::thread;

use anyhow::Context;
use flate2::read::MultiGzDecoder;

/// Lines that are in memory at once.
const PART: usize = 4096;
/// Lines that a thread takes at a time.
const BATCH: usize = 64;
/// A longer line is no request that anyone recorded.
const LONGEST: u64 = 64 << 20;

/// Opens a file for reading by lines, gzipped where its name ends so.
///
/// # Errors
/// When it cannot be opened.
pub fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    if path.extension().is_some_and(|ending| ending == "gz") {
        return Ok(Box::new(BufReader::new(MultiGzDecoder::new(
            BufReader::new(file),
        ))));
    }
    Ok(Box::new(BufReader::new(file)))
}

/// Has each line that is not empty worked on by `work`, with a state of the thread's own that `start` makes, and hands
/// what comes out to `take`, in the order of the lines.
///
/// # Errors
/// Those of reading, of `work` (with the line's number) and of `take`.
pub fn each<S, R: Send>(
    mut reader: Box<dyn BufRead>,
    start: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &str) -> anyhow::Result<R> + Sync,
    mut take: impl FnMut(R) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut number = 0;
    loop {
        let lines = part(&mut reader, &mut number)?;
        if lines.is_empty() {
            return Ok(());
        }
        for done in spread(&lines, &start, &work) {
            take(done?)?;
        }
    }
}

/// The next lines, with their numbers.
fn part(reader: &mut Box<dyn BufRead>, number: &mut usize) -> anyhow::Result<Vec<(usize, String)>> {
    let mut lines = Vec::with_capacity(PART);
    while lines.len() < PART {
        let mut line = String::new();
        *number += 1;
        let read = reader
            .by_ref()
            .take(LONGEST)
            .read_line(&mut line)
            .with_context(|| format!("line {number}"))?;
        if read == 0 {
            break;
        }
        if !line.trim().is_empty() {
            lines.push((*number, line));
        }
    }
    Ok(lines)
}

/// What `work` makes of the lines, in their order.
fn spread<S, R: Send>(
    lines: &[(usize, String)],
    start: &(impl Fn() -> S + Sync),
    work: &(impl Fn(&mut S, &str) -> anyhow::Result<R> + Sync),
) -> Vec<anyhow::Result<R>> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let batches: Vec<&[(usize, String)]> = lines.chunks(BATCH).collect();
    let mine = |thread: usize| {
        let mut state = start();
        let mut done = Vec::new();
        for (number, batch) in batches.iter().enumerate().skip(thread).step_by(threads) {
            let results = batch
                .iter()
                .map(|(line, text)| work(&mut state, text).with_context(|| format!("line {line}")));
            done.push((number, results.collect::<Vec<_>>()));
        }
        done
    };
    let mut all: Vec<(usize, Vec<anyhow::Result<R>>)> = thread::scope(|scope| {
        let mine = &mine;
        let handles: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || mine(thread)))
            .collect();
        let joined = handles.into_iter().map(|handle| match handle.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    });
    all.sort_by_key(|(number, _)| *number);
    all.into_iter().flat_map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn what_comes_out_is_in_order() {
        let text: String = (0..10_000).map(|n| format!("{n}\n\n")).collect();
        let mut seen = Vec::new();
        let work = |_: &mut (), line: &str| Ok(line.trim().parse::<usize>()?);
        each(
            Box::new(Cursor::new(text)),
            || (),
            work,
            |n| {
                seen.push(n);
                Ok(())
            },
        )
        .unwrap();
        assert!(seen.iter().copied().eq(0..10_000));
    }

    #[test]
    fn a_bad_line_is_named() {
        let work = |_: &mut (), line: &str| Ok(line.trim().parse::<usize>()?);
        let text = Box::new(Cursor::new("1\n\nx\n"));
        let error = each(text, || (), work, |_| Ok(())).unwrap_err();
        assert!(format!("{error:#}").starts_with("line 3: "), "{error:#}");
    }
}
