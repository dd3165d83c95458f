//! The services whose requests name no operation but have paths: Lambda, Route 53, S3.
//!
//! Only what reads, and what a function may call, is in the tables. Everything else is called by its method and its
//! path, which no policy names: so it is found wanting and never overlooked.

use serde_json::{Value, json};

/// What IAM calls the operation, and the parameters in its path.
pub(crate) fn operation(service: &str, method: &str, path: &str, query: &str) -> (String, Value) {
    let segments: Vec<&str> = path.split('/').filter(|it| !it.is_empty()).collect();
    let known = match service {
        "lambda" => lambda(method, &segments),
        "route53" => route53(method, &segments),
        "s3" => s3(method, &segments, query),
        _ => None,
    };
    let parameters = match (service, segments.as_slice()) {
        ("lambda", [_, "functions", function, ..]) => json!({ "FunctionName": function }),
        _ => json!({}),
    };
    let named = known.map_or_else(|| format!("{method} {path}"), str::to_owned);
    (named, parameters)
}

/// Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>, each with its path; IAM's names are
/// the same but for Invoke: <https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html>
fn lambda(method: &str, segments: &[&str]) -> Option<&'static str> {
    // The first segment is the date of the operation's version.
    Some(match (method, segments.get(1..)?) {
        ("POST", ["functions", _, "invocations"]) => "InvokeFunction",
        ("GET", ["functions"]) => "ListFunctions",
        ("GET", ["functions", _]) => "GetFunction",
        ("GET", ["functions", _, "aliases"]) => "ListAliases",
        ("GET", ["functions", _, "aliases", _]) => "GetAlias",
        ("GET", ["functions", _, "code-signing-config"]) => "GetFunctionCodeSigningConfig",
        ("GET", ["functions", _, "concurrency"]) => "GetFunctionConcurrency",
        ("GET", ["functions", _, "configuration"]) => "GetFunctionConfiguration",
        ("GET", ["functions", _, "event-invoke-config"]) => "GetFunctionEventInvokeConfig",
        ("GET", ["functions", _, "policy"]) => "GetPolicy",
        ("GET", ["functions", _, "recursion-config"]) => "GetFunctionRecursionConfig",
        ("GET", ["functions", _, "runtime-management-config"]) => "GetRuntimeManagementConfig",
        ("GET", ["functions", _, "url"]) => "GetFunctionUrlConfig",
        ("GET", ["functions", _, "versions"]) => "ListVersionsByFunction",
        ("GET", ["event-source-mappings"]) => "ListEventSourceMappings",
        ("GET", ["event-source-mappings", _]) => "GetEventSourceMapping",
        ("GET", ["tags", ..]) => "ListTags",
        _ => return None,
    })
}

/// Source: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53.html>
fn route53(method: &str, segments: &[&str]) -> Option<&'static str> {
    Some(match (method, segments.get(1..)?) {
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("GET", ["hostedzone", _, "dnssec"]) => "GetDNSSEC",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["change", _]) => "GetChange",
        ("GET", ["tags", _, _]) => "ListTagsForResource",
        _ => return None,
    })
}

/// What reading a bucket's sub-resource is called by IAM, which is seldom what the API calls it.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>
const SUB_RESOURCES: [(&str, &str); 23] = [
    ("accelerate", "GetAccelerateConfiguration"),
    ("acl", "GetBucketAcl"),
    ("analytics", "GetAnalyticsConfiguration"),
    ("cors", "GetBucketCORS"),
    ("encryption", "GetEncryptionConfiguration"),
    ("intelligent-tiering", "GetIntelligentTieringConfiguration"),
    ("inventory", "GetInventoryConfiguration"),
    ("lifecycle", "GetLifecycleConfiguration"),
    ("location", "GetBucketLocation"),
    ("logging", "GetBucketLogging"),
    ("metrics", "GetMetricsConfiguration"),
    ("notification", "GetBucketNotification"),
    ("object-lock", "GetBucketObjectLockConfiguration"),
    ("ownershipControls", "GetBucketOwnershipControls"),
    ("policy", "GetBucketPolicy"),
    ("policyStatus", "GetBucketPolicyStatus"),
    ("publicAccessBlock", "GetBucketPublicAccessBlock"),
    ("replication", "GetReplicationConfiguration"),
    ("requestPayment", "GetBucketRequestPayment"),
    ("tagging", "GetBucketTagging"),
    ("versioning", "GetBucketVersioning"),
    ("versions", "ListBucketVersions"),
    ("website", "GetBucketWebsite"),
];

/// What a listing, or the reading of an object, may say without being another operation. `x-id` is a hint of the SDKs.
const HINTS: [&str; 12] = [
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "list-type",
    "marker",
    "max-keys",
    "partNumber",
    "prefix",
    "response-content-type",
    "start-after",
    "x-id",
];

