//! Follows the session's transaction: the statements that open it, fail in it, and end it.

use super::effect::Effect;
use super::failures::Failure;
use super::place::Place;

/// The transaction at a place of a script.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    open: Option<Opening>,
    /// The first transaction whose work is lost: the statement that opened it, and the reason.
    pub(super) lost: Option<(Place, String)>,
}

/// A transaction that a statement opened.
#[derive(Debug)]
struct Opening {
    place: Place,
    /// Whether it is open for every value that only psql knows.
    certain: bool,
    /// The first statement that failed in it.
    failed: Option<Place>,
}

/// A statement that psql ran.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) place: Place,
    pub(super) effect: Effect,
    /// Whether psql ran it for every value that only psql knows.
    pub(super) certain: bool,
    pub(super) failure: Option<Failure>,
    /// Whether it opens a transaction because `AUTOCOMMIT` is off.
    pub(super) opens: Option<bool>,
}

impl Transaction {
    /// The statement that opened the current transaction.
    pub(super) fn opened(self) -> Option<Place> {
        self.open.map(|open| open.place)
    }

    /// Records the statement that opens a transaction, unless one is open.
    pub(super) fn open(&mut self, place: Place, certain: bool) {
        if self.open.as_ref().is_none_or(|open| certain && !open.certain) {
            self.open = Some(Opening { place, certain, failed: None });
        }
    }

    /// Records the effect of a statement. `errors_undone` tells that psql sets a savepoint before
    /// each statement.
    pub(super) fn run(&mut self, ran: Ran, errors_undone: bool) {
        let Ran { place, effect, certain, failure, opens } = ran;
        if let Some(failure) = failure {
            if opens == Some(true) && effect == Effect::Runs {
                self.open(place.clone(), certain);
            }
            return self.fail(place, effect, failure, errors_undone);
        }
        match effect {
            Effect::Opens => self.open(place, certain),
            Effect::Commits | Effect::Prepares | Effect::Chains { commits: true } => {
                self.commit(&place, certain);
                if matches!(effect, Effect::Chains { .. }) && certain {
                    self.open(place, certain);
                }
            }
            Effect::RollsBack if certain => self.open = None,
            Effect::Chains { .. } if certain => {
                self.open = Some(Opening { place, certain, failed: None });
            }
            Effect::RollsBack | Effect::Chains { .. } => self.doubt(),
            Effect::Rewinds => {
                if let Some(open) = &mut self.open {
                    open.failed = None;
                }
            }
            Effect::Unknown => {
                self.doubt();
                self.open(place, false);
            }
            Effect::Runs if opens != Some(false) => self.open(place, certain && opens.is_some()),
            Effect::Runs | Effect::Nothing => {}
        }
    }

    /// COMMIT of a transaction in which a statement has failed rolls back, without an error.
    fn commit(&mut self, place: &Place, certain: bool) {
        if let Some(Opening { place: opened, certain: true, failed: Some(failed) }) = &self.open
            && certain
        {
            let why = format!(
                "COMMIT at {place} rolled the transaction back, because the statement at {failed} \
                 had failed"
            );
            self.lost.get_or_insert((opened.clone(), why));
        }
        if certain {
            self.open = None;
        }
        self.doubt();
    }

    fn fail(&mut self, place: Place, effect: Effect, failure: Failure, errors_undone: bool) {
        match effect {
            // a deferred constraint
            Effect::Commits | Effect::Prepares | Effect::Chains { commits: true } => {
                if let Some(open) = self.open.take() {
                    let why =
                        format!("COMMIT at {place} failed, and the transaction was rolled back");
                    self.lost.get_or_insert((open.place, why));
                }
            }
            // with psql's savepoints, the server refuses no statement because of an earlier failure
            _ if errors_undone && !failure.aborted => {}
            _ => {
                if failure.aborted && self.open.is_none() {
                    self.open(place.clone(), true);
                }
                if let Some(open) = self.open.as_mut() {
                    open.certain |= failure.aborted;
                    open.failed.get_or_insert(place);
                }
            }
        }
    }

    /// Records that psql makes a new connection, which rolls an open transaction back.
    pub(super) fn reconnect(&mut self, place: &Place, certain: bool) {
        match &self.open {
            Some(open) if certain && open.certain => {
                let why =
                    format!("the transaction was open at {place}, where \\connect rolled it back");
                self.lost.get_or_insert((open.place.clone(), why));
            }
            _ => {}
        }
        if certain {
            self.open = None;
        }
        self.doubt();
    }

    /// Records that the transaction may have ended.
    pub(super) fn doubt(&mut self) {
        if let Some(open) = &mut self.open {
            open.certain = false;
        }
    }
}
