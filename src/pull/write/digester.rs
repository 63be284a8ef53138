//! A digest that a separate thread computes, so that writing does not wait for it.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use sha2::{Digest, Sha256};

use crate::sys::error::{Error, Result};

/// The number of blocks that may wait.
const WAITING: usize = 4;

/// A digest that is being computed. Dropping it ends the thread.
pub(in crate::pull) struct Digester {
    blocks: SyncSender<Vec<u8>>,
    thread: JoinHandle<Sha256>,
}

impl Digester {
    /// Starts the thread.
    pub(in crate::pull) fn start() -> Self {
        let (blocks, arriving) = sync_channel::<Vec<u8>>(WAITING);
        let thread = std::thread::spawn(move || {
            let mut digest = Sha256::new();
            arriving.iter().for_each(|block| digest.update(block));
            digest
        });
        Self { blocks, thread }
    }

    /// Adds a block. Large blocks are faster.
    pub(in crate::pull) fn update(&self, block: &[u8]) {
        // `finish` reports a thread that has panicked
        let _ = self.blocks.send(block.to_vec());
    }

    /// Waits for the thread and returns the digest of all blocks.
    pub(in crate::pull) fn finish(self) -> Result<Sha256> {
        drop(self.blocks);
        self.thread.join().map_err(|_| Error::unexpected("the digest's thread panicked"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_counts_in_its_order() {
        let digester = Digester::start();
        (0..100_u8).for_each(|byte| digester.update(&[byte; 1000]));
        let all: Vec<u8> = (0..100).flat_map(|byte| [byte; 1000]).collect();
        assert_eq!(digester.finish().unwrap().finalize(), Sha256::digest(&all));
    }
}
