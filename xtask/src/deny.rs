//! `cargo xtask deny`: what the dependencies may be, as `deny.toml` says. cargo-deny does it where it is installed;
//! elsewhere the same lists are enforced here, without the advisories, whose database has to be fetched.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::arrows::array;
use crate::licence;
use crate::process::{Outcome, cargo, output, root, run as run_command};

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advisories {
    /// Known vulnerabilities too.
    Checked,
    /// Everything but known vulnerabilities.
    NotChecked,
}

/// `cargo xtask deny`
pub(crate) fn run() -> Outcome {
    if check()? == Advisories::NotChecked {
        eprintln!("deny: advisories were not checked: that takes cargo-deny and its database");
    }
    Ok(())
}

/// Check the dependencies; says whether advisories were among it.
pub(crate) fn check() -> Outcome<Advisories> {
    let mut probe = cargo(&["deny", "--version"]);
    let installed = probe
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        check_here()?;
        return Ok(Advisories::NotChecked);
    }
    run_command(&mut cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "licenses",
        "bans",
        "sources",
    ]))?;
    let mut fetch = cargo(&["deny", "--log-level", "off", "fetch", "db"]);
    let fetched = fetch
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !fetched {
        return Ok(Advisories::NotChecked);
    }
    run_command(&mut cargo(&[
        "deny",
        "--log-level",
        "error",
        "check",
        "--disable-fetch",
        "advisories",
    ]))?;
    Ok(Advisories::Checked)
}

fn check_here() -> Outcome {
    eprintln!("==> deny (cargo-deny is not installed: licences, bans and sources are checked here)");
    let rules = fs::read_to_string(root().join("deny.toml")).map_err(|error| format!("deny.toml: {error}"))?;
    let allowed = quoted(&setting(&rules, "licenses", "allow")?, "");
    let banned = quoted(&setting(&rules, "bans", "deny")?, "crate =");
    // What is built for the machines that the program runs on; the tree of another system may hold more.
    let metadata = output(&mut cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata).map_err(|error| format!("cargo metadata: {error}"))?;
    let findings = findings(&metadata, &allowed, &banned);
    for finding in &findings {
        eprintln!("deny: {finding}");
    }
    match findings.len() {
        0 => Ok(()),
        count => Err(format!("deny: {count} findings")),
    }
}

fn findings(metadata: &Value, allowed: &BTreeSet<String>, banned: &BTreeSet<String>) -> Vec<String> {
    let used: BTreeSet<&str> = array(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| node["id"].as_str())
        .collect();
    let mut findings = Vec::new();
    for package in array(&metadata["packages"]) {
        let (Some(id), Some(name)) = (package["id"].as_str(), package["name"].as_str()) else {
            continue;
        };
        if !used.contains(id) {
            continue;
        }
        if banned.contains(name) {
            findings.push(format!("{name} is banned"));
        }
        match package["license"].as_str() {
            Some(expression) if licence::is_met(expression, &|one| allowed.contains(one)) => {}
            Some(expression) => findings.push(format!("{name}: the licence {expression} is not allowed")),
            None => findings.push(format!("{name} names no licence")),
        }
        match package["source"].as_str() {
            Some(source) if !source.starts_with("registry+") => findings.push(format!("{name} comes from {source}")),
            _ => {}
        }
    }
    findings
}

/// The text between the brackets of a list in a section of a TOML file, without comments.
fn setting(toml: &str, section: &str, key: &str) -> Outcome<String> {
    let missing = || format!("deny.toml: [{section}] has no list {key}");
    let text: Vec<&str> = toml
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .collect();
    let section = text
        .iter()
        .skip_while(|line| line.trim() != format!("[{section}]"))
        .skip(1);
    let within: Vec<&str> = section.take_while(|line| !line.starts_with('[')).copied().collect();
    let within = within.join("\n");
    let (_, after) = within.split_once(&format!("{key} = [")).ok_or_else(missing)?;
    let (list, _) = after.split_once(']').ok_or_else(missing)?;
    Ok(list.to_owned())
}

/// Every text in quotes that follows the mark.
fn quoted(list: &str, mark: &str) -> BTreeSet<String> {
    let mut pieces = list.split('"');
    let mut found = BTreeSet::new();
    while let (Some(before), Some(text)) = (pieces.next(), pieces.next()) {
        if before.trim_end().ends_with(mark) {
            found.insert(text.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{findings, quoted, setting};
    use serde_json::json;

    const RULES: &str = "[bans]\nmultiple = \"warn\"\ndeny = [\n  { crate = \"openssl\", reason = \"aws-lc\" }, # \"no\"\n  { crate = \"x\" },\n]\n\
                         [licenses]\nallow = [\"MIT\", \"ISC\"]\n[licenses.private]\nignore = true\n";

    fn set(names: &[&str]) -> std::collections::BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_lists_are_read() {
        assert_eq!(
            quoted(&setting(RULES, "licenses", "allow").unwrap(), ""),
            set(&["MIT", "ISC"])
        );
        assert_eq!(
            quoted(&setting(RULES, "bans", "deny").unwrap(), "crate ="),
            set(&["openssl", "x"])
        );
        assert!(setting(RULES, "licenses", "deny").is_err());
    }

    #[test]
    fn what_is_not_allowed_is_found() {
        let package = |id: &str, licence: serde_json::Value, source: &str| json!({"id": id, "name": id, "license": licence, "source": source});
        let metadata = json!({
            "resolve": {"nodes": [{"id": "good"}, {"id": "openssl"}, {"id": "copyleft"}, {"id": "silent"}, {"id": "elsewhere"}]},
            "packages": [
                package("good", json!("MIT OR GPL-3.0"), "registry+x"),
                package("openssl", json!("MIT"), "registry+x"),
                package("copyleft", json!("GPL-3.0"), "registry+x"),
                package("silent", json!(null), "registry+x"),
                package("elsewhere", json!("ISC"), "git+x"),
                package("unused", json!("GPL-3.0"), "git+x"),
            ],
        });
        assert_eq!(
            findings(&metadata, &set(&["MIT", "ISC"]), &set(&["openssl"])),
            [
                "openssl is banned",
                "copyleft: the licence GPL-3.0 is not allowed",
                "silent names no licence",
                "elsewhere comes from git+x"
            ]
        );
    }
}
