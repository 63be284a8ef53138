//! A slow line: passes standard input to a server and its answers to standard output, each after a
//! delay.
//!
//! ssh starts it as its `ProxyCommand`, on machines where nobody may change the network itself.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::{Failure, Result};

/// The most data that may be under way in one direction, in pieces of [`PIECE`]: more than any
/// window of ssh's.
const UNDER_WAY: usize = 1024;
const PIECE: usize = 1 << 15;

/// Carries both directions until the server closes.
pub(crate) fn run(delay: Duration, address: &str) -> Result<()> {
    let failed = |error: std::io::Error| Failure::new(format!("cannot talk to {address}: {error}"));
    let server = TcpStream::connect(address).map_err(failed)?;
    server.set_nodelay(true).map_err(failed)?;
    let (to, from) = (server.try_clone().map_err(failed)?, server.try_clone().map_err(failed)?);
    // the thread ends with the process, because ssh may never close standard input
    thread::spawn(move || {
        let carried = carry(std::io::stdin(), to, delay);
        let _ = server.shutdown(std::net::Shutdown::Write);
        carried
    });
    carry(from, std::io::stdout(), delay).map_err(failed)
}

/// Writes each piece `delay` after it was read, and reads further pieces meanwhile.
fn carry(mut from: impl Read + Send, mut to: impl Write, delay: Duration) -> std::io::Result<()> {
    let (under_way, arriving) = mpsc::sync_channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut buffer = vec![0; PIECE];
            loop {
                match from.read(&mut buffer) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => return,
                    Ok(read) => {
                        let due = (Instant::now() + delay, buffer[..read].to_vec());
                        if under_way.send(due).is_err() {
                            return;
                        }
                    }
                }
            }
        });
        arriving.iter().try_for_each(|(due, piece)| {
            wait_for(due);
            to.write_all(&piece).and_then(|()| to.flush())
        })
    })
}

#[expect(clippy::disallowed_methods, reason = "to wait is what this is for")]
fn wait_for(due: Instant) {
    thread::sleep(due.saturating_duration_since(Instant::now()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_carried_arrives_whole_and_late() {
        let (pieces, delay) = (100, Duration::from_millis(50));
        let text = vec![7; pieces as usize * PIECE];
        let (begin, mut arrived) = (Instant::now(), Vec::new());
        carry(text.as_slice(), &mut arrived, delay).unwrap();
        assert!(arrived == text);
        let took = begin.elapsed();
        assert!(took >= delay && took < delay * pieces, "once for all pieces: {took:?}");
    }
}
