//! What the load balancer says of whom it has let in: a token of its own, signed by a key of the region.
//! Source: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html>

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use poem::Request;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;
use wire::Http;

use crate::failure::Failure;
use crate::settings::Trusted;

const HEADER: &str = "x-amzn-oidc-data";
/// The balancer pads its base64, which the standard forbids; should it stop to, that is read too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What stands before the point in the encoding of every P-256 key.
/// Source: <https://www.rfc-editor.org/rfc/rfc5480#section-2>
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// Keys change rarely: when there are more, the old ones are forgotten.
const KEPT: usize = 16;

/// The balancer whose word counts.
#[derive(Debug)]
pub(crate) struct Balancer {
    http: Http,
    arn: String,
    keys_url: String,
    keys: Mutex<HashMap<String, Vec<u8>>>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: String,
    signer: String,
    exp: i64,
}

/// What the identity provider says of somebody.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    email: Option<String>,
}

/// What the balancer says, if `request` came with it.
pub(super) fn said(request: &Request) -> Option<&str> {
    request.header(HEADER)
}

impl Balancer {
    pub(super) fn new(http: Http, trusted: &Trusted) -> Self {
        Balancer {
            http,
            arn: trusted.arn.clone(),
            keys_url: trusted.keys_url.clone(),
            keys: Mutex::default(),
        }
    }

    /// The name of whom the balancer has let in.
    pub(super) async fn verified(&self, said: &str, now: DateTime<Utc>) -> Result<String, Failure> {
        let refused = |error: anyhow::Error| {
            tracing::warn!("the balancer's word is refused: {error:#}");
            Failure::Unknown
        };
        let head = head(said, &self.arn, now).map_err(refused)?;
        let key = self.key(&head.kid).await;
        let key = key.map_err(|error| Failure::Unreachable("the balancer's keys", error))?;
        name(said, &key).map_err(refused)
    }

    async fn key(&self, id: &str) -> Result<Vec<u8>> {
        let mut keys = self.keys.lock().await;
        if let Some(key) = keys.get(id) {
            return Ok(key.clone());
        }
        let url = format!("{}/{id}", self.keys_url);
        let answer = self
            .http
            .send(http::Request::get(&url).body(String::new())?)
            .await?;
        let status = answer.status();
        ensure!(status.is_success(), "{url} answered {status}");
        let key = point(answer.body().as_bytes()).with_context(|| format!("{url} is no key"))?;
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(id.to_owned(), key.clone());
        Ok(key)
    }
}

/// The token's head, if it is one that the balancer `arn` may have signed. Without the look at the signer, a balancer
/// of anybody's account would do.
fn head(said: &str, arn: &str, now: DateTime<Utc>) -> Result<Head> {
    let first = said.split('.').next().unwrap_or_default();
    let head: Head = decoded(first).context("its head")?;
    ensure!(head.alg == "ES256", "it is signed by {}", head.alg);
    ensure!(head.signer == arn, "it is signed by {}", head.signer);
    ensure!(head.exp > now.timestamp(), "it has expired");
    // The id becomes a part of an address.
    let is_plain = head
        .kid
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    ensure!(is_plain && !head.kid.is_empty(), "its key's id is no id");
    Ok(head)
}

/// Whom the token names, if `key` has signed it.
fn name(said: &str, key: &[u8]) -> Result<String> {
    let Some((signed, signature)) = said.rsplit_once('.') else {
        bail!("it is not signed");
    };
    let signature = BASE64.decode(signature).context("its signature")?;
    let verified =
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(signed.as_bytes(), &signature);
    ensure!(verified.is_ok(), "its signature is wrong");
    let claims = signed.split('.').nth(1).unwrap_or_default();
    let claims: Claims = decoded(claims).context("its claims")?;
    Ok(claims.email.unwrap_or(claims.sub))
}

fn decoded<T: DeserializeOwned>(part: &str) -> Result<T> {
    Ok(serde_json::from_slice(&BASE64.decode(part)?)?)
}

