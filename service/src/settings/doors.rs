//! Who may act, as the environment says it.

use anyhow::{Context, Result, bail, ensure};

use crate::door::Token;

/// The ways in. None is open by itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Doors {
    /// People sign in with GitHub.
    pub(crate) github: Option<SignIn>,
    /// People are let in by the load balancer.
    pub(crate) balancer: Option<Trusted>,
    /// Scripts have tokens.
    pub(crate) tokens: Vec<Token>,
}

/// How people sign in with GitHub.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SignIn {
    /// The app's client id.
    pub(crate) client_id: String,
    /// The SSM SecureString that holds the app's client secret.
    pub(crate) secret_parameter: String,
    /// Where people see GitHub.
    pub(crate) web_url: String,
    /// Where programs ask it.
    pub(crate) api_url: String,
    /// Where people see this board.
    pub(crate) board_url: String,
}

/// The load balancer whose word counts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trusted {
    /// Its ARN.
    pub(crate) arn: String,
    /// Where the keys are with which it signs.
    pub(crate) keys_url: String,
}

impl Doors {
    /// Reads who may act by `get`. `web_url` is where people see GitHub.
    pub(super) fn read(get: &impl Fn(&str) -> Option<String>, web_url: &str) -> Result<Self> {
        Ok(Doors {
            github: sign_in(get, web_url)?,
            balancer: balancer(get)?,
            tokens: tokens(get("COUPLET_TOKENS"))?,
        })
    }
}

fn sign_in(get: &impl Fn(&str) -> Option<String>, web_url: &str) -> Result<Option<SignIn>> {
    let Some(client_id) = get("COUPLET_GITHUB_CLIENT_ID") else {
        return Ok(None);
    };
    let needed = |name: &str| {
        get(name).with_context(|| {
            format!("{name}: it is not set, and COUPLET_GITHUB_CLIENT_ID lets people sign in")
        })
    };
    Ok(Some(SignIn {
        client_id,
        secret_parameter: needed("COUPLET_GITHUB_CLIENT_SECRET_PARAMETER")?,
        web_url: web_url.to_owned(),
        api_url: super::url("COUPLET_GITHUB_API_URL", &needed("COUPLET_GITHUB_API_URL")?)?,
        board_url: super::url("COUPLET_BOARD_URL", &needed("COUPLET_BOARD_URL")?)?,
    }))
}

/// The keys are at an address of the balancer's region, which its ARN names.
/// Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>
fn balancer(get: &impl Fn(&str) -> Option<String>) -> Result<Option<Trusted>> {
    let Some(arn) = get("COUPLET_BALANCER_ARN") else {
        return Ok(None);
    };
    let mut parts = arn.split(':').skip(2);
    let (Some("elasticloadbalancing"), Some(region)) = (parts.next(), parts.next()) else {
        bail!("COUPLET_BALANCER_ARN: `{arn}` is not the ARN of a load balancer");
    };
    let by_region = || format!("https://public-keys.auth.elb.{region}.amazonaws.com");
    let keys_url = get("COUPLET_BALANCER_KEYS_URL").unwrap_or_else(by_region);
    let keys_url = super::url("COUPLET_BALANCER_KEYS_URL", &keys_url)?;
    Ok(Some(Trusted { arn, keys_url }))
}

fn tokens(value: Option<String>) -> Result<Vec<Token>> {
    let value = value.unwrap_or_default();
    let written = value.split([',', ' ', '\n']).filter(|it| !it.is_empty());
    let tokens = written.enumerate().map(|(place, text)| {
        // The value itself is not said: somebody may have written a token where its hash belongs.
        Token::parse(text).with_context(|| format!("COUPLET_TOKENS: entry {}", place + 1))
    });
    let tokens: Vec<Token> = tokens.collect::<Result<_>>()?;
    ensure!(tokens.len() <= 100, "COUPLET_TOKENS: more than 100 entries");
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Doors> {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Doors::read(&get, "https://github.example")
    }

    #[test]
    fn no_door_is_open_by_itself() {
        assert_eq!(read(&[]).expect("doors"), Doors::default());
    }

    #[test]
    fn each_way_in_has_its_variables() {
        let doors = read(&[
            ("COUPLET_GITHUB_CLIENT_ID", "Iv1"),
            ("COUPLET_GITHUB_CLIENT_SECRET_PARAMETER", "/couplet/secret"),
            ("COUPLET_GITHUB_API_URL", "https://github.example/api/v3"),
            ("COUPLET_BOARD_URL", "https://board.example/"),
            (
                "COUPLET_BALANCER_ARN",
                "arn:aws:elasticloadbalancing:eu-west-1:1:loadbalancer/app/board/1",
            ),
            ("COUPLET_TOKENS", &format!("ci:{0},bot:{0}", "0".repeat(64))),
        ]);
        let doors = doors.expect("doors");
        let github = doors.github.expect("GitHub");
        assert_eq!(github.board_url, "https://board.example");
        assert_eq!(github.web_url, "https://github.example");
        assert_eq!(
            doors.balancer.expect("balancer").keys_url,
            "https://public-keys.auth.elb.eu-west-1.amazonaws.com"
        );
        assert_eq!(doors.tokens.len(), 2);
    }

    #[test]
    fn errors_name_the_variable_and_no_secret() {
        for (variables, expected) in [
            (
                &[("COUPLET_GITHUB_CLIENT_ID", "Iv1")][..],
                "COUPLET_GITHUB_CLIENT_SECRET_PARAMETER: it is not set, and COUPLET_GITHUB_CLIENT_ID lets people sign in",
            ),
            (
                &[("COUPLET_BALANCER_ARN", "arn:aws:ecs:eu-west-1:1:cluster/x")],
                "COUPLET_BALANCER_ARN: `arn:aws:ecs:eu-west-1:1:cluster/x` is not the ARN of a load balancer",
            ),
            (
                &[("COUPLET_TOKENS", "hunter2")],
                "COUPLET_TOKENS: entry 1: it has no colon",
            ),
        ] {
            let error = read(variables).expect_err("refused");
            assert_eq!(format!("{error:#}"), expected);
        }
    }
}
