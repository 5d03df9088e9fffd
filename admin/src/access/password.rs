//! Passwords: what one must be, how it is hashed, how it is compared. Hashing is made to be costly, so it happens on
//! the blocking pool, two at a time, with a bounded queue before it: a flood of log-ins waits or is turned away, and
//! takes at most 38 MiB.

use std::sync::{Arc, OnceLock};

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use thiserror::Error;
use tokio::sync::Semaphore;

use super::secret::{self, NoRandom};

/// Memory in KiB, passes and lanes of argon2id: the second of the settings that OWASP's Password Storage Cheat Sheet
/// holds for equal (19 MiB, 2, 1).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Passwords that are hashed at once.
const AT_ONCE: usize = 2;
/// Passwords that may wait for that, those being hashed included.
const WAITING: usize = 32;
/// The shortest password, in characters. NIST SP 800-63B asks for 8 at least; nothing here asks for a mix of signs.
pub const SHORTEST: usize = 12;
/// The longest password, in bytes.
pub const LONGEST: usize = 1024;

/// Hashes and compares.
#[derive(Clone, Debug)]
pub struct Passwords {
    queue: Arc<Semaphore>,
    seats: Arc<Semaphore>,
    /// What a password is compared with where there is no user, so that one takes as long as the other.
    decoy: Arc<OnceLock<String>>,
}

/// Why no password was hashed or compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// Too many wait already.
    #[error("too many log-ins at once")]
    Busy,
    /// The password cannot be taken.
    #[error("a password has from {SHORTEST} characters to {LONGEST} bytes")]
    Length,
    /// There is no salt to be had.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The hash function refused.
    #[error("the password could not be hashed")]
    Hash,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            queue: Arc::new(Semaphore::new(WAITING)),
            seats: Arc::new(Semaphore::new(AT_ONCE)),
            decoy: Arc::default(),
        }
    }
}

impl Passwords {
    /// Whether `password` is the one of `stored`; without one it takes the same time and is wrong.
    ///
    /// # Errors
    /// When too many wait.
    pub async fn verify(
        &self,
        password: String,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        let decoy = self.decoy.clone();
        self.work(move || {
            // Made at the first comparison, whichever it is: a start need not pay for it.
            if decoy.get().is_none() {
                let _ = decoy.set(hash(&secret::password()?)?);
            }
            let against = stored.as_ref().or(decoy.get());
            let right = against.is_some_and(|against| matches(&password, against));
            Ok(right && stored.is_some())
        })
        .await
    }

    /// The hash to keep of `password`.
    ///
    /// # Errors
    /// When too many wait, or the password cannot be taken.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        check(&password)?;
        self.work(move || hash(&password)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let busy = |_| PasswordError::Busy;
        let place = self
            .queue
            .clone()
            .try_acquire_owned()
            .map_err(|_| PasswordError::Busy)?;
        let seat = self.seats.clone().acquire_owned().await.map_err(busy)?;
        // The work goes on when the client goes away, so it and not the request holds the seat.
        tokio::task::spawn_blocking(move || {
            let done = job();
            drop((seat, place));
            done
        })
        .await
        .map_err(|_| PasswordError::Hash)?
    }
}

/// Whether a password may be taken.
///
/// # Errors
/// When it is too short or too long.
pub fn check(password: &str) -> Result<(), PasswordError> {
    if password.chars().count() < SHORTEST || password.len() > LONGEST {
        return Err(PasswordError::Length);
    }
    Ok(())
}

/// The hash to keep of `password`, in PHC's string format; takes tens of milliseconds.
///
/// # Errors
/// When there is no salt to be had.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    let salt = secret::random::<16>()?;
    let hash: PasswordHash = argon2()
        .and_then(|argon2| {
            argon2
                .hash_password_with_salt(password.as_bytes(), &salt)
                .ok()
        })
        .ok_or(PasswordError::Hash)?;
    Ok(hash.to_string())
}

fn matches(password: &str, stored: &str) -> bool {
    let Ok(stored) = PasswordHash::new(stored) else {
        return false;
    };
    argon2().is_some_and(|argon2| argon2.verify_password(password.as_bytes(), &stored).is_ok())
}

fn argon2() -> Option<Argon2<'static>> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_and_nothing_else() {
        let passwords = Passwords::default();
        let right = "correct horse";
        let stored = passwords.hash(right.to_owned()).await.expect("hashed");
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        for (password, stored, expected) in [
            (right, Some(stored.clone()), true),
            ("Correct horse", Some(stored.clone()), false),
            ("", Some(stored), false),
            (right, None, false),
            (right, Some("no hash".to_owned()), false),
        ] {
            let found = passwords.verify(password.to_owned(), stored.clone()).await;
            assert_eq!(found, Ok(expected), "{password} {stored:?}");
        }
    }

    #[test]
    fn passwords_have_a_length() {
        for (password, taken) in [
            ("elevenchars", false),
            ("twelve chars", true),
            ("zwölf Ömläüt", true),
            (&"x".repeat(1024), true),
            (&"x".repeat(1025), false),
        ] {
            assert_eq!(check(password).is_ok(), taken, "{password}");
        }
    }

    #[tokio::test]
    async fn a_flood_is_turned_away() {
        let passwords = Passwords::default();
        let flood: Vec<_> = (0..WAITING + 8)
            .map(|_| {
                let passwords = passwords.clone();
                tokio::spawn(async move { passwords.verify("wrong".to_owned(), None).await })
            })
            .collect();
        let mut busy = 0;
        for attempt in flood {
            match attempt.await.expect("no panic") {
                Ok(right) => assert!(!right),
                Err(error) => {
                    assert_eq!(error, PasswordError::Busy);
                    busy += 1;
                }
            }
        }
        assert_eq!(busy, 8);
        assert_eq!(passwords.verify("wrong".to_owned(), None).await, Ok(false));
    }
}
