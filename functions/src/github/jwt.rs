//! How a GitHub App shows who it is: a JSON Web Token, signed with its key.
//! Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>

use anyhow::{Result, anyhow, bail};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;

use super::credentials::Secret;

/// GitHub's clock may be behind ours.
const ISSUED_BEFORE: TimeDelta = TimeDelta::seconds(60);
/// GitHub takes ten minutes at the most, by its own clock.
const GOOD_FOR: TimeDelta = TimeDelta::minutes(9);

/// The token of the App `id`, whose private key is `key` in PEM: PKCS#1, as GitHub gives it, or PKCS#8, as other tools write
/// it.
pub(super) fn signed(id: &str, key: &Secret, now: DateTime<Utc>) -> Result<Secret> {
    let key = key_pair(key)?;
    let claims = json!({
        "iat": (now - ISSUED_BEFORE).timestamp(),
        "exp": (now + GOOD_FOR).timestamp(),
        "iss": id,
    });
    let encode = |part: &[u8]| URL_SAFE_NO_PAD.encode(part);
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let text = [header, claims].map(|part| encode(part.to_string().as_bytes()));
    let text = text.join(".");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        text.as_bytes(),
        &mut signature,
    )
    .map_err(|_| anyhow!("the key cannot sign"))?;
    Ok(Secret::new(format!("{text}.{}", encode(&signature))))
}

/// What is wrong with a key is said without any of it.
fn key_pair(pem: &Secret) -> Result<RsaKeyPair> {
    let der = PrivateKeyDer::from_pem_slice(pem.reveal().as_bytes())
        .map_err(|_| anyhow!("it is not a private key in PEM"))?;
    let pair = match &der {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => bail!("it is not an RSA key"),
    };
    pair.map_err(|rejected| anyhow!("the RSA key is rejected: {rejected}"))
}
