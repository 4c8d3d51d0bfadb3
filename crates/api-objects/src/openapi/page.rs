//! The document as a page: one file, no script, nothing from elsewhere, so that it works on a machine without a network.

use std::fmt::Write;

use serde_json::{Map, Value};

const STYLE: &str = "body{font:1rem/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}\
    details{border:1px solid #8888;border-radius:.3rem;margin:.4rem 0;padding:.3rem .7rem}\
    summary{cursor:pointer}code,pre{font:.9rem ui-monospace,monospace}pre{overflow:auto;background:#8881;padding:.6rem}\
    table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.15rem .6rem .15rem 0}\
    .m{display:inline-block;min-width:4.2rem;font-weight:600}";

/// The page of a document.
pub(super) fn html(document: &Value) -> String {
    let mut page = Page(String::new());
    let title = text(&document["info"]["title"]);
    page.add(format_args!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{0}</title><style>{STYLE}</style><h1>{0}</h1><p>{1}</p><p>The same for programs: \
         <a href=\"/openapi/objects.json\">JSON</a>, <a href=\"/api/v1/docs/api-spec.yaml\">YAML</a>.</p>",
        escape(title),
        escape(text(&document["info"]["description"])),
    ));
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        page.add(format_args!(
            "<h2>{}</h2><p>{}</p>",
            escape(name),
            escape(text(&tag["description"]))
        ));
        for (path, methods) in map(&document["paths"]) {
            for (method, operation) in map(methods) {
                if list(&operation["tags"]).iter().any(|tag| text(tag) == name) {
                    page.operation(path, method, operation);
                }
            }
        }
    }
    page.add(format_args!("<h2>Schemas</h2>"));
    for (name, schema) in map(&document["components"]["schemas"]) {
        let shape = serde_json::to_string_pretty(schema).unwrap_or_default();
        page.add(format_args!(
            "<details id=\"{0}\"><summary><code>{0}</code></summary><pre>{1}</pre></details>",
            escape(name),
            escape(&shape)
        ));
    }
    page.0
}

struct Page(String);

impl Page {
    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        let written = self.0.write_fmt(text);
        debug_assert!(written.is_ok(), "writing to a text cannot fail");
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) {
        self.add(format_args!(
            "<details><summary><span class=m>{}</span> <code>{}</code> {}</summary><p>Needs: {}.</p>",
            method.to_ascii_uppercase(),
            escape(path),
            escape(text(&operation["summary"])),
            escape(text(&operation["x-needs"])),
        ));
        let parameters = list(&operation["parameters"]);
        if !parameters.is_empty() {
            self.add(format_args!("<table><tr><th>parameter<th>in<th>takes<th>"));
            for parameter in parameters {
                let needed = if parameter["required"] == Value::Bool(true) {
                    " (needed)"
                } else {
                    ""
                };
                self.add(format_args!(
                    "<tr><td><code>{}</code>{needed}<td>{}<td>{}<td>{}",
                    escape(text(&parameter["name"])),
                    escape(text(&parameter["in"])),
                    shape(&parameter["schema"]),
                    escape(text(&parameter["description"])),
                ));
            }
            self.add(format_args!("</table>"));
        }
        for (media_type, body) in map(&operation["requestBody"]["content"]) {
            self.add(format_args!(
                "<p>Body: {} ({})</p>",
                shape(&body["schema"]),
                escape(media_type)
            ));
        }
        self.add(format_args!("<table><tr><th>status<th>means<th>body"));
        for (status, answer) in map(&operation["responses"]) {
            let bodies = map(&answer["content"]).map(|(_, content)| shape(&content["schema"]));
            let body = bodies.collect::<Vec<_>>().join(", ");
            self.add(format_args!(
                "<tr><td>{}<td>{}<td>{body}",
                escape(status),
                escape(text(&answer["description"]))
            ));
        }
        self.add(format_args!("</table></details>"));
    }
}

/// A schema in a few words, as HTML.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|target| target.rsplit('/').next()) {
        return format!("<a href=\"#{0}\">{0}</a>", escape(name));
    }
    if schema["items"].is_object() {
        return format!("list of {}", shape(&schema["items"]));
    }
    let words = list(&schema["enum"]);
    if !words.is_empty() {
        let words: Vec<String> = words.iter().map(|word| escape(text(word))).collect();
        return words.join(" | ");
    }
    match &schema["type"] {
        Value::String(kind) => escape(kind),
        Value::Array(kinds) => kinds
            .iter()
            .map(|kind| escape(text(kind)))
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "anything".to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_every_operation_and_loads_nothing() {
        let document = super::super::document("https://files.example");
        let page = html(&document);
        for (path, methods) in map(&document["paths"]) {
            assert!(page.contains(&escape(path)), "{path}");
            for (_, operation) in map(methods) {
                assert!(page.contains(&escape(text(&operation["summary"]))));
            }
        }
        for foreign in ["<script", "<link", "src=", "@import", "https://"] {
            assert!(!page.replace("https?://", "").contains(foreign), "{foreign}");
        }
    }
}
