//! From a configuration to a server.

use std::{fs, io::Write, net::ToSocketAddrs, path::Path, sync::Arc};

use app::{AccountKey, App, DefaultStorage, Parts, Settings, Storages, mail::Mailer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use blob::{Blobs, Cached, Connections, Files, S3, S3Config};
use domain::{Clock, Entropy, Secret};
use identity::{
    bearer::{Bearer, KeySource, TrustedIssuer},
    issuer::BuiltInIssuer,
    links::LinkSigner,
    password::Passwords,
    sealed::Sealer,
    secret::derive_key,
};
use store::{Store, StoreUrl};

use crate::{
    config::{Config, Issuer, StorageKind},
    machine::{SystemClock, SystemEntropy},
};

/// The number of the key in use; older ones come back with rotation.
const KEY_NUMBER: u8 = 1;

/// Puts the server together. Every failure is one line that names what is wrong.
pub(crate) async fn build(config: &Config) -> Result<Arc<App>, String> {
    let (clock, entropy): (Arc<dyn Clock>, Arc<dyn Entropy>) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    fs::create_dir_all(&config.data_dir).map_err(|error| format!("data_dir {}: {error}", config.data_dir.display()))?;
    let key = server_key(config, &*entropy)?;
    let sealer = |purpose| {
        Sealer::new(KEY_NUMBER, [(KEY_NUMBER, derive_key(&key, purpose))])
            .map_err(|error| format!("secrets.key: {error}"))
    };
    let store = Store::open(store_url(config))
        .await
        .map_err(|error| format!("database: {}", chain(&error)))?;
    let public_url = public_url(config);
    let mut keys = app::signing_keys::load(&store, &sealer("signing keys")?, &*clock, &*entropy)
        .await
        .map_err(|error| format!("secrets.key: {error}: is it the key this database was set up with?"))?;
    let current = keys.pop().ok_or("database: no signing key")?;
    let mut issuer = BuiltInIssuer::new(&public_url, current);
    for retired in &keys {
        issuer = issuer.with_retired(retired);
    }
    let mut issuers = configured_issuers(config)?;
    issuers.push(issuer.trusted());
    let bearer = Bearer::new(issuers, Arc::clone(&clock)).map_err(|error| format!("oidc: {error}"))?;
    let spool_folder = config.data_dir.join("spool");
    fs::create_dir_all(&spool_folder).map_err(|error| format!("data_dir: {error}"))?;
    let connections = Connections::new(Vec::new(), config.limits.part_memory);
    let (default, endpoint) = default_storage(config, &connections, &*entropy, &public_url)?;
    let allowed = config
        .storage
        .allowed_endpoints
        .clone()
        .unwrap_or_else(|| endpoint.into_iter().collect());
    Ok(Arc::new(App::new(Parts {
        store,
        storages: Storages::new(
            default,
            &allowed,
            connections,
            sealer("storage credentials")?,
            AccountKey::new(derive_key(&key, "service accounts")),
        ),
        clock,
        bearer,
        issuer,
        passwords: Passwords::new(config.limits.password_hashes),
        links: Arc::new(LinkSigner::new(&derive_key(&key, "links"))),
        mailer: mailer(config)?,
        settings: Settings {
            public_url,
            mode: config.objects.mode(),
            s3_accounts: config.objects.s3_accounts,
            basic: config
                .objects
                .basic_username
                .clone()
                .zip(config.objects.basic_password.clone()),
            privacy_mask: config.objects.privacy_mask,
            elevated_idps: config.objects.elevated_idps.clone(),
            link_seconds: config.limits.link_seconds,
            max_object_bytes: config.limits.object_bytes,
            upload_lease_seconds: config.limits.upload_lease_seconds,
            spool_folder,
            token_seconds: config.limits.token_seconds,
        },
        entropy,
    })))
}

/// What can be said about a configuration without touching anything: keys, addresses.
pub(crate) fn check(config: &Config) -> Result<(), String> {
    if config.server.listen.to_socket_addrs().is_err() {
        return Err(format!(
            "server.listen: {} is not an address with a port",
            config.server.listen
        ));
    }
    if let Some(key) = &config.secrets.key {
        decode_key(key.reveal(), "secrets.key")?;
    }
    mailer(config)?;
    let issuers = configured_issuers(config)?;
    Bearer::new(issuers, Arc::new(SystemClock)).map_err(|error| format!("oidc: {error}"))?;
    Ok(())
}

/// An error with all its causes, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text.replace('\n', " ")
}

/// Mail goes out when there is a server for it.
fn mailer(config: &Config) -> Result<Option<Mailer>, String> {
    match (&config.mail.smtp_url, &config.mail.from) {
        (Some(url), Some(from)) => Mailer::new(url.reveal(), from)
            .map(Some)
            .map_err(|error| error.to_string()),
        _ => Ok(None),
    }
}

fn store_url(config: &Config) -> StoreUrl {
    match &config.database.url {
        None => StoreUrl::Sqlite(config.data_dir.join("commonhold.sqlite")),
        Some(url) => StoreUrl::Postgres {
            url: url.clone(),
            connections: config.limits.database_connections,
        },
    }
}

