//! The views of what clients did: lines are replayed in their order, by their own times, and each is shown what was
//! known of its sender before it. `portcullis simulate` writes such lines.

use std::io::BufRead;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use portcullis_config::Identity;
use portcullis_detect::behaviour::History;
use portcullis_detect::feature::View;
use serde::Deserialize;

use super::npy::Array;
use super::{beside, lines, little};
use crate::command::eval::behaviour::gateway::{Gateway, Reply, Sender};
use crate::command::eval::behaviour::simulated;
use crate::command::eval::sample::{self, Label};

/// What a line tells beside its request.
#[derive(Deserialize)]
struct Line {
    /// Seconds since 1970.
    time: f64,
    client: IpAddr,
    #[serde(default)]
    src: String,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    bytes_out: u64,
    #[serde(default)]
    latency_ms: f64,
    #[serde(default)]
    attacker: Option<bool>,
    #[serde(default)]
    operator: Option<u32>,
    #[serde(default)]
    country: Option<String>,
}

/// Writes the view; how many rows.
///
/// # Errors
/// When a file cannot be read or written, or a line has no time and client.
pub fn write(from: &Path, to: &Path, view: View, rules: Option<&Path>) -> anyhow::Result<usize> {
    let shape = view.shape().context("the view has no shape")?;
    let mut array = Array::create(to, "<f4", shape)?;
    let mut labels = Array::create(&beside(to, "labels.npy"), "|u1", &[])?;
    let unknown = vec![0.0; shape.iter().product()];
    let mut gateway = None;
    for (number, line) in lines::open(from)?.lines().enumerate() {
        let place = || format!("{}: line {}", from.display(), number + 1);
        let text = line.with_context(place)?;
        if text.trim().is_empty() {
            continue;
        }
        let line: Line = serde_json::from_str(&text)
            .context("no line with time and client")
            .with_context(place)?;
        let gateway = match &mut gateway {
            Some(gateway) => gateway,
            none => none.insert(watching(rules, &line)?),
        };
        let (history, attack) = replay(gateway, &line, &text).with_context(place)?;
        let row = match (&history, view) {
            (Some(history), View::Sequence) => history.steps.as_flattened(),
            (Some(history), _) => history.columns.as_slice(),
            (None, _) => unknown.as_slice(),
        };
        array.push(1, &little(row))?;
        labels.push(1, &[u8::from(attack)])?;
    }
    labels.finish()?;
    array.finish()
}

/// A gateway that looks on. Of the simulator's APIs it knows what their operator would.
fn watching(rules: Option<&Path>, first: &Line) -> anyhow::Result<Gateway> {
    let identity = match first.src.as_str() {
        "simulate" => simulated::identity()?,
        _ => Identity::default(),
    };
    Ok(Gateway::new(rules, &identity)?.observing())
}

/// Replays a line; what was known before it, and whether an attacker sent it.
fn replay(
    gateway: &mut Gateway,
    line: &Line,
    text: &str,
) -> anyhow::Result<(Option<History>, bool)> {
    let sample = sample::recorded(text)?;
    let country = line.country.as_deref().map(str::as_bytes);
    let sender = Sender {
        time: line.time,
        client: line.client,
        system: line.operator,
        country: country.and_then(|country| country.try_into().ok()),
    };
    let history = gateway.history(&sender, &sample.request);
    let ruling = gateway.judge(&sender, &sample.request);
    let reply = Reply {
        status: line.status,
        bytes: line.bytes_out,
        latency: Duration::from_secs_f64(line.latency_ms.clamp(0.0, 1e6) / 1000.0),
    };
    gateway.learn(&ruling, Some(reply));
    let attack = line.attacker.unwrap_or(sample.label == Label::Attack);
    Ok((history, attack))
}
