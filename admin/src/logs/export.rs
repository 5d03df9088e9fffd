//! Records as a file, written as they are read: the memory it takes does not depend on how many there are. An export
//! that the store breaks off ends in a broken connection, so that half of one is not taken for the whole.

use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use futures_util::stream::{self, Stream, StreamExt as _};
use portcullis_store::{Filter, Found, Records, StoreError};

use super::LogEntry;

/// The columns of the comma-separated form.
const COLUMNS: &str = "time,id,node,client,method,host,path,query,status,route,policy,mode,action,would,score,level,\
    category,rules,why,user,session,key,limit,ban,upstream,bytes_in,bytes_out,duration_us,outcome,reason,feedback\r\n";

/// How many records become one piece of the body.
const PIECE: usize = 100;

/// Comma-separated values (RFC 4180).
pub(super) fn csv(records: Records, filter: Filter) -> Response {
    let head = stream::once(async { Ok(Bytes::from_static(COLUMNS.as_bytes())) });
    let rows = pieces(records, filter, |found, out| {
        row(&LogEntry::of(found), out);
    });
    file(
        "text/csv; charset=utf-8; header=present",
        "attachment; filename=\"portcullis-logs.csv\"",
        head.chain(rows),
    )
}

/// Lines of JSON, as they were written, with the gateway that wrote them.
pub(super) fn ndjson(records: Records, filter: Filter) -> Response {
    let lines = pieces(records, filter, |found, out| {
        let line = &*found.entry.line;
        match line.strip_prefix('{') {
            Some(rest) if !found.node.is_empty() && !rest.starts_with("\"node\"") => {
                let node = serde_json::Value::from(&*found.node);
                out.push_str(&format!("{{\"node\":{node},{rest}"));
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    });
    file(
        "application/x-ndjson",
        "attachment; filename=\"portcullis-logs.ndjson\"",
        lines,
    )
}

fn pieces(
    records: Records,
    filter: Filter,
    write: impl Fn(&Found, &mut String) + Send + 'static,
) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static {
    let chunks = records.export(filter).ready_chunks(PIECE);
    chunks.map(move |chunk| {
        let mut text = String::new();
        for found in chunk {
            let found = found.inspect_err(|error| {
                tracing::error!(%error, "an export breaks off");
            })?;
            write(&found, &mut text);
        }
        Ok(Bytes::from(text))
    })
}

fn file(
    content_type: &'static str,
    disposition: &'static str,
    body: impl Stream<Item = Result<Bytes, StoreError>> + Send + 'static,
) -> Response {
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static(disposition));
    response
}

fn row(entry: &LogEntry, out: &mut String) {
    let rules = entry.rules.join(" ");
    let (status, score) = (entry.status.to_string(), entry.score.to_string());
    let (bytes_in, bytes_out) = (entry.bytes_in.to_string(), entry.bytes_out.to_string());
    let duration = entry.duration_us.to_string();
    let cells: [&str; 31] = [
        &entry.time,
        &entry.id,
        &entry.node,
        &entry.client,
        &entry.method,
        &entry.host,
        &entry.path,
        &entry.query,
        &status,
        &entry.route,
        &entry.policy,
        &entry.mode,
        &entry.action,
        &entry.would,
        &score,
        &entry.level,
        &entry.category,
        &rules,
        &entry.why,
        &entry.user,
        &entry.session,
        &entry.key,
        &entry.limit,
        &entry.ban,
        &entry.upstream,
        &bytes_in,
        &bytes_out,
        &duration,
        &entry.outcome,
        &entry.reason,
        &entry.feedback,
    ];
    for (number, text) in cells.iter().enumerate() {
        if number > 0 {
            out.push(',');
        }
        cell(text, out);
    }
    out.push_str("\r\n");
}

/// One cell. A spreadsheet runs what begins with one of these signs; behind an apostrophe it is text. Control
/// characters go, since a terminal runs those.
fn cell(text: &str, out: &mut String) {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let quoted = formula || text.contains(['"', ',', ';']) || text.contains(char::is_control);
    if !quoted {
        out.push_str(text);
        return;
    }
    out.push('"');
    if formula {
        out.push('\'');
    }
    for character in text.chars() {
        match character {
            '"' => out.push_str("\"\""),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_run_by_who_opens_it() {
        for (text, expected) in [
            ("", ""),
            ("/api/users", "/api/users"),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\u{fffd}=1\""),
            ("\r=1", "\"'\u{fffd}=1\""),
            ("a\u{1b}[2J", "\"a\u{fffd}[2J\""),
            ("a\nb", "\"a\u{fffd}b\""),
            ("1-1", "1-1"),
        ] {
            let mut out = String::new();
            cell(text, &mut out);
            assert_eq!(out, expected, "{text:?}");
        }
    }

    #[test]
    fn a_row_has_a_cell_for_each_column() {
        let mut out = String::new();
        row(&LogEntry::default(), &mut out);
        assert_eq!(out.matches(',').count(), COLUMNS.matches(',').count());
        assert!(out.ends_with("\r\n") && COLUMNS.ends_with("feedback\r\n"));
    }
}
