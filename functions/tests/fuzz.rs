//! What never breaks, whatever comes in: arbitrary and mutated input for all that reads, and the table of what is
//! said about bad input.
//!
//! Every property is tried 256 times; `PROPTEST_CASES=100000 cargo test -p functions --test fuzz` tries harder. A case
//! that fails is written to `tests/fuzz/regressions/`, to be committed: it is tried first from then on.

mod fuzz {
    mod bad_input;
    mod corpus;
    mod definitions;
    mod events;
    mod given;
    mod images;
    mod mutations;
    mod policies;
    mod tellings;
}
