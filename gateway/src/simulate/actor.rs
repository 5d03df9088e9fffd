//! What every simulated client is to the world: something that acts, hears what came of it, and says when it acts next.

use super::message::{Act, Answer};
use super::random::Draw;
use super::site::{SITES, Site};
use super::token::{Grant, Mint};

/// A client, normal or not. It is asked in turn: [`Actor::act`], [`Actor::hear`], [`Actor::next`].
pub trait Actor {
    /// The request that it sends now. Nothing ends it.
    fn act(&mut self, scene: &mut Scene<'_>) -> Option<Act>;

    /// What came back. A client that does not wait for answers hears them late.
    fn hear(&mut self, scene: &mut Scene<'_>, answer: &Answer);

    /// When it acts again, in virtual seconds since 1970; nothing ends it.
    fn next(&mut self, scene: &mut Scene<'_>) -> Option<f64>;

    /// Whether it sends on without waiting for answers, as floods do.
    fn is_impatient(&self) -> bool {
        false
    }
}

/// What does not change while a simulation runs.
pub struct Setting {
    /// Everything random descends from it.
    pub seed: u64,
    /// Makes tokens.
    pub mint: Mint,
    /// When it begins.
    pub start: f64,
    /// When it ends.
    pub end: f64,
}

/// What an actor sees when it acts.
pub struct Scene<'a> {
    /// Virtual now, in seconds since 1970.
    pub now: f64,
    /// What does not change.
    pub setting: &'a Setting,
    /// What thieves and victims share.
    pub loot: &'a mut Loot,
}

/// Tokens that were stolen: a victim leaves them here, a thief of the same group picks them up. Bounded: a group has
/// one, and the oldest make room.
#[derive(Debug, Default)]
pub struct Loot(Vec<(u32, Stolen)>);

/// What a thief has.
#[derive(Clone, Debug)]
pub struct Stolen {
    /// Whose it is.
    pub account: u32,
    /// The tokens.
    pub grant: Grant,
}

impl Loot {
    /// Leaves tokens for a group.
    pub fn leave(&mut self, group: u32, stolen: Stolen) {
        self.0.retain(|(known, _)| *known != group);
        if self.0.len() >= MAX_LOOT {
            self.0.remove(0);
        }
        self.0.push((group, stolen));
    }

    /// What there is for a group.
    pub fn of(&self, group: u32) -> Option<&Stolen> {
        self.0
            .iter()
            .find(|(known, _)| *known == group)
            .map(|(_, stolen)| stolen)
    }
}

/// How many groups may have stolen something at a time.
const MAX_LOOT: usize = 256;

/// A site at random, by its share of traffic.
pub fn any_site(draw: &mut Draw) -> usize {
    draw.weighted(SITES.iter().map(|site| site.weight))
}

/// The site of this place in the table.
pub fn site(index: usize) -> &'static Site {
    SITES[index % SITES.len()]
}
