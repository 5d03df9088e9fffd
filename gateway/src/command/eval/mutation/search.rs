//! The guided search: hill climbing with a small beam. Each round every mutant of the beam is mutated a few times, what
//! still means the same is judged, and those that the engine scores lowest go on.

use portcullis_detect::ruletest::OwnedRequest;
use portcullis_detect::{Action, Verdict, Worker};

use super::operator::OPERATORS;
use super::piece::{joined, pieces};
use super::statement::Meaning;
use crate::command::eval::graft::base::Bases;
use crate::command::eval::graft::encode::{self, Encoding};
use crate::command::eval::graft::zone::{self, Spot, Zone};
use crate::command::eval::judge::Judge;
use crate::command::eval::payload::Payload;
use crate::command::eval::random::Random;
use crate::command::eval::request::{bytes_of, refused};

/// How many mutants go on from round to round.
const BEAM: usize = 2;
/// How many mutants of each are judged in a round.
const CHILDREN: usize = 2;
/// How many are proposed for each that is judged: most that are refused mean something else.
const PROPOSALS: usize = 6;
/// A longer mutant is refused: nobody needs it, and requests have limits.
const LONGEST: usize = 2000;

/// A payload that is to be hidden.
pub struct Quarry<'a> {
    /// The payload as its list has it.
    pub payload: &'a Payload,
    /// What it means.
    pub meaning: &'a Meaning,
    /// Which one it is: decides every draw.
    pub number: usize,
}

/// What became of a payload.
#[derive(Clone, Debug)]
pub struct Hunted {
    /// After how many rounds it was denied no more; 0 if it never was, `None` if it always was.
    pub through: Option<usize>,
    /// Where it stood.
    pub zone: &'static str,
    /// The lowest score that was seen.
    pub score: f32,
    /// The mutant with it.
    pub text: String,
    /// How that is encoded.
    pub encoding: &'static str,
    /// What was done to it, each once.
    pub operators: Vec<&'static str>,
    /// How many mutants were judged.
    pub judged: usize,
}

/// The name of the operator that changes the encoding.
const CARRIER: &str = "encoding of the carrier";

#[derive(Clone)]
struct Mutant {
    text: String,
    encoding: Encoding,
    operators: Vec<&'static str>,
    rank: Rank,
    denied: bool,
}

/// What the engine thinks, in the order in which it matters: the score, what the models say, what all rules say.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rank([f32; 3]);

impl Rank {
    fn of(verdict: &Verdict) -> Self {
        let models = verdict.ensemble.as_ref();
        let found = verdict.evidence.iter().map(|found| f32::from(found.score));
        Self([
            verdict.score,
            models.map_or(0.0, |opinion| opinion.probability),
            found.sum(),
        ])
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let pairs = self.0.iter().zip(&other.0);
        let orders = pairs.map(|(one, other)| one.total_cmp(other));
        orders.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
    }
}

/// A request with a place for the payload, the same for each of its mutants.
struct Carrier {
    base: OwnedRequest,
    zone: Zone,
    random: Random,
}

impl Carrier {
    /// Draws a place that carries the payload.
    fn draw(payload: &Payload, bases: &Bases, random: &mut Random) -> Option<Self> {
        for _ in 0..24 {
            let zone = zone::draw(payload, random)?;
            let carrier = Self {
                base: bases.draw(zone, random)?.clone(),
                zone,
                random: random.clone(),
            };
            if carrier.request(payload, Encoding::Plain).is_some() {
                return Some(carrier);
            }
        }
        None
    }

    fn request(&self, payload: &Payload, encoding: Encoding) -> Option<OwnedRequest> {
        let carried = encode::apply(encoding, self.zone, payload)?;
        let mut request = self.base.clone();
        let spot = Spot {
            payload,
            carried: &carried,
            alone: false,
        };
        zone::place(&mut request, self.zone, &spot, &mut self.random.clone())?;
        refused(&bytes_of(&request)).is_none().then_some(request)
    }

    /// Encodings that an application behind may undo: escapes once, and twice where a proxy in front of it undoes them.
    fn encodings(&self) -> &'static [Encoding] {
        match self.zone {
            Zone::Query | Zone::Form => &[
                Encoding::Plain,
                Encoding::Plus,
                Encoding::Percent,
                Encoding::DoublePercent,
                Encoding::PercentU,
            ],
            Zone::Path | Zone::Cookie => {
                &[Encoding::Plain, Encoding::Percent, Encoding::DoublePercent]
            }
            Zone::Json => &[Encoding::Plain, Encoding::JsonUnicode],
            Zone::Header | Zone::Multipart | Zone::Xml | Zone::Target => &[Encoding::Plain],
        }
    }
}

