//! What scripts can ask, rendered from the API's own description.

use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::{Refresh, layout};
use crate::api;

/// The reference that `description`, an OpenAPI document, holds.
pub(super) fn page(description: &Value, now: DateTime<Utc>) -> Markup {
    let body = html! {
        main #main {
            h1 { "API" }
            p {
                (words(text(description, "/info/description")))
                " The same for programs: " a href={ (api::PATH) "/openapi.json" } { "openapi.json" } "."
            }
            @for (path, item) in entries(&description["paths"]) {
                @for (method, operation) in entries(item) { (self::operation(method, path, operation)) }
            }
            section {
                h2 { "What is answered" }
                @for (name, schema) in entries(&description["components"]["schemas"]) {
                    (self::schema(name, schema))
                }
            }
        }
    };
    layout("API", Refresh::Never, now, &html! {}, &body)
}

fn operation(method: &str, path: &str, operation: &Value) -> Markup {
    let parameters = operation["parameters"].as_array();
    let body = name(&operation["requestBody"]["content"]["application/json"]["schema"]);
    html! {
        section.operation {
            h2 { code { (method.to_uppercase()) " " (api::PATH) (path) } }
            p { (text(operation, "/summary")) "." }
            @if let Some(parameters) = parameters {
                dl {
                    @for parameter in parameters {
                        dt { code { (text(parameter, "/name")) } " " span.dim { (text(parameter, "/in")) } }
                        dd { (words(text(parameter, "/description"))) }
                    }
                    @if let Some(body) = body { dt { "Body" } dd { (link(body)) } }
                }
            }
            p.dim {
                @for (status, answer) in entries(&operation["responses"]) {
                    span.answer { (status) " " (answered(answer)) }
                }
            }
        }
    }
}

/// The name of what an answer holds.
fn answered(answer: &Value) -> Markup {
    let schema = &answer["content"]["application/json"]["schema"];
    match (name(answer), name(schema)) {
        (Some(problem), _) => link(problem),
        (_, Some(schema)) => link(schema),
        _ => html! { "without a body" },
    }
}

fn schema(name: &str, schema: &Value) -> Markup {
    html! {
        section.schema id=(name) {
            h3 { (name) }
            p.dim { (text(schema, "/description")) }
            @if schema["properties"].is_object() { (properties(schema)) }
            @for one in schema["oneOf"].as_array().into_iter().flatten() { (properties(one)) }
        }
    }
}

fn properties(schema: &Value) -> Markup {
    let required = schema["required"].as_array();
    let always = |name: &str| required.is_some_and(|all| all.iter().any(|it| it == name));
    html! {
        dl {
            @for (name, property) in entries(&schema["properties"]) {
                dt { code { (name) } @if !always(name) { " " span.dim { "if known" } } }
                dd { (words(text(property, "/description"))) " " span.dim { (kind(property)) } }
            }
        }
    }
}

/// What a property holds: the name of a schema, or the values that it may have.
fn kind(property: &Value) -> Markup {
    let choice = property["anyOf"].as_array().and_then(|all| all.first());
    let names = [
        name(property),
        choice.and_then(name),
        name(&property["items"]),
    ];
    html! {
        @if let Some(name) = names.into_iter().flatten().next() { (link(name)) }
        @if property["type"] == "array" { " list" }
        @for (index, value) in property["enum"].as_array().into_iter().flatten().enumerate() {
            @if index > 0 { ", " }
            code { (value.as_str().unwrap_or_default()) }
        }
    }
}

/// A sentence, whose parts between backticks are code.
fn words(sentence: &str) -> Markup {
    html! {
        @for (index, part) in sentence.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn link(name: &str) -> Markup {
    html! { a href={ "#" (name) } { (name) } }
}

/// The last part of a reference.
fn name(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.rsplit('/').next()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_object().into_iter().flat_map(Map::iter);
    entries.map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::fixtures::at;

    #[test]
    fn every_path_and_every_word_of_the_description_is_there() {
        let description: Value = serde_json::from_str(api::DESCRIPTION).expect("JSON");
        let page = page(&description, at(0)).into_string();
        for (path, item) in entries(&description["paths"]) {
            for (method, _) in entries(item) {
                let heading = format!("{} /api/v1{path}<", method.to_uppercase());
                assert!(page.contains(&heading), "{heading}: {page}");
            }
        }
        for (name, schema) in entries(&description["components"]["schemas"]) {
            assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
            for (property, _) in entries(&schema["properties"]) {
                assert!(
                    page.contains(&format!("<code>{property}</code>")),
                    "{property}"
                );
            }
        }
        for name in page
            .split("href=\"#")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            assert!(
                page.contains(&format!("id=\"{name}\"")),
                "#{name} leads nowhere"
            );
        }
    }
}
