//! Users of the admin plane, their sessions and their API tokens, as rows. What a role may do, how passwords are
//! hashed and when a session has ended is decided by whoever asks; this module keeps the rows, bounds their number per
//! user and lets them go together. Of secrets it sees hashes only. Times are milliseconds since 1970.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, FromRow, Row};

use crate::database::{Database, StoreError};

/// Sessions that one user may have open; a further one ends the oldest.
pub const SESSIONS_PER_USER: i64 = 32;
/// Tokens that one user may have; no further one is made.
pub const TOKENS_PER_USER: i64 = 64;
/// The digits of a session's hash that it is called by where it is listed.
pub const SESSION_NAME: usize = 16;
/// Users there may be.
pub const USERS: i64 = 10_000;

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The name they log in with.
    pub name: String,
    /// `viewer`, `analyst` or `admin`.
    pub role: String,
    /// The only tenant whose records they see.
    pub tenant: Option<String>,
    /// Who they are at the provider of single sign-on.
    pub subject: Option<String>,
    /// The password's hash, in PHC's string format.
    pub password: Option<String>,
    /// Whether the password was given by somebody else and holds only for changing it.
    pub must_change: bool,
    /// Whether they are shut out.
    pub disabled: bool,
    /// When the user was made.
    pub created: i64,
    /// When they last logged in.
    pub login: Option<i64>,
}

/// An open session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hash of its id.
    pub hash: String,
    /// Whose it is.
    pub user: String,
    /// The address it was opened from.
    pub source: String,
    /// When it was opened.
    pub created: i64,
    /// When it was last used, to the minute.
    pub seen: i64,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is called by; no secret.
    pub id: String,
    /// The hash of the token.
    pub hash: String,
    /// What its owner calls it.
    pub name: String,
    /// Whose it is.
    pub user: String,
    /// The most that it may do; never more than its owner.
    pub role: String,
    /// The families of routes it is for, with commas between; empty: all.
    pub families: String,
    /// When it was made.
    pub created: i64,
    /// When it ends.
    pub expires: Option<i64>,
    /// When it was last used, to the minute.
    pub used: Option<i64>,
}

/// Users, sessions and tokens of one database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    database: Database,
}

type Statement = Query<'static, Any, AnyArguments>;

