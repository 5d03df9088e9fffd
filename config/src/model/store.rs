//! The store: the database behind the admin API, and what is kept in it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::{ByteSize, Duration, ServerUrl};

/// The database behind the admin API: records that can be searched, counts per minute and hour, alerts, users and the
/// audit trail. It is written beside the lines of `records`; no request waits for it. A change needs a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `sqlite`: the file `store.db` in the state folder. `sqlite:PATH`: another file. `postgres://USER@HOST/NAME`: a
    /// server; gateways with the same one are one installation, and each answers for all. `off`: nothing is stored, and
    /// of the admin API only metrics and health remain.
    pub database: String,
    /// The password for a PostgreSQL server. Unset: none. Write `file:PATH`, not the password.
    pub password: Option<String>,
    /// What this gateway's records are marked with. Unset: the machine's name and the admin port. Two gateways of one
    /// installation need two names.
    pub node: Option<String>,
    /// What the gateways of one installation have in common: the hashes of keys, users and sessions are made with it. At
    /// least 32 characters, the same on every gateway. Write `file:PATH`, not the secret. Unset: that of `share`, else
    /// each gateway has its own in the state folder, and a ban of a user, key or session made on one does not fit on
    /// the others. Another one ends bans of users.
    pub secret: Option<String>,
    /// How long records are kept.
    pub retention: Retention,
    /// How much may wait in the state folder while the database is slow or away; further records are lost and counted
    /// in `portcullis_store_lost_total`. They are still written as lines.
    pub spool: ByteSize,
    /// How many records may wait in memory for the database's thread, with 2 KiB for each in all; further ones are
    /// lost and counted.
    #[schemars(range(min = 1000, max = 1_048_576))]
    pub queue: usize,
    /// An Elasticsearch or OpenSearch that also gets every record. Unset: none.
    pub elasticsearch: Option<Elasticsearch>,
}

/// How long records are kept; whichever bound is met first holds. Counts per minute are kept for 8 days, those per hour
/// for 400 days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Records older than this are removed.
    pub age: Duration,
    /// The oldest records are removed where all together take more than this; some 1 KiB each, twice that for one with
    /// much evidence.
    pub size: ByteSize,
}

/// An Elasticsearch or OpenSearch that gets every record through its bulk interface, with field names of the Elastic
/// Common Schema. `deploy/elasticsearch` has the index template and the lifecycle policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Elasticsearch {
    /// `http://HOST:PORT` or `https://HOST:PORT`.
    pub url: ServerUrl,
    /// What the names of indices begin with: records go to PREFIX-records.
    #[serde(default = "default_prefix")]
    pub prefix: String,
    /// The name to log in with. Unset: without a log-in.
    #[serde(default)]
    pub username: Option<String>,
    /// The password to log in with. Write `file:PATH`, not the password.
    #[serde(default)]
    pub password: Option<String>,
    /// An API key, instead of name and password. Write `file:PATH`, not the key.
    #[serde(default)]
    pub api_key: Option<String>,
    /// How many records may wait in memory while it is slow or away; further ones are lost to it and counted in
    /// `portcullis_store_sink_records_total`.
    #[serde(default = "default_waiting")]
    #[schemars(range(min = 1000, max = 1_048_576))]
    pub queue: usize,
}

impl Store {
    /// Whether anything is stored.
    pub fn is_on(&self) -> bool {
        self.database != "off"
    }
}

impl Default for Store {
    fn default() -> Self {
        Self {
            database: "sqlite".to_owned(),
            password: None,
            node: None,
            secret: None,
            retention: Retention::default(),
            spool: ByteSize::mib(256),
            queue: 16_384,
            elasticsearch: None,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            age: Duration::from_secs(30 * 86_400),
            size: ByteSize::mib(4096),
        }
    }
}

fn default_prefix() -> String {
    "portcullis".to_owned()
}

const fn default_waiting() -> usize {
    16_384
}