/// Where clients reach the server, without a trailing slash.
pub(crate) fn public_url(config: &Config) -> String {
    let from_listen = || format!("http://{}", config.server.listen);
    config
        .server
        .public_url
        .clone()
        .unwrap_or_else(from_listen)
        .trim_end_matches('/')
        .to_owned()
}

fn configured_issuers(config: &Config) -> Result<Vec<TrustedIssuer>, String> {
    let oidc = &config.oidc;
    let mut configured = oidc.issuers.clone();
    match &oidc.issuer {
        Some(issuer) => configured.insert(
            0,
            Issuer {
                url: issuer.clone(),
                audience: oidc.audience.clone(),
                jwks_url: oidc.jwks_url.clone(),
                public_key: oidc.public_key.clone(),
                identity_keys: oidc.identity_keys.clone(),
                idp_claim: oidc.idp_claim.clone(),
                names_required: oidc.names_required,
            },
        ),
        None if oidc.audience.is_some() || oidc.jwks_url.is_some() || oidc.public_key.is_some() => {
            return Err("oidc.issuer: needed with the other keys of the section".to_owned());
        }
        None => {}
    }
    let mut all = Vec::new();
    for issuer in configured {
        let keys = match (issuer.jwks_url, issuer.public_key) {
            (Some(_), Some(_)) => return Err("oidc.jwks_url and oidc.public_key: only one can be set".to_owned()),
            (Some(url), None) => KeySource::JwksUrl(url),
            (None, Some(pem)) => KeySource::PublicKeyPem(pem),
            (None, None) => KeySource::Discovery,
        };
        let mut trusted = TrustedIssuer::new(issuer.url, keys);
        trusted.audience = issuer.audience;
        if let Some(keys) = issuer.identity_keys {
            trusted.identity_keys = keys;
        }
        if let Some(claim) = issuer.idp_claim {
            trusted.idp_claim = claim;
        }
        trusted.names_required = issuer.names_required.unwrap_or(trusted.names_required);
        all.push(trusted);
    }
    Ok(all)
}

fn default_storage(
    config: &Config,
    connections: &Connections,
    entropy: &dyn Entropy,
    public_url: &str,
) -> Result<(DefaultStorage, Option<String>), String> {
    let default = |blobs: Arc<dyn Blobs>| DefaultStorage {
        blobs,
        endpoint: public_url.to_owned(),
        bucket: "default".to_owned(),
    };
    if let (StorageKind::S3, Some(s3)) = (config.storage.kind, &config.storage.s3) {
        let secret = s3.secret_access_key.clone();
        let mut settings = S3Config::new(&s3.endpoint, &s3.bucket, &s3.access_key_id, secret);
        settings.region.clone_from(&s3.region);
        settings.path_style = s3.path_style;
        settings.prefix.clone_from(&s3.prefix);
        let blobs = S3::new(settings, connections).map_err(|error| format!("storage.s3: {}", chain(&error)))?;
        return Ok((default(Arc::new(Cached::new(blobs))), Some(s3.endpoint.clone())));
    }
    let folder = config.data_dir.join("files");
    let blobs = Files::open(&folder, entropy).map_err(|error| format!("data_dir: {}", chain(&error)))?;
    Ok((default(Arc::new(Cached::new(blobs))), None))
}

/// The server's key: from the configuration, or from a file of the data folder that is made at the first start.
fn server_key(config: &Config, entropy: &dyn Entropy) -> Result<[u8; 32], String> {
    if let Some(key) = &config.secrets.key {
        return decode_key(key.reveal(), "secrets.key");
    }
    let path = config.data_dir.join("secret.key");
    let whence = path.display().to_string();
    if let Ok(text) = fs::read_to_string(&path) {
        return decode_key(&text, &whence);
    }
    let mut key = [0; 32];
    entropy.fill(&mut key);
    write_private(&path, &STANDARD.encode(key)).map_err(|error| format!("{whence}: {error}"))?;
    // Another process may have been first: its key is the key.
    let text = fs::read_to_string(&path).map_err(|error| format!("{whence}: {error}"))?;
    decode_key(&text, &whence)
}

fn decode_key(text: &str, whence: &str) -> Result<[u8; 32], String> {
    let bytes = STANDARD
        .decode(text.trim())
        .map_err(|_| format!("{whence}: not base64"))?;
    <[u8; 32]>::try_from(bytes).map_err(|_| format!("{whence}: must be 32 bytes"))
}

/// Writes a file that only its owner can read, unless it exists.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let temporary = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    let outcome = fs::hard_link(&temporary, path);
    fs::remove_file(&temporary)?;
    match outcome {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A secret from standard input's first line, for passwords that must not stand in a process list.
pub(crate) fn read_secret() -> Result<Secret, String> {
    let mut line = String::new();
    std::io::stdin()
        .read_line(&mut line)
        .map_err(|error| format!("standard input: {error}"))?;
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        Err("standard input: no password".to_owned())
    } else {
        Ok(Secret::new(secret))
    }
}
