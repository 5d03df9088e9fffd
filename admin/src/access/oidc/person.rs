//! Who somebody is by the provider's claims, and what that makes of them here. The provider decides about roles at
//! every log-in; a user here remembers what it said last.

use portcullis_store::access::User;
use serde_json::Value;

use super::Settings;
use crate::access::{self, Access, Refusal, tenant};
use crate::caller::Role;
use crate::problem::Problem;

/// What the names of users who come by single sign-on begin with; no other user's name has a colon.
const PREFIX: &str = "sso:";
/// The longest name that is taken over, in characters.
const LONGEST: usize = 64;

/// Somebody whom the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    /// Issuer and subject: the only thing that names them for good.
    pub(crate) subject: String,
    /// What they are shown as.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
    /// The only tenant whose traffic they see.
    pub(crate) tenant: Option<String>,
}

impl Person {
    /// Reads verified claims.
    ///
    /// # Errors
    /// When nothing in them gives a role, or they name a tenant that there is not.
    pub(crate) fn of(
        claims: &Value,
        settings: &Settings,
        all: &access::Settings,
    ) -> Result<Self, Refusal> {
        let text = |name: &str| find(claims, name).and_then(Value::as_str);
        let subject = text("sub").unwrap_or_default();
        let tenant = match &settings.tenant_claim {
            None => None,
            Some(claim) => Some(
                text(claim)
                    .filter(|tenant| all.tenants.contains_key(*tenant))
                    .ok_or_else(|| {
                        Refusal::forbidden("the provider names no tenant of this installation")
                    })?
                    .to_owned(),
            ),
        };
        let role = role(claims, settings).ok_or_else(|| {
            Refusal::forbidden("the provider gives you no role of this installation")
        })?;
        let shown = text(&settings.name_claim)
            .or_else(|| text("email"))
            .unwrap_or(subject);
        Ok(Self {
            subject: format!("{} {subject}", settings.issuer),
            name: name(shown),
            role: tenant::role_of(role, tenant.as_ref()),
            tenant,
        })
    }
}

impl Access {
    /// The user that a person is here: made at the first log-in, brought up to date at every other.
    pub(crate) async fn user_of(&self, person: Person) -> Result<User, Refusal> {
        let accounts = self.accounts()?;
        if let Some(known) = accounts.user_of_subject(&person.subject).await? {
            if known.disabled {
                return Err(Refusal::forbidden("this user is shut out"));
            }
            let now = User {
                role: person.role.to_string(),
                tenant: person.tenant,
                ..known
            };
            return match accounts.change(&now).await? {
                true => Ok(now),
                false => Err(Refusal::forbidden(
                    "the provider takes the role of the last admin away; make another one first",
                )),
            };
        }
        let user = User {
            name: person.name,
            role: person.role.to_string(),
            tenant: person.tenant,
            subject: Some(person.subject),
            created: self.now(),
            ..User::default()
        };
        match accounts.add(&user).await? {
            true => Ok(user),
            false => Err(Problem::conflict("another user of single sign-on has this name").into()),
        }
    }
}

/// A name of letters, digits and a few signs; what is none of these becomes `_`.
fn name(shown: &str) -> String {
    let plain = shown.chars().take(LONGEST).map(|c| match c {
        c if c.is_alphanumeric() || "._@-".contains(c) => c,
        _ => '_',
    });
    format!("{PREFIX}{}", plain.collect::<String>())
}

fn role(claims: &Value, settings: &Settings) -> Option<Role> {
    let values = match find(claims, &settings.role_claim) {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => vec![text.as_str()],
        _ => Vec::new(),
    };
    let meant = |wanted: &[String]| wanted.iter().any(|one| values.contains(&one.as_str()));
    let mapped = settings.roles.iter().rev();
    mapped
        .filter(|(_, wanted)| meant(wanted))
        .map(|(role, _)| *role)
        .next()
        .or(settings.default_role)
}

/// A claim by its name, or inside of others by a path with dots.
fn find<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        name.split('.')
            .try_fold(claims, |inside, part| inside.get(part))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> Settings {
        Settings {
            issuer: "https://id.example".to_owned(),
            client_id: "gate".to_owned(),
            client_secret: None,
            scopes: Vec::new(),
            name_claim: "preferred_username".to_owned(),
            role_claim: "realm.roles".to_owned(),
            roles: [
                (Role::Viewer, vec!["staff".to_owned()]),
                (Role::Admin, vec!["ops".to_owned(), "root".to_owned()]),
            ]
            .into(),
            default_role: None,
            tenant_claim: None,
            authorities: Vec::new(),
        }
    }

    #[test]
    fn roles_are_read_from_claims() {
        for (claims, default, expected) in [
            (
                json!({"realm": {"roles": ["staff"]}}),
                None,
                Some(Role::Viewer),
            ),
            (
                json!({"realm": {"roles": ["staff", "root"]}}),
                None,
                Some(Role::Admin),
            ),
            (json!({"realm.roles": "ops"}), None, Some(Role::Admin)),
            (json!({"realm": {"roles": "staff ops"}}), None, None),
            (json!({"realm": {"roles": ["OPS", 1, null]}}), None, None),
            (json!({"realm": 1}), None, None),
            (json!({}), Some(Role::Viewer), Some(Role::Viewer)),
        ] {
            let settings = Settings {
                default_role: default,
                ..settings()
            };
            assert_eq!(role(&claims, &settings), expected, "{claims}");
        }
    }

    #[test]
    fn a_person_has_a_name_and_a_tenant() {
        let claims = json!({
            "sub": "7", "preferred_username": "ada <b>:\u{1b}", "realm": {"roles": ["ops"]}, "org": "shop"
        });
        let person = Person::of(&claims, &settings(), &access::Settings::default());
        let person = person.expect("they have a role");
        assert_eq!(person.name, "sso:ada__b___");
        assert_eq!(person.subject, "https://id.example 7");
        assert_eq!((person.role, person.tenant), (Role::Admin, None));

        let with_tenants = Settings {
            tenant_claim: Some("org".to_owned()),
            ..settings()
        };
        let all = access::Settings {
            tenants: [("shop".to_owned(), Default::default())].into(),
            ..access::Settings::default()
        };
        let person = Person::of(&claims, &with_tenants, &all).expect("they have a tenant");
        assert_eq!(
            (person.role, person.tenant),
            (Role::Analyst, Some("shop".to_owned()))
        );
        let none = access::Settings::default();
        assert!(Person::of(&claims, &with_tenants, &none).is_err());
        assert!(Person::of(&json!({"sub": "7"}), &settings(), &all).is_err());
    }
}
