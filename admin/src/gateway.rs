//! What the API asks of the running gateway. The process implements it once; tests implement it with a table.
//!
//! Everything here answers at once or within milliseconds; what takes longer is asked away from the server's thread.

use portcullis_store::bans::StoredBan;

use crate::analyze::{Analysis, Trial};
use crate::bans::Ban;
use crate::config::Policy;
use crate::info::{Health, Info};
use crate::live::Pulse;
use crate::models::{ModelDetail, ModelList};
use crate::overlay::Overlay;
use crate::rules::{Rule, StaticException};
use crate::subjects::Portrait;

/// The running gateway, as the API sees it.
pub trait Gateway: Send + Sync + 'static {
    /// Whether it takes requests.
    fn is_ready(&self) -> bool;
    /// Where it stands in its life: `starting`, `serving`, `draining`.
    fn phase(&self) -> &'static str;
    /// How many rules serve.
    fn rules_loaded(&self) -> u64;
    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
    /// Counts what the API itself does.
    fn count(&self, what: Counted);
    /// What runs here.
    fn info(&self) -> Info;
    /// How its parts are.
    fn health(&self) -> Health;
    /// Its counters now.
    fn pulse(&self) -> Pulse;

    /// Judges a described request, forwards nothing and charges nobody.
    ///
    /// # Errors
    /// A sentence, when it is no request.
    fn analyze(&self, trial: &Trial) -> Result<Analysis, String>;

    /// The rules that serve, in the order of their ids, each without its condition.
    fn rules(&self) -> Vec<Rule>;
    /// One rule as it was written.
    fn rule(&self, id: &str) -> Option<Rule>;
    /// The exceptions that stand in the file.
    fn exceptions(&self) -> Vec<StaticException>;

    /// The models, as they serve.
    fn models(&self) -> ModelList;
    /// One model with what is known of how it was made and measured; reads files.
    fn model(&self, name: &str) -> Option<ModelDetail>;

    /// The spelling in which bans and records name a subject.
    ///
    /// # Errors
    /// A sentence, when it names none.
    fn subject(&self, text: &str) -> Result<String, String>;
    /// What is known of a subject, by its spelling; `None` where nothing is.
    fn portrait(&self, subject: &str) -> Option<Portrait>;
    /// The subjects with the highest risk, highest first.
    fn riskiest(&self, most: usize) -> Vec<Portrait>;

    /// The bans that hold, those that end last first.
    fn bans(&self) -> Vec<Ban>;
    /// Bans somebody from now on.
    ///
    /// # Errors
    /// A sentence, when nothing would come of it.
    fn ban(&self, subject: &str, until_ms: Option<i64>, cause: &str) -> Result<Ban, String>;
    /// Lifts a ban; whether there was one.
    fn unban(&self, subject: &str) -> bool;
    /// Grows by each change of the bans.
    fn bans_version(&self) -> u64;
    /// The bans that hold, as the store keeps them.
    fn stored_bans(&self) -> Vec<StoredBan>;
    /// The ban of one subject, as the store keeps it.
    fn stored_ban(&self, subject: &str) -> Option<StoredBan>;
    /// Takes in what the store says of a subject: that it is banned, or was lifted.
    fn learn_ban(&self, ban: &StoredBan);

    /// The policies as they serve.
    fn policies(&self) -> Vec<Policy>;
    /// All settings as they serve, secrets blacked out.
    fn settings(&self) -> serde_json::Value;
    /// The version of the settings made by API that serves here.
    fn overlay_version(&self) -> i64;
    /// What an overlay is refused for; empty where it would do.
    fn problems_of(&self, overlay: &Overlay) -> Vec<String>;
    /// Serves with this overlay over the file from now on.
    ///
    /// # Errors
    /// Sentences, when it cannot; then nothing has changed.
    fn apply(&self, overlay: &Overlay, version: i64) -> Result<(), Vec<String>>;
}

/// What the API itself does, for the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It answered, with this status.
    Answered(u16),
    /// This many clients watch live now.
    Watchers(usize),
    /// A live client was dropped because it did not read.
    Dropped,
    /// Live clients missed this many events because they read too slowly.
    Missed(u64),
}
