//! The program from outside: what it prints, what it refuses, and what it leaves on the disk.

mod check;
mod evaluate;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use routing::time::Timestamp;
use switchyard::auth::jwt::Keys;
use switchyard::auth::{Grant, Principal};

/// A working directory of its own, gone after the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static N_FOLDERS: AtomicU32 = AtomicU32::new(0);
        let n = N_FOLDERS.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The program in this folder, with an empty environment.
    fn switchyard(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_switchyard"));
        command.args(arguments).current_dir(&self.0).env_clear().stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.switchyard(arguments).output().unwrap()
    }

    /// The same, with something to read.
    fn run_on(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.switchyard(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdin = process.stdin.take().unwrap();
        let input = input.to_owned();
        // Beside the reading, since neither side need wait until the other is done.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let output = process.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        output
    }

    /// Who the bearer of the printed token is, by the key in `file`.
    fn bearer(&self, output: &Output, file: &str) -> Principal {
        let key = fs::read_to_string(self.0.join(file)).unwrap();
        bearer(output, key.trim())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn bearer(output: &Output, key: &str) -> Principal {
    assert!(output.status.success(), "{output:?}");
    let token = stdout(output);
    Keys::from_secret(key.as_bytes()).unwrap().authenticate(token.trim_end(), now()).unwrap()
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap())
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The program refused before it did anything; the first line of its message.
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(stdout(output), "");
    stderr(output).lines().next().unwrap().to_owned()
}

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn the_first_token_generates_the_key_and_says_so_once() {
    let folder = Folder::new();

    let first = folder.run(&["token", "--role", "admin"]);
    assert_eq!(folder.bearer(&first, "switchyard.db.key").grant, Grant::Admin { workspace: None });
    assert_eq!(stderr(&first).matches("generated a signing key").count(), 1, "{}", stderr(&first));
    let key = fs::read_to_string(folder.0.join("switchyard.db.key")).unwrap();
    assert!(!stderr(&first).contains(key.trim()));

    let second = folder.run(&["token", "--role", "admin"]);
    assert_eq!(folder.bearer(&second, "switchyard.db.key").grant, Grant::Admin { workspace: None });
    assert_eq!(stderr(&second), "");

    assert_ne!(first.stdout, second.stdout, "each token has an id of its own");
    assert_eq!(folder.names(), ["switchyard.db.key"]);
}

#[test]
fn the_key_stands_beside_the_database() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("data")).unwrap();
    let output = folder
        .switchyard(&["token", "--role", "admin", "--log", "off"])
        .env("DATABASE_URL", "sqlite://data/desk.db")
        .output()
        .unwrap();
    folder.bearer(&output, "data/desk.db.key");
    assert_eq!(stderr(&output), "");
}

