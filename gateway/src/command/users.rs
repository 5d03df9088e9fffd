//! `portcullis users`: who may use the admin plane, on the database itself, so that it also helps when nobody can log
//! in any more. The gateway may run beside it; what is done here holds at once.

use std::io::Read;
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};
use portcullis_admin::Role;
use portcullis_admin::access::secret;
use portcullis_admin::access::{Clock, SystemClock};
use portcullis_admin::time::rfc3339;
use portcullis_admin::users::{self, tokens};
use portcullis_store::Database;
use portcullis_store::access::{Accounts, User};
use portcullis_store::audit::{self, Event};
use serde_json::json;

use super::database::Place;
use super::say;
use crate::cli::{UsersArgs, UsersCommand};
use crate::reload;
use crate::state_dir::StateDir;

/// The longest password that is read, in bytes.
const MOST_BYTES: u64 = 4096;

/// Does it, and prints what came of it.
///
/// # Errors
/// When the database cannot be opened, or somebody cannot be as wanted.
pub fn run(args: &UsersArgs) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let accounts = Accounts::new(open(args).await?);
        let line = answer(&accounts, &args.what).await?;
        say(&line);
        Ok(ExitCode::SUCCESS)
    })
}

/// Opens the database. Only the first user may be added where there is none yet; anything else is a folder mistyped.
async fn open(args: &UsersArgs) -> anyhow::Result<Database> {
    let place = place(args)?;
    if let Some(file) = place.missing() {
        ensure!(
            matches!(args.what, UsersCommand::Add { .. }),
            "there is no database {}: name the gateway's --config, its state folder with --state-dir, or its --database",
            file.display()
        );
        if let Some(folder) = file.parent() {
            StateDir::open(folder.to_owned())?;
        }
    }
    place.open().await
}

fn place(args: &UsersArgs) -> anyhow::Result<Place> {
    let Some(file) = &args.config else {
        return Ok(match &args.database {
            Some(url) => Place::named(url),
            None => Place::in_folder(StateDir::place(args.state_dir.clone(), args.admin_port)),
        });
    };
    let config = reload::read(file).map_err(|problems| anyhow!(problems.join("\n")))?;
    Place::of(&config, args.state_dir.clone()).with_context(|| {
        format!(
            "{}: store.database is off, so there are no users",
            file.display()
        )
    })
}

async fn answer(accounts: &Accounts, what: &UsersCommand) -> anyhow::Result<String> {
    match what {
        UsersCommand::List { json } => list(&accounts.users().await?, *json),
        UsersCommand::Add {
            name,
            role,
            tenant,
            password_stdin,
        } => {
            let password = Password::of(*password_stdin)?;
            add(accounts, name, *role, tenant.as_deref(), password).await
        }
        UsersCommand::Reset {
            name,
            password_stdin,
        } => reset(accounts, name, Password::of(*password_stdin)?).await,
        UsersCommand::Remove { name } => remove(accounts, name).await,
        UsersCommand::Token {
            user,
            name,
            role,
            family,
            days,
        } => token(accounts, user, name, *role, family, *days).await,
    }
}

/// A password that was given, or drawn.
struct Password {
    text: String,
    is_drawn: bool,
}

impl Password {
    fn of(from_input: bool) -> anyhow::Result<Self> {
        let mut text = String::new();
        if from_input {
            let input = std::io::stdin().take(MOST_BYTES);
            std::io::BufReader::new(input).read_to_string(&mut text)?;
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        } else {
            text = secret::password()?;
        }
        Ok(Self {
            text,
            is_drawn: !from_input,
        })
    }

    /// What there is to tell about it.
    fn told(&self) -> String {
        match self.is_drawn {
            true => format!("; the one-time password is {}", self.text),
            false => String::new(),
        }
    }
}

