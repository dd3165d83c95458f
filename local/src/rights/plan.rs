//! What a plan calls against what its role may.

use std::collections::BTreeSet;

use super::actions::action;
use super::policy::Right;
use crate::front::{Call, TERRAFORM};

/// Needs no right, not even where a policy denies it.
/// Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>
const FREE: &str = "sts:GetCallerIdentity";

/// The actions of Terraform's calls that none of the rights is to, on whatever resource.
pub(super) fn refused(calls: &[Call], rights: &[Right]) -> Vec<String> {
    let calls = calls.iter().filter(|call| call.caller == TERRAFORM);
    let actions: BTreeSet<String> = calls.map(action).collect();
    let allowed = |action: &str| action == FREE || rights.iter().any(|it| it.is_to(action));
    actions.into_iter().filter(|it| !allowed(it)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::policy;
    use serde_json::{Value, json};

    fn calls(calls: &[(&str, &str, &str)]) -> Vec<Call> {
        let call = |(caller, service, operation): &(&str, &str, &str)| Call {
            caller: (*caller).to_owned(),
            service: (*service).to_owned(),
            operation: (*operation).to_owned(),
            parameters: Value::Null,
        };
        calls.iter().map(call).collect()
    }

    #[test]
    fn what_no_pattern_allows_is_named_once() {
        let calls = calls(&[
            (TERRAFORM, "ec2", "DescribeVpcs"),
            (TERRAFORM, "iam", "GetRole"),
            (TERRAFORM, "monitoring", "DescribeAlarms"),
            (TERRAFORM, "s3", "GetBucketPolicy"),
            (TERRAFORM, "s3", "PutObject"),
            (TERRAFORM, "s3", "PutObject"),
            (TERRAFORM, "lambda", "DELETE /2015-03-31/functions/f"),
            (TERRAFORM, "sts", "GetCallerIdentity"),
            ("couplet-rollout", "ecs", "UpdateService"),
        ]);
        let policy = json!({ "Statement": {
            "Effect": "Allow",
            "Action": ["ec2:Describe*", "iam:Get*", "s3:GetBucket*", "lambda:Get*"],
            "Resource": "*",
        }});
        let rights = policy::rights("read", &policy.to_string()).unwrap();
        assert_eq!(
            refused(&calls, &rights),
            [
                "cloudwatch:DescribeAlarms",
                "lambda:DELETE /2015-03-31/functions/f",
                "s3:PutObject",
            ]
        );
    }
}