/// The point of a P-256 key that is written as PEM.
fn point(pem: &[u8]) -> Result<Vec<u8>> {
    let key = SubjectPublicKeyInfoDer::from_pem_slice(pem)
        .map_err(|error| anyhow::anyhow!("not PEM: {error}"))?;
    let point = key.strip_prefix(&P256).context("not a P-256 key")?;
    Ok(point.to_vec())
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str =
        "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/board/1";

    struct Keys(EcdsaKeyPair);

    impl Keys {
        fn new() -> Keys {
            let random = SystemRandom::new();
            let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("key");
            Keys(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("key"))
        }

        fn pem(&self) -> String {
            let mut der = P256.to_vec();
            der.extend(self.0.public_key().as_ref());
            let body = STANDARD.encode(der);
            format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
        }

        /// Signs as the balancer does: with padding.
        fn sign(&self, head: &Value, claims: &Value) -> String {
            let part =
                |value: &Value| base64::engine::general_purpose::URL_SAFE.encode(value.to_string());
            let signed = format!("{}.{}", part(head), part(claims));
            let signature = self
                .0
                .sign(&SystemRandom::new(), signed.as_bytes())
                .expect("signature");
            let signature = base64::engine::general_purpose::URL_SAFE.encode(signature);
            format!("{signed}.{signature}")
        }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("time")
    }

    fn right_head() -> Value {
        json!({ "alg": "ES256", "kid": "7f-1", "signer": ARN, "exp": now().timestamp() + 60, "client": "c" })
    }

    fn verified(said: &str, key: &str) -> Result<String> {
        head(said, ARN, now())?;
        name(said, &point(key.as_bytes())?)
    }

    #[test]
    fn whom_the_balancer_has_let_in_has_a_name() {
        let keys = Keys::new();
        let said = keys.sign(
            &right_head(),
            &json!({ "sub": "1", "email": "ada@example.com" }),
        );
        assert_eq!(
            verified(&said, &keys.pem()).expect("name"),
            "ada@example.com"
        );
        let said = keys.sign(&right_head(), &json!({ "sub": "1" }));
        assert_eq!(verified(&said, &keys.pem()).expect("name"), "1");
        let unpadded = said.replace('=', "");
        if unpadded == said {
            assert!(verified(&unpadded, &keys.pem()).is_ok());
        }
    }

    #[test]
    fn what_anybody_else_has_signed_is_refused() {
        let (keys, claims) = (Keys::new(), json!({ "sub": "1" }));
        for (field, value, expected) in [
            ("alg", json!("none"), "it is signed by none"),
            ("signer", json!("arn:other"), "it is signed by arn:other"),
            ("exp", json!(now().timestamp()), "it has expired"),
            ("kid", json!("../../latest"), "its key's id is no id"),
        ] {
            let mut head = right_head();
            head[field] = value;
            let error = verified(&keys.sign(&head, &claims), &keys.pem()).expect_err(field);
            assert_eq!(format!("{error:#}"), expected);
        }
        let said = Keys::new().sign(&right_head(), &claims);
        let error = verified(&said, &keys.pem()).expect_err("another key");
        assert_eq!(error.to_string(), "its signature is wrong");
        let (signed, signature) = said.rsplit_once('.').expect("parts");
        let (first, _) = signed.split_once('.').expect("parts");
        let forged = BASE64.encode(r#"{"sub":"root"}"#);
        assert!(verified(&format!("{first}.{forged}.{signature}"), &keys.pem()).is_err());
        for nothing in ["", "a.b.c", "...."] {
            assert!(verified(nothing, &keys.pem()).is_err(), "{nothing}");
        }
    }

    #[test]
    fn only_a_p256_key_is_a_key() {
        let keys = Keys::new();
        assert_eq!(
            point(keys.pem().as_bytes()).expect("point"),
            keys.0.public_key().as_ref()
        );
        for wrong in [
            "",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            assert!(point(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
