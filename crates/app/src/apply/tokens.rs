//! Tokens of organisations.

use std::collections::BTreeMap;

use identity::secret::ApiSecret;
use serde_json::json;
use store::{
    Session,
    organisations::{self as rows, NewToken},
};

use super::{
    Run, invalid,
    organisations::{Known, bound_to},
    resolved,
    world::ApiKey,
};
use crate::Result;

impl<S: Session> Run<'_, S> {
    /// Issues the tokens that do not exist. One that does is left alone: its secret cannot be shown again, and its scope
    /// is fixed (organisations contract 2.3).
    pub(super) async fn tokens(&mut self, api_keys: &[ApiKey], organisations: &BTreeMap<String, Known>) -> Result<()> {
        if api_keys.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = organisations.values().map(|organisation| organisation.id.0).collect();
        let present = rows::tokens(self.s, &ids).await?;
        for (index, api_key) in api_keys.iter().enumerate() {
            let path = format!("api_keys[{index}].units");
            let organisation = resolved(organisations, &api_key.organisation)?;
            let scope = organisation.scope(&api_key.units, &path)?;
            let is_same = |token: &&rows::TokenRow| {
                token.organisation == organisation.id && token.description.as_deref() == Some(api_key.name())
            };
            if let Some(token) = present.iter().find(is_same) {
                if token.scope != scope {
                    let why = format!(
                        "the token {:?} exists with another scope, which is fixed when it is issued. Give the new one \
                         another description, or revoke the old one with `commonhold token revoke {}`",
                        api_key.name(),
                        token.uuid
                    );
                    return Err(invalid(&path, &why));
                }
                self.applied.keys.insert(api_key.key.clone(), None);
                continue;
            }
            let secret = ApiSecret::generate(self.entropy);
            let new = NewToken {
                uuid: self.entropy.uuid(),
                organisation: organisation.id,
                secret_hash: &secret.hash(),
                scope: &scope,
                description: Some(api_key.name()),
                expires_at: None,
            };
            let by = self.stamp();
            rows::create_token(self.s, &new, by, self.now).await?;
            self.applied
                .keys
                .insert(api_key.key.clone(), Some(secret.text().clone()));
            let line = format!(
                "token {}: issued for organisation {}{}",
                api_key.key,
                organisation.key,
                bound_to(&api_key.units)
            );
            let after = json!({
                "organisation": organisation.uuid, "scope": organisation.scope_names(&scope),
                "description": api_key.name(),
            });
            self.changed("token.issue", format!("token:{}", new.uuid), line, after)
                .await?;
        }
        Ok(())
    }
}
