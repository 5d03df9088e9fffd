//! Bans: who is refused, until when and for what. A ban made here holds on the gateway that answers at once, and on
//! every other gateway of the installation within two seconds, by way of the store; the same way bans that a gateway
//! makes by itself become known to all.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get};
use axum::{Extension, Json, Router};
use portcullis_store::bans::{self as store, StoredBan};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};

use crate::access::Remark;
use crate::api::Api;
use crate::caller::Caller;
use crate::extract::{self, Path, Query};
use crate::problem::Problem;
use crate::time::{now_ms, rfc3339};
use crate::users::remark_of;

/// A ban.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ban {
    /// Who: `address:192.0.2.1`, `prefix:192.0.2.0/24`, `system:64500`, `user:` and 16 hexadecimal digits, ….
    pub subject: String,
    /// When it began.
    #[schema(format = "date-time")]
    pub since: String,
    /// When it ends; absent until a person lifts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "date-time")]
    pub until: Option<String>,
    /// How many times of late, this one included.
    pub offences: u32,
    /// For what: the name of a detector, or the words of whoever added it.
    pub cause: String,
    /// Who added it; absent where a gateway did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub author: Option<String>,
}

/// Some of the bans that hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BanList {
    /// Those that end last first.
    pub bans: Vec<Ban>,
    /// How many fit the question in all.
    pub total: usize,
    /// The `after` of the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// Which bans.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct BanQuestion {
    /// Text that stands in the subject or the cause.
    #[param(nullable = false, max_length = 300)]
    q: Option<String>,
    /// Only those behind this subject.
    #[param(nullable = false, max_length = 300)]
    after: Option<String>,
    /// At most this many.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Whom to ban.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBan {
    /// Who, as records and profiles name them; a bare address is one too.
    #[schema(max_length = 200, example = "address:192.0.2.1")]
    pub subject: String,
    /// For how many seconds; absent: until somebody lifts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1, maximum = 315_360_000)]
    pub seconds: Option<u32>,
    /// For what.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*$")]
    pub cause: String,
}

/// The longest ban with an end: ten years, in seconds.
const LONGEST: u32 = 315_360_000;

/// The longest cause, in characters.
const MOST_CAUSE: usize = 200;

/// The most bans of one page.
const MOST: usize = 1000;

/// How often what others ban is looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How many changes are read at once.
const AT_ONCE: i64 = 500;

/// How long ended bans stay in the store, for gateways that were away.
const REMEMBERED_MS: i64 = 7 * 86_400_000;

/// The routes of this module.
pub fn router() -> Router<Api> {
    Router::new()
        .route("/api/v1/bans", get(list).post(add))
        .route("/api/v1/bans/{subject}", delete(lift))
}

/// The documentation of this module.
#[derive(OpenApi)]
#[openapi(paths(list, add, lift))]
pub struct Doc;

/// List the bans that hold
#[utoipa::path(get, path = "/api/v1/bans", tag = "bans", params(BanQuestion), responses(
    (status = 200, description = "The bans", body = BanList),
    (status = 400, description = "The question makes no sense", body = Problem, content_type = "application/problem+json"),
))]
async fn list(
    State(api): State<Api>,
    Query(question): Query<BanQuestion>,
) -> Result<Json<BanList>, Problem> {
    let limit = question.limit.unwrap_or(100);
    if !(1..=MOST).contains(&limit) {
        return Err(Problem::bad_request(format!("`limit` is 1 to {MOST}")));
    }
    let mut bans = api.away(|gateway| gateway.bans()).await?;
    if let Some(needle) = &question.q {
        bans.retain(|ban| ban.subject.contains(needle) || ban.cause.contains(needle));
    }
    let total = bans.len();
    if let Some(after) = &question.after {
        let place = bans.iter().position(|ban| ban.subject == *after);
        bans.drain(..place.map_or(0, |place| place + 1));
    }
    let more = bans.len() > limit;
    bans.truncate(limit);
    name_authors(&api, &mut bans).await?;
    let next = bans.last().filter(|_| more).map(|ban| ban.subject.clone());
    Ok(Json(BanList { bans, total, next }))
}

