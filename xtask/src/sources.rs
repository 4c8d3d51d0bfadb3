//! What no source file may contain.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::literals;
use crate::process::{Outcome, output, root};

/// No Rust file is longer than this.
const LINES: usize = 700;

/// Where SQL may stand: the store, and tests, which look at tables from outside.
const SQL_MAY: &[&str] = &["crates/store/", "dev/"];

/// What a statement creates, alters or drops.
const SQL_OBJECTS: &[&str] = &["TABLE", "INDEX", "UNIQUE", "VIEW", "TRIGGER", "DATABASE"];

/// Folders at the top of somebody's machine, of which a file that is for everyone knows nothing.
const MACHINE_FOLDERS: &[&str] = &["work", "root", "home"];

/// Every rule that a file of the checkout breaks.
pub(crate) fn findings() -> Outcome<Vec<String>> {
    let root = root();
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root);
    let names = output(&mut list).map_err(|error| format!("{error} (the files of a git checkout are checked)"))?;
    let mut findings: Vec<String> = stale_lock().into_iter().collect();
    for name in names.split_terminator('\0') {
        // A file that was deleted but not yet committed, a link to a folder, or not text: nothing to read.
        let Ok(text) = fs::read_to_string(root.join(name)) else {
            continue;
        };
        findings.extend(machine_paths(name, &text));
        if Path::new(name).extension().is_some_and(|extension| extension == "rs") {
            findings.extend(too_long(name, &text));
            if !may_hold_sql(name) {
                findings.extend(sql(name, &text));
            }
        }
    }
    Ok(findings)
}

/// Tests of a crate may look into tables too; they stand in a folder called so.
fn may_hold_sql(name: &str) -> bool {
    SQL_MAY.iter().any(|folder| name.starts_with(folder)) || name.contains("/tests/")
}

/// In a fresh clone Cargo.lock differs from what was committed only if cargo had to bring it up to date. Elsewhere it may
/// be under way to the next commit.
fn stale_lock() -> Option<String> {
    std::env::var_os("CI")?;
    let mut compare = Command::new("git");
    compare
        .args(["diff", "--quiet", "--", "Cargo.lock"])
        .current_dir(root());
    let same = compare.status().is_ok_and(|status| status.success());
    (!same).then(|| "Cargo.lock is not what the manifests ask for: commit it as cargo leaves it".to_owned())
}

fn too_long(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LINES).then(|| format!("{name} has {lines} lines: divide what is over {LINES}"))
}

fn sql(name: &str, text: &str) -> Vec<String> {
    literals::of(text)
        .into_iter()
        .filter(|(_, literal)| is_sql(literal))
        .map(|(line, _)| format!("{name}:{line} holds SQL, which belongs into crates/store"))
        .collect()
}

/// Whether a string is a statement; a word alone is not (`DELETE` is a method of HTTP too).
fn is_sql(literal: &str) -> bool {
    let words: Vec<&str> = literal
        .split_whitespace()
        .filter(|word| *word != "\\")
        .take(40)
        .collect();
    match words.as_slice() {
        ["SELECT", _, ..] | ["INSERT", "INTO" | "OR", ..] | ["DELETE", "FROM", ..] => true,
        ["CREATE" | "ALTER" | "DROP", what, ..] => SQL_OBJECTS.contains(what),
        ["UPDATE", rest @ ..] => rest.contains(&"SET"),
        ["WITH", rest @ ..] => rest.contains(&"AS") || rest.contains(&"SELECT"),
        _ => false,
    }
}

fn machine_paths(name: &str, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for folder in MACHINE_FOLDERS {
            let path = format!("/{folder}/");
            if line.match_indices(&path).any(|(at, _)| starts_a_path(line, at)) {
                findings.push(format!("{name}:{} names a path of one machine: {path}", number + 1));
            }
        }
    }
    findings
}

/// Whether the slash at this place begins a path, and does not go on with one, as in an address.
fn starts_a_path(line: &str, at: usize) -> bool {
    let before = line.get(..at).and_then(|before| before.chars().next_back());
    before.is_none_or(|character| {
        !character.is_alphanumeric() && !matches!(character, '.' | '_' | '-' | '/' | '}' | '~' | '*')
    })
}

#[cfg(test)]
mod tests {
    use super::{LINES, is_sql, machine_paths, sql, too_long};

    #[test]
    fn statements_are_told_from_words() {
        let statements = [
            ["SELECT", "1"].join(" "),
            ["INSERT", "INTO item (id) VALUES ($1)"].join(" "),
            ["UPDATE", "item SET name = $1"].join(" "),
            ["DELETE", "FROM item"].join("\n   "),
            ["WITH", "RECURSIVE chain AS ("].join(" "),
            ["CREATE", "TABLE item"].join(" "),
        ];
        for statement in &statements {
            assert!(is_sql(statement), "{statement}");
        }
        for text in [
            "DELETE",
            "UPDATE",
            "DELETE /object/{id}",
            "UPDATE the item",
            "Select a file",
            "WITH care",
            "",
        ] {
            assert!(!is_sql(text), "{text}");
        }
    }

    #[test]
    fn sql_is_reported_with_its_line() {
        let source = format!(
            "// \"{0}\"\nfn f() {{ g(\"{0}\") }}\n",
            ["DELETE", "FROM item"].join(" ")
        );
        assert_eq!(
            sql("a.rs", &source),
            ["a.rs:2 holds SQL, which belongs into crates/store"]
        );
    }

    #[test]
    fn paths_of_one_machine_are_reported_and_addresses_are_not() {
        let path = ["", "home", "someone"].join("/");
        assert_eq!(machine_paths("a", &format!("x\ncd {path}")).len(), 1);
        assert_eq!(machine_paths("a", &format!("\"{path}\"")).len(), 1);
        assert!(machine_paths("a", &format!("https://example.org{path} and .{path}")).is_empty());
    }

    #[test]
    fn length_is_counted_in_lines() {
        assert!(too_long("a", &"\n".repeat(LINES)).is_none());
        assert!(too_long("a", &"\n".repeat(LINES + 1)).is_some());
    }
}
