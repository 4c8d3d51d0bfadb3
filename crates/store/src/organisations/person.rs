//! People as an administrator's file describes them.

use domain::{IdentityProviderId, PersonId, Timestamp};
use uuid::Uuid;

use super::statements::{
    ACCOUNT_ADDRESSES, ACCOUNT_READDRESS, PERSON_LIKE, PERSON_SET_FLAGS, PERSON_SET_IDENTITY, PERSON_SET_PROFILE,
};
use crate::{
    Session, StoreError, Value,
    people::{Identity, Profile},
};

/// A person on record.
#[derive(Clone, Debug)]
pub struct PersonState {
    /// Internal key.
    pub id: PersonId,
    /// Public id.
    pub uuid: Uuid,
    /// The issuer they sign in at; none before the first time.
    pub issuer: Option<String>,
    /// The identity provider they sign in through.
    pub identity_provider: Option<String>,
    /// The subject they sign in as.
    pub subject: Option<String>,
    /// Name to sign in with.
    pub username: String,
    /// Address, as written.
    pub email: Option<String>,
    /// Whether the provider or the operator vouches for the address.
    pub email_verified: bool,
    /// Name to show.
    pub full_name: Option<String>,
    /// False: the account is disabled.
    pub active: bool,
    /// Administers the whole server.
    pub platform_administrator: bool,
    /// Has a password here.
    pub has_account: bool,
}

/// The people with one of these subjects or one of these addresses (in their folded form), active ones first.
pub async fn people_like<S: Session>(
    s: &mut S,
    subjects: &[String],
    emails_folded: &[String],
) -> Result<Vec<PersonState>, StoreError> {
    let values = [Value::Texts(subjects), Value::Texts(emails_folded)];
    s.fetch(&PERSON_LIKE, &values, |row| {
        Ok(PersonState {
            id: row.get(0)?,
            uuid: row.get(1)?,
            issuer: row.get(2)?,
            identity_provider: row.get(3)?,
            subject: row.get(4)?,
            username: row.get(5)?,
            email: row.get(6)?,
            email_verified: row.get(7)?,
            full_name: row.get(8)?,
            active: row.get(9)?,
            platform_administrator: row.get(10)?,
            has_account: row.get::<Option<PersonId>>(11)?.is_some(),
        })
    })
    .await
}

/// Gives a person who has never signed in the identity they will sign in with.
pub async fn set_identity<S: Session>(
    s: &mut S,
    person: PersonId,
    identity: &Identity,
    provider: IdentityProviderId,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        (&identity.issuer).into(),
        provider.into(),
        (&identity.subject).into(),
        by.into(),
        now.into(),
        person.into(),
    ];
    s.execute(&PERSON_SET_IDENTITY, &values).await.map(drop)
}

/// Replaces the profile of a person.
pub async fn set_profile<S: Session>(
    s: &mut S,
    person: PersonId,
    profile: &Profile,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let folded = profile.email.as_ref().map(|email| email.to_lowercase());
    let values = [
        (&profile.username).into(),
        profile.email.as_ref().into(),
        folded.as_ref().into(),
        profile.email_verified.into(),
        profile.full_name.as_ref().into(),
        profile.first_name.as_ref().into(),
        profile.last_name.as_ref().into(),
        by.into(),
        now.into(),
        person.into(),
    ];
    s.execute(&PERSON_SET_PROFILE, &values).await.map(drop)
}

/// Sets whether a person is active and whether they administer the server.
pub async fn set_flags<S: Session>(
    s: &mut S,
    person: PersonId,
    active: bool,
    platform_administrator: bool,
    by: Uuid,
    now: Timestamp,
) -> Result<(), StoreError> {
    let values = [
        active.into(),
        platform_administrator.into(),
        by.into(),
        now.into(),
        person.into(),
    ];
    s.execute(&PERSON_SET_FLAGS, &values).await.map(drop)
}

/// Which of these addresses (in their folded form) have a local account.
pub async fn addresses_with_account<S: Session>(
    s: &mut S,
    emails_folded: &[String],
) -> Result<Vec<String>, StoreError> {
    s.fetch(&ACCOUNT_ADDRESSES, &[Value::Texts(emails_folded)], |row| row.get(0))
        .await
}

/// Changes the address that a person's local account is signed in with.
pub async fn readdress_account<S: Session>(s: &mut S, person: PersonId, email_folded: &str) -> Result<(), StoreError> {
    s.execute(&ACCOUNT_READDRESS, &[email_folded.into(), person.into()])
        .await
        .map(drop)
}
