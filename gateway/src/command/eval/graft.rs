//! Grafting: payloads of the lists put into real harmless requests, at places and in encodings that attackers use.
//! A draw decides which; a payload that a place cannot carry is placed elsewhere. `base` chooses the requests, `zone`
//! knows the places and `encode` the encodings.

pub mod base;
pub mod encode;
pub mod zone;

use std::collections::HashMap;

use anyhow::Context;
use portcullis_detect::ruletest::OwnedRequest;

use self::base::Bases;
use self::encode::Encoding;
use self::zone::{Spot, Zone};
use super::payload::{Class, Payload};
use super::random::Random;
use super::request::{bytes_of, refused};
use super::sample::{Label, Sample, Sieve, Sink};

/// A payload in a request.
pub struct Grafted {
    /// The request.
    pub request: OwnedRequest,
    /// Where the payload is.
    pub zone: Zone,
    /// How it is encoded, beyond what the zone asks for.
    pub encoding: Encoding,
}

/// How often another zone is drawn before the payload goes into a form, which carries every byte.
const DRAWS: usize = 24;

/// Hands each payload over, grafted into a request drawn from `bases`.
///
/// # Errors
/// Those of `sink`, and when `bases` has no request.
pub fn samples(
    payloads: &[Payload],
    bases: &Bases,
    seed: u64,
    every: usize,
    sink: &mut Sink<'_>,
) -> anyhow::Result<()> {
    let classes = Classes::of(payloads);
    let mut sieve = Sieve::new(every);
    for (index, payload) in payloads.iter().enumerate() {
        if !sieve.keeps() {
            continue;
        }
        let grafted = graft(payload, bases, &mut Random::of(seed, index))
            .context("there is no request to graft into")?;
        // Folders without a bar hold names, numbers and the like among other things: not to stop one is no miss.
        let (class, part, label) = match payload.class {
            Some(class) => (class.name(), "classes with a bar", Label::Attack),
            None => ("no bar", "other folders", Label::Unknown),
        };
        sink(Sample {
            groups: vec![
                ("together", part.to_owned()),
                ("zone", grafted.zone.name().to_owned()),
                ("encoding", grafted.encoding.name().to_owned()),
                ("folder", payload.folder.to_string()),
            ],
            payload: payload.text.clone(),
            types: classes.of_line(payload),
            ..Sample::new(class, label, grafted.request)
        })?;
    }
    Ok(())
}

/// Which classes the lists that have a line are of.
struct Classes<'a>(HashMap<&'a str, Vec<Class>>);

impl<'a> Classes<'a> {
    fn of(payloads: &'a [Payload]) -> Self {
        let mut classes: HashMap<&str, Vec<Class>> = HashMap::new();
        for payload in payloads {
            let known = classes.entry(payload.text.trim()).or_default();
            if let Some(class) = payload.class
                && !known.contains(&class)
            {
                known.push(class);
            }
        }
        Self(classes)
    }

    /// The classes of a payload, that of its own list first; none where that has no class.
    fn of_line(&self, payload: &Payload) -> Vec<Class> {
        let Some(own) = payload.class else {
            return Vec::new();
        };
        let all = self.0.get(payload.text.trim());
        let others = all.into_iter().flatten().copied();
        std::iter::once(own)
            .chain(others.filter(|class| *class != own))
            .collect()
    }
}

/// The payload in a request; `None` if there is no request at all.
pub fn graft(payload: &Payload, bases: &Bases, random: &mut Random) -> Option<Grafted> {
    for draw in 0..=DRAWS {
        let zone = match draw {
            DRAWS => Zone::Form,
            _ => zone::draw(payload, random)?,
        };
        let encoding = encode::draw(zone, payload, random)?;
        let Some(carried) = encode::apply(encoding, zone, payload) else {
            continue;
        };
        let mut request = bases.draw(zone, random)?.clone();
        let spot = Spot {
            payload,
            carried: &carried,
            alone: encoding == Encoding::Base64,
        };
        if zone::place(&mut request, zone, &spot, random).is_some()
            && refused(&bytes_of(&request)).is_none()
        {
            return Some(Grafted {
                request,
                zone,
                encoding,
            });
        }
    }
    None
}

impl Payload {
    /// Whether it is a whole XML document, which goes as a body.
    pub fn is_document(&self) -> bool {
        let text = self.text.trim_start();
        self.class == Some(Class::Xml) && (text.starts_with("<?xml") || text.starts_with("<!DOC"))
    }

    /// Whether it is a path and query as a whole, as the lists of remote file inclusion have them.
    pub fn is_target(&self) -> bool {
        self.folder.ends_with("/rfi") && self.text.starts_with('/')
    }
}

#[cfg(test)]
mod tests;
