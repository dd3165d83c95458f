//! The service as it runs: the binary itself, over a ledger that things are written to.

mod api;
mod browser;
mod outside;
mod stream;
