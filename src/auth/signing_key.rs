//! The secret that tokens are signed with: given by the operator, or generated and kept in a file.
//!
//! The secret is text, and its bytes are the key as they stand. So the content of a generated file, given as
//! `SWITCHYARD_SIGNING_KEY` or to another program that makes tokens, is the same key.
//!
//! How a file comes to be, so that it is never seen half-written and two processes that start at once end up
//! with the same key:
//!
//! 1. Write the digits to a file of another name, readable by its owner alone, and flush it.
//! 2. Link it to the final name. Only one process can; for the others the name is taken, which is just as well.
//! 3. Remove the other name.
//! 4. Read the final name, whoever made it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::jwt::{SECRET_BYTES_MIN, SecretTooShort};

/// What is generated: as much as HS256 can use.
const GENERATED_BYTES: usize = 32;

/// More is not a key but a mistake in the path.
const FILE_BYTES_MAX: u64 = 4096;

/// Nobody but the owner: we created the file, so we know that nobody else needs it.
const GENERATED_MODE: u32 = 0o600;
const GENERATED_MODE_FORBIDDEN: u32 = 0o077;

/// A file that the operator made may belong to a group: that is how secrets are mounted into containers.
const GIVEN_MODE_FORBIDDEN: u32 = 0o007;

/// A secret of at least [`SECRET_BYTES_MIN`] bytes, which is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(Arc<str>);

impl SigningKey {
    /// The key that `text` is, without white space around it.
    pub fn from_text(text: &str) -> Result<SigningKey, SecretTooShort> {
        let text = text.trim();
        if text.len() < SECRET_BYTES_MIN {
            return Err(SecretTooShort { bytes: text.len() });
        }
        Ok(SigningKey(text.into()))
    }

    /// Reads a file that the operator made.
    pub fn read(path: &Path) -> Result<SigningKey, Error> {
        let text = read_private(path, GIVEN_MODE_FORBIDDEN)?;
        SigningKey::from_text(&text).map_err(|source| Error::TooShort { path: path.to_owned(), source })
    }

    /// Reads the generated file, or generates it. [`Origin`] says which.
    pub fn read_or_generate(path: &Path) -> Result<(SigningKey, Origin), Error> {
        match read_generated(path) {
            Err(Error::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                let origin = generate(path)?;
                Ok((read_generated(path)?, origin))
            }
            read => Ok((read?, Origin::Found)),
        }
    }

    /// The key for [`Keys::from_secret`](super::jwt::Keys::from_secret).
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Without the secret.
impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// Where the key in a generated file came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// It was there, or another process was faster.
    Found,
    /// This call generated it.
    Generated,
}

fn read_generated(path: &Path) -> Result<SigningKey, Error> {
    let text = read_private(path, GENERATED_MODE_FORBIDDEN)?;
    let digits = text.trim();
    let well_formed = digits.len() == 2 * GENERATED_BYTES && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !well_formed {
        return Err(Error::Malformed { path: path.to_owned() });
    }
    Ok(SigningKey(digits.into()))
}

fn read_private(path: &Path, mode_forbidden: u32) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_owned(), source };

    // Asked of the open file, so that it is about what is read.
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Error::NotAFile { path: path.to_owned() });
    }
    if let Some(mode) = mode(&metadata)
        && mode & mode_forbidden != 0
    {
        return Err(Error::Exposed { path: path.to_owned(), mode });
    }

    let mut text = String::new();
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::TooLong { path: path.to_owned() });
    }
    Ok(text)
}

fn generate(path: &Path) -> Result<Origin, Error> {
    let failed = |source| Error::NotGenerated { path: path.to_owned(), source };

    // The name is not to be guessed, and ends like the final one so that the same ignore rules hold for it.
    let unfinished = path.with_extension(format!("{}.key", random_digits::<8>().map_err(failed)?));
    let digits = random_digits::<GENERATED_BYTES>().map_err(failed)?;

    let linked = write_private(&unfinished, &digits).and_then(|()| fs::hard_link(&unfinished, path));
    // Left behind it would be a secret that nobody uses; not worth failing for.
    let _ = fs::remove_file(&unfinished);

    match linked {
        Ok(()) => Ok(Origin::Generated),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Origin::Found),
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, digits: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    set_mode(&mut options, GENERATED_MODE);
    let mut file = options.open(path)?;
    writeln!(file, "{digits}")?;
    file.sync_all()
}

/// `N` bytes of the operating system's randomness, in hex.
fn random_digits<const N: usize>() -> io::Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(unix)]
fn set_mode(options: &mut OpenOptions, mode: u32) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(mode);
}

/// Elsewhere a file is as private as its folder.
#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> Option<u32> {
    None
}

#[cfg(not(unix))]
fn set_mode(_: &mut OpenOptions, _: u32) {}

