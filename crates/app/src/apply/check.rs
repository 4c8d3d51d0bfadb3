//! What can be said about a file without looking at the database: references, duplicates, names.

use std::collections::{BTreeMap, BTreeSet};

use domain::EmailAddress;
use identity::password::check_new;
use store::organisations::{InvitationStatus, OrganisationRole};

use super::world::{ApiKey, Collaboration, Group, Invitation, Organisation, Origin, Service, User, World};
use crate::organisations::{is_label, is_web_address};

/// The longest name or description of the contract's `s(255)` fields, in characters.
const MAX_NAME: usize = 255;
/// The longest short name (organisations contract 2.4.1).
const MAX_SHORT_NAME: usize = 16;

/// A line for each problem, led by its place in the file.
pub(super) fn problems(world: &World) -> Vec<String> {
    let mut check = Check {
        users: world.users.iter().map(|user| user.key.as_str()).collect(),
        organisations: world
            .organisations
            .iter()
            .map(|organisation| organisation.key.as_str())
            .collect(),
        services: world.services.iter().map(|service| service.key.as_str()).collect(),
        problems: Vec::new(),
    };
    check.users(&world.users);
    check.organisations(&world.organisations);
    check.api_keys(&world.api_keys);
    check.services(&world.services);
    check.collaborations(&world.collaborations);
    check.problems
}

struct Check<'a> {
    users: BTreeSet<&'a str>,
    organisations: BTreeSet<&'a str>,
    services: BTreeSet<&'a str>,
    problems: Vec<String>,
}

/// Where each value was seen first.
type Seen<K> = BTreeMap<K, String>;