impl Accounts {
    /// Those of `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    /// The database they live in.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// All users by name.
    ///
    /// # Errors
    /// When the database does not answer; so do all functions here.
    pub async fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = sqlx::query_as("SELECT * FROM users ORDER BY name");
        Ok(rows.fetch_all(self.database.pool()).await?)
    }

    /// One user.
    pub async fn user(&self, name: &str) -> Result<Option<User>, StoreError> {
        if name.contains('\0') {
            // PostgreSQL takes no zero byte, so nobody is called so.
            return Ok(None);
        }
        let row = sqlx::query_as("SELECT * FROM users WHERE name = $1").bind(name.to_owned());
        Ok(row.fetch_optional(self.database.pool()).await?)
    }

    /// The user whom the provider of single sign-on calls `subject`.
    pub async fn user_of_subject(&self, subject: &str) -> Result<Option<User>, StoreError> {
        let row = sqlx::query_as("SELECT * FROM users WHERE subject = $1").bind(subject.to_owned());
        Ok(row.fetch_optional(self.database.pool()).await?)
    }

    /// Adds a user. `false`: the name is taken, or there are too many.
    pub async fn add(&self, user: &User) -> Result<bool, StoreError> {
        self.insert(user, USERS).await
    }

    /// Adds the first user; `false` where there is one already, of whatever name. Of several gateways that start
    /// together with one database, one is told `true`.
    pub async fn add_first(&self, user: &User) -> Result<bool, StoreError> {
        self.insert(user, 1).await
    }

    async fn insert(&self, user: &User, most: i64) -> Result<bool, StoreError> {
        // The casts tell PostgreSQL what the parameters of a SELECT without a table are.
        let statement = sqlx::query(
            "INSERT INTO users (name, role, tenant, subject, password, must_change, disabled, created_ms, login_ms)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
                    CAST($6 AS BIGINT), CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS BIGINT)
             WHERE (SELECT COUNT(*) FROM users) < CAST($10 AS BIGINT)
             ON CONFLICT DO NOTHING",
        )
        .bind(user.name.clone())
        .bind(user.role.clone())
        .bind(user.tenant.clone())
        .bind(user.subject.clone())
        .bind(user.password.clone())
        .bind(i64::from(user.must_change))
        .bind(i64::from(user.disabled))
        .bind(user.created)
        .bind(user.login)
        .bind(most);
        self.changed(statement).await
    }

    /// Sets role, tenant and whether the user is shut out. `false`: there is no such user, or it is the last admin
    /// and would no longer be one.
    pub async fn change(&self, user: &User) -> Result<bool, StoreError> {
        let statement = sqlx::query(
            "UPDATE users SET role = $2, tenant = $3, disabled = $4 WHERE name = $1
             AND (($2 = 'admin' AND $4 = 0) OR role <> 'admin' OR disabled <> 0
                  OR EXISTS (SELECT 1 FROM users o WHERE o.role = 'admin' AND o.disabled = 0 AND o.name <> $1))",
        )
        .bind(user.name.clone())
        .bind(user.role.clone())
        .bind(user.tenant.clone())
        .bind(i64::from(user.disabled));
        self.changed(statement).await
    }

    /// Sets the password's hash, and whether it holds only for being changed. `false`: there is no such user.
    pub async fn set_password(
        &self,
        name: &str,
        hash: &str,
        must_change: bool,
    ) -> Result<bool, StoreError> {
        let statement =
            sqlx::query("UPDATE users SET password = $2, must_change = $3 WHERE name = $1")
                .bind(name.to_owned())
                .bind(hash.to_owned())
                .bind(i64::from(must_change));
        self.changed(statement).await
    }

    /// Notes a log-in.
    pub async fn logged_in(&self, name: &str, now: i64) -> Result<bool, StoreError> {
        let statement = sqlx::query("UPDATE users SET login_ms = $2 WHERE name = $1")
            .bind(name.to_owned())
            .bind(now);
        self.changed(statement).await
    }

    /// Removes a user with their sessions and tokens. `false`: there is none, or it is the last admin.
    pub async fn remove(&self, name: &str) -> Result<bool, StoreError> {
        let statement = sqlx::query(
            "DELETE FROM users WHERE name = $1 AND (role <> 'admin' OR disabled <> 0
             OR EXISTS (SELECT 1 FROM users o WHERE o.role = 'admin' AND o.disabled = 0 AND o.name <> $1))",
        )
        .bind(name.to_owned());
        self.changed(statement).await
    }

    /// Opens a session, ending the user's oldest ones beyond [`SESSIONS_PER_USER`].
    pub async fn open(&self, session: &Session) -> Result<(), StoreError> {
        let insert = sqlx::query(
            "INSERT INTO sessions (hash, user_name, source, created_ms, seen_ms) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(session.hash.clone())
        .bind(session.user.clone())
        .bind(session.source.clone())
        .bind(session.created)
        .bind(session.seen);
        self.changed(insert).await?;
        let trim = sqlx::query(
            "DELETE FROM sessions WHERE user_name = $1 AND hash NOT IN
             (SELECT hash FROM sessions WHERE user_name = $1 ORDER BY created_ms DESC, hash LIMIT $2)",
        )
        .bind(session.user.clone())
        .bind(SESSIONS_PER_USER);
        self.changed(trim).await?;
        Ok(())
    }

    /// A session and its user, as the user is now.
    pub async fn session(&self, hash: &str) -> Result<Option<(Session, User)>, StoreError> {
        let row = sqlx::query(
            "SELECT s.hash AS s_hash, s.source AS s_source, s.created_ms AS s_created, s.seen_ms AS s_seen, u.*
             FROM sessions s JOIN users u ON u.name = s.user_name WHERE s.hash = $1",
        )
        .bind(hash.to_owned())
        .fetch_optional(self.database.pool())
        .await?;
        row.map(|row| {
            let user = User::from_row(&row)?;
            let session = Session {
                hash: row.try_get("s_hash")?,
                user: user.name.clone(),
                source: row.try_get("s_source")?,
                created: row.try_get("s_created")?,
                seen: row.try_get("s_seen")?,
            };
            Ok((session, user))
        })
        .transpose()
    }

    /// Notes that a session was used.
    pub async fn seen(&self, hash: &str, now: i64) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE sessions SET seen_ms = $2 WHERE hash = $1")
            .bind(hash.to_owned())
            .bind(now);
        self.changed(statement).await?;
        Ok(())
    }

    /// Ends a session. `false`: there was none.
    pub async fn close(&self, hash: &str) -> Result<bool, StoreError> {
        let statement = sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash.to_owned());
        self.changed(statement).await
    }

    /// The sessions of one user, or of all, that were opened after `opened` and used after `seen`; newest first, at
    /// most 1,000.
    pub async fn sessions(
        &self,
        user: Option<&str>,
        opened: i64,
        seen: i64,
    ) -> Result<Vec<Session>, StoreError> {
        let rows = sqlx::query(
            "SELECT hash, user_name, source, created_ms, seen_ms FROM sessions
             WHERE ($1 = '' OR user_name = $1) AND created_ms > $2 AND seen_ms > $3
             ORDER BY created_ms DESC, hash LIMIT 1000",
        )
        .bind(user.unwrap_or_default().to_owned())
        .bind(opened)
        .bind(seen)
        .fetch_all(self.database.pool())
        .await?;
        let read = |row: &AnyRow| {
            Ok(Session {
                hash: row.try_get("hash")?,
                user: row.try_get("user_name")?,
                source: row.try_get("source")?,
                created: row.try_get("created_ms")?,
                seen: row.try_get("seen_ms")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Ends the session whose hash begins like this ([`SESSION_NAME`] digits), of `user` where one is given; returns
    /// whose it was, `None` where there was none.
    pub async fn close_named(
        &self,
        name: &str,
        user: Option<&str>,
    ) -> Result<Option<String>, StoreError> {
        let is_name = name.len() == SESSION_NAME && name.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_name {
            return Ok(None);
        }
        let row = sqlx::query(
            "DELETE FROM sessions WHERE substr(hash, 1, 16) = $1 AND ($2 = '' OR user_name = $2) RETURNING user_name",
        )
        .bind(name.to_owned())
        .bind(user.unwrap_or_default().to_owned())
        .fetch_optional(self.database.pool())
        .await?;
        Ok(row.map(|row| row.try_get("user_name")).transpose()?)
    }

    /// Ends all sessions of a user.
    pub async fn close_all(&self, user: &str) -> Result<bool, StoreError> {
        let statement =
            sqlx::query("DELETE FROM sessions WHERE user_name = $1").bind(user.to_owned());
        self.changed(statement).await
    }

    /// Adds a token. `false`: the user has as many as they may.
    pub async fn add_token(&self, token: &Token) -> Result<bool, StoreError> {
        let statement = sqlx::query(
            "INSERT INTO tokens (id, hash, name, user_name, role, families, created_ms, expires_ms)
             SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
                    CAST($6 AS TEXT), CAST($7 AS BIGINT), CAST($8 AS BIGINT)
             WHERE (SELECT COUNT(*) FROM tokens WHERE user_name = $4) < CAST($9 AS BIGINT)",
        )
        .bind(token.id.clone())
        .bind(token.hash.clone())
        .bind(token.name.clone())
        .bind(token.user.clone())
        .bind(token.role.clone())
        .bind(token.families.clone())
        .bind(token.created)
        .bind(token.expires)
        .bind(TOKENS_PER_USER);
        self.changed(statement).await
    }

    /// The tokens of one user, or of all, newest first.
    pub async fn tokens(&self, user: Option<&str>) -> Result<Vec<Token>, StoreError> {
        let rows = sqlx::query_as(
            "SELECT * FROM tokens WHERE $1 = '' OR user_name = $1 ORDER BY created_ms DESC, id LIMIT 1000",
        )
        .bind(user.unwrap_or_default().to_owned());
        Ok(rows.fetch_all(self.database.pool()).await?)
    }

    /// A token by its hash, and its owner as they are now.
    pub async fn token(&self, hash: &str) -> Result<Option<(Token, User)>, StoreError> {
        let row = sqlx::query_as("SELECT * FROM tokens WHERE hash = $1").bind(hash.to_owned());
        let token: Option<Token> = row.fetch_optional(self.database.pool()).await?;
        let Some(token) = token else { return Ok(None) };
        let user = self.user(&token.user).await?;
        Ok(user.map(|user| (token, user)))
    }

    /// Notes that a token was used.
    pub async fn used(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let statement = sqlx::query("UPDATE tokens SET used_ms = $2 WHERE id = $1")
            .bind(id.to_owned())
            .bind(now);
        self.changed(statement).await?;
        Ok(())
    }

    /// Removes a token, of `user` where one is given. `false`: there is none.
    pub async fn remove_token(&self, id: &str, user: Option<&str>) -> Result<bool, StoreError> {
        if id.contains('\0') {
            return Ok(false);
        }
        let statement =
            sqlx::query("DELETE FROM tokens WHERE id = $1 AND ($2 = '' OR user_name = $2)")
                .bind(id.to_owned())
                .bind(user.unwrap_or_default().to_owned());
        self.changed(statement).await
    }

    /// Removes sessions opened before `opened` or last used before `seen`, and tokens that ended before `now`.
    pub async fn tidy(&self, now: i64, opened: i64, seen: i64) -> Result<(), StoreError> {
        let sessions = sqlx::query("DELETE FROM sessions WHERE created_ms < $1 OR seen_ms < $2")
            .bind(opened)
            .bind(seen);
        self.changed(sessions).await?;
        let tokens = sqlx::query("DELETE FROM tokens WHERE expires_ms < $1").bind(now);
        self.changed(tokens).await?;
        Ok(())
    }

    /// The value that the installation has under `name`: `fresh`, unless there is one already.
    pub async fn settle(&self, name: &str, fresh: &str) -> Result<String, StoreError> {
        if let Some(settled) = self.value(name).await? {
            return Ok(settled);
        }
        let insert = sqlx::query(
            "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(name.to_owned())
        .bind(fresh.to_owned());
        self.changed(insert).await?;
        // Another node may have been quicker.
        let settled = self.value(name).await?;
        settled.ok_or_else(|| StoreError::Database(sqlx::Error::RowNotFound))
    }

    async fn value(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT value FROM installation WHERE name = $1")
            .bind(name.to_owned())
            .fetch_optional(self.database.pool())
            .await?;
        Ok(row.map(|row| row.try_get("value")).transpose()?)
    }

    async fn changed(&self, statement: Statement) -> Result<bool, StoreError> {
        let done = statement.execute(self.database.pool()).await?;
        Ok(done.rows_affected() > 0)
    }
}

impl<'r> FromRow<'r, AnyRow> for User {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            role: row.try_get("role")?,
            tenant: row.try_get("tenant")?,
            subject: row.try_get("subject")?,
            password: row.try_get("password")?,
            must_change: row.try_get::<i64, _>("must_change")? != 0,
            disabled: row.try_get::<i64, _>("disabled")? != 0,
            created: row.try_get("created_ms")?,
            login: row.try_get("login_ms")?,
        })
    }
}

impl<'r> FromRow<'r, AnyRow> for Token {
    fn from_row(row: &'r AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            hash: row.try_get("hash")?,
            name: row.try_get("name")?,
            user: row.try_get("user_name")?,
            role: row.try_get("role")?,
            families: row.try_get("families")?,
            created: row.try_get("created_ms")?,
            expires: row.try_get("expires_ms")?,
            used: row.try_get("used_ms")?,
        })
    }
}

#[cfg(test)]
mod tests;
