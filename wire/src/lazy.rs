//! A client that is made when it is used first.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use aws_types::SdkConfig;

type Make<C> = Box<dyn FnOnce() -> C + Send>;

/// An SDK client that many events need not: each reads the list of AWS's partitions when it is made, which is a good part
/// of a function's init. Clones share it.
pub struct Lazy<C>(Arc<LazyLock<C, Make<C>>>);

impl<C> Lazy<C> {
    /// A client with the settings of `config`.
    pub fn new(config: &SdkConfig, make: fn(&SdkConfig) -> C) -> Self
    where
        C: 'static,
    {
        let config = config.clone();
        Lazy(Arc::new(LazyLock::new(Box::new(move || make(&config)))))
    }
}

impl<C> Deref for Lazy<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.0
    }
}

impl<C> Clone for Lazy<C> {
    fn clone(&self) -> Self {
        Lazy(self.0.clone())
    }
}

impl<C> fmt::Debug for Lazy<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lazy")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static MADE: AtomicUsize = AtomicUsize::new(0);

    #[test]
    fn it_is_made_once_and_when_it_is_used() {
        let config = SdkConfig::builder().build();
        let lazy = Lazy::new(&config, |_| MADE.fetch_add(1, Ordering::Relaxed));
        let clone = lazy.clone();
        assert_eq!(MADE.load(Ordering::Relaxed), 0);
        assert_eq!((*lazy, *clone, *lazy), (0, 0, 0));
        assert_eq!(MADE.load(Ordering::Relaxed), 1);
    }
}