/// The bucket is in the path: a host that is an address, as here, has no room for it.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html>
fn s3(method: &str, segments: &[&str], query: &str) -> Option<&'static str> {
    let fields = query.split('&').filter(|it| !it.is_empty());
    let names = fields.map(|field| field.split('=').next().unwrap_or_default());
    let asked: Vec<&str> = names.filter(|name| !HINTS.contains(name)).collect();
    Some(match (method, segments, asked.as_slice()) {
        ("GET", [], []) => "ListAllMyBuckets",
        // S3 Control, with the account in its host or in a header.
        ("GET", ["v20180820", "tags", ..], []) => "ListTagsForResource",
        // Source: <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html>
        ("GET" | "HEAD", [_bucket], []) => "ListBucket",
        ("GET", [_bucket], [sub_resource]) => {
            let row = SUB_RESOURCES.iter().find(|row| row.0 == *sub_resource)?;
            row.1
        }
        ("GET" | "HEAD", [_bucket, _key, ..], []) => "GetObject",
        ("GET", [_bucket, _key, ..], ["tagging"]) => "GetObjectTagging",
        ("PUT", [_bucket, _key, ..], []) => "PutObject",
        ("DELETE", [_bucket, _key, ..], []) => "DeleteObject",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(service: &str, request: &str) -> String {
        let (method, path) = request.split_once(' ').unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        operation(service, method, path, query).0
    }

    #[test]
    fn paths_of_lambda_and_route_53_are_operations() {
        for (service, request, operation) in [
            ("lambda", "GET /2015-03-31/functions/f", "GetFunction"),
            (
                "lambda",
                "GET /2020-06-30/functions/f/code-signing-config",
                "GetFunctionCodeSigningConfig",
            ),
            (
                "lambda",
                "GET /2019-09-25/functions/f/event-invoke-config",
                "GetFunctionEventInvokeConfig",
            ),
            (
                "lambda",
                "GET /2015-03-31/event-source-mappings/?FunctionName=f",
                "ListEventSourceMappings",
            ),
            (
                "lambda",
                "GET /2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A0%3Afunction%3Af",
                "ListTags",
            ),
            (
                "lambda",
                "POST /2015-03-31/functions/f/invocations?Qualifier=1",
                "InvokeFunction",
            ),
            ("route53", "GET /2013-04-01/hostedzone/Z1", "GetHostedZone"),
            (
                "route53",
                "GET /2013-04-01/hostedzone/Z1/rrset?maxitems=1",
                "ListResourceRecordSets",
            ),
            (
                "route53",
                "GET /2013-04-01/tags/hostedzone/Z1",
                "ListTagsForResource",
            ),
        ] {
            assert_eq!(named(service, request), operation, "{request}");
        }
    }

    #[test]
    fn an_invocation_says_of_which_function() {
        let path = "/2015-03-31/functions/couplet-report/invocations";
        let (_, parameters) = operation("lambda", "POST", path, "");
        assert_eq!(parameters, json!({ "FunctionName": "couplet-report" }));
    }

    #[test]
    fn s3_has_iams_names() {
        for (request, operation) in [
            ("HEAD /state", "ListBucket"),
            ("GET /state?list-type=2&prefix=a%2F", "ListBucket"),
            ("GET /state/?versioning=", "GetBucketVersioning"),
            ("GET /state?encryption", "GetEncryptionConfiguration"),
            ("GET /state?lifecycle=", "GetLifecycleConfiguration"),
            ("GET /state?cors", "GetBucketCORS"),
            ("GET /state?replication", "GetReplicationConfiguration"),
            ("GET /state?accelerate", "GetAccelerateConfiguration"),
            ("GET /state?object-lock", "GetBucketObjectLockConfiguration"),
            ("HEAD /state/production/a.tfstate", "GetObject"),
            (
                "GET /state/production/a.tfstate?x-id=GetObject",
                "GetObject",
            ),
            ("PUT /state/a.tflock?x-id=PutObject", "PutObject"),
            ("DELETE /state/a.tflock?x-id=DeleteObject", "DeleteObject"),
        ] {
            assert_eq!(named("s3", request), operation, "{request}");
        }
    }

    #[test]
    fn what_is_in_no_table_is_named_as_it_came() {
        for (service, request) in [
            ("s3", "PUT /state?policy"),
            ("s3", "GET /state?brand-new"),
            ("lambda", "DELETE /2015-03-31/functions/f"),
            ("xray", "POST /GetGroup"),
        ] {
            let path = request.split('?').next().unwrap();
            assert_eq!(named(service, request), path, "{request}");
        }
    }
}
