//! An exchange as a line: JSON, a superset of the request sets' lines that `eval` reads, or CSV with the same facts flat.

use std::fmt::Write;

use super::actor::site;
use super::compose::quote;
use super::message::Event;
use super::people;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object per line.
    Json,
    /// Comma-separated, with a head line (RFC 4180).
    Csv,
}

/// The head line of CSV.
pub const CSV_HEAD: &str = "time,client,actor,group,scenario,variant,attacker,label,cls,victim,session,seq,user,host,method,url,status,bytes_out,latency_ms,decision,operator,country,user_agent,authorization,cookie,body_bytes\n";

/// Appends the line of an event, with its end.
pub fn write(event: &Event, format: Format, out: &mut String) {
    match format {
        Format::Json => json(event, out),
        Format::Csv => csv(event, out),
    }
}

fn json(event: &Event, out: &mut String) {
    let (request, who, answer) = (&event.act.request, &event.act.who, &event.answer);
    let _ = write!(
        out,
        "{{\"time\":{:.6},\"label\":{},\"cls\":\"{}\",\"src\":\"simulate\",\"method\":\"{}\",\"url\":",
        event.time,
        u8::from(who.hostile),
        who.class,
        request.method
    );
    quote(&request.target, out);
    out.push_str(",\"headers\":{");
    for (index, (name, value)) in request.headers.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push('"');
        out.push_str(name);
        out.push_str("\":");
        quote(value, out);
    }
    out.push_str("},\"body\":");
    quote(&request.body, out);
    let _ = write!(
        out,
        ",\"host\":\"{}\",\"session\":\"{:016x}-{:x}\",\"seq\":{},\"client\":\"{}\",\"actor\":\"{:016x}\"",
        site(who.site).host,
        who.actor,
        who.session,
        who.sequence,
        who.place.address,
        who.actor
    );
    match who.group {
        Some(group) => _ = write!(out, ",\"group\":{group},\"attacker\":true"),
        None => out.push_str(",\"attacker\":false"),
    }
    let _ = write!(
        out,
        ",\"scenario\":\"{}\",\"variant\":\"{}\"",
        who.scenario, who.variant
    );
    if who.victim {
        out.push_str(",\"victim\":true");
    }
    if let Some(account) = who.account {
        let _ = write!(out, ",\"user\":\"{}\"", people::mail(account));
    }
    if let Some(id) = &answer.id {
        out.push_str(",\"request_id\":");
        quote(id, out);
    }
    let _ = writeln!(
        out,
        ",\"operator\":{},\"country\":\"{}\",\"status\":{},\"bytes_out\":{},\"latency_ms\":{:.1},\"decision\":\"{}\"}}",
        who.place.operator,
        who.place.country,
        answer.status,
        answer.bytes,
        answer.latency_ms,
        answer.decision.word()
    );
}

fn csv(event: &Event, out: &mut String) {
    let (request, who, answer) = (&event.act.request, &event.act.who, &event.answer);
    let group = who.group.map(|group| group.to_string()).unwrap_or_default();
    let user = who.account.map(people::mail).unwrap_or_default();
    let _ = write!(
        out,
        "{:.6},{},{:016x},{group},{},{},{},{},{},{},{:016x}-{:x},{},{user},{},{},",
        event.time,
        who.place.address,
        who.actor,
        who.scenario,
        who.variant,
        u8::from(who.is_attacker()),
        u8::from(who.hostile),
        who.class,
        u8::from(who.victim),
        who.actor,
        who.session,
        who.sequence,
        site(who.site).host,
        request.method
    );
    cell(&request.target, out);
    let _ = write!(
        out,
        ",{},{},{:.1},{},{},{},",
        answer.status,
        answer.bytes,
        answer.latency_ms,
        answer.decision.word(),
        who.place.operator,
        who.place.country
    );
    for name in ["user-agent", "authorization", "cookie"] {
        cell(request.header(name).unwrap_or_default(), out);
        out.push(',');
    }
    let _ = writeln!(out, "{}", request.body.len());
}

/// A cell; quoted where it must be.
fn cell(text: &str, out: &mut String) {
    if !text.contains(['"', ',', '\n', '\r']) {
        return out.push_str(text);
    }
    out.push('"');
    out.push_str(&text.replace('"', "\"\""));
    out.push('"');
}

#[cfg(test)]
mod tests;