/// Why there is no key. The server does not start; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is missing (where it was not to be generated), or the operating system refuses, or it is not text.
    #[error("the signing key file {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("the signing key file {} is not a file", path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Who can read the key can be anybody.
    #[error(
        "the signing key file {} is open to others (mode {mode:04o}); \
         if nobody has read it, make it private with: chmod 600 {0}",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not what was generated.
    #[error(
        "the generated signing key file {} does not hold {n} hex digits; restore it from a backup, or \
         remove it to have a new key generated, which makes all tokens invalid",
        path.display(), n = 2 * GENERATED_BYTES
    )]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// Most likely the path of something else.
    #[error("the signing key file {} has more than {FILE_BYTES_MAX} bytes; expected a single line", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// A secret that could be guessed.
    #[error("the signing key file {} holds too little; generate a key with: openssl rand -hex 32", path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
        /// How much it holds.
        #[source]
        source: SecretTooShort,
    },
    /// The folder is missing or not writable.
    #[error(
        "the signing key file {} cannot be created; create its folder, or configure a key with \
         SWITCHYARD_SIGNING_KEY or SWITCHYARD_SIGNING_KEY_FILE",
        path.display()
    )]
    NotGenerated {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: io::Error,
    },
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A folder that is gone after the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("switchyard-{}", random_digits::<8>().unwrap()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn file(&self, content: &str, mode: u32) -> PathBuf {
            let path = self.0.join("switchyard.db.key");
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const DIGITS: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn a_key_is_generated_once_and_is_private() {
        let folder = Folder::new();
        let path = folder.0.join("switchyard.db.key");

        let (key, origin) = SigningKey::read_or_generate(&path).unwrap();
        assert_eq!(origin, Origin::Generated);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim().len(), 64);

        assert_eq!(SigningKey::read_or_generate(&path).unwrap(), (key.clone(), Origin::Found));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");

        // The same key, whichever way it is handed over.
        assert_eq!(SigningKey::from_text(&text).unwrap(), key);
        assert_eq!(SigningKey::read(&path).unwrap(), key);
        assert_eq!(key.bytes(), text.trim().as_bytes());
    }

    #[test]
    fn keys_differ() {
        let (a, b) = (Folder::new(), Folder::new());
        let key = |folder: &Folder| SigningKey::read_or_generate(&folder.0.join("key")).unwrap().0;
        assert_ne!(key(&a), key(&b));
    }

    #[test]
    fn many_who_start_at_once_get_the_same_key_and_one_has_made_it() {
        let folder = Folder::new();
        let path = folder.0.join("switchyard.db.key");
        let start = std::sync::Barrier::new(8);
        let got: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        SigningKey::read_or_generate(&path).unwrap()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(got.iter().all(|(key, _)| *key == got[0].0));
        assert_eq!(got.iter().filter(|(_, origin)| *origin == Origin::Generated).count(), 1);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = Folder::new();
        for (mode, generated, given) in [
            (0o600, true, true),
            (0o400, true, true),
            (0o640, false, true),
            (0o440, false, true),
            (0o644, false, false),
            (0o604, false, false),
            (0o602, false, false),
        ] {
            let path = folder.file(DIGITS, mode);
            assert_eq!(SigningKey::read_or_generate(&path).is_ok(), generated, "{mode:o}");
            assert_eq!(SigningKey::read(&path).is_ok(), given, "{mode:o}");
        }

        let path = folder.file(DIGITS, 0o644);
        assert_eq!(
            SigningKey::read_or_generate(&path).unwrap_err().to_string(),
            format!(
                "the signing key file {path} is open to others (mode 0644); \
                 if nobody has read it, make it private with: chmod 600 {path}",
                path = path.display()
            )
        );
    }

    #[test]
    fn a_malformed_key_is_refused_and_left_alone() {
        let folder = Folder::new();
        for content in ["", "\n", &DIGITS[1..], &format!("{DIGITS}0"), &DIGITS.replace('a', "g"), "é"] {
            let path = folder.file(content, 0o600);
            let error = SigningKey::read_or_generate(&path).unwrap_err();
            assert!(matches!(error, Error::Malformed { .. }), "{error}");
            assert!(!error.to_string().contains(&DIGITS[..8]), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_given_key_is_long_enough_but_not_a_whole_book() {
        let folder = Folder::new();
        let read = |content: &str| SigningKey::read(&folder.file(content, 0o600));
        assert!(read(&DIGITS[..32]).is_ok());
        assert!(matches!(
            read(&format!("  {}\n", &DIGITS[..31])),
            Err(Error::TooShort { source: SecretTooShort { bytes: 31 }, .. })
        ));
        assert!(matches!(read(&DIGITS.repeat(65)), Err(Error::TooLong { .. })));
        assert!(matches!(SigningKey::read(&folder.0), Err(Error::NotAFile { .. })));
        assert!(matches!(SigningKey::read(&folder.0.join("absent")), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn a_folder_that_is_missing_is_not_made() {
        let folder = Folder::new();
        let error = SigningKey::read_or_generate(&folder.0.join("absent").join("key")).unwrap_err();
        assert!(matches!(error, Error::NotGenerated { .. }), "{error}");
    }

    #[test]
    fn a_key_is_not_printed() {
        assert_eq!(format!("{:?}", SigningKey::from_text(DIGITS).unwrap()), "SigningKey(…)");
    }
}
