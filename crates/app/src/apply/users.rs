//! Users: people of the built-in issuer, found again by their uid or their address.

use std::collections::{BTreeMap, BTreeSet};

use domain::PersonId;
use identity::issuer::IDENTITY_PROVIDER;
use serde_json::{Value, json};
use store::{
    Access, Op, Session,
    organisations::{self as rows, PersonState},
    people::{self, Identity, NewAccount, Profile},
};

use super::{AppliedUser, Run, invalid, world::User};
use crate::{App, Ctx, Result, sign_in::BUILT_IN};

/// The hashes of the passwords in the file, by key, for those who have none yet: hashing takes long and cannot be done
/// in a transaction. Who has a password keeps it, for they may have changed it.
pub(super) async fn first_passwords(app: &App, ctx: &Ctx, users: &[User]) -> Result<BTreeMap<String, String>> {
    let with_password: Vec<_> = users
        .iter()
        .filter_map(|user| Some((user, user.password.as_ref()?)))
        .collect();
    let mut hashes = BTreeMap::new();
    if with_password.is_empty() {
        return Ok(hashes);
    }
    let addresses = with_password
        .iter()
        .map(|(user, _)| user.email.to_lowercase())
        .collect();
    let have = app.store().run(WithAccount(addresses), &ctx.meter).await?;
    for (user, password) in with_password {
        if !have.contains(&user.email.to_lowercase()) {
            let hash = app
                .0
                .passwords
                .hash(password, app.entropy())
                .await
                .map_err(domain::Error::from)?;
            hashes.insert(user.key.clone(), hash);
        }
    }
    Ok(hashes)
}

#[derive(Clone)]
struct WithAccount(Vec<String>);

impl Op for WithAccount {
    type Out = Vec<String>;
    type Error = crate::Error;
    const ACCESS: Access = Access::Read;

    async fn run<S: Session>(self, s: &mut S) -> Result<Vec<String>> {
        Ok(rows::addresses_with_account(s, &self.0).await?)
    }
}

/// Everybody on record whom the file may mean.
struct Candidates {
    rows: Vec<PersonState>,
    /// Found by their uid; nobody else can be the same person by their address.
    taken: BTreeSet<PersonId>,
}

impl Candidates {
    fn by_uid(&self, uid: &str) -> Option<&PersonState> {
        self.rows.iter().find(|row| {
            row.issuer.as_deref() == Some(BUILT_IN)
                && row.identity_provider.as_deref() == Some(IDENTITY_PROVIDER)
                && row.subject.as_deref() == Some(uid)
        })
    }

    fn by_email(&self, email: &str) -> Option<&PersonState> {
        let folded = email.to_lowercase();
        let has = |row: &&PersonState| has_address(row, &folded);
        self.rows.iter().filter(has).find(|row| !self.taken.contains(&row.id))
    }

    fn of(&self, user: &User) -> Option<&PersonState> {
        let known = user.uid.as_deref().and_then(|uid| self.by_uid(uid));
        known.or_else(|| self.by_email(&user.email))
    }
}

