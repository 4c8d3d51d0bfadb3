//! The configuration: defaults < file < environment, typed and checked before anything starts.
//!
//! Every key of `commonhold.toml` is also an environment variable: prefix `COMMONHOLD_`, sections joined by `__`.

use std::{
    net::ToSocketAddrs,
    path::{Path, PathBuf},
};

use app::Mode;
use domain::Secret;
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::{Deserialize, Deserializer, de};

/// All of it. An unknown key is an error.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The embedded database, files and generated secrets.
    pub(crate) data_dir: PathBuf,
    pub(crate) server: Server,
    pub(crate) database: Database,
    pub(crate) storage: Storage,
    pub(crate) oidc: Oidc,
    pub(crate) objects: Objects,
    pub(crate) mail: Mail,
    pub(crate) secrets: Secrets,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: "commonhold-data".into(),
            server: Server::default(),
            database: Database::default(),
            storage: Storage::default(),
            oidc: Oidc::default(),
            objects: Objects::default(),
            mail: Mail::default(),
            secrets: Secrets::default(),
            limits: Limits::default(),
            log: Log::default(),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port to listen on.
    pub(crate) listen: String,
    /// Where clients reach the server; from `listen` when absent.
    pub(crate) public_url: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Database {
    /// `postgres://…`; SQLite in `data_dir` when absent.
    pub(crate) url: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StorageKind {
    #[default]
    Filesystem,
    S3,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Storage {
    pub(crate) kind: StorageKind,
    pub(crate) s3: Option<StorageS3>,
    /// Endpoints that buckets may be registered for; the default storage's when absent.
    #[serde(deserialize_with = "optional_list")]
    pub(crate) allowed_endpoints: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StorageS3 {
    pub(crate) endpoint: String,
    #[serde(default = "us_east_1")]
    pub(crate) region: String,
    pub(crate) bucket: String,
    #[serde(deserialize_with = "text")]
    pub(crate) access_key_id: String,
    #[serde(deserialize_with = "secret")]
    pub(crate) secret_access_key: Secret,
    #[serde(default = "yes")]
    pub(crate) path_style: bool,
    #[serde(default)]
    pub(crate) prefix: String,
}

fn us_east_1() -> String {
    "us-east-1".to_owned()
}

const fn yes() -> bool {
    true
}

/// One trusted issuer in the section itself, more in `[[oidc.issuers]]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Oidc {
    pub(crate) issuer: Option<String>,
    pub(crate) audience: Option<String>,
    pub(crate) jwks_url: Option<String>,
    pub(crate) public_key: Option<String>,
    #[serde(deserialize_with = "optional_list")]
    pub(crate) identity_keys: Option<Vec<String>>,
    pub(crate) idp_claim: Option<String>,
    /// Refuse tokens that say neither the full nor the given name (objects contract 1.6); true when absent.
    pub(crate) names_required: Option<bool>,
    pub(crate) issuers: Vec<Issuer>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    #[serde(rename = "issuer")]
    pub(crate) url: String,
    pub(crate) audience: Option<String>,
    pub(crate) jwks_url: Option<String>,
    pub(crate) public_key: Option<String>,
    #[serde(default, deserialize_with = "optional_list")]
    pub(crate) identity_keys: Option<Vec<String>>,
    pub(crate) idp_claim: Option<String>,
    pub(crate) names_required: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Objects {
    /// The objects API superuser; absent: Basic is refused.
    #[serde(deserialize_with = "optional_text")]
    pub(crate) basic_username: Option<String>,
    #[serde(deserialize_with = "optional_secret")]
    pub(crate) basic_password: Option<Secret>,
    /// Which credentials are taken; what is configured decides when absent.
    pub(crate) mode: Option<ModeName>,
    /// Whether the credentials of a registered S3 bucket open the buckets registered with them.
    pub(crate) s3_accounts: bool,
    /// List only what the caller may read.
    pub(crate) privacy_mask: bool,
    #[serde(deserialize_with = "list")]
    pub(crate) elevated_idps: Vec<String>,
}

impl Default for Objects {
    fn default() -> Self {
        Self {
            basic_username: None,
            basic_password: None,
            mode: None,
            s3_accounts: false,
            privacy_mask: true,
            elevated_idps: Vec::new(),
        }
    }
}

/// The modes of the objects API by name (objects contract 1.3).
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum ModeName {
    /// Everybody may do everything. For trying things out: only a listener of this machine may be so.
    #[serde(rename = "noauth")]
    None,
    /// Name and password; tokens are not looked at.
    #[serde(rename = "basicauth")]
    Basic,
    /// Tokens.
    #[serde(rename = "oidcauth")]
    Oidc,
    /// Both.
    #[serde(rename = "fullauth")]
    Full,
}

impl Objects {
    /// The mode that follows from what is configured. The built-in issuer is always there, so tokens work unless the
    /// configuration says otherwise.
    pub(crate) fn mode(&self) -> Mode {
        match self.mode {
            Some(ModeName::None) => Mode::NoAuth,
            Some(ModeName::Basic) => Mode::BasicAuth,
            Some(ModeName::Full) => Mode::FullAuth,
            None if self.basic_username.is_some() || self.s3_accounts => Mode::FullAuth,
            Some(ModeName::Oidc) | None => Mode::OidcAuth,
        }
    }

    /// Refuses modes that contradict what is configured, or that would leave the server open to the network.
    fn check(&self, listen: &str) -> Result<(), String> {
        let complaint = match self.mode {
            Some(ModeName::None) if self.basic_username.is_some() || self.s3_accounts => {
                "noauth takes no credentials, but objects.basic_username or objects.s3_accounts is set"
            }
            Some(ModeName::None) if !is_loopback(listen) => {
                "noauth lets everybody do everything; it needs a server.listen of this machine only, such as 127.0.0.1:8080"
            }
            Some(ModeName::Basic) if self.basic_username.is_none() => {
                "basicauth needs objects.basic_username and objects.basic_password"
            }
            Some(ModeName::Oidc) if self.s3_accounts => {
                "oidcauth takes tokens only, but objects.s3_accounts is set (leave the mode out, or set fullauth)"
            }
            Some(ModeName::Full) if self.basic_username.is_none() && !self.s3_accounts => {
                "fullauth needs objects.basic_username and objects.basic_password, or objects.s3_accounts"
            }
            _ => return Ok(()),
        };
        Err(format!("objects.mode: {complaint}"))
    }
}

/// Whether every address that a listener is named by is one of this machine only. A name that cannot be resolved is none.
fn is_loopback(listen: &str) -> bool {
    match listen.to_socket_addrs() {
        Ok(mut addresses) => addresses.all(|address| address.ip().is_loopback()),
        Err(_) => false,
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Mail {
    /// `smtp://host:port`, with user and password where the server asks for them; no mail is sent when absent.
    #[serde(deserialize_with = "optional_secret")]
    pub(crate) smtp_url: Option<Secret>,
    /// Who sends: an address, or a name with an address in angle brackets.
    pub(crate) from: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Secrets {
    /// 32 bytes, base64; generated into `data_dir` when absent and the database is SQLite.
    #[serde(deserialize_with = "optional_secret")]
    pub(crate) key: Option<Secret>,
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// The largest object, in bytes (5 TiB, as S3 has it).
    pub(crate) object_bytes: u64,
    /// How long a link to content works when nobody says, in seconds.
    pub(crate) link_seconds: i64,
    /// How long an upload may be silent before its place is given up, in seconds.
    pub(crate) upload_lease_seconds: i64,
    /// How long an access token of the built-in issuer works, in seconds.
    pub(crate) token_seconds: u32,
    /// Connections to PostgreSQL.
    pub(crate) database_connections: usize,
    /// Passwords hashed at once.
    pub(crate) password_hashes: usize,
    /// Memory for parts of large uploads to S3 that are sent side by side, in bytes.
    pub(crate) part_memory: usize,
    /// How long a client may take to send the head of a request, in seconds.
    pub(crate) header_seconds: u64,
    /// How long running requests may take to finish when the server stops, in seconds.
    pub(crate) stop_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            object_bytes: 5 << 40,
            link_seconds: 300,
            upload_lease_seconds: 120,
            token_seconds: 3600,
            database_connections: 16,
            password_hashes: 2,
            part_memory: 32 << 20,
            header_seconds: 30,
            stop_seconds: 3600,
        }
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Pretty,
    Json,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// `pretty` on a terminal and `json` otherwise when absent.
    pub(crate) format: Option<LogFormat>,
    /// What to log, as `level` or `target=level,…`; `info` when absent.
    pub(crate) filter: Option<String>,
}

/// Reads the file (`commonhold.toml` where there is one, when none is named) and the environment.
pub(crate) fn load(file: Option<&Path>) -> Result<Config, String> {
    // Variables for tests are none of the program's.
    let environment =
        Env::prefixed("COMMONHOLD_").filter(|name| !name.as_str().to_ascii_lowercase().starts_with("test_"));
    read(file, Figment::from(environment.split("__")))
}

fn read(file: Option<&Path>, environment: Figment) -> Result<Config, String> {
    let mut figment = Figment::new();
    match file {
        Some(file) if !file.is_file() => return Err(format!("{}: there is no such file", file.display())),
        Some(file) => figment = figment.merge(Toml::file_exact(file)),
        None => figment = figment.merge(Toml::file("commonhold.toml")),
    }
    let config: Config = figment
        .merge(environment)
        .extract()
        .map_err(|error| error.to_string().replace('\n', " "))?;
    check(&config)?;
    Ok(config)
}

fn check(config: &Config) -> Result<(), String> {
    if config.storage.kind == StorageKind::S3 && config.storage.s3.is_none() {
        return Err("storage.s3: needed with storage.kind = \"s3\"".to_owned());
    }
    if config.storage.kind == StorageKind::Filesystem && config.storage.s3.is_some() {
        return Err("storage.s3: set, but storage.kind is not \"s3\"".to_owned());
    }
    if config.objects.basic_username.is_some() != config.objects.basic_password.is_some() {
        return Err("objects.basic_username and objects.basic_password: one is set without the other".to_owned());
    }
    config.objects.check(&config.server.listen)?;
    if config.mail.smtp_url.is_some() != config.mail.from.is_some() {
        return Err("mail.smtp_url and mail.from: one is set without the other".to_owned());
    }
    if let Some(url) = &config.database.url {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("database.url: must start with postgres:// (leave it out for SQLite)".to_owned());
        }
        if config.secrets.key.is_none() {
            return Err("secrets.key: required with PostgreSQL, the same on every node (32 bytes, base64)".to_owned());
        }
    }
    if let Some(url) = &config.server.public_url
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        return Err("server.public_url: must start with http:// or https://".to_owned());
    }
    let positive = [
        ("limits.link_seconds", config.limits.link_seconds),
        ("limits.upload_lease_seconds", config.limits.upload_lease_seconds),
        ("limits.token_seconds", i64::from(config.limits.token_seconds)),
    ];
    for (key, value) in positive {
        if value < 1 {
            return Err(format!("{key}: must be at least 1"));
        }
    }
    if config.limits.link_seconds > app::objects::MAX_SECONDS {
        return Err(format!(
            "limits.link_seconds: must be at most {}",
            app::objects::MAX_SECONDS
        ));
    }
    Ok(())
}

/// A list, or a text with commas (as an environment variable has it).
#[derive(Deserialize)]
#[serde(untagged)]
enum ListOrText {
    List(Vec<String>),
    Text(String),
}

fn optional_list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Ok(Some(match ListOrText::deserialize(deserializer)? {
        ListOrText::List(list) => list,
        ListOrText::Text(text) => text
            .split(',')
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect(),
    }))
}

fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    optional_list(deserializer).map(Option::unwrap_or_default)
}

/// A text, also where the environment's value looks like a number or a flag.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl de::Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    deserializer.deserialize_any(Text)
}

fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    text(deserializer).map(Secret::new)
}

fn optional_secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    secret(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::{Config, check, read};
    use app::Mode;
    use figment::Figment;
    use std::io::Write;

    fn from_file(text: &str) -> Result<Config, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        read(Some(file.path()), Figment::new())
    }

    #[test]
    fn nothing_configured_is_a_server_of_its_own() {
        let config = Config::default();
        assert_eq!(config.server.listen, "127.0.0.1:8080");
        assert_eq!(check(&config), Ok(()));
    }

    #[test]
    fn unknown_keys_and_bad_values_are_named() {
        for (text, word) in [
            ("serve = 1", "serve"),
            ("[server]\nlisten = \"x\"\nport = 1", "port"),
            ("[storage]\nkind = \"tape\"", "tape"),
            ("[storage]\nkind = \"s3\"", "storage.s3"),
            ("[objects]\nbasic_username = \"a\"", "objects.basic_password"),
            ("[database]\nurl = \"mysql://x\"", "database.url"),
            ("[database]\nurl = \"postgres://x\"", "secrets.key"),
            ("[limits]\nlink_seconds = 0", "limits.link_seconds"),
            ("[limits]\nlink_seconds = 700000", "limits.link_seconds"),
        ] {
            let error = from_file(text).err().unwrap_or_default();
            assert!(error.contains(word), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn the_mode_follows_from_what_is_configured() {
        let basic = "basic_username = \"a\"\nbasic_password = \"b\"\n";
        for (text, mode) in [
            ("", Mode::OidcAuth),
            (basic, Mode::FullAuth),
            ("s3_accounts = true", Mode::FullAuth),
            ("mode = \"noauth\"", Mode::NoAuth),
            (&format!("{basic}mode = \"basicauth\""), Mode::BasicAuth),
            (
                &format!("{basic}mode = \"basicauth\"\ns3_accounts = true"),
                Mode::BasicAuth,
            ),
            (&format!("{basic}mode = \"oidcauth\""), Mode::OidcAuth),
        ] {
            let config = from_file(&format!("[objects]\n{text}")).expect(text);
            assert_eq!(config.objects.mode(), mode, "{text}");
        }
    }

    #[test]
    fn modes_that_are_unsafe_or_contradict_the_rest_are_refused() {
        let basic = "basic_username = \"a\"\nbasic_password = \"b\"";
        for text in [
            "[server]\nlisten = \"0.0.0.0:8080\"\n[objects]\nmode = \"noauth\"".to_owned(),
            "[server]\nlisten = \"[::]:8080\"\n[objects]\nmode = \"noauth\"".to_owned(),
            format!("[objects]\nmode = \"noauth\"\n{basic}"),
            "[objects]\nmode = \"noauth\"\ns3_accounts = true".to_owned(),
            "[objects]\nmode = \"basicauth\"".to_owned(),
            "[objects]\nmode = \"fullauth\"".to_owned(),
            "[objects]\nmode = \"oidcauth\"\ns3_accounts = true".to_owned(),
        ] {
            let error = from_file(&text).err().unwrap_or_default();
            assert!(error.starts_with("objects.mode: "), "{text:?}: {error}");
        }
    }

    #[test]
    fn lists_may_be_texts_with_commas() {
        let config = from_file("[objects]\nelevated_idps = \"idir, bceid\"\n[oidc]\nidentity_keys = [\"a\", \"b\"]");
        let config = config.expect("valid");
        assert_eq!(config.objects.elevated_idps, ["idir", "bceid"]);
        assert_eq!(config.oidc.identity_keys.expect("set"), ["a", "b"]);
    }

    #[test]
    fn secrets_do_not_print() {
        let config = from_file("[objects]\nbasic_username = \"admin\"\nbasic_password = \"hunter2hunter2\"");
        assert!(!format!("{:?}", config.expect("valid")).contains("hunter2"));
    }
}
