//! API tokens of organisations. Only the hash of a secret is kept.

use access::TokenScope;
use domain::{OrganisationId, Timestamp, TokenId, UnitId};
use uuid::Uuid;

use super::{
    membership::{gather, scope},
    statements::{TOKEN_BY_UUID, TOKEN_CALLER, TOKEN_DELETE, TOKEN_INSERT, TOKEN_LIST, TOKEN_TOUCH, TOKEN_UNIT_INSERT},
};
use crate::{Row, Session, StoreError, Value, session::data};

/// How exactly the last use of a token is kept: a write for each request would cost more than it tells.
const TOUCH_SECONDS: i64 = 60;

/// A token of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Internal key.
    pub id: TokenId,
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// How far it reaches.
    pub scope: TokenScope,
    /// What it is for.
    pub description: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Who made it.
    pub created_by: Uuid,
}

fn read(row: &Row<'_>) -> Result<(TokenRow, Option<UnitId>), StoreError> {
    let token = TokenRow {
        id: row.get(0)?,
        uuid: row.get(1)?,
        organisation: row.get(2)?,
        scope: scope(row.get(3)?),
        description: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        last_used_at: row.get(7)?,
        created_by: row.get(8)?,
    };
    Ok((token, row.get(9)?))
}

fn one_each(rows: Vec<(TokenRow, Option<UnitId>)>) -> Vec<TokenRow> {
    gather(rows, |one, next| one.id == next.id, |token| &mut token.scope)
}

/// The tokens of these organisations, oldest first, expired ones included.
pub async fn tokens<S: Session>(s: &mut S, organisations: &[i64]) -> Result<Vec<TokenRow>, StoreError> {
    let rows = s.fetch(&TOKEN_LIST, &[Value::Ints(organisations)], read).await?;
    Ok(one_each(rows))
}

/// A token as the caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenCaller {
    /// Internal key.
    pub id: TokenId,
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// Its public id.
    pub organisation_uuid: Uuid,
    /// Its short name.
    pub organisation_short_name: String,
    /// Its name.
    pub organisation_name: String,
    /// How far it reaches.
    pub scope: TokenScope,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl TokenCaller {
    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether a use now is worth a write: the last one on record is a minute old.
    pub fn is_use_due(&self, now: Timestamp) -> bool {
        self.last_used_at
            .is_none_or(|last| last <= now.plus_seconds(-TOUCH_SECONDS))
    }
}

/// The token with a secret of this hash and its organisation, in one statement; expired or not.
pub async fn token_caller<S: Session>(s: &mut S, secret_hash: &[u8]) -> Result<Option<TokenCaller>, StoreError> {
    s.find(&TOKEN_CALLER, &[secret_hash.into()], |row| {
        let mut scope = scope(row.get(3)?);
        if let TokenScope::Units(units) = &mut scope {
            let held: Option<String> = row.get(9)?;
            for unit in held.iter().flat_map(|text| text.split(',')) {
                units.insert(UnitId(unit.parse().map_err(|error| data(9, &error))?));
            }
        }
        Ok(TokenCaller {
            id: row.get(0)?,
            uuid: row.get(1)?,
            organisation: row.get(2)?,
            scope,
            expires_at: row.get(4)?,
            last_used_at: row.get(5)?,
            organisation_uuid: row.get(6)?,
            organisation_short_name: row.get(7)?,
            organisation_name: row.get(8)?,
        })
    })
    .await
}

/// The token with a public id.
pub async fn find_token_by_id<S: Session>(s: &mut S, uuid: Uuid) -> Result<Option<TokenRow>, StoreError> {
    let rows = s.fetch(&TOKEN_BY_UUID, &[uuid.into()], read).await?;
    Ok(one_each(rows).pop())
}

/// A token to create.
#[derive(Clone, Debug)]
pub struct NewToken<'a> {
    /// Public id.
    pub uuid: Uuid,
    /// Of which organisation.
    pub organisation: OrganisationId,
    /// SHA-256 of its secret.
    pub secret_hash: &'a [u8],
    /// How far it reaches.
    pub scope: &'a TokenScope,
    /// What it is for.
    pub description: Option<&'a str>,
    /// Until when, if it ends.
    pub expires_at: Option<Timestamp>,
}

/// Creates a token.
pub async fn create_token<S: Session>(
    s: &mut S,
    new: &NewToken<'_>,
    by: Uuid,
    now: Timestamp,
) -> Result<TokenId, StoreError> {
    let is_scoped = matches!(new.scope, TokenScope::Units(_));
    let values = [
        new.uuid.into(),
        new.organisation.into(),
        new.secret_hash.into(),
        is_scoped.into(),
        new.description.into(),
        by.into(),
        now.into(),
        new.expires_at.into(),
    ];
    let id: TokenId = s.one(&TOKEN_INSERT, &values, |row| row.get(0)).await?;
    if let TokenScope::Units(units) = new.scope {
        let units: Vec<i64> = units.iter().map(|unit| unit.0).collect();
        s.execute(&TOKEN_UNIT_INSERT, &[id.into(), Value::Ints(&units)]).await?;
    }
    Ok(id)
}

/// Keeps that a token was used, at most once a minute.
pub async fn touch_token<S: Session>(s: &mut S, token: TokenId, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-TOUCH_SECONDS);
    s.execute(&TOKEN_TOUCH, &[now.into(), token.into(), before.into()])
        .await
        .map(drop)
}

/// Deletes tokens.
pub async fn revoke_tokens<S: Session>(s: &mut S, tokens: &[i64]) -> Result<(), StoreError> {
    s.execute(&TOKEN_DELETE, &[Value::Ints(tokens)]).await.map(drop)
}