impl<S: Session> Run<'_, S> {
    /// Makes the users true; their internal keys by the keys of the file.
    pub(super) async fn users(
        &mut self,
        users: &[User],
        hashes: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, PersonId>> {
        let mut found = BTreeMap::new();
        if users.is_empty() {
            return Ok(found);
        }
        let uids: Vec<String> = users.iter().filter_map(|user| user.uid.clone()).collect();
        let emails: Vec<String> = users.iter().map(|user| user.email.to_lowercase()).collect();
        let mut candidates = Candidates {
            rows: rows::people_like(self.s, &uids, &emails).await?,
            taken: BTreeSet::new(),
        };
        candidates.taken = uids
            .iter()
            .filter_map(|uid| candidates.by_uid(uid))
            .map(|row| row.id)
            .collect();
        for (index, user) in users.iter().enumerate() {
            let path = format!("users[{index}]");
            let hash = hashes.get(&user.key).map(String::as_str);
            let id = match candidates.of(user) {
                None => self.create_user(user, hash).await?,
                Some(person) => {
                    check_same(person, user, &candidates, &path)?;
                    self.update_user(person.clone(), user, hash).await?
                }
            };
            found.insert(user.key.clone(), id);
        }
        Ok(found)
    }

    async fn create_user(&mut self, user: &User, hash: Option<&str>) -> Result<PersonId> {
        let uuid = self.entropy.uuid();
        let account = NewAccount {
            uuid,
            identity: identity(user, uuid),
            profile: profile(user, user.username.as_ref().unwrap_or(&user.email)),
            platform_administrator: user.platform_admin.unwrap_or(false),
        };
        let provider = people::identity_provider(self.s, IDENTITY_PROVIDER, self.now).await?;
        let id = people::create_account(self.s, &account, provider, hash, self.now).await?;
        if user.suspended == Some(true) {
            let by = self.stamp();
            people::set_active(self.s, id, false, by, self.now).await?;
        }
        let applied = AppliedUser {
            uid: account.identity.subject,
            name: user.name.clone(),
            email: user.email.clone(),
            username: account.profile.username,
        };
        let after = json!({
            "uid": applied.uid, "name": applied.name, "email": applied.email, "username": applied.username,
            "administrator": account.platform_administrator, "active": user.suspended != Some(true),
            "password": hash.is_some(),
        });
        self.applied.users.insert(user.key.clone(), applied);
        self.name(id, &user.key, uuid);
        let line = format!("user {}: created", user.key);
        self.changed("person.create", format!("person:{uuid}"), line, after)
            .await?;
        Ok(id)
    }

    async fn update_user(&mut self, mut person: PersonState, user: &User, hash: Option<&str>) -> Result<PersonId> {
        let (id, uuid, by) = (person.id, person.uuid, self.stamp());
        self.name(id, &user.key, uuid);
        let mut after = serde_json::Map::new();
        if person.subject.is_none() {
            let identity = identity(user, uuid);
            let provider = people::identity_provider(self.s, IDENTITY_PROVIDER, self.now).await?;
            rows::set_identity(self.s, id, &identity, provider, by, self.now).await?;
            after.insert("uid".into(), json!(identity.subject));
            person.subject = Some(identity.subject);
            person.issuer = Some(identity.issuer);
        }
        // Elsewhere the provider says it anew at each sign-in.
        if person.issuer.as_deref() == Some(BUILT_IN) {
            self.update_profile(&mut person, user, &mut after).await?;
        }
        let active = user.suspended.map_or(person.active, |suspended| !suspended);
        let administrator = user.platform_admin.unwrap_or(person.platform_administrator);
        if (active, administrator) != (person.active, person.platform_administrator) {
            rows::set_flags(self.s, id, active, administrator, by, self.now).await?;
            after.insert("active".into(), json!(active));
            after.insert("administrator".into(), json!(administrator));
        }
        if let (Some(hash), false) = (hash, person.has_account) {
            let folded = person.email.as_deref().unwrap_or(&user.email).to_lowercase();
            people::set_password(self.s, id, &folded, hash, self.now).await?;
            after.insert("password".into(), json!(true));
        }
        let applied = AppliedUser {
            uid: person.subject.unwrap_or_default(),
            name: person.full_name.unwrap_or_default(),
            email: person.email.unwrap_or_default(),
            username: person.username,
        };
        self.applied.users.insert(user.key.clone(), applied);
        if !after.is_empty() {
            let what: Vec<&str> = after.keys().map(String::as_str).collect();
            let line = format!("user {}: changed {}", user.key, what.join(", "));
            self.changed("person.update", format!("person:{uuid}"), line, Value::Object(after))
                .await?;
        }
        Ok(id)
    }

    async fn update_profile(
        &mut self,
        person: &mut PersonState,
        user: &User,
        after: &mut serde_json::Map<String, Value>,
    ) -> Result<()> {
        let wanted = profile(user, user.username.as_ref().unwrap_or(&person.username));
        let is_readdressed = wanted.email != person.email;
        for (name, differs, value) in [
            ("name", wanted.full_name != person.full_name, &wanted.full_name),
            ("email", is_readdressed, &wanted.email),
            (
                "username",
                wanted.username != person.username,
                &Some(wanted.username.clone()),
            ),
        ] {
            if differs {
                after.insert(name.to_owned(), json!(value));
            }
        }
        if ["name", "email", "username"]
            .iter()
            .any(|name| after.contains_key(*name))
        {
            let by = self.stamp();
            rows::set_profile(self.s, person.id, &wanted, by, self.now).await?;
        }
        if is_readdressed && person.has_account {
            rows::readdress_account(self.s, person.id, &user.email.to_lowercase()).await?;
        }
        person.full_name = wanted.full_name;
        person.email = wanted.email;
        person.username = wanted.username;
        Ok(())
    }
}

/// Whether an address is somebody's. Anybody can say at some provider that it is theirs: until it is verified, it is only
/// that of a person whom nobody signs in as.
fn has_address(row: &PersonState, folded: &str) -> bool {
    (row.email_verified || row.subject.is_none())
        && row.email.as_ref().is_some_and(|email| email.to_lowercase() == folded)
}

/// Refuses to take one person for another.
fn check_same(person: &PersonState, user: &User, candidates: &Candidates, path: &str) -> Result<()> {
    if let (Some(uid), Some(subject)) = (&user.uid, &person.subject)
        && uid != subject
    {
        let why = format!("the person with the address {} signs in as {subject:?}", user.email);
        return Err(invalid(&format!("{path}.uid"), &why));
    }
    let folded = user.email.to_lowercase();
    let is_others = |row: &PersonState| row.id != person.id && has_address(row, &folded);
    let moves = person.email.as_ref().is_none_or(|email| email.to_lowercase() != folded);
    if moves && person.issuer.as_deref() == Some(BUILT_IN) && candidates.rows.iter().any(is_others) {
        return Err(invalid(&format!("{path}.email"), "somebody else has this address"));
    }
    Ok(())
}

fn identity(user: &User, uuid: uuid::Uuid) -> Identity {
    Identity {
        issuer: BUILT_IN.to_owned(),
        subject: user.uid.clone().unwrap_or_else(|| uuid.to_string()),
        identity_provider: Some(IDENTITY_PROVIDER.to_owned()),
    }
}

/// The address counts as verified: an operator vouches for it.
fn profile(user: &User, username: &str) -> Profile {
    let name = user.name.trim();
    let (first, last) = name
        .rsplit_once(' ')
        .map_or((name, None), |(first, last)| (first, Some(last)));
    Profile {
        username: username.to_owned(),
        email: Some(user.email.clone()),
        email_verified: true,
        full_name: Some(name.to_owned()),
        first_name: Some(first.trim_end().to_owned()),
        last_name: last.map(str::to_owned),
    }
}
