//! Tokens by which scripts say who they are. The settings have a hash of each, which is no secret.

use std::fmt;

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

/// What a token is called, and its SHA-256.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token {
    name: String,
    hash: [u8; 32],
}

impl Token {
    /// Reads `name:hash`, the hash as 64 hexadecimal digits.
    pub(crate) fn parse(text: &str) -> Result<Token> {
        let (name, digits) = text.split_once(':').context("it has no colon")?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        ensure!(
            !name.is_empty() && name.bytes().all(is_plain),
            "its name is not made of letters, digits, dashes and dots"
        );
        ensure!(
            digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "what follows the colon is not a SHA-256 of 64 hexadecimal digits"
        );
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * place..2 * place + 2], 16)?;
        }
        let name = name.to_owned();
        Ok(Token { name, hash })
    }
}

/// Whose token an `Authorization` header has. What is compared is a hash, whose timing tells nothing of the token.
/// Source: <https://www.rfc-editor.org/rfc/rfc6750#section-2.1>
pub(super) fn holder<'a>(tokens: &'a [Token], header: &str) -> Option<&'a str> {
    let (scheme, token) = header.split_once(' ')?;
    let hash: [u8; 32] = Sha256::digest(token.trim()).into();
    let known = tokens.iter().find(|token| token.hash == hash)?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(known.name.as_str())
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The SHA-256 of `hello`.
    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn a_token_is_known_by_its_hash_and_its_scheme() {
        let tokens = [
            Token::parse(&format!("other:{}", "0".repeat(64))).expect("token"),
            Token::parse(&format!("ci:{HELLO}")).expect("token"),
        ];
        let rows = [
            ("Bearer hello", Some("ci")),
            ("bearer  hello", Some("ci")),
            ("Basic hello", None),
            ("Bearer hell", None),
            ("Bearer", None),
            ("hello", None),
            ("Bearer ", None),
        ];
        for (header, expected) in rows {
            assert_eq!(holder(&tokens, header), expected, "{header}");
        }
        assert_eq!(format!("{:?}", tokens[1]), "Token(ci)");
    }

    #[test]
    fn what_is_no_token_is_told() {
        for (text, expected) in [
            ("ci", "it has no colon"),
            (&format!(":{HELLO}"), "its name"),
            (&format!("a b:{HELLO}"), "its name"),
            ("ci:hello", "what follows the colon"),
            (&format!("ci:{}", "é".repeat(32)), "what follows the colon"),
        ] {
            let error = Token::parse(text).expect_err(text).to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
