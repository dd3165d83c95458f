//! The rights of a role, as IAM has them.

use anyhow::{Context, Result, ensure};
use reqwest::Url;

use super::policy::{Right, rights};
use crate::aws::Aws;

/// The rights that are written into the role itself. A role that has others too is an error: Couplet's have none.
pub(super) async fn of_role(aws: &Aws, role: &str) -> Result<Vec<Right>> {
    let attached = attached(aws, role).await?;
    ensure!(
        attached.is_empty(),
        "the role {role} has rights that are not its own: {}",
        attached.join(", ")
    );
    inline(aws, role).await
}

/// The rights of a role that may have policies of AWS and others too.
pub(super) async fn of_role_with_attached(aws: &Aws, role: &str) -> Result<Vec<Right>> {
    let mut all = inline(aws, role).await?;
    for arn in attached(aws, role).await? {
        let policy = ask(aws, &format!("GetPolicy&PolicyArn={arn}")).await?;
        let version = first(&policy, "DefaultVersionId")?;
        let call = format!("GetPolicyVersion&PolicyArn={arn}&VersionId={version}");
        let answer = ask(aws, &call).await?;
        all.extend(rights(&arn, &decoded(first(&answer, "Document")?)?)?);
    }
    Ok(all)
}

/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
async fn inline(aws: &Aws, role: &str) -> Result<Vec<Right>> {
    let names = ask(aws, &format!("ListRolePolicies&RoleName={role}")).await?;
    let mut all = Vec::new();
    for name in elements(&names, "member") {
        let call = format!("GetRolePolicy&RoleName={role}&PolicyName={name}");
        let answer = ask(aws, &call).await?;
        let document = decoded(first(&answer, "PolicyDocument")?)?;
        all.extend(rights(name, &document).with_context(|| format!("the role {role}"))?);
    }
    Ok(all)
}

async fn attached(aws: &Aws, role: &str) -> Result<Vec<String>> {
    let answer = ask(aws, &format!("ListAttachedRolePolicies&RoleName={role}")).await?;
    let arns = elements(&answer, "PolicyArn");
    Ok(arns.into_iter().map(str::to_owned).collect())
}

/// What IAM answers to an action and its parameters, none of which has a character that a form would have to encode.
async fn ask(aws: &Aws, call: &str) -> Result<String> {
    let answer = aws.query("iam", "2010-05-08", call).await?;
    ensure!(
        !elements(&answer, "IsTruncated").contains(&"true"),
        "IAM's answer to {call} has a second page"
    );
    Ok(answer)
}

/// The text in each `<name>`, of elements that have nothing but text.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let pieces = xml.split(open.as_str()).skip(1);
    pieces
        .filter_map(|piece| Some(piece.split_once(close.as_str())?.0))
        .collect()
}

fn first<'a>(xml: &'a str, name: &str) -> Result<&'a str> {
    let found = elements(xml, name).into_iter().next();
    found.with_context(|| format!("IAM's answer has no {name}"))
}

/// Policies come with every special character as in a URL.
fn decoded(document: &str) -> Result<String> {
    let url = Url::parse(&format!("http://policy/?document={document}"));
    let url = url.context("a policy is not encoded as in a URL")?;
    let (_, document) = url.query_pairs().next().context("a policy is empty")?;
    Ok(document.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_and_policies_decoded() {
        let xml = "<a><member>work</member><member>runtime</member></a>";
        assert_eq!(elements(xml, "member"), ["work", "runtime"]);
        assert!(first(xml, "PolicyDocument").is_err());
        let document = "%7B%22Resource%22%3A%22arn%3Ax%20y%26z%2B%3C1%3E%23%22%7D";
        assert_eq!(
            decoded(document).unwrap(),
            r#"{"Resource":"arn:x y&z+<1>#"}"#
        );
    }
}
