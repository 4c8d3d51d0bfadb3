//! Bucket policies: which statements this server keeps in them, and what a policy lets anyone read (objects contract 5.4).
//!
//! A policy is shared with others. What is not ours is kept as it is, member by member; ours are known by their exact
//! `Sid`.

use serde_json::{Map, Value, json};

use crate::{Error, Kind, Result};

const VERSION: &str = "2012-10-17";
/// Begins the `Sid` of every statement of this server.
const OURS: &str = "coms::";
const ARN: &str = "arn:aws:s3:::";
/// What a public statement allows.
const ACTIONS: [&str; 2] = ["s3:GetObject", "s3:GetObjectVersion"];

/// What is made public or private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One key of a bucket.
    Object {
        /// The bucket.
        bucket: String,
        /// The key.
        path: String,
    },
    /// All keys below a prefix of a bucket.
    Folder {
        /// The bucket.
        bucket: String,
        /// The prefix without a slash at its end; `/` for the whole bucket.
        key: String,
    },
}

impl Target {
    /// `bucket/path` of an object; `bucket/key/` of a folder.
    fn place(&self) -> String {
        match self {
            Self::Object { bucket, path } => format!("{bucket}/{path}"),
            Self::Folder { bucket, key } if key == "/" => format!("{bucket}/"),
            Self::Folder { bucket, key } => format!("{bucket}/{key}/"),
        }
    }

    /// The resource of its statement, without the ARN in front.
    fn resource(&self) -> String {
        match self {
            Self::Object { .. } => self.place(),
            Self::Folder { .. } => format!("{}*", self.place()),
        }
    }

    fn sid(&self) -> String {
        format!("{OURS}{}", self.place())
    }

    fn statement(&self) -> Value {
        json!({
            "Sid": self.sid(),
            "Effect": "Allow",
            "Principal": "*",
            "Action": ACTIONS,
            "Resource": format!("{ARN}{}", self.resource()),
        })
    }

    /// Whether a statement is the one of this target. Other servers have written it without the slash at the end, and
    /// without ARN: a name without a slash may be that of a folder, and what it is about tells.
    fn is_of(&self, statement: &Value) -> bool {
        let Some(sid) = sid(statement) else { return false };
        (matches!(self, Self::Folder { .. }) && sid == self.sid())
            || (sid.trim_end_matches('/') == self.sid().trim_end_matches('/')
                && resources(statement).all(|resource| resource == self.resource()))
    }

    /// Whether a statement is one of ours about something below this folder.
    fn is_above(&self, statement: &Value) -> bool {
        matches!(self, Self::Folder { .. }) && sid(statement).is_some_and(|sid| sid.starts_with(&self.sid()))
    }

    /// Whether a statement is one of ours about a folder that this lies in.
    fn is_below(&self, statement: &Value) -> bool {
        let own = self.resource();
        let is_folder = |resource: &str| {
            resource
                .strip_suffix('*')
                .is_some_and(|folder| folder.ends_with('/') && own.starts_with(folder) && own != resource)
        };
        sid(statement).is_some_and(|sid| sid.starts_with(OURS))
            && !self.is_of(statement)
            && allows_anyone(statement)
            && resources(statement).any(is_folder)
    }
}

/// A bucket's policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    document: Map<String, Value>,
    statements: Vec<Value>,
}

impl Policy {
    /// Reads a policy; a bucket without one has an empty one.
    ///
    /// # Errors
    /// `Upstream` for what is no policy: it is not ours to repair.
    pub fn read(text: Option<&str>) -> Result<Self> {
        let Some(text) = text else {
            return Ok(Self {
                document: Map::new(),
                statements: Vec::new(),
            });
        };
        let unreadable = |why: String| Error::new(Kind::Upstream).because(format!("the bucket's policy: {why}"));
        let mut document: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
        let statements = match document.remove("Statement") {
            None => Vec::new(),
            Some(Value::Array(statements)) => statements,
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => return Err(unreadable("its statements are none".to_owned())),
        };
        Ok(Self { document, statements })
    }

    /// The text to keep; `None` when nothing is left to say.
    pub fn text(&self) -> Option<String> {
        if self.statements.is_empty() {
            return None;
        }
        let mut document = self.document.clone();
        document.entry("Version").or_insert_with(|| json!(VERSION));
        document.insert("Statement".to_owned(), Value::Array(self.statements.clone()));
        Some(Value::Object(document).to_string())
    }

    /// Whether one of our statements makes a folder public that the target lies in.
    pub fn is_public_above(&self, target: &Target) -> bool {
        self.statements.iter().any(|statement| target.is_below(statement))
    }

