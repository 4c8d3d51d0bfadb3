//! Who may depend on whom, as `docs/architecture.md` draws it. A crate that needs an arrow which is not in this table is a
//! question of design, not an import.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::process::{Outcome, cargo, output};

/// What a crate may depend on within the workspace.
enum May {
    /// Nothing but these.
    Use(&'static [&'static str]),
    /// Every crate of the product.
    UseTheProduct,
    /// Every crate of the product and of its tests.
    UseAll,
}

const DIALECT: May = May::Use(&["access", "domain", "app", "http-kit"]);

const TABLE: &[(&str, May)] = &[
    ("domain", May::Use(&[])),
    ("access", May::Use(&["domain"])),
    ("store", May::Use(&["access", "domain"])),
    ("blob", May::Use(&["domain"])),
    ("identity", May::Use(&["domain"])),
    ("app", May::Use(&["access", "domain", "store", "blob", "identity"])),
    ("http-kit", May::Use(&["domain", "identity", "app"])),
    ("api-objects", DIALECT),
    ("api-organisations", DIALECT),
    ("api-sharing", DIALECT),
    ("ui", DIALECT),
    ("commonhold", May::UseTheProduct),
    ("model", May::Use(&["access", "domain"])),
    ("testkit", May::UseAll),
    ("suites", May::UseAll),
    ("bench", May::UseAll),
    ("xtask", May::Use(&[])),
];

/// Crates of tests: no crate of the product may need one to be built, every crate may to be tested.
const TEST_CRATES: &[&str] = &["model", "testkit", "suites", "bench"];

/// The core decides without a runtime, without input and output, and without a clock or chance of its own.
const PURE: &[&str] = &["access", "domain"];
const IMPURE: &[&str] = &[
    "aws-lc-rs",
    "axum",
    "chrono",
    "futures-core",
    "futures-util",
    "getrandom",
    "hyper",
    "log",
    "mio",
    "rand",
    "reqwest",
    "rusqlite",
    "serde_json",
    "time",
    "tokio",
    "tokio-postgres",
    "toml",
    "tower",
    "tracing",
];

fn may_depend(from: &str, on: &str, kind: Kind) -> bool {
    let Some((_, may)) = TABLE.iter().find(|(name, _)| *name == from) else {
        return false;
    };
    let on_test_crate = TEST_CRATES.contains(&on);
    let normally = match may {
        May::Use(names) => names.contains(&on),
        May::UseTheProduct => !on_test_crate && on != "xtask",
        May::UseAll => on != "xtask",
    };
    normally || (kind == Kind::Test && on_test_crate && from != "xtask")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Build,
    Test,
}

/// Every forbidden arrow, and every impure dependency of the pure crates.
pub(crate) fn findings() -> Outcome<Vec<String>> {
    let text = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: Value = serde_json::from_str(&text).map_err(|error| format!("cargo metadata: {error}"))?;
    let mut findings = Vec::new();
    let packages = packages(&metadata);
    for (name, dependencies) in &packages {
        if !TABLE.iter().any(|(known, _)| known == name) {
            findings.push(format!(
                "crate {name} is not in the table of arrows (xtask/src/arrows.rs)"
            ));
            continue;
        }
        for (on, kind) in dependencies.iter().filter(|(on, _)| packages.contains_key(on)) {
            if !may_depend(name, on, *kind) {
                findings.push(format!("crate {name} may not depend on {on}"));
            }
        }
    }
    for name in PURE.iter().filter(|name| packages.contains_key(**name)) {
        findings.extend(impure(name)?);
    }
    Ok(findings)
}

/// Every crate of the workspace with the names of what it depends on.
fn packages(metadata: &Value) -> BTreeMap<&str, Vec<(&str, Kind)>> {
    array(&metadata["packages"])
        .iter()
        .filter_map(|package| {
            let dependencies = array(&package["dependencies"]).iter().filter_map(|dependency| {
                let kind = if dependency["kind"] == "dev" {
                    Kind::Test
                } else {
                    Kind::Build
                };
                Some((dependency["name"].as_str()?, kind))
            });
            Some((package["name"].as_str()?, dependencies.collect()))
        })
        .collect()
}

/// The members of a list; none when it is something else.
pub(crate) fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// What is impure in all that a crate is built from. Asked of `cargo tree`, which looks at this crate alone: the features
/// that other crates of the workspace switch on do not count.
fn impure(name: &str) -> Outcome<Vec<String>> {
    let tree = output(&mut cargo(&[
        "tree", "-p", name, "-e", "normal", "--prefix", "none", "--format", "{p}",
    ]))?;
    let used: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    Ok(IMPURE
        .iter()
        .filter(|impure| used.contains(**impure))
        .map(|impure| format!("crate {name} is pure, so {impure} may not be among what it is built from"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{Kind, TABLE, array, may_depend, packages};
    use serde_json::json;

    #[test]
    fn a_dialect_reaches_neither_sql_nor_bytes() {
        for dialect in ["api-objects", "api-organisations", "api-sharing", "ui"] {
            for kind in [Kind::Build, Kind::Test] {
                assert!(!may_depend(dialect, "store", kind) && !may_depend(dialect, "blob", kind));
            }
            assert!(may_depend(dialect, "app", Kind::Build));
        }
    }

    #[test]
    fn test_crates_are_for_tests() {
        assert!(may_depend("access", "model", Kind::Test));
        assert!(!may_depend("access", "model", Kind::Build));
        assert!(!may_depend("commonhold", "testkit", Kind::Build));
        assert!(!may_depend("xtask", "model", Kind::Test));
    }

    #[test]
    fn the_table_is_a_drawing_without_circles() {
        for (from, _) in TABLE {
            for (to, _) in TABLE {
                let all = ["testkit", "suites", "bench"];
                let test_crates = all.contains(from) && all.contains(to);
                let both = may_depend(from, to, Kind::Build) && may_depend(to, from, Kind::Build);
                assert!(!both || from == to || test_crates, "{from} and {to}");
            }
        }
    }

    #[test]
    fn dependencies_are_read_with_their_kind() {
        let metadata = json!({"packages": [{"name": "a", "dependencies": [
            {"name": "b", "kind": null}, {"name": "c", "kind": "dev"}, {"name": "d", "kind": "build"}]}]});
        let read = packages(&metadata);
        let kinds: Vec<_> = read["a"]
            .iter()
            .map(|(name, kind)| (*name, *kind == Kind::Test))
            .collect();
        assert_eq!(kinds, [("b", false), ("c", true), ("d", false)]);
        assert!(array(&json!(null)).is_empty());
    }
}
