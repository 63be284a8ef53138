//! Runs two pieces of work at the same time.

use crate::sys::error::{Error, Result};

/// Runs `a` and `b` at the same time and waits for both. The caller gets both results: it decides
/// which error counts, and undoes the other's work.
pub fn at_once<A: Send, B>(
    a: impl FnOnce() -> Result<A> + Send,
    b: impl FnOnce() -> Result<B>,
) -> (Result<A>, Result<B>) {
    std::thread::scope(|scope| {
        let a = scope.spawn(a);
        let b = b();
        (a.join().unwrap_or_else(|_| Err(Error::unexpected("a side panicked"))), b)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn neither_waits_for_the_other() {
        let ((tell_a, told_a), (tell_b, told_b)) = (channel(), channel());
        let met = |told: std::sync::mpsc::Receiver<()>| {
            Ok(told.recv_timeout(Duration::from_secs(600)).is_ok())
        };
        let a = || tell_b.send(()).map(|()| met(told_a)).expect("b listens");
        let b = || tell_a.send(()).map(|()| met(told_b)).expect("a listens");
        assert_eq!(at_once(a, b), (Ok(true), Ok(true)));
    }

    #[test]
    fn a_panic_is_an_error() {
        let (a, b) = at_once(|| -> Result<()> { panic!("on purpose") }, || Ok(1));
        assert!(a.is_err_and(|error| error.message().contains("panicked")));
        assert_eq!(b, Ok(1));
    }
}