async fn name_authors(api: &Api, bans: &mut [Ban]) -> Result<(), Problem> {
    let Ok(database) = api.database() else {
        return Ok(());
    };
    let authors: HashMap<String, String> = store::authors(&database).await?.into_iter().collect();
    for ban in bans {
        ban.author = authors.get(&ban.subject).cloned();
    }
    Ok(())
}

/// Ban somebody
#[utoipa::path(post, path = "/api/v1/bans", tag = "bans", request_body = NewBan, responses(
    (status = 201, description = "The ban holds", body = Ban),
    (status = 409, description = "Nothing would come of it: behaviour is switched off", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "That names nobody", body = Problem, content_type = "application/problem+json"),
))]
async fn add(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    extract::Json(new): extract::Json<NewBan>,
) -> Result<(StatusCode, Extension<Remark>, Json<Ban>), Problem> {
    let ban = put(&api, &caller.name, &new).await?;
    let remark = Remark::on(&ban.subject, ban.cause.clone());
    Ok((StatusCode::CREATED, remark_of(remark), Json(ban)))
}

/// Bans somebody in somebody's name.
///
/// # Errors
/// When it makes no sense or cannot be kept.
pub async fn put(api: &Api, author: &str, new: &NewBan) -> Result<Ban, Problem> {
    let cause = new.cause.trim();
    let length = cause.chars().count();
    if length == 0 || length > MOST_CAUSE || cause.contains(char::is_control) {
        return Err(Problem::unprocessable(format!(
            "`cause` is 1 to {MOST_CAUSE} printable characters"
        )));
    }
    if new
        .seconds
        .is_some_and(|seconds| !(1..=LONGEST).contains(&seconds))
    {
        return Err(Problem::unprocessable(format!(
            "`seconds` is 1 to {LONGEST}"
        )));
    }
    let gateway = api.gateway();
    let subject = gateway
        .subject(&new.subject)
        .map_err(Problem::unprocessable)?;
    let until_ms = new
        .seconds
        .map(|seconds| now_ms() + i64::from(seconds) * 1000);
    let ban = gateway
        .ban(&subject, until_ms, cause)
        .map_err(Problem::conflict)?;
    if let Ok(database) = api.database() {
        let mut stored = gateway.stored_ban(&subject).into_iter().collect::<Vec<_>>();
        stored
            .iter_mut()
            .for_each(|ban| ban.author = author.to_owned());
        store::keep(&database, &stored).await?;
    }
    Ok(Ban {
        author: Some(author.to_owned()),
        ..ban
    })
}

/// Lift a ban
#[utoipa::path(delete, path = "/api/v1/bans/{subject}", tag = "bans", params(("subject" = String, Path, description = "Who is banned")), responses(
    (status = 204, description = "They are free"),
    (status = 404, description = "They were not banned", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "That names nobody", body = Problem, content_type = "application/problem+json"),
))]
async fn lift(State(api): State<Api>, Path(subject): Path<String>) -> Result<StatusCode, Problem> {
    if remove(&api, &subject).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("they were not banned"))
    }
}

/// Lifts a ban; whether there was one.
///
/// # Errors
/// When that names nobody, or it cannot be kept.
pub async fn remove(api: &Api, subject: &str) -> Result<bool, Problem> {
    let gateway = api.gateway();
    let subject = gateway.subject(subject).map_err(Problem::unprocessable)?;
    let here = gateway.unban(&subject);
    let kept = match api.database() {
        Ok(database) => store::lift(&database, &subject, now_ms()).await?,
        Err(_) => false,
    };
    Ok(here || kept)
}

/// How far this gateway and the store have told each other of bans.
#[derive(Default)]
pub(crate) struct Follower {
    /// The last change that was read.
    seen: i64,
    /// The gateway's count of changes when its bans were last compared.
    compared: u64,
    /// The bans that the store knows and that are not over, by subject.
    known: HashMap<String, Known>,
}