    /// Whether our statement about the target itself is there.
    pub fn has(&self, target: &Target) -> bool {
        self.statements
            .iter()
            .any(|statement| target.is_of(statement) && allows_anyone(statement))
    }

    /// Makes the target public or private. Statements of ours about what lies below a folder go either way: they say the
    /// same, or no longer hold. Everybody else's stay.
    pub fn set_public(&mut self, target: &Target, public: bool) {
        let wanted = target.statement();
        self.statements.retain(|statement| {
            let ours = target.is_of(statement) || target.is_above(statement);
            !ours || (public && *statement == wanted)
        });
        if public && !self.statements.contains(&wanted) {
            self.statements.push(wanted);
        }
    }

    /// Whether the policy lets anyone read the target, all of it.
    pub fn is_public(&self, target: &Target) -> bool {
        self.verdict(target) == Some(true)
    }

    /// What the policy says about anyone reading the target: a denial counts more than any permission, and nothing said
    /// leaves it to the access control list. Statements with conditions permit nothing to everybody.
    pub fn verdict(&self, target: &Target) -> Option<bool> {
        let resource = target.resource();
        let about = |statement: &&Value| {
            resources(statement).any(|pattern| matches(pattern, &resource))
                && actions(statement).any(|pattern| matches(&pattern.to_ascii_lowercase(), "s3:getobject"))
        };
        let denies = |statement: &Value| is_effect(statement, "Deny") && is_for_anyone(statement);
        let relevant: Vec<&Value> = self.statements.iter().filter(about).collect();
        if relevant.iter().any(|statement| denies(statement)) {
            return Some(false);
        }
        relevant
            .iter()
            .any(|statement| allows_anyone(statement))
            .then_some(true)
    }
}

fn sid(statement: &Value) -> Option<&str> {
    statement.get("Sid")?.as_str()
}

/// A member that is a text or a list of texts.
fn texts<'a>(statement: &'a Value, member: &str) -> impl Iterator<Item = &'a str> {
    let value = statement.get(member);
    let list = value.and_then(Value::as_array).into_iter().flatten();
    value.into_iter().chain(list).filter_map(Value::as_str)
}

fn resources(statement: &Value) -> impl Iterator<Item = &str> {
    texts(statement, "Resource").map(|resource| resource.strip_prefix(ARN).unwrap_or(resource))
}

fn actions(statement: &Value) -> impl Iterator<Item = &str> {
    texts(statement, "Action")
}

fn is_effect(statement: &Value, effect: &str) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some(effect)
}

fn is_for_anyone(statement: &Value) -> bool {
    let Some(principal) = statement.get("Principal") else {
        return false;
    };
    principal == "*" || texts(principal, "AWS").any(|name| name == "*")
}

fn allows_anyone(statement: &Value) -> bool {
    let unconditional = statement
        .get("Condition")
        .is_none_or(|condition| condition.as_object().is_some_and(Map::is_empty));
    is_effect(statement, "Allow") && is_for_anyone(statement) && unconditional
}

