//! The SDK's settings from the environment, and from nothing else: no file is read and nobody is asked, as the SDK's own
//! chain of providers does before a program has begun.

use std::fmt;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
use aws_smithy_runtime_api::client::http::http_client_fn;
use aws_types::app_name::AppName;
use aws_types::region::Region;
use aws_types::sdk_config::{Builder, RetryConfig, SharedCredentialsProvider};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use aws_types::{SdkConfig, origin::Origin};

use crate::roots;

const ENDPOINT: &str = "AWS_ENDPOINT_URL";
const APP_NAME: &str = "AWS_SDK_UA_APP_ID";

/// A variable of this process; an empty one counts as unset.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// All that an SDK client needs on Lambda, which gives its credentials in the environment and ends a process before they
/// do. `get` is [`variable`], or a test's table.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
pub fn lambda(
    get: impl Fn(&str) -> Option<String> + Send + Sync + Clone + 'static,
) -> Result<SdkConfig> {
    let wanted = |name: &str| {
        get(name).with_context(|| format!("the environment variable {name} is not set"))
    };
    let credentials = Credentials::new(
        wanted("AWS_ACCESS_KEY_ID")?,
        wanted("AWS_SECRET_ACCESS_KEY")?,
        get("AWS_SESSION_TOKEN"),
        None,
        "Environment",
    );
    Ok(settings(get)?
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build())
}

/// The same without credentials. `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` are honoured:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
pub fn settings(
    get: impl Fn(&str) -> Option<String> + Send + Sync + Clone + 'static,
) -> Result<Builder> {
    let region = get("AWS_REGION")
        .or_else(|| get("AWS_DEFAULT_REGION"))
        .context("the environment variable AWS_REGION is not set")?;
    let connector = roots::connector(&get)?;
    let mut settings = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(region))
        .retry_config(RetryConfig::standard())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .http_client(http_client_fn(move |_, _| connector.clone()));
    // By this name CloudTrail tells who called.
    // Source: <https://docs.aws.amazon.com/sdkref/latest/guide/feature-appid.html>
    if let Some(name) = get(APP_NAME) {
        let name = AppName::new(name).with_context(|| format!("{APP_NAME} is not a name"))?;
        settings.set_app_name(Some(name));
    }
    settings.set_endpoint_url(get(ENDPOINT));
    settings.insert_origin("endpoint_url", Origin::shared_environment_variable());
    Ok(settings.service_config(Environment(get)))
}

/// What a service's own variables say: `AWS_ENDPOINT_URL_ECS`.
struct Environment<G>(G);

impl<G> fmt::Debug for Environment<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment")
    }
}

impl<G: Fn(&str) -> Option<String> + Send + Sync> LoadServiceConfig for Environment<G> {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().replace([' ', '-'], "_").to_uppercase();
        (self.0)(&format!("{}_{service}", key.env())).or_else(|| (self.0)(key.env()))
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::provider::ProvideCredentials;

    use super::*;

    fn table(
        rows: &'static [(&'static str, &'static str)],
    ) -> impl Fn(&str) -> Option<String> + Send + Sync + Clone + 'static {
        |name: &str| {
            let found = rows.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        }
    }

    fn endpoint(config: &SdkConfig, service: &str) -> Option<String> {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env(ENDPOINT)
            .profile("endpoint_url")
            .build()
            .expect("a whole key");
        config.service_config().expect("settings").load_config(key)
    }

    #[tokio::test]
    async fn lambda_s_environment_is_all_that_is_needed() {
        let config = lambda(table(&[
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_SESSION_TOKEN", "session"),
            ("AWS_SDK_UA_APP_ID", "couplet-rollout"),
        ]))
        .expect("settings");
        let name = config.app_name().map(|name| name.to_string());
        assert_eq!(name.as_deref(), Some("couplet-rollout"));
        assert_eq!(config.region().map(Region::as_ref), Some("eu-west-1"));
        assert_eq!(config.endpoint_url(), None);
        assert_eq!(endpoint(&config, "ECS"), None);
        let credentials = config.credentials_provider().expect("a provider");
        let credentials = credentials
            .provide_credentials()
            .await
            .expect("credentials");
        assert_eq!(credentials.access_key_id(), "key");
        assert_eq!(credentials.session_token(), Some("session"));
    }

    #[test]
    fn a_service_s_own_address_goes_before_that_of_all() {
        let config = settings(table(&[
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_ENDPOINT_URL", "http://all"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb"),
            (
                "AWS_ENDPOINT_URL_APPLICATION_AUTO_SCALING",
                "http://scaling",
            ),
        ]))
        .expect("settings")
        .build();
        assert_eq!(config.endpoint_url(), Some("http://all"));
        for (service, expected) in [
            ("ECS", "http://all"),
            ("DynamoDB", "http://dynamodb"),
            ("Application Auto Scaling", "http://scaling"),
        ] {
            assert_eq!(endpoint(&config, service).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (rows, missing) in [
            (&[][..], "AWS_ACCESS_KEY_ID"),
            (&[("AWS_ACCESS_KEY_ID", "key")], "AWS_SECRET_ACCESS_KEY"),
            (
                &[("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "s")],
                "AWS_REGION",
            ),
        ] {
            let error = lambda(table(rows)).expect_err(missing);
            let expected = format!("the environment variable {missing} is not set");
            assert_eq!(error.to_string(), expected);
        }
    }
}