/// What others have to be told anew of a ban when it changes: when it began and ends, and the programs that it is for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Known {
    since_ms: i64,
    until_ms: Option<i64>,
    programs: u64,
}

impl Known {
    fn of(ban: &StoredBan) -> Self {
        Self {
            since_ms: ban.since_ms,
            until_ms: ban.until_ms,
            programs: ban.programs,
        }
    }

    fn is_over(&self, now_ms: i64) -> bool {
        self.until_ms.is_some_and(|until| until <= now_ms)
    }
}

/// Carries bans between this gateway and the store; for ever.
pub async fn follow(api: Api) {
    let mut follower = Follower::default();
    let mut failing = false;
    let mut rounds = 0_u32;
    loop {
        match follower.exchange(&api).await {
            Ok(()) => failing = false,
            Err(problem) if !failing => {
                tracing::warn!(
                    reason = problem.detail,
                    "bans are not carried to and from the store; trying each second"
                );
                failing = true;
            }
            Err(_) => {}
        }
        if rounds.is_multiple_of(3600)
            && let Ok(database) = api.database()
            && let Err(error) = store::forget(&database, now_ms() - REMEMBERED_MS).await
        {
            tracing::warn!(%error, "ended bans cannot be forgotten");
        }
        rounds = rounds.wrapping_add(1);
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

impl Follower {
    /// Reads what others changed, and tells what changed here.
    pub(crate) async fn exchange(&mut self, api: &Api) -> Result<(), Problem> {
        let Ok(database) = api.database() else {
            return Ok(());
        };
        loop {
            let news = store::changes(&database, self.seen, AT_ONCE).await?;
            let Some(last) = news.last() else { break };
            self.seen = last.change;
            news.iter().for_each(|ban| self.learn(api, ban));
        }
        let version = api.gateway().bans_version();
        if version != self.compared {
            self.tell(api).await?;
            self.compared = version;
        }
        Ok(())
    }

    /// Takes in what the store says.
    fn learn(&mut self, api: &Api, ban: &StoredBan) {
        let over = ban.until_ms.is_some_and(|until| until <= now_ms());
        if ban.lifted_ms.is_some() {
            self.known.remove(&ban.subject);
        } else {
            self.known.insert(ban.subject.clone(), Known::of(ban));
        }
        if !over || ban.lifted_ms.is_some() {
            api.gateway().learn_ban(ban);
        }
    }

    /// Tells the store what this gateway has banned and let go by itself.
    async fn tell(&mut self, api: &Api) -> Result<(), Problem> {
        let here = api.away(|gateway| gateway.stored_bans()).await?;
        let database = api.database()?;
        let is_known = |ban: &StoredBan| self.known.get(&ban.subject) == Some(&Known::of(ban));
        let new: Vec<StoredBan> = here.iter().filter(|ban| !is_known(ban)).cloned().collect();
        store::keep(&database, &new).await?;
        self.known
            .extend(new.iter().map(|ban| (ban.subject.clone(), Known::of(ban))));
        // What ended by itself was lifted by nobody: it is remembered, so that the next ban is longer.
        let now = now_ms();
        self.known.retain(|_, known| !known.is_over(now));
        let held: std::collections::HashSet<&str> =
            here.iter().map(|ban| ban.subject.as_str()).collect();
        let gone: Vec<String> = self
            .known
            .keys()
            .filter(|subject| !held.contains(subject.as_str()))
            .cloned()
            .collect();
        for subject in gone {
            // Lifted over the control socket.
            store::lift(&database, &subject, now_ms()).await?;
            self.known.remove(&subject);
        }
        Ok(())
    }
}

impl Ban {
    /// As the store holds it.
    pub fn of(stored: &StoredBan) -> Self {
        Self {
            subject: stored.subject.clone(),
            since: rfc3339(stored.since_ms),
            until: stored.until_ms.map(rfc3339),
            offences: u32::try_from(stored.offences).unwrap_or(u32::MAX),
            cause: stored.cause.clone(),
            author: (!stored.author.is_empty()).then(|| stored.author.clone()),
        }
    }
}