/// Whether a pattern with `*` and `?` covers a text. A `*` in the text is a part of it like any other.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Where the last star was, and how much of the text it has taken.
    let (mut at, mut position, mut star) = (0, 0, None);
    while position < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, position));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || text.get(position) == Some(wanted) => {
                at += 1;
                position += 1;
            }
            _ => match &mut star {
                None => return false,
                Some((place, taken)) => {
                    *taken += 1;
                    position = *taken;
                    at = *place + 1;
                }
            },
        }
    }
    pattern
        .get(at..)
        .is_some_and(|rest| rest.iter().all(|left| *left == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(key: &str) -> Target {
        Target::Folder {
            bucket: "maps".into(),
            key: key.into(),
        }
    }

    fn object(path: &str) -> Target {
        Target::Object {
            bucket: "maps".into(),
            path: path.into(),
        }
    }

    fn policy(statements: &Value) -> Policy {
        Policy::read(Some(
            &json!({ "Version": VERSION, "Id": "x", "Statement": statements }).to_string(),
        ))
        .unwrap()
    }

    fn statements(policy: &Policy) -> Vec<&str> {
        policy.statements.iter().map(|one| sid(one).unwrap_or("-")).collect()
    }

    #[test]
    fn statements_of_others_survive_every_change() {
        let foreign = json!([
            { "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::maps/*" },
            { "Sid": "coms::maps/a/bc/", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
              "Resource": "arn:aws:s3:::maps/a/bc/*" },
            { "Sid": "Partner", "Effect": "Allow", "Principal": { "AWS": ["arn:aws:iam::1:root"] },
              "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::maps/a/b/*"], "Condition": {} }
        ]);
        let before = policy(&foreign);
        let mut after = before.clone();
        after.set_public(&folder("a/b"), true);
        assert_eq!(
            statements(&after),
            ["-", "coms::maps/a/bc/", "Partner", "coms::maps/a/b/"]
        );
        assert!(after.has(&folder("a/b")) && after.is_public(&folder("a/b")));
        let again = Policy::read(after.text().as_deref()).unwrap();
        assert_eq!(again, after);
        after.set_public(&folder("a/b"), false);
        assert_eq!(after, before);
    }

    #[test]
    fn a_policy_of_ours_alone_comes_and_goes() {
        let mut policy = Policy::read(None).unwrap();
        assert_eq!(policy.text(), None);
        policy.set_public(&object("a/x.txt"), true);
        policy.set_public(&object("a/x.txt"), true);
        assert_eq!(
            serde_json::from_str::<Value>(&policy.text().unwrap()).unwrap(),
            json!({ "Version": VERSION, "Statement": [{
                "Sid": "coms::maps/a/x.txt", "Effect": "Allow", "Principal": "*",
                "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": "arn:aws:s3:::maps/a/x.txt"
            }]})
        );
        policy.set_public(&object("a/x.txt"), false);
        assert_eq!(policy.text(), None);
    }

    #[test]
    fn a_folder_takes_what_lies_below_it_with_it() {
        let mut policy = Policy::read(None).unwrap();
        for target in [
            object("a/x"),
            folder("a/b"),
            object("a/b/y"),
            object("ab"),
            folder("ab"),
        ] {
            policy.set_public(&target, true);
        }
        let mut public = policy.clone();
        public.set_public(&folder("a"), true);
        assert_eq!(
            statements(&public),
            ["coms::maps/ab", "coms::maps/ab/", "coms::maps/a/"]
        );
        policy.set_public(&folder("a"), false);
        assert_eq!(statements(&policy), ["coms::maps/ab", "coms::maps/ab/"]);
        policy.set_public(&folder("/"), true);
        assert_eq!(statements(&policy), ["coms::maps/"]);
        assert!(policy.is_public(&object("anything/at/all")));
    }

    #[test]
    fn statements_without_arn_and_slash_are_known_and_replaced() {
        let old = json!({ "Sid": "coms::maps/a", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                          "Resource": "maps/a/*" });
        let mut policy = policy(&old);
        assert!(policy.has(&folder("a")) && !policy.has(&object("a")));
        assert!(policy.is_public_above(&object("a/x")) && policy.is_public_above(&folder("a/b")));
        assert!(!policy.is_public_above(&folder("a")) && !policy.is_public_above(&folder("ab")));
        policy.set_public(&folder("a"), true);
        assert_eq!(statements(&policy), ["coms::maps/a/"]);
    }

    #[test]
    fn denials_conditions_and_other_actions_count() {
        let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": action, "Resource": resource });
        for (statements, public) in [
            (json!([allow("s3:GetObject", "arn:aws:s3:::maps/*")]), true),
            (json!([allow("s3:*", "arn:aws:s3:::maps/a/*")]), true),
            (json!([allow("*", "*")]), true),
            (json!([allow("s3:ListBucket", "arn:aws:s3:::maps/*")]), false),
            (json!([allow("s3:GetObject", "arn:aws:s3:::maps/a/b/*")]), false),
            (json!([allow("s3:GetObject", "arn:aws:s3:::maps/a/*.txt")]), false),
            (json!([allow("s3:GetObject", "arn:aws:s3:::maps/?/*")]), true),
            (
                json!([allow("s3:GetObject", "arn:aws:s3:::maps/*"),
                       { "Effect": "Deny", "Principal": "*", "Action": "s3:Get*", "Resource": "arn:aws:s3:::maps/a/*" }]),
                false,
            ),
            (
                json!([{ "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::maps/*",
                         "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } }]),
                false,
            ),
            (
                json!([{ "Effect": "Allow", "Principal": { "AWS": "1" }, "Action": "s3:GetObject",
                         "Resource": "arn:aws:s3:::maps/*" }]),
                false,
            ),
        ] {
            assert_eq!(policy(&statements).is_public(&folder("a")), public, "{statements}");
        }
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        for text in ["", "[]", "{\"Statement\": 7}", "<Error/>"] {
            assert!(Policy::read(Some(text)).is_err(), "{text}");
        }
    }
}
