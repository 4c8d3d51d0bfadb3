//! Texts that break careless quoting.

/// Texts to be kept as they are.
pub(crate) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "plain",
        "it's",
        "say \"yes\"",
        "\"",
        "'",
        "''",
        "\\",
        "\\\\\"",
        "a\\nb",
        "ends with \\",
        "{\"a\":[1]}",
        "[",
        "null",
        "$1",
        "?1",
        "%_*",
        "a,b",
        "{a,b}",
        "tab\tline\nreturn\rbell\u{7}escape\u{1b}unit\u{1f}delete\u{7f}next\u{85}",
        "\u{2028}\u{2029}",
        "\u{feff}mark",
        "\u{fffd}\u{ffff}\u{10ffff}",
        "🗂️👩‍👩‍👧",
        "שלום \u{202e}drow\u{202c} عليكم",
        "e\u{301} and é",
        "ǅ İ ß ς",
        "a//b/../c",
        "'; DROP TABLE item; --",
    ]
    .map(str::to_owned)
    .into();
    texts.push("long ".repeat(20_000));
    texts.push(('\u{1}'..'\u{200}').collect());
    texts
}
