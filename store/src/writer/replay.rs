//! Catching up: what waits in the spool goes into the database, the oldest first.

use std::sync::atomic::Ordering;

use super::{Desk, batches};
use crate::database::StoreError;
use crate::spool::Spool;

impl Desk {
    /// Empties the spool into the database. When it returns without an error, the spool is empty and new records may
    /// go straight to the database again.
    pub(super) async fn catch_up(&self) -> Result<(), StoreError> {
        // Also where nothing waits: the database must be there before records are sent to it.
        self.open().await?.ping().await?;
        loop {
            let lines = {
                let mut spool = self.locked_spool();
                let Some(spool) = spool.as_mut().filter(|spool| !spool.is_empty()) else {
                    // Under the lock, so that nothing is put into the spool in between and left there.
                    self.behind.store(false, Ordering::Release);
                    self.tally.up.set(1);
                    return Ok(());
                };
                match spool.oldest() {
                    Ok(lines) => lines,
                    Err(error) => {
                        tracing::error!(%error, "a file of the spool cannot be read; what is in it is lost");
                        None
                    }
                }
            };
            for batch in lines.iter().flat_map(|lines| batches(lines, &self.tally)) {
                self.insert(&batch).await?;
            }
            let removed = self.locked_spool().as_mut().map_or(Ok(()), Spool::done);
            if let Err(error) = removed {
                tracing::error!(%error, "a file of the spool cannot be removed; it will be read again");
            }
            self.count_spool();
        }
    }
}