#[test]
fn processes_that_start_at_once_share_one_key() {
    let folder = Folder::new();
    let processes: Vec<_> = (0..8)
        .map(|_| {
            let mut command = folder.switchyard(&["token", "--role", "admin"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = processes.into_iter().map(|process| process.wait_with_output().unwrap()).collect();

    for output in &outputs {
        folder.bearer(output, "switchyard.db.key");
    }
    let n_generated =
        outputs.iter().filter(|output| stderr(output).contains("generated a signing key")).count();
    assert_eq!(n_generated, 1);
    assert_eq!(folder.names(), ["switchyard.db.key"]);
}

#[test]
fn a_given_key_is_used_and_none_is_generated() {
    let folder = Folder::new();
    fs::write(folder.0.join("given"), format!("{SECRET}\n")).unwrap();
    make_private(&folder.0.join("given"));

    let by_flag = folder.run(&["token", "--role", "admin", "--signing-key", SECRET]);
    let by_variable = folder
        .switchyard(&["token", "--role", "admin"])
        .env("SWITCHYARD_SIGNING_KEY", SECRET)
        .output()
        .unwrap();
    let by_file = folder.run(&["token", "--role", "admin", "--signing-key-file", "given"]);
    let on_postgresql = folder.run(&[
        "token",
        "--role=admin",
        "--database-url=postgres://localhost/switchyard",
        "--signing-key-file=given",
    ]);
    for output in [by_flag, by_variable, by_file, on_postgresql] {
        bearer(&output, SECRET);
    }
    assert_eq!(folder.names(), ["given"]);
}

#[test]
fn a_token_lives_as_long_as_was_asked_for() {
    let folder = Folder::new();
    for (arguments, seconds) in [
        (&["token", "--role=admin", "--signing-key", SECRET][..], 3_600),
        (&["token", "--role=admin", "--signing-key", SECRET, "--ttl", "90s"], 90),
        (&["token", "--role=admin", "--signing-key", SECRET, "--ttl", "365d"], 31_536_000),
    ] {
        // The token was made between these two, and its times are cut to seconds.
        let earliest = Timestamp(now().0 / 1000 * 1000);
        let principal = bearer(&folder.run(arguments), SECRET);
        let expires = earliest.plus_seconds(seconds)..=now().plus_seconds(seconds);
        assert!(expires.contains(&principal.expires_at), "{principal:?}");
        assert_eq!(principal.subject, "admin");
    }
}

#[test]
fn a_wrong_token_command_is_refused() {
    let folder = Folder::new();
    for (arguments, message) in [
        (
            &["--role", "root"][..],
            "error: invalid value 'root' for --role: expected admin, supervisor, reporter or worker",
        ),
        (
            &["--role=admin", "--ttl=1w"],
            "error: invalid value '1w' for --ttl: expected a number and s, m, h or d, as in 90s, 15m, 1h or 7d, \
             from 1s to 365d",
        ),
        (
            &["--role=reporter", "--workspace=WK0"],
            "error: invalid value 'WK0' for --workspace: not the id of a Workspace: expected WS and 32 hex digits",
        ),
        (&["--role=worker"], "error: --role worker needs --worker, the id or name of the Worker"),
        (&["--role=admin", "--worker=anna"], "error: --worker goes only with --role worker"),
        (&[], "error: the following required arguments were not provided:"),
    ] {
        let output = folder.run(&[&["token"], arguments].concat());
        assert_eq!(refusal(&output), message);
    }
    assert!(folder.names().is_empty(), "nothing was generated");
}

#[test]
fn a_wrong_setting_is_named_as_it_was_given() {
    let folder = Folder::new();
    let expected = "expected a whole number of seconds from 1 to 300";

    let by_flag = folder.run(&["--request-timeout-seconds", "0"]);
    assert_eq!(
        refusal(&by_flag),
        format!("error: invalid value '0' for --request-timeout-seconds: {expected}")
    );

    for arguments in [&[][..], &["serve"], &["token", "--role", "admin"]] {
        let by_variable =
            folder.switchyard(arguments).env("SWITCHYARD_REQUEST_TIMEOUT_SECONDS", "soon").output().unwrap();
        assert_eq!(
            refusal(&by_variable),
            format!("error: invalid value 'soon' for SWITCHYARD_REQUEST_TIMEOUT_SECONDS: {expected}")
        );
    }
    assert!(folder.names().is_empty(), "nothing was generated");
}

#[test]
fn secrets_of_the_environment_are_not_printed() {
    let folder = Folder::new();
    for (variable, value) in [
        ("SWITCHYARD_SIGNING_KEY", "hunter2"),
        ("DATABASE_URL", "postgres:/anna:hunter2@db"),
        ("DATABASE_URL", "postgres://anna:hunter2@db"),
    ] {
        let output = folder.switchyard(&["serve"]).env(variable, value).output().unwrap();
        assert!(!refusal(&output).is_empty());
        assert!(!stderr(&output).contains("hunter2"), "{}", stderr(&output));
    }

    let help = folder
        .switchyard(&["--help"])
        .env("SWITCHYARD_SIGNING_KEY", format!("hunter2{SECRET}"))
        .env("DATABASE_URL", "postgres://anna:hunter2@db/switchyard")
        .output()
        .unwrap();
    assert!(help.status.success());
    assert!(!stdout(&help).contains("hunter2"));
}

#[test]
fn settings_that_do_not_go_together_are_refused() {
    let folder = Folder::new();
    let output = folder.run(&["--database-url", "postgres://anna:hunter2@db/switchyard"]);
    assert!(
        refusal(&output).starts_with("error: no signing key: with PostgreSQL, set SWITCHYARD_SIGNING_KEY")
    );

    let output = folder.switchyard(&["--body-bytes-max", "65536"]).output().unwrap();
    assert!(
        refusal(&output)
            .starts_with("error: --body-bytes-max (SWITCHYARD_BODY_BYTES_MAX) is 65536: expected")
    );

    let output = folder
        .switchyard(&["--signing-key-file", "key"])
        .env("SWITCHYARD_SIGNING_KEY", SECRET)
        .output()
        .unwrap();
    assert!(refusal(&output).contains("cannot be used with"), "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn a_key_that_others_can_read_stops_the_server_and_the_token() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = folder.0.join("switchyard.db.key");
    fs::write(&path, SECRET.repeat(2)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

    for arguments in [&["serve"][..], &["token", "--role", "admin"]] {
        let output = folder.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
        assert_eq!(
            stderr(&output),
            "error: the signing key file switchyard.db.key is open to others (mode 0644); \
             if nobody has read it, make it private with: chmod 600 switchyard.db.key\n"
        );
    }
}

#[test]
fn a_missing_folder_is_named() {
    let folder = Folder::new();
    let output = folder.run(&["token", "--role=admin", "--database-url=sqlite://absent/switchyard.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).starts_with(
            "error: the signing key file absent/switchyard.db.key cannot be created; create its folder, or"
        ),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = Folder::new().run(&["--version"]);
    assert_eq!(stdout(&output), concat!("switchyard ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[cfg(unix)]
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[cfg(not(unix))]
fn make_private(_: &Path) {}
