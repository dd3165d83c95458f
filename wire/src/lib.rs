//! The way out to AWS and GitHub.
//!
//! Everything that a program needs before its first call is here, because that is where a cold start spends its time: one
//! TLS with one crypto library, roots that are part of the program, and settings that are read from the environment and
//! from nowhere else.
//!
//! # Layout
//! - [`settings`]: the SDK's settings from the environment
//! - [`http`]: plain HTTP, for what has no SDK
//! - [`download`]: what lies at an address of AWS that carries its own signature
//! - [`roots`]: who is trusted
//! - [`lazy`]: a client that is made when it is used first
//!
//! # What this gives up
//! The crypto library is `ring`, and not `aws-lc`, which the SDK would take by itself. `aws-lc` gathers entropy from the
//! processor's jitter before the first handshake, beside what the kernel gives: that is most of the time of a default
//! SDK's first call. `ring` takes the kernel's word alone, as most programs do. Nor does `ring` offer the hybrid key exchange
//! X25519MLKEM768: what is recorded today could be read by whoever has a quantum computer one day. It is signed requests
//! and their answers that would be read, and the one long-lived secret among them is GitHub's token.
//! Sources: <https://github.com/aws/aws-lambda-rust-runtime/issues/1101>, <https://github.com/aws/aws-lc-rs/issues/1140>

pub mod download;
pub mod http;
pub mod lazy;
pub mod roots;
pub mod settings;

pub use aws_types::SdkConfig;
pub use download::Download;
pub use http::Http;
pub use lazy::Lazy;