/// A hunt for one payload.
struct Hunt<'a> {
    quarry: &'a Quarry<'a>,
    carrier: Carrier,
    judge: &'a Judge,
    random: Random,
    judged: usize,
}

/// Hides a payload from the judge, for so many rounds or until it is denied no more. `None` where no request carries it.
pub fn hunt(
    quarry: &Quarry<'_>,
    bases: &Bases,
    judge: &Judge,
    worker: &mut Worker,
    seed: u64,
    rounds: usize,
) -> Option<Hunted> {
    let mut random = Random::of(seed, quarry.number);
    let carrier = Carrier::draw(quarry.payload, bases, &mut random)?;
    let zone = carrier.zone.name();
    let mut hunt = Hunt {
        quarry,
        carrier,
        judge,
        random,
        judged: 0,
    };
    let first = Mutant {
        text: quarry.payload.text.clone(),
        encoding: Encoding::Plain,
        operators: Vec::new(),
        rank: Rank([f32::MAX; 3]),
        denied: true,
    };
    let mut beam = vec![hunt.judged(first, worker)?];
    let mut through = (!beam[0].denied).then_some(0);
    for round in 1..=rounds {
        if through.is_some() {
            break;
        }
        beam = hunt.round(beam, worker);
        through = beam.iter().any(|mutant| !mutant.denied).then_some(round);
    }
    let best = beam.iter().find(|mutant| !mutant.denied);
    let best = best.or(beam.first())?;
    Some(Hunted {
        through,
        zone,
        score: best.rank.0[0],
        text: best.text.clone(),
        encoding: best.encoding.name(),
        operators: best.operators.clone(),
        judged: hunt.judged,
    })
}

impl Hunt<'_> {
    fn round(&mut self, beam: Vec<Mutant>, worker: &mut Worker) -> Vec<Mutant> {
        let mut all = Vec::with_capacity(BEAM * (CHILDREN + 1));
        for mutant in &beam {
            for _ in 0..CHILDREN {
                let child = self.child(mutant);
                all.extend(child.and_then(|child| self.judged(child, worker)));
            }
        }
        // Children come first and the order is kept among equals: on a plateau the search moves on.
        all.extend(beam);
        all.sort_by(|one, other| one.rank.compare(&other.rank));
        all.dedup_by(|one, other| one.text == other.text && one.encoding == other.encoding);
        all.truncate(BEAM);
        all
    }

    /// A mutant of a mutant that means the same.
    fn child(&mut self, of: &Mutant) -> Option<Mutant> {
        for _ in 0..PROPOSALS {
            let which = self.random.below(OPERATORS.len() + 1);
            let mut child = of.clone();
            let name = match OPERATORS.get(which) {
                None => {
                    child.encoding = *self.random.pick(self.carrier.encodings())?;
                    CARRIER
                }
                Some((name, change)) => {
                    let meaning = self.quarry.meaning;
                    let mut parts = pieces(&of.text, meaning.context.quote());
                    if change(&mut parts, meaning.dialect, &mut self.random).is_none() {
                        continue;
                    }
                    child.text = joined(&parts);
                    name
                }
            };
            let changed = child.text != of.text || child.encoding != of.encoding;
            // A percent sign would be taken for an escape that the list's line had.
            let fits = child.text.len() <= LONGEST && !child.text.contains('%');
            if changed && fits && self.quarry.meaning.is_of(&child.text) {
                if !child.operators.contains(&name) {
                    child.operators.push(name);
                }
                return Some(child);
            }
        }
        None
    }

    fn judged(&mut self, mutant: Mutant, worker: &mut Worker) -> Option<Mutant> {
        let payload = Payload {
            text: mutant.text.clone(),
            ..self.quarry.payload.clone()
        };
        let request = self.carrier.request(&payload, mutant.encoding)?;
        let (verdict, _) = self.judge.one(worker, &request);
        self.judged += 1;
        Some(Mutant {
            rank: Rank::of(&verdict),
            denied: verdict.action == Action::Deny,
            ..mutant
        })
    }
}
