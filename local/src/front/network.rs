//! Flow logs and VPC endpoints, of which the emulator forgets a part: what was asked for is kept here and put into
//! its answers. Nothing flows through either, and an endpoint has no network interface and no DNS name.
//! Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html> and
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html>

use std::collections::BTreeMap;

use anyhow::Context;
use poem::http::header::CONTENT_LENGTH;
use poem::{Body, Request, Response};
use serde_json::{Value, json};

use super::State;
use super::forward::forward;
use super::query::{self, Form, element};

/// Elements by the ids of what they belong to: flow logs and endpoints.
pub(super) type Additions = BTreeMap<String, Value>;

/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html>
const FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} \
     ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";

/// The policy of an endpoint that was made without one.
/// Source: <https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html>
const FULL_ACCESS: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;

pub(super) async fn answer(state: &State, request: Request) -> anyhow::Result<Response> {
    let (form, request) = query::read(request).await?;
    let action = form.text("Action");
    match action {
        "CreateFlowLogs" => {
            let answer = forward(state, tagged(request).await?).await?;
            let (answer, ids) = ids(answer, "item").await?;
            keep(state, &ids, |kept| *kept = flow_log(&form))?;
            Ok(answer)
        }
        "CreateVpcEndpoint" => {
            let (answer, ids) = ids(forward(state, request).await?, "vpcEndpointId").await?;
            keep(state, &ids, |kept| *kept = endpoint(&form))?;
            Ok(answer)
        }
        "ModifyVpcEndpoint" => {
            let answer = forward(state, request).await?;
            let id = form.text("VpcEndpointId").to_owned();
            if answer.is_success() {
                keep(state, &[id], |kept| modify(kept, &form))?;
            }
            Ok(answer)
        }
        "DeleteFlowLogs" | "DeleteVpcEndpoints" => {
            let gone = |id: &String| form.0.iter().any(|(_, value)| value == id);
            state
                .network
                .change(|additions| additions.retain(|id, _| !gone(id)))?;
            forward(state, request).await
        }
        "DescribeFlowLogs" => added(state, forward(state, request).await?, "flowLogId").await,
        "DescribeVpcEndpoints" => {
            added(state, forward(state, request).await?, "vpcEndpointId").await
        }
        _ => forward(state, request).await,
    }
}

fn flow_log(form: &Form) -> Value {
    let or = |name: &str, default: &str| match form.text(name) {
        "" => json!(default),
        value => json!(value),
    };
    let group = form.text("LogDestination").split_once(":log-group:");
    json!({
        "deliverLogsPermissionArn": or("DeliverLogsPermissionArn", ""),
        "deliverLogsStatus": "SUCCESS",
        "logFormat": or("LogFormat", FORMAT),
        "logGroupName": group.map(|(_, group)| group.trim_end_matches(":*")),
        "maxAggregationInterval": or("MaxAggregationInterval", "600"),
    })
}

fn endpoint(form: &Form) -> Value {
    let policy = match form.text("PolicyDocument") {
        "" => FULL_ACCESS,
        policy => policy,
    };
    json!({
        "groupSet": groups(form.list("SecurityGroupId")),
        "ipAddressType": "ipv4",
        "policyDocument": policy,
        "privateDnsEnabled": form.text("PrivateDnsEnabled") == "true",
        "requesterManaged": false,
    })
}

fn modify(endpoint: &mut Value, form: &Form) {
    match (form.text("ResetPolicy"), form.text("PolicyDocument")) {
        ("true", _) => endpoint["policyDocument"] = json!(FULL_ACCESS),
        (_, "") => {}
        (_, policy) => endpoint["policyDocument"] = json!(policy),
    }
    if let wanted @ ("true" | "false") = form.text("PrivateDnsEnabled") {
        endpoint["privateDnsEnabled"] = json!(wanted == "true");
    }
    let gone = form.list("RemoveSecurityGroupId");
    let known = endpoint["groupSet"].as_array().into_iter().flatten();
    let ids = known.filter_map(|group| group["groupId"].as_str());
    let ids = ids.filter(|id| !gone.contains(id));
    endpoint["groupSet"] = groups(ids.chain(form.list("AddSecurityGroupId")).collect());
}

