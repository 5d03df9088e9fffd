//! The state folder: what must outlive the process and belongs to no configuration. Files in it are written whole
//! beside their old version and then moved over it, so that a crash leaves the old or the new one, never half of one.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use portcullis_detect::behaviour::{Ban, Hashing};
use ring::rand::{SecureRandom, SystemRandom};

/// The longest list of bans that is read back, in bytes: several times what a full table writes.
const MOST_BYTES: u64 = 256 << 20;

/// The folder, existing and writable.
#[derive(Clone, Debug)]
pub struct StateDir(PathBuf);

impl StateDir {
    /// Where it is: `named` on the command line, systemd's STATE_DIRECTORY, or `.portcullis/<admin port>` below the
    /// working folder, so that two gateways of one folder do not share it.
    pub fn place(named: Option<PathBuf>, admin_port: u16) -> PathBuf {
        let systemd = || std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        named
            .or_else(systemd)
            .unwrap_or_else(|| Path::new(".portcullis").join(admin_port.to_string()))
    }

    /// Opens the folder, making it readable by its owner alone where it is missing.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub fn open(path: PathBuf) -> anyhow::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            .with_context(|| format!("the state folder {} cannot be made", path.display()))?;
        let folder = Self(path);
        folder
            .write("probe", b"")
            .and_then(|()| Ok(fs::remove_file(folder.file("probe"))?))
            .with_context(|| {
                format!("the state folder {} cannot be written", folder.0.display())
            })?;
        Ok(folder)
    }

    /// Where it is, now that it is open.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The path of a file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The secret behind the hashes of users and sessions; drawn at the first call and kept, since a ban of a user
    /// holds after a restart only with the same one.
    ///
    /// # Errors
    /// When it cannot be read or written, or is no secret.
    pub fn secret(&self) -> anyhow::Result<Hashing> {
        let path = self.file(SECRET);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => self.draw_secret()?,
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let text = text.trim();
        ensure!(
            text.len() == 32,
            "{} is no secret of 32 hexadecimal digits; remove it to draw a new one, which ends bans of users and sessions",
            path.display()
        );
        let secret = u128::from_str_radix(text, 16)
            .with_context(|| format!("{} is no hexadecimal number", path.display()))?;
        Ok(Hashing::new(secret))
    }

    fn draw_secret(&self) -> anyhow::Result<String> {
        let hashing = random_secret()?;
        let text = format!("{hashing:032x}\n");
        self.write(SECRET, text.as_bytes())
            .with_context(|| format!("{} cannot be written", self.file(SECRET).display()))?;
        Ok(text)
    }

    /// The bans that were written down. A file that cannot be understood is put aside with a warning: bans are lost
    /// then, the gateway is not.
    ///
    /// # Errors
    /// When there is a file that cannot be read or put aside.
    pub fn bans(&self) -> anyhow::Result<Vec<Ban>> {
        let path = self.file(BANS);
        let length = match fs::metadata(&path) {
            Ok(about) => about.len(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        ensure!(
            length <= MOST_BYTES,
            "{} is {length} bytes long",
            path.display()
        );
        let json = fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        match serde_json::from_slice(&json) {
            Ok(bans) => Ok(bans),
            Err(error) => {
                let aside = self.file("bans.broken.json");
                fs::rename(&path, &aside)
                    .with_context(|| format!("{} cannot be put aside", path.display()))?;
                tracing::warn!(%error, file = %aside.display(), "the bans of the last run cannot be understood and were put aside");
                Ok(Vec::new())
            }
        }
    }

    /// Writes the bans down.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn keep_bans(&self, bans: &[Ban]) -> anyhow::Result<()> {
        self.write(BANS, &serde_json::to_vec(bans)?)
            .with_context(|| format!("{} cannot be written", self.file(BANS).display()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let fresh = self.file(&format!("{name}.new"));
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&fresh, self.file(name))?;
        Ok(())
    }
}

/// A secret for who has no folder to keep one in.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_secret() -> anyhow::Result<u128> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| anyhow::anyhow!("the system gave no random numbers"))?;
    Ok(u128::from_be_bytes(bytes))
}

const SECRET: &str = "secret";
const BANS: &str = "bans.json";

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    fn folder() -> (tempfile::TempDir, StateDir) {
        let temporary = tempfile::tempdir().unwrap();
        let folder = StateDir::open(temporary.path().join("a/b")).unwrap();
        (temporary, folder)
    }

    #[test]
    fn a_secret_is_drawn_once_and_for_the_owner_alone() {
        let (_kept, folder) = folder();
        let first = folder.secret().unwrap().name("x", b"y");
        assert_eq!(folder.secret().unwrap().name("x", b"y"), first);
        let mode = fs::metadata(folder.file(SECRET))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        for text in ["", "short", &"z".repeat(32)] {
            fs::write(folder.file(SECRET), text).unwrap();
            assert!(folder.secret().is_err(), "{text:?}");
        }
    }

    #[test]
    fn bans_come_back_and_a_broken_list_is_put_aside() {
        let (_kept, folder) = folder();
        assert_eq!(folder.bans().unwrap(), []);
        let ban = Ban {
            subject: "address:192.0.2.1".parse().unwrap(),
            since: Duration::from_secs(1),
            until: Some(Duration::from_millis(2_500)),
            offences: 2,
            cause: "scanning".to_owned(),
            programs: 0,
        };
        folder.keep_bans(std::slice::from_ref(&ban)).unwrap();
        assert_eq!(folder.bans().unwrap(), [ban]);
        fs::write(folder.file(BANS), "[{]").unwrap();
        assert_eq!(folder.bans().unwrap(), []);
        assert!(folder.file("bans.broken.json").exists() && !folder.file(BANS).exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_named() {
        let error = StateDir::open(PathBuf::from("/proc/portcullis")).unwrap_err();
        assert!(
            format!("{error:#}").contains("/proc/portcullis"),
            "{error:#}"
        );
    }
}
