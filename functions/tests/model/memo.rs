//! What the real code has answered before. It is pure, so an answer is good for ever; asking again would only take
//! longer: the model checker asks the same some thousand times a second.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Answers by their questions.
#[derive(Debug)]
pub(crate) struct Memo<Q, A>(Mutex<HashMap<Q, A>>);

impl<Q, A> Default for Memo<Q, A> {
    fn default() -> Self {
        Memo(Mutex::default())
    }
}

impl<Q: Hash + Eq, A: Clone> Memo<Q, A> {
    /// What `real` answers, or has answered.
    pub(crate) fn of(&self, question: Q, real: impl FnOnce(&Q) -> A) -> A {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = known.get(&question) {
            return answer.clone();
        }
        let answer = real(&question);
        known.insert(question, answer.clone());
        answer
    }
}