fn groups(ids: Vec<&str>) -> Value {
    ids.iter().map(|id| json!({ "groupId": id })).collect()
}

/// AWS calls a flow log `vpc-flow-log` where it is given its tags; the emulator listens to `flow-log`.
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagSpecification.html>
async fn tagged(request: Request) -> anyhow::Result<Request> {
    let (mut parts, body) = request.into_parts();
    let body = body.into_string().await.context("read a request")?;
    let body = body.replace(".ResourceType=vpc-flow-log", ".ResourceType=flow-log");
    parts.headers.insert(CONTENT_LENGTH, body.len().into());
    Ok(Request::from_parts(parts, Body::from_string(body)))
}

/// The ids that an answer names between tags of `name`, and the answer.
async fn ids(mut answer: Response, name: &str) -> anyhow::Result<(Response, Vec<String>)> {
    let text = text(&mut answer).await?;
    let mut rest = text.as_str();
    let next = || {
        let (_, id, after) = named(rest, name)?;
        rest = after;
        Some(id.to_owned())
    };
    let ids = std::iter::from_fn(next).collect();
    answer.set_body(text);
    Ok((answer, ids))
}

/// Changes what is kept of `ids`; an error of the emulator names none.
fn keep(state: &State, ids: &[String], change: impl Fn(&mut Value)) -> anyhow::Result<()> {
    state.network.change(|kept| {
        for id in ids {
            change(kept.entry(id.clone()).or_default());
        }
    })
}

/// Puts what is kept behind each id that stands between tags of `name`.
async fn added(state: &State, mut answer: Response, name: &str) -> anyhow::Result<Response> {
    let text = text(&mut answer).await?;
    let mut whole = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, id, after)) = named(rest, name) {
        whole.push_str(before);
        whole.push_str(&state.network.read(|kept| additions(kept, id)));
        rest = after;
    }
    answer.set_body(whole + rest);
    Ok(answer)
}

fn additions(kept: &Additions, id: &str) -> String {
    let fields = kept.get(id).and_then(Value::as_object);
    let fields = fields.into_iter().flatten();
    fields
        .map(|(name, value)| element(name, value, "item"))
        .collect()
}

/// The first text between tags of `name`, with all until its end, and all behind it.
fn named<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let start = text.find(&open)? + open.len();
    let end = start + text[start..].find(&close)?;
    let (before, after) = text.split_at(end + close.len());
    Some((before, &text[start..end], after))
}

/// The answer's body, which is going to be replaced by one of another length.
async fn text(answer: &mut Response) -> anyhow::Result<String> {
    answer.headers_mut().remove(CONTENT_LENGTH);
    let body = answer.take_body().into_string();
    body.await.context("read the emulator's answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stands_behind_its_id() {
        let group = json!({ "groupSet": [{ "groupId": "sg-1" }], "logGroupName": null });
        let kept = Additions::from([("vpce-1".to_owned(), group)]);
        assert_eq!(
            additions(&kept, "vpce-1"),
            "<groupSet><item><groupId>sg-1</groupId></item></groupSet>"
        );
        assert_eq!(additions(&kept, "vpce-2"), "");
        let (before, id, after) = named("<a><id>vpce-1</id></a>", "id").unwrap();
        assert_eq!(
            (before, id, after),
            ("<a><id>vpce-1</id>", "vpce-1", "</a>")
        );
    }

    #[test]
    fn an_endpoint_is_modified_field_by_field() {
        let form = |fields: &[(&str, &str)]| {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Form(fields.iter().map(own).collect())
        };
        let mut kept = endpoint(&form(&[
            ("SecurityGroupId.1", "sg-1"),
            ("SecurityGroupId.2", "sg-2"),
            ("PrivateDnsEnabled", "true"),
        ]));
        assert_eq!(kept["policyDocument"], FULL_ACCESS);
        let change = [
            ("RemoveSecurityGroupId.1", "sg-1"),
            ("AddSecurityGroupId.1", "sg-3"),
            ("PolicyDocument", "{}"),
        ];
        modify(&mut kept, &form(&change));
        assert_eq!(kept["groupSet"], groups(vec!["sg-2", "sg-3"]));
        assert_eq!(kept["policyDocument"], "{}");
        assert_eq!(kept["privateDnsEnabled"], true);
    }
}