impl Check<'_> {
    fn add(&mut self, path: &str, why: &str) {
        self.problems.push(format!("{path}: {why}"));
    }

    fn once<K: Ord>(&mut self, seen: &mut Seen<K>, value: K, path: String) {
        match seen.get(&value) {
            Some(first) => self.problems.push(format!("{path}: the same as {first}")),
            None => drop(seen.insert(value, path)),
        }
    }

    fn name(&mut self, name: &str, path: &str) {
        if name.trim().is_empty() {
            self.add(path, "must not be empty");
        } else if name.chars().count() > MAX_NAME {
            self.add(path, "is longer than 255 characters");
        } else if name.chars().any(char::is_control) {
            self.add(path, "contains a control character");
        }
    }

    fn short_name(&mut self, name: &str, path: &str) {
        let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let is_clean = name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !starts_well || !is_clean || name.len() > MAX_SHORT_NAME {
            self.add(
                path,
                "must have 1 to 16 characters out of a-z, 0-9 and _, and not start with a digit",
            );
        }
    }

    fn email(&mut self, email: &str, path: &str) {
        if let Err(why) = EmailAddress::new(email) {
            self.add(path, &why.to_string());
        }
    }

    fn user(&mut self, key: &str, path: &str) {
        if !self.users.contains(key) {
            self.add(path, &format!("there is no user with the key {key:?} in this file"));
        }
    }

    fn organisation(&mut self, key: &str, path: &str) {
        if !self.organisations.contains(key) {
            self.add(
                path,
                &format!("there is no organisation with the key {key:?} in this file"),
            );
        }
    }

    /// Units that are named differ, also when case is ignored (organisations contract 2.2).
    fn units(&mut self, units: &[String], path: &str) {
        let mut seen = Seen::new();
        for (index, unit) in units.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.name(unit, &path);
            self.once(&mut seen, unit.to_lowercase(), path);
        }
    }

    fn users(&mut self, users: &[User]) {
        let (mut keys, mut uids, mut emails) = (Seen::new(), Seen::new(), Seen::new());
        for (index, user) in users.iter().enumerate() {
            let path = format!("users[{index}]");
            self.once(&mut keys, &user.key, format!("{path}.key"));
            if let Some(uid) = &user.uid {
                self.name(uid, &format!("{path}.uid"));
                self.once(&mut uids, uid, format!("{path}.uid"));
            }
            self.name(&user.name, &format!("{path}.name"));
            self.email(&user.email, &format!("{path}.email"));
            self.once(&mut emails, user.email.to_lowercase(), format!("{path}.email"));
            if let Some(username) = &user.username {
                self.name(username, &format!("{path}.username"));
            }
            let personal = [user.email.as_str(), user.name.as_str()];
            if let Some(Err(why)) = user.password.as_ref().map(|password| check_new(password, &personal)) {
                self.add(&format!("{path}.password"), &why.to_string());
            }
        }
    }

    fn organisations(&mut self, organisations: &[Organisation]) {
        let (mut keys, mut names, mut short_names) = (Seen::new(), Seen::new(), Seen::new());
        for (index, organisation) in organisations.iter().enumerate() {
            let path = format!("organisations[{index}]");
            self.once(&mut keys, &organisation.key, format!("{path}.key"));
            self.name(&organisation.name, &format!("{path}.name"));
            self.once(&mut names, organisation.name.to_lowercase(), format!("{path}.name"));
            self.short_name(&organisation.short_name, &format!("{path}.short_name"));
            self.once(&mut short_names, &organisation.short_name, format!("{path}.short_name"));
            self.units(
                organisation.units.as_deref().unwrap_or_default(),
                &format!("{path}.units"),
            );
            let mut labels = Seen::new();
            for (index, label) in organisation.labels.iter().enumerate() {
                let path = format!("{path}.labels[{index}]");
                self.label(&label.value, &format!("{path}.value"));
                self.once(&mut labels, &label.value, format!("{path}.value"));
                self.units(&label.units, &format!("{path}.units"));
            }
            let mut members = Seen::new();
            for (index, member) in organisation.members.iter().flatten().enumerate() {
                let path = format!("{path}.members[{index}]");
                self.user(&member.user, &format!("{path}.user"));
                self.once(&mut members, &member.user, format!("{path}.user"));
                let units = member.units.as_deref();
                self.units(units.unwrap_or_default(), &format!("{path}.units"));
                match (member.role, units) {
                    (OrganisationRole::Manager, None) => self.add(
                        &path,
                        "a manager needs \"units\"; an empty list is the whole organisation",
                    ),
                    (OrganisationRole::Admin | OrganisationRole::Member, Some([_, ..])) => {
                        self.add(&format!("{path}.units"), "only managers are bound to units");
                    }
                    _ => {}
                }
            }
        }
    }

    fn api_keys(&mut self, api_keys: &[ApiKey]) {
        let (mut keys, mut names) = (Seen::new(), Seen::new());
        for (index, api_key) in api_keys.iter().enumerate() {
            let path = format!("api_keys[{index}]");
            self.once(&mut keys, &api_key.key, format!("{path}.key"));
            self.organisation(&api_key.organisation, &format!("{path}.organisation"));
            self.name(api_key.name(), &format!("{path}.description"));
            self.once(
                &mut names,
                (&api_key.organisation, api_key.name()),
                format!("{path}.description"),
            );
            self.units(&api_key.units, &format!("{path}.units"));
        }
    }

    fn collaborations(&mut self, collaborations: &[Collaboration]) {
        let (mut keys, mut names, mut short_names) = (Seen::new(), Seen::new(), Seen::new());
        let (mut groups, mut invitations) = (Seen::new(), Seen::new());
        for (index, collaboration) in collaborations.iter().enumerate() {
            let path = format!("collaborations[{index}]");
            let organisation = &collaboration.organisation;
            self.once(&mut keys, &collaboration.key, format!("{path}.key"));
            self.organisation(organisation, &format!("{path}.organisation"));
            self.name(&collaboration.name, &format!("{path}.name"));
            self.once(
                &mut names,
                (organisation, collaboration.name.to_lowercase()),
                format!("{path}.name"),
            );
            self.short_name(&collaboration.short_name, &format!("{path}.short_name"));
            self.once(
                &mut short_names,
                (organisation, &collaboration.short_name),
                format!("{path}.short_name"),
            );
            self.units(
                collaboration.units.as_deref().unwrap_or_default(),
                &format!("{path}.units"),
            );
            for (index, label) in collaboration.labels.iter().flatten().enumerate() {
                self.label(label, &format!("{path}.labels[{index}]"));
            }
            for (index, key) in collaboration.services.iter().flatten().enumerate() {
                if !self.services.contains(key.as_str()) {
                    let why = format!("there is no service with the key {key:?} in this file");
                    self.add(&format!("{path}.services[{index}]"), &why);
                }
            }
            if collaboration
                .website_url
                .as_ref()
                .is_some_and(|url| !url.is_empty() && !is_web_address(url))
            {
                self.add(&format!("{path}.website_url"), "is not a valid uri");
            }
            let mut members = Seen::new();
            for (index, member) in collaboration.members.iter().flatten().enumerate() {
                let path = format!("{path}.members[{index}].user");
                self.user(&member.user, &path);
                self.once(&mut members, &member.user, path);
            }
            self.groups(&collaboration.groups, &path, &mut groups);
            self.invitations(collaboration, &path, &mut invitations);
        }
    }

    /// Organisations contract 2.9.
    fn label(&mut self, value: &str, path: &str) {
        if !is_label(value) {
            self.add(
                path,
                "must have 1 to 32 characters out of a-z, 0-9, _ and -, and start with a letter",
            );
        }
    }

    fn services(&mut self, services: &[Service]) {
        let (mut keys, mut ids, mut abbreviations) = (Seen::new(), Seen::new(), Seen::new());
        for (index, service) in services.iter().enumerate() {
            let path = format!("services[{index}]");
            self.once(&mut keys, &service.key, format!("{path}.key"));
            self.name(&service.name, &format!("{path}.name"));
            self.name(&service.entity_id, &format!("{path}.entity_id"));
            self.once(&mut ids, &service.entity_id, format!("{path}.entity_id"));
            self.short_name(&service.abbreviation, &format!("{path}.abbreviation"));
            self.once(
                &mut abbreviations,
                &service.abbreviation,
                format!("{path}.abbreviation"),
            );
            for (name, organisations) in [
                ("allowed_organisations", &service.allowed_organisations),
                ("automatic_for_organisations", &service.automatic_for_organisations),
            ] {
                for (index, key) in organisations.iter().enumerate() {
                    self.organisation(key, &format!("{path}.{name}[{index}]"));
                }
            }
            let (mut keys, mut short_names) = (Seen::new(), Seen::new());
            for (index, group) in service.groups.iter().enumerate() {
                let path = format!("{path}.service_groups[{index}]");
                self.once(&mut keys, &group.key, format!("{path}.key"));
                self.name(&group.name, &format!("{path}.name"));
                self.short_name(&group.short_name, &format!("{path}.short_name"));
                self.once(&mut short_names, &group.short_name, format!("{path}.short_name"));
            }
        }
    }

    fn groups<'b>(&mut self, groups: &'b [Group], path: &str, keys: &mut Seen<&'b str>) {
        let mut short_names = Seen::new();
        for (index, group) in groups.iter().enumerate() {
            let path = format!("{path}.groups[{index}]");
            self.once(keys, &group.key, format!("{path}.key"));
            self.name(&group.name, &format!("{path}.name"));
            self.short_name(&group.short_name, &format!("{path}.short_name"));
            self.once(&mut short_names, &group.short_name, format!("{path}.short_name"));
            let mut members = Seen::new();
            for (index, member) in group.members.iter().flatten().enumerate() {
                let path = format!("{path}.members[{index}]");
                self.user(member, &path);
                self.once(&mut members, member, path);
            }
        }
    }

    fn invitations<'b>(&mut self, collaboration: &'b Collaboration, path: &str, keys: &mut Seen<&'b str>) {
        for (index, invitation) in collaboration.invitations.iter().enumerate() {
            let path = format!("{path}.invitations[{index}]");
            self.once(keys, &invitation.key, format!("{path}.key"));
            self.email(&invitation.email, &format!("{path}.email"));
            self.invitation(collaboration, invitation, &path);
        }
    }

    fn invitation(&mut self, collaboration: &Collaboration, invitation: &Invitation, path: &str) {
        if invitation.origin == Origin::Ui && invitation.status != InvitationStatus::Open {
            let why = "an invitation made by a person is gone once it is answered";
            self.add(&format!("{path}.origin"), why);
        }
        let mut groups = Seen::new();
        for (index, key) in invitation.groups.iter().enumerate() {
            let path = format!("{path}.groups[{index}]");
            if !collaboration.groups.iter().any(|group| group.key == *key) {
                self.add(
                    &path,
                    &format!("there is no group with the key {key:?} in this collaboration"),
                );
            }
            self.once(&mut groups, key, path);
        }
        if let Some(user) = &invitation.accepted_by {
            self.user(user, &format!("{path}.accepted_by"));
            if invitation.status != InvitationStatus::Accepted {
                self.add(&format!("{path}.accepted_by"), "the invitation is not accepted");
            }
        }
    }
}