fn list(users: &[User], json: bool) -> anyhow::Result<String> {
    if json {
        let users: Vec<_> = users.iter().map(users::Account::of).collect();
        return Ok(serde_json::to_string_pretty(&json!({ "users": users }))?);
    }
    if users.is_empty() {
        return Ok("there are no users; the gateway's next start makes one".to_owned());
    }
    let mut table = format!("{:<32} {:<8} {:<16} last log-in", "name", "role", "tenant");
    for user in users {
        let login = user.login.map_or_else(|| "never".to_owned(), rfc3339);
        let notes = [
            (user.disabled, ", shut out"),
            (user.must_change, ", has to change the password"),
            (user.subject.is_some(), ", by single sign-on"),
        ];
        let notes: String = notes
            .iter()
            .filter(|note| note.0)
            .map(|note| note.1)
            .collect();
        let tenant = user.tenant.as_deref().unwrap_or("-");
        table.push_str(&format!(
            "\n{:<32} {:<8} {tenant:<16} {login}{notes}",
            user.name, user.role
        ));
    }
    Ok(table)
}

async fn add(
    accounts: &Accounts,
    name: &str,
    role: Role,
    tenant: Option<&str>,
    password: Password,
) -> anyhow::Result<String> {
    if let Err(problem) = users::check_name(name) {
        bail!("{}", problem.detail);
    }
    ensure!(
        tenant.is_none() || role < Role::Admin,
        "a user of a tenant is a viewer or an analyst: what an admin changes holds for everybody"
    );
    let user = User {
        name: name.to_owned(),
        role: role.to_string(),
        tenant: tenant.map(str::to_owned),
        password: Some(users::hash_password(&password.text)?),
        must_change: password.is_drawn,
        created: SystemClock.now(),
        ..User::default()
    };
    ensure!(accounts.add(&user).await?, "there is a user {name} already");
    note(accounts, "user added", name, &role.to_string()).await?;
    Ok(format!("{name} is added as {role}{}", password.told()))
}

async fn reset(accounts: &Accounts, name: &str, password: Password) -> anyhow::Result<String> {
    let user = existing(accounts, name).await?;
    ensure!(
        user.subject.is_none(),
        "{name} comes by single sign-on and has no password"
    );
    let hash = users::hash_password(&password.text)?;
    accounts
        .set_password(name, &hash, password.is_drawn)
        .await?;
    accounts.close_all(name).await?;
    note(accounts, "password reset", name, "").await?;
    Ok(format!(
        "the password of {name} is reset{}",
        password.told()
    ))
}

async fn remove(accounts: &Accounts, name: &str) -> anyhow::Result<String> {
    existing(accounts, name).await?;
    ensure!(
        accounts.remove(name).await?,
        "{name} is the last admin; add another one first"
    );
    note(accounts, "user removed", name, "").await?;
    Ok(format!("{name} is removed"))
}

async fn token(
    accounts: &Accounts,
    user: &str,
    name: &str,
    role: Role,
    families: &[String],
    days: u32,
) -> anyhow::Result<String> {
    existing(accounts, user).await?;
    let known = tokens::families();
    if let Some(family) = families
        .iter()
        .find(|family| !known.contains(family.as_str()))
    {
        let known: Vec<&str> = known.into_iter().collect();
        bail!(
            "there is no family of routes {family}; there are {}",
            known.join(", ")
        );
    }
    let (token, row) = tokens::make(user, name, role, families, days, SystemClock.now())?;
    ensure!(
        accounts.add_token(&row).await?,
        "{user} has as many tokens as a user may have; remove one first"
    );
    note(
        accounts,
        "token made",
        user,
        &format!("{} {name:?}: {role}", row.id),
    )
    .await?;
    Ok(token)
}

async fn existing(accounts: &Accounts, name: &str) -> anyhow::Result<User> {
    let user = accounts.user(name).await?;
    user.with_context(|| format!("there is no user {name}"))
}

async fn note(accounts: &Accounts, action: &str, target: &str, detail: &str) -> anyhow::Result<()> {
    let event = Event {
        time: SystemClock.now(),
        who: "command line".to_owned(),
        source: "local".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        outcome: "done".to_owned(),
        detail: detail.to_owned(),
        ..Event::default()
    };
    audit::write(accounts.database(), &event)
        .await
        .context("it is done, but the audit trail could not be written")
}
