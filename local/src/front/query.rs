//! The protocols of the services that are asked with forms and answer with XML.
//! Sources: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html> and
//! <https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html>

use anyhow::Context;
use poem::http::StatusCode;
use poem::{Body, Request, Response};
use reqwest::Url;
use serde_json::{Map, Value, json};

/// The fields of a form, in their order.
#[derive(Debug)]
pub(super) struct Form(pub(super) Vec<(String, String)>);

impl Form {
    fn parse(text: &str) -> anyhow::Result<Form> {
        // A URL's query and a form are written alike.
        let url = Url::parse(&format!("http://form/?{text}")).context("read a form")?;
        Ok(Form(url.query_pairs().into_owned().collect()))
    }

    /// A field; empty if it is missing.
    pub(super) fn text(&self, name: &str) -> &str {
        let mut fields = self.0.iter();
        fields
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }

    /// The fields `NAME.1`, `NAME.2`, ….
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let numbered = |field: &str| {
            let number = field.strip_prefix(name)?.strip_prefix('.')?;
            number.parse::<usize>().ok()
        };
        let fields = self.0.iter();
        fields
            .filter(|(field, _)| numbered(field).is_some())
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// `A.B=…` as an object in an object, `A.member.1=…` as a list; every value is text.
    pub(super) fn tree(&self) -> Value {
        let mut tree = json!({});
        for (name, value) in &self.0 {
            let mut place = &mut tree;
            for part in name.split('.') {
                if !place.is_object() {
                    *place = json!({});
                }
                place = &mut place[part];
            }
            *place = json!(value);
        }
        lists(tree)
    }
}

/// The service that a form is signed for; none if the request is no form.
pub(super) fn service(request: &Request) -> Option<&str> {
    let is_form = request
        .header("content-type")?
        .starts_with("application/x-www-form-urlencoded");
    let scope = request.header("authorization")?;
    let (scope, _) = scope.split_once("/aws4_request")?;
    is_form.then(|| scope.rsplit('/').next())?
}

/// The form, and the request with the form still in it.
pub(super) async fn read(request: Request) -> anyhow::Result<(Form, Request)> {
    let (parts, body) = request.into_parts();
    let bytes = body.into_bytes().await.context("read a request")?;
    let form = Form::parse(std::str::from_utf8(&bytes).context("read a form")?)?;
    Ok((form, Request::from_parts(parts, Body::from_bytes(bytes))))
}

/// `value` between tags of its name, each of a list between tags of `member`; what is null is left out.
pub(super) fn element(name: &str, value: &Value, member: &str) -> String {
    let content = match value {
        Value::Null => return String::new(),
        Value::Array(items) => items
            .iter()
            .map(|item| element(member, item, member))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| element(name, value, member))
            .collect(),
        Value::String(text) => escape(text),
        other => other.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}

pub(super) fn xml(status: StatusCode, body: String) -> Response {
    Response::builder()
        .status(status)
        .content_type("text/xml")
        .body(body)
}

fn lists(value: Value) -> Value {
    let Value::Object(fields) = value else {
        return value;
    };
    if fields.len() == 1
        && let Some(Value::Object(members)) = fields.get("member")
    {
        let mut members: Vec<(u32, Value)> = members
            .iter()
            .filter_map(|(place, member)| Some((place.parse().ok()?, lists(member.clone()))))
            .collect();
        members.sort_by_key(|(place, _)| *place);
        return members.into_iter().map(|(_, member)| member).collect();
    }
    let fields = fields.into_iter();
    let fields: Map<String, Value> = fields.map(|(name, value)| (name, lists(value))).collect();
    Value::Object(fields)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_a_tree_and_a_tree_is_xml() {
        let form = "Action=Put&A.member.2=two&A.member.1=one+%26+more&B.C.member.1.D=%3Cd%3E&E=";
        let tree = Form::parse(form).unwrap().tree();
        let expected = json!({
            "Action": "Put",
            "A": ["one & more", "two"],
            "B": { "C": [{ "D": "<d>" }] },
            "E": "",
        });
        assert_eq!(tree, expected);
        assert_eq!(
            element("A", &tree["A"], "member"),
            "<A><member>one &amp; more</member><member>two</member></A>"
        );
        assert_eq!(
            element("B", &tree["B"], "item"),
            "<B><C><item><D>&lt;d&gt;</D></item></C></B>"
        );
    }

    #[test]
    fn a_list_is_its_numbered_fields() {
        let form = Form::parse("Group.1=a&Group.2=b&GroupName.1=c&Group=d").unwrap();
        assert_eq!(form.list("Group"), ["a", "b"]);
        assert_eq!(form.text("Group"), "d");
    }
}
