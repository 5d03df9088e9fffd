//! The harmless requests that payloads are grafted into: a draw from a request set that gives each host its share, so
//! that the few trackers that dominate recorded traffic do not dominate the grafts.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;
use serde::Deserialize;

use super::zone::Zone;
use crate::command::eval::catalogue::open;
use crate::command::eval::random::Random;
use crate::command::eval::request::{bytes_of, header, refused};
use crate::command::eval::sample;

/// About how many requests are drawn from a set.
const WANTED: usize = 2048;
/// The fewest of a host that has so many.
const LEAST_OF_HOST: usize = 4;
/// Bytes of a body; a longer one would only make the lists slower to judge.
const LONGEST_BODY: usize = 32 * 1024;

/// Requests, and which of them have a place of a kind.
pub struct Bases {
    all: Vec<OwnedRequest>,
    with_query: Vec<usize>,
    with_cookie: Vec<usize>,
    with_json: Vec<usize>,
    with_form: Vec<usize>,
}

#[derive(Deserialize)]
struct Host {
    #[serde(default)]
    host: String,
}

impl Bases {
    /// Draws from a request set.
    ///
    /// # Errors
    /// When it cannot be read, a line is no request, or none of its requests would pass the gateway.
    pub fn read(file: &Path, seed: u64) -> anyhow::Result<Self> {
        let counts = hosts(file)?;
        let share = (WANTED / counts.len().max(1)).max(LEAST_OF_HOST);
        let mut drawn: BTreeMap<String, Vec<OwnedRequest>> = BTreeMap::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        each(file, |index, line| {
            let request = sample::recorded(line)?.request;
            if !usable(&request) {
                return Ok(());
            }
            // Algorithm R of Vitter, "Random sampling with a reservoir" (1985), one reservoir a host.
            let seen = seen.entry(request.host.clone()).or_default();
            *seen += 1;
            let kept = drawn.entry(request.host.clone()).or_default();
            if kept.len() < share {
                kept.push(request);
            } else {
                let at = Random::of(seed, index).below(*seen);
                if let Some(place) = kept.get_mut(at) {
                    *place = request;
                }
            }
            Ok(())
        })?;
        let bases = Self::of(drawn.into_values().flatten().collect());
        anyhow::ensure!(
            !bases.all.is_empty(),
            "{} has no request that a payload could be grafted into",
            file.display()
        );
        Ok(bases)
    }

    /// From these requests.
    pub fn of(all: Vec<OwnedRequest>) -> Self {
        let having = |has: fn(&OwnedRequest) -> bool| {
            let numbered = all.iter().enumerate();
            let having = numbered.filter(|(_, request)| has(request));
            having.map(|(index, _)| index).collect()
        };
        Self {
            with_query: having(|request| {
                let query = request.query.as_deref().unwrap_or_default();
                query.contains(&b'=')
            }),
            with_cookie: having(|request| header(request, "cookie").is_some()),
            with_json: having(|request| {
                matches!(request.body.first(), Some(b'{' | b'['))
                    && serde_json::from_slice::<serde::de::IgnoredAny>(&request.body).is_ok()
            }),
            with_form: having(|request| {
                let content_type = header(request, "content-type").unwrap_or_default();
                content_type.contains("x-www-form-urlencoded") && request.body.contains(&b'=')
            }),
            all,
        }
    }

    /// A request that has the zone already, or any where none has it; `None` if there are no requests.
    pub fn draw(&self, zone: Zone, random: &mut Random) -> Option<&OwnedRequest> {
        let having = match zone {
            Zone::Query => &self.with_query,
            Zone::Cookie => &self.with_cookie,
            Zone::Json => &self.with_json,
            Zone::Form => &self.with_form,
            Zone::Header | Zone::Path | Zone::Target | Zone::Multipart | Zone::Xml => {
                return random.pick(&self.all);
            }
        };
        match random.pick(having) {
            Some(&index) => self.all.get(index),
            None => random.pick(&self.all),
        }
    }
}

/// A request whose bytes would pass the gateway, and of which the body is small and not compressed.
fn usable(request: &OwnedRequest) -> bool {
    request.body.len() <= LONGEST_BODY
        && request.path.starts_with(b"/")
        && header(request, "content-encoding").is_none()
        && refused(&bytes_of(request)).is_none()
}

fn hosts(file: &Path) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut counts = BTreeMap::new();
    each(file, |_, line| {
        let record: Host = serde_json::from_str(line).context("no recorded request")?;
        *counts.entry(record.host).or_default() += 1;
        Ok(())
    })?;
    Ok(counts)
}

fn each(
    file: &Path,
    mut take: impl FnMut(usize, &str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for (index, line) in open(file)?.lines().enumerate() {
        let place = || format!("{}:{}", file.display(), index + 1);
        let line = line.with_context(place)?;
        if !line.trim().is_empty() {
            take(index, &line).with_context(place)?;
        }
    }
    Ok(())
}
