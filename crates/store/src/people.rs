//! People, identity providers and local accounts.

use domain::{IdentityProviderId, PersonId, Timestamp};
use uuid::Uuid;

use crate::{Row, Session, StoreError, catalogue::sql, query::Query, stamps::Stamps};

sql! {
    IDENTITY_PROVIDER_UPSERT: "
INSERT INTO identity_provider (name, created_by, created_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET name = excluded.name
RETURNING id";

    /// issuer, subject, identity provider's name or null.
    PERSON_BY_IDENTITY: "
SELECT p.id, p.uuid, p.active, p.username, p.email, p.email_verified, p.full_name, p.first_name, p.last_name
FROM person p LEFT JOIN identity_provider i ON i.id = p.identity_provider
WHERE p.issuer = $1 AND p.subject = $2 AND coalesce(i.name, '') = coalesce($3, '')";

    /// Creates or updates the person of an identity. The stamps of the change move only when something changed.
    PERSON_SIGN_IN: "
INSERT INTO person (uuid, issuer, identity_provider, subject, username, email, email_folded, email_verified, full_name,
    first_name, last_name, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
ON CONFLICT (issuer, subject, coalesce(identity_provider, 0)) DO UPDATE SET
    username = excluded.username, email = excluded.email, email_folded = excluded.email_folded,
    email_verified = excluded.email_verified, full_name = excluded.full_name, first_name = excluded.first_name,
    last_name = excluded.last_name,
    updated_by = CASE WHEN (person.username, person.email, person.email_verified, person.full_name, person.first_name,
        person.last_name) IS DISTINCT FROM (excluded.username, excluded.email, excluded.email_verified,
        excluded.full_name, excluded.first_name, excluded.last_name) THEN person.uuid ELSE person.updated_by END,
    updated_at = CASE WHEN (person.username, person.email, person.email_verified, person.full_name, person.first_name,
        person.last_name) IS DISTINCT FROM (excluded.username, excluded.email, excluded.email_verified,
        excluded.full_name, excluded.first_name, excluded.last_name) THEN excluded.created_at
        ELSE person.updated_at END
RETURNING id, uuid, active";

    PERSON_UUID: "SELECT uuid FROM person WHERE id = $1";

    PERSON_ACTIVE: "SELECT active FROM person WHERE id = $1";

    PERSON_IDS: {
        sqlite: "SELECT uuid, id FROM person WHERE uuid IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT uuid, id FROM person WHERE uuid = ANY($1)",
    };

    IDENTITY_PROVIDER_IDS: {
        sqlite: "SELECT name, id FROM identity_provider WHERE name IN (SELECT value FROM json_each($1))",
        postgres: "SELECT name, id FROM identity_provider WHERE name = ANY($1)",
    };

    PERSON_BY_EMAIL: "
SELECT id, uuid, active FROM person WHERE email_folded = $1 ORDER BY active DESC, id LIMIT 1";

    ACCOUNT_BY_EMAIL: "
SELECT p.id, p.uuid, p.active, a.password_hash FROM account a JOIN person p ON p.id = a.person_id
WHERE a.email_folded = $1";

    /// A person with a local account: the subject at the built-in issuer is the person's own UUID.
    ACCOUNT_PERSON_INSERT: "
INSERT INTO person (uuid, issuer, identity_provider, subject, username, email, email_folded, email_verified, full_name,
    first_name, last_name, platform_administrator, created_by, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
RETURNING id";

    ACCOUNT_INSERT: "
INSERT INTO account (person_id, email_folded, password_hash, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (person_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = excluded.changed_at";

    ACCOUNT_COUNT: "SELECT count(*) FROM account";

    PERSON_DISABLE: "
UPDATE person SET active = $1, updated_by = $2, updated_at = $3 WHERE id = $4 AND active <> $1";

    SIGNING_KEY_LIST: "SELECT sealed FROM signing_key ORDER BY id";
    SIGNING_KEY_INSERT: "INSERT INTO signing_key (sealed, created_at) VALUES ($1, $2)";

    ONE_TIME_LINK_INSERT: "
INSERT INTO one_time_link (secret_hash, purpose, created_at, expires_at) VALUES ($1, $2, $3, $4)";

    ONE_TIME_LINK_DROP: "DELETE FROM one_time_link WHERE purpose = $1 AND used_at IS NULL";

    ONE_TIME_LINK_FIND: "
SELECT created_at FROM one_time_link WHERE secret_hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3";

    ONE_TIME_LINK_USE: "
UPDATE one_time_link SET used_at = $1
WHERE secret_hash = $2 AND purpose = $3 AND used_at IS NULL AND expires_at > $1";
}

/// What a verified token says about its holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Name to sign in with, as the provider shows it.
    pub username: String,
    /// Address, as written.
    pub email: Option<String>,
    /// Whether the provider vouches for the address.
    pub email_verified: bool,
    /// Name to show.
    pub full_name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
}

/// Who signs in.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The token's issuer.
    pub issuer: String,
    /// The value of the identity claim.
    pub subject: String,
    /// The identity provider behind the issuer.
    pub identity_provider: Option<String>,
}

/// A person as the database knows them after signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Internal key.
    pub id: PersonId,
    /// Public id.
    pub uuid: Uuid,
    /// False: the account is disabled.
    pub active: bool,
}

fn known(row: &Row<'_>) -> Result<Known, StoreError> {
    Ok(Known {
        id: row.get(0)?,
        uuid: row.get(1)?,
        active: row.get(2)?,
    })
}

/// Finds the person of an identity with the profile on record.
pub async fn find_by_identity<S: Session>(
    s: &mut S,
    identity: &Identity,
) -> Result<Option<(Known, Profile)>, StoreError> {
    let values = [
        (&identity.issuer).into(),
        (&identity.subject).into(),
        identity.identity_provider.as_ref().into(),
    ];
    s.find(&PERSON_BY_IDENTITY, &values, |row| {
        let profile = Profile {
            username: row.get(3)?,
            email: row.get(4)?,
            email_verified: row.get(5)?,
            full_name: row.get(6)?,
            first_name: row.get(7)?,
            last_name: row.get(8)?,
        };
        Ok((known(row)?, profile))
    })
    .await
}

/// The id of an identity provider, which is created when it is new.
pub async fn identity_provider<S: Session>(
    s: &mut S,
    name: &str,
    now: Timestamp,
) -> Result<IdentityProviderId, StoreError> {
    let values = [name.into(), crate::stamps::SYSTEM.into(), now.into()];
    s.one(&IDENTITY_PROVIDER_UPSERT, &values, |row| row.get(0)).await
}

/// Creates or updates the person of an identity in one statement (objects contract 1.6, E-41).
pub async fn sign_in<S: Session>(
    s: &mut S,
    uuid: Uuid,
    identity: &Identity,
    provider: Option<IdentityProviderId>,
    profile: &Profile,
    now: Timestamp,
) -> Result<Known, StoreError> {
    let folded = profile.email.as_ref().map(|email| email.to_lowercase());
    let values = [
        uuid.into(),
        (&identity.issuer).into(),
        provider.into(),
        (&identity.subject).into(),
        (&profile.username).into(),
        profile.email.as_ref().into(),
        folded.as_ref().into(),
        profile.email_verified.into(),
        profile.full_name.as_ref().into(),
        profile.first_name.as_ref().into(),
        profile.last_name.as_ref().into(),
        crate::stamps::SYSTEM.into(),
        now.into(),
    ];
    s.one(&PERSON_SIGN_IN, &values, known).await
}

/// Whether the person's account is active; false for somebody unknown.
pub async fn is_active<S: Session>(s: &mut S, person: PersonId) -> Result<bool, StoreError> {
    Ok(s.find(&PERSON_ACTIVE, &[person.into()], |row| row.get(0))
        .await?
        .unwrap_or(false))
}

/// The public id of a person.
pub async fn uuid<S: Session>(s: &mut S, person: PersonId) -> Result<Option<Uuid>, StoreError> {
    s.find(&PERSON_UUID, &[person.into()], |row| row.get(0)).await
}

/// Internal keys of people by public id; unknown ones are left out.
pub async fn ids<S: Session>(s: &mut S, uuids: &[Uuid]) -> Result<Vec<(Uuid, PersonId)>, StoreError> {
    s.fetch(&PERSON_IDS, &[crate::Value::Uuids(uuids)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// Internal keys of identity providers by name; unknown ones are left out.
pub async fn identity_provider_ids<S: Session>(
    s: &mut S,
    names: &[String],
) -> Result<Vec<(String, IdentityProviderId)>, StoreError> {
    s.fetch(&IDENTITY_PROVIDER_IDS, &[crate::Value::Texts(names)], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
    .await
}

/// The person with this address, an active one first.
pub async fn find_by_email<S: Session>(s: &mut S, email: &str) -> Result<Option<Known>, StoreError> {
    let folded = email.to_lowercase();
    s.find(&PERSON_BY_EMAIL, &[(&folded).into()], known).await
}

/// The local account with this address, and the hash of its password.
pub async fn account<S: Session>(s: &mut S, email: &str) -> Result<Option<(Known, String)>, StoreError> {
    let folded = email.to_lowercase();
    s.find(&ACCOUNT_BY_EMAIL, &[(&folded).into()], |row| {
        Ok((known(row)?, row.get(3)?))
    })
    .await
}

/// How many local accounts there are.
pub async fn count_accounts<S: Session>(s: &mut S) -> Result<i64, StoreError> {
    s.one(&ACCOUNT_COUNT, &[], |row| row.get(0)).await
}

/// A local account to create.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Public id of the person.
    pub uuid: Uuid,
    /// Identity at the built-in issuer.
    pub identity: Identity,
    /// Profile, with an address.
    pub profile: Profile,
    /// Whether the person administers the whole server.
    pub platform_administrator: bool,
}

/// Creates a person with a local account. The address must not have an account yet.
pub async fn create_account<S: Session>(
    s: &mut S,
    account: &NewAccount,
    provider: IdentityProviderId,
    password_hash: Option<&str>,
    now: Timestamp,
) -> Result<PersonId, StoreError> {
    let folded = account.profile.email.as_deref().unwrap_or_default().to_lowercase();
    let values = [
        account.uuid.into(),
        (&account.identity.issuer).into(),
        provider.into(),
        (&account.identity.subject).into(),
        (&account.profile.username).into(),
        account.profile.email.as_ref().into(),
        (&folded).into(),
        account.profile.email_verified.into(),
        account.profile.full_name.as_ref().into(),
        account.profile.first_name.as_ref().into(),
        account.profile.last_name.as_ref().into(),
        account.platform_administrator.into(),
        crate::stamps::SYSTEM.into(),
        now.into(),
    ];
    let id: PersonId = s.one(&ACCOUNT_PERSON_INSERT, &values, |row| row.get(0)).await?;
    if let Some(hash) = password_hash {
        set_password(s, id, &folded, hash, now).await?;
    }
    Ok(id)
}

/// Sets the password of a person's local account, which is created when there is none.
pub async fn set_password<S: Session>(
    s: &mut S,
    person: PersonId,
    email_folded: &str,
    hash: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    s.execute(
        &ACCOUNT_INSERT,
        &[person.into(), email_folded.into(), hash.into(), now.into()],
    )
    .await
    .map(drop)
}

/// Enables or disables a person; whether that changed anything.
pub async fn set_active<S: Session>(
    s: &mut S,
    person: PersonId,
    active: bool,
    by: Uuid,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(
        s.execute(&PERSON_DISABLE, &[active.into(), by.into(), now.into(), person.into()])
            .await?
            > 0,
    )
}

/// Replaces the unused one-time link of a purpose by a new one.
pub async fn replace_one_time_link<S: Session>(
    s: &mut S,
    purpose: &str,
    secret_hash: &[u8],
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), StoreError> {
    s.execute(&ONE_TIME_LINK_DROP, &[purpose.into()]).await?;
    let values = [secret_hash.into(), purpose.into(), now.into(), expires.into()];
    s.execute(&ONE_TIME_LINK_INSERT, &values).await.map(drop)
}

/// Whether a one-time link still works.
pub async fn one_time_link_works<S: Session>(
    s: &mut S,
    purpose: &str,
    secret_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [secret_hash.into(), purpose.into(), now.into()];
    Ok(s.find(&ONE_TIME_LINK_FIND, &values, |row| row.get::<i64>(0))
        .await?
        .is_some())
}

/// Uses a one-time link up; false if it does not work (any more).
pub async fn use_one_time_link<S: Session>(
    s: &mut S,
    purpose: &str,
    secret_hash: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let values = [now.into(), secret_hash.into(), purpose.into()];
    Ok(s.execute(&ONE_TIME_LINK_USE, &values).await? == 1)
}

/// A person as others see them.
#[derive(Clone, Debug)]
pub struct PersonRow {
    /// Public id.
    pub uuid: Uuid,
    /// The subject they sign in as.
    pub identity_id: Option<String>,
    /// The identity provider they sign in through.
    pub idp: Option<String>,
    /// Profile.
    pub profile: Profile,
    /// Whether the account is active.
    pub active: bool,
    /// Stamps.
    pub stamps: Stamps,
}

/// Which people; everything given must match.
#[derive(Clone, Debug, Default)]
pub struct PersonFilter {
    /// Any of these.
    pub uuids: Vec<Uuid>,
    /// Any of these subjects.
    pub identity_ids: Vec<String>,
    /// Any of these identity providers.
    pub idps: Vec<String>,
    /// Part of the user name.
    pub username: Option<String>,
    /// The whole address, case included.
    pub email: Option<String>,
    /// Part of the given name.
    pub first_name: Option<String>,
    /// Part of the family name.
    pub last_name: Option<String>,
    /// Part of the full name.
    pub full_name: Option<String>,
    /// Part of the user name, the address or the full name.
    pub search: Option<String>,
    /// Active or not.
    pub active: Option<bool>,
}

/// Searches people who have signed in, by family name and given name (objects contract 4.12.1).
pub async fn search<S: Session>(s: &mut S, filter: &PersonFilter) -> Result<Vec<PersonRow>, StoreError> {
    let mut query = Query::new(
        "PERSON_SEARCH",
        "SELECT p.uuid, p.subject, i.name, p.username, p.email, p.email_verified, p.full_name, p.first_name, p.last_name,
    p.active, p.created_by, p.created_at, p.updated_by, p.updated_at
FROM person p LEFT JOIN identity_provider i ON i.id = p.identity_provider
WHERE p.subject IS NOT NULL",
    );
    query.and_uuids(
        "p.uuid IN (SELECT unhex(value) FROM json_each({}))",
        "p.uuid = ANY({})",
        &filter.uuids,
    );
    query.and_texts(
        "p.subject IN (SELECT value FROM json_each({}))",
        "p.subject = ANY({})",
        &filter.identity_ids,
    );
    query.and_texts(
        "i.name IN (SELECT value FROM json_each({}))",
        "i.name = ANY({})",
        &filter.idps,
    );
    query.and_contains(
        "p.username LIKE '%'||{}||'%'",
        "p.username ILIKE '%'||{}||'%' ESCAPE ''",
        filter.username.as_ref(),
    );
    if let Some(email) = &filter.email {
        query.and("p.email = {}", email);
    }
    query.and_contains(
        "p.first_name LIKE '%'||{}||'%'",
        "p.first_name ILIKE '%'||{}||'%' ESCAPE ''",
        filter.first_name.as_ref(),
    );
    query.and_contains(
        "p.last_name LIKE '%'||{}||'%'",
        "p.last_name ILIKE '%'||{}||'%' ESCAPE ''",
        filter.last_name.as_ref(),
    );
    query.and_contains(
        "p.full_name LIKE '%'||{}||'%'",
        "p.full_name ILIKE '%'||{}||'%' ESCAPE ''",
        filter.full_name.as_ref(),
    );
    query.and_contains(
        "coalesce(p.username,'')||char(10)||coalesce(p.email,'')||char(10)||coalesce(p.full_name,'') LIKE '%'||{}||'%'",
        "coalesce(p.username,'')||chr(10)||coalesce(p.email,'')||chr(10)||coalesce(p.full_name,'') ILIKE '%'||{}||'%' ESCAPE ''",
        filter.search.as_ref(),
    );
    if let Some(active) = filter.active {
        query.and("p.active = {}", active);
    }
    query.then(" ORDER BY lower(p.last_name) NULLS LAST, lower(p.first_name) NULLS LAST, p.id");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, |row| {
        Ok(PersonRow {
            uuid: row.get(0)?,
            identity_id: row.get(1)?,
            idp: row.get(2)?,
            profile: Profile {
                username: row.get(3)?,
                email: row.get(4)?,
                email_verified: row.get(5)?,
                full_name: row.get(6)?,
                first_name: row.get(7)?,
                last_name: row.get(8)?,
            },
            active: row.get(9)?,
            stamps: Stamps::read(row, 10)?,
        })
    })
    .await
}

/// An identity provider that somebody has signed in through.
#[derive(Clone, Debug)]
pub struct IdentityProviderRow {
    /// Its name.
    pub name: String,
    /// Active or not.
    pub active: bool,
    /// Stamps.
    pub stamps: Stamps,
}

/// All identity providers by name (objects contract 4.12.2).
pub async fn identity_providers<S: Session>(
    s: &mut S,
    active: Option<bool>,
) -> Result<Vec<IdentityProviderRow>, StoreError> {
    let mut query = Query::new(
        "IDENTITY_PROVIDER_LIST",
        "SELECT name, active, created_by, created_at, updated_by, updated_at FROM identity_provider WHERE TRUE",
    );
    if let Some(active) = active {
        query.and("active = {}", active);
    }
    query.then(" ORDER BY lower(name), name");
    let (statement, values) = query.build();
    s.fetch(&statement, &values, |row| {
        Ok(IdentityProviderRow {
            name: row.get(0)?,
            active: row.get(1)?,
            stamps: Stamps::read(row, 2)?,
        })
    })
    .await
}

/// The sealed keys of the built-in issuer, newest last.
pub async fn signing_keys<S: Session>(s: &mut S) -> Result<Vec<Vec<u8>>, StoreError> {
    s.fetch(&SIGNING_KEY_LIST, &[], |row| row.get(0)).await
}

/// Adds a sealed key of the built-in issuer.
pub async fn add_signing_key<S: Session>(s: &mut S, sealed: &[u8], now: Timestamp) -> Result<(), StoreError> {
    s.execute(&SIGNING_KEY_INSERT, &[sealed.into(), now.into()])
        .await
        .map(drop)
}
