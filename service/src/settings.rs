//! What the environment says, read once. Each error names its variable and the wrong value.

mod doors;

pub(crate) use doors::{Doors, SignIn, Trusted};

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use anyhow::{Result, bail, ensure};
use serde::Serialize;

const ROWS: RangeInclusive<usize> = 1..=200;

/// All that can be set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// The ledger's table.
    pub(crate) table: String,
    /// Where to listen.
    pub(crate) address: SocketAddr,
    /// How many rollouts a page shows.
    pub(crate) rows: usize,
    /// Where commits are linked to, without a slash at the end.
    pub(crate) github_url: String,
    /// Who may act.
    pub(crate) doors: Doors,
    /// How often a client may ask, a second; 0 is as often as it likes.
    pub(crate) pace: u32,
    /// What runs here.
    pub(crate) identity: Identity,
}

/// What runs here: `rollout` puts the commit and the digest into the container's environment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Identity {
    /// The commit, if known.
    pub(crate) commit: Option<String>,
    /// The image's digest, if known.
    pub(crate) digest: Option<String>,
    /// The crate's version.
    pub(crate) version: &'static str,
}

impl Settings {
    /// Reads the settings by `get`: [`from_environment`], or a test's table.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let Some(table) = get("COUPLET_LEDGER_TABLE") else {
            bail!("COUPLET_LEDGER_TABLE: the name of the ledger's table is not set");
        };
        let github_url = get("COUPLET_GITHUB_URL");
        let github_url = github_url.unwrap_or_else(|| "https://github.com".to_owned());
        let github_url = url("COUPLET_GITHUB_URL", &github_url)?;
        Ok(Settings {
            table,
            address: SocketAddr::new(host(get("HOST"))?, port(get("PORT"))?),
            rows: rows(get("COUPLET_BOARD_ROWS"))?,
            doors: Doors::read(&get, &github_url)?,
            github_url,
            pace: pace(get("COUPLET_REQUESTS_PER_SECOND"))?,
            identity: Identity {
                commit: get("COUPLET_COMMIT"),
                digest: get("COUPLET_DIGEST"),
                version: env!("CARGO_PKG_VERSION"),
            },
        })
    }
}

/// The value of `PORT`.
pub(crate) fn port(value: Option<String>) -> Result<u16> {
    let Some(value) = value else { return Ok(8080) };
    match value.parse() {
        Ok(port) => Ok(port),
        Err(_) => bail!("PORT: `{value}` is not a number between 0 and 65535"),
    }
}

/// A variable of this process; an empty one counts as unset.
pub(crate) fn from_environment(name: &str) -> Option<String> {
    let value = env::var_os(name)?.to_string_lossy().into_owned();
    Some(value).filter(|value| !value.is_empty())
}

fn host(value: Option<String>) -> Result<IpAddr> {
    let Some(value) = value else {
        return Ok(IpAddr::from([0, 0, 0, 0]));
    };
    match value.parse() {
        Ok(host) => Ok(host),
        Err(_) => bail!("HOST: `{value}` is not an IP address"),
    }
}

fn rows(value: Option<String>) -> Result<usize> {
    let Some(value) = value else { return Ok(20) };
    match value.parse() {
        Ok(rows) if ROWS.contains(&rows) => Ok(rows),
        _ => bail!(
            "COUPLET_BOARD_ROWS: `{value}` is not a number between {} and {}",
            ROWS.start(),
            ROWS.end()
        ),
    }
}

fn pace(value: Option<String>) -> Result<u32> {
    let Some(value) = value else { return Ok(50) };
    match value.parse() {
        Ok(pace) => Ok(pace),
        Err(_) => bail!("COUPLET_REQUESTS_PER_SECOND: `{value}` is not a number"),
    }
}

/// The address in the variable `name`, without a slash at its end.
fn url(name: &str, value: &str) -> Result<String> {
    ensure!(
        value.starts_with("https://") || value.starts_with("http://"),
        "{name}: `{value}` does not begin with https:// or http://"
    );
    Ok(value.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings> {
        Settings::read(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_the_table_must_be_set() {
        let error = read(&[("PORT", "80")]).expect_err("no table");
        let expected = "COUPLET_LEDGER_TABLE: the name of the ledger's table is not set";
        assert_eq!(error.to_string(), expected);

        let settings = read(&[("COUPLET_LEDGER_TABLE", "ledger")]);
        let expected = Settings {
            table: "ledger".into(),
            address: "0.0.0.0:8080".parse().expect("address"),
            rows: 20,
            github_url: "https://github.com".into(),
            doors: Doors::default(),
            pace: 50,
            identity: Identity {
                commit: None,
                digest: None,
                version: env!("CARGO_PKG_VERSION"),
            },
        };
        assert_eq!(settings.expect("settings"), expected);
    }

    #[test]
    fn what_is_set_counts() {
        let settings = read(&[
            ("COUPLET_LEDGER_TABLE", "ledger"),
            ("HOST", "::1"),
            ("PORT", "7000"),
            ("COUPLET_BOARD_ROWS", "200"),
            ("COUPLET_GITHUB_URL", "https://github.example/"),
            ("COUPLET_COMMIT", "abc"),
            ("COUPLET_DIGEST", "sha256:def"),
        ])
        .expect("settings");
        assert_eq!(settings.address.to_string(), "[::1]:7000");
        assert_eq!(settings.rows, 200);
        assert_eq!(settings.github_url, "https://github.example");
        assert_eq!(settings.identity.commit.as_deref(), Some("abc"));
        assert_eq!(settings.identity.digest.as_deref(), Some("sha256:def"));
    }

    #[test]
    fn errors_name_the_variable_and_the_value() {
        let rows = [
            (
                "HOST",
                "localhost",
                "HOST: `localhost` is not an IP address",
            ),
            (
                "PORT",
                "65536",
                "PORT: `65536` is not a number between 0 and 65535",
            ),
            (
                "COUPLET_BOARD_ROWS",
                "many",
                "COUPLET_BOARD_ROWS: `many` is not a number between 1 and 200",
            ),
            (
                "COUPLET_BOARD_ROWS",
                "0",
                "COUPLET_BOARD_ROWS: `0` is not a number between 1 and 200",
            ),
            (
                "COUPLET_REQUESTS_PER_SECOND",
                "-1",
                "COUPLET_REQUESTS_PER_SECOND: `-1` is not a number",
            ),
            (
                "COUPLET_GITHUB_URL",
                "github.com",
                "COUPLET_GITHUB_URL: `github.com` does not begin with https:// or http://",
            ),
        ];
        for (name, value, expected) in rows {
            let error = read(&[(name, value), ("COUPLET_LEDGER_TABLE", "ledger")]).expect_err(name);
            assert_eq!(error.to_string(), expected);
        }
    }
}
