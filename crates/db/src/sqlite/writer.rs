//! The one writing thread. It takes whatever is waiting into one transaction: one fsync serves them all.

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::statement;
use crate::{Batch, Error, Result};

/// The most jobs in one transaction: bounds how long the first of them waits.
const GROUP: usize = 512;

/// What the thread is asked.
pub(super) enum Message {
    Write(Work, oneshot::Sender<Result<bool>>),
    /// Finish what was accepted, accept no more, answer when the file is closed.
    Close(oneshot::Sender<()>),
}

/// One atomic piece of work. Says whether anything was to do.
pub(super) enum Work {
    Batch(Batch),
    Script(String),
    Step { claim: Batch, script: String },
}

/// Jobs done but not yet durable, with what to tell their callers.
type Pending = Vec<(oneshot::Sender<Result<bool>>, Result<bool>)>;

/// Runs until the queue is closed, by [`Message::Close`] or by the last sender's end.
pub(super) fn run(connection: Connection, queue: mpsc::Receiver<Message>) {
    let mut queue = Queue { messages: queue, closing: Vec::new() };
    while let Some((work, caller)) = queue.wait() {
        group(&connection, work, caller, &mut queue);
    }
    if let Err((_, cause)) = connection.close() {
        tracing::warn!(%cause, "the database file was not closed cleanly");
    }
    for caller in std::mem::take(&mut queue.closing) {
        let _ = caller.send(());
    }
}

/// The queue, with those who wait for its end.
struct Queue {
    messages: mpsc::Receiver<Message>,
    closing: Vec<oneshot::Sender<()>>,
}

impl Queue {
    fn wait(&mut self) -> Option<(Work, oneshot::Sender<Result<bool>>)> {
        loop {
            match self.messages.blocking_recv()? {
                Message::Write(work, caller) => return Some((work, caller)),
                Message::Close(caller) => self.close(caller),
            }
        }
    }

    fn next(&mut self) -> Option<(Work, oneshot::Sender<Result<bool>>)> {
        loop {
            match self.messages.try_recv().ok()? {
                Message::Write(work, caller) => return Some((work, caller)),
                Message::Close(caller) => self.close(caller),
            }
        }
    }

    /// What is in the queue by now is still received.
    fn close(&mut self, caller: oneshot::Sender<()>) {
        self.messages.close();
        self.closing.push(caller);
    }
}

/// Should the thread panic, nobody is left waiting: dropping a message tells its caller.
impl Drop for Queue {
    fn drop(&mut self) {
        self.messages.close();
        while self.messages.blocking_recv().is_some() {}
    }
}

/// `first` and everything waiting behind it, in one transaction.
fn group(connection: &Connection, first: Work, caller: oneshot::Sender<Result<bool>>, queue: &mut Queue) {
    if let Err(cause) = statement::execute(connection, "BEGIN IMMEDIATE", &[]) {
        let mut refused = vec![(caller, Ok(false))];
        refused.extend(std::iter::from_fn(|| queue.next()).map(|(_, caller)| (caller, Ok(false))));
        return answer(refused, Err(cause));
    }
    let mut group = Group { connection, careful: false, works: Vec::new(), pending: Vec::new() };
    let mut next = Some((first, caller));
    while let Some((work, caller)) = next {
        if let Err(cause) = group.add(work, caller) {
            return answer(group.pending, Err(cause));
        }
        next = if group.pending.len() < GROUP { queue.next() } else { None };
    }
    let committed = statement::execute(connection, "COMMIT", &[]);
    if committed.is_err() {
        give_up(connection);
    }
    answer(group.pending, committed.map(drop));
}

/// What one transaction holds so far.
struct Group<'a> {
    connection: &'a Connection,
    /// Whether each piece of work has its own savepoint. They cost a tenth of the work, and a piece that fails has
    /// nearly always changed nothing yet, its guard being first: so a group begins without and begins again with them
    /// when that is not so.
    careful: bool,
    /// Each with its place in `pending`.
    works: Vec<Work>,
    pending: Pending,
}

impl Group<'_> {
    /// Does the work. Fails when the engine rolled everything back by itself: with the transaction went everybody's work.
    fn add(&mut self, work: Work, caller: oneshot::Sender<Result<bool>>) -> Result<()> {
        let outcome = self.perform(&work);
        self.works.push(work);
        match outcome {
            Some(outcome) => self.pending.push((caller, outcome)),
            None => {
                self.pending.push((caller, Ok(false)));
                self.begin_again()?;
            }
        }
        if self.connection.is_autocommit() {
            return Err(Error::engine("the engine rolled the transaction back"));
        }
        Ok(())
    }

    /// `None` where a failure left something behind.
    fn perform(&self, work: &Work) -> Option<Result<bool>> {
        if self.careful || !matches!(work, Work::Batch(_)) {
            return Some(alone(self.connection, work));
        }
        let before = self.connection.total_changes();
        let outcome = perform(self.connection, work);
        (outcome.is_ok() || self.connection.total_changes() == before || self.connection.is_autocommit())
            .then_some(outcome)
    }

    /// Undoes everything and does it once more, now with savepoints.
    fn begin_again(&mut self) -> Result<()> {
        self.careful = true;
        give_up(self.connection);
        statement::execute(self.connection, "BEGIN IMMEDIATE", &[])?;
        for (work, (_, outcome)) in self.works.iter().zip(&mut self.pending) {
            *outcome = alone(self.connection, work);
            if self.connection.is_autocommit() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// Tells each caller its own failure, or else the group's.
fn answer(pending: Pending, committed: Result<()>) {
    let failure = committed.err();
    for (caller, outcome) in pending {
        // A caller who left has no use for the answer.
        let _ = caller.send(match (outcome, &failure) {
            (Ok(_), Some(Error::Busy(why))) => Err(Error::Busy(why)),
            (Ok(_), Some(Error::Engine(why))) => Err(Error::Engine(why.clone())),
            (Ok(_), Some(other)) => Err(Error::engine(other)),
            (outcome, _) => outcome,
        });
    }
}

/// All of the work or nothing of it, inside the transaction of the group.
fn alone(connection: &Connection, work: &Work) -> Result<bool> {
    statement::execute(connection, "SAVEPOINT work", &[])?;
    let outcome = perform(connection, work);
    if connection.is_autocommit() {
        return outcome;
    }
    let undone = match outcome {
        Ok(_) => Ok(0),
        Err(_) => statement::execute(connection, "ROLLBACK TO work", &[]),
    };
    if let Err(cause) = undone.and_then(|_| statement::execute(connection, "RELEASE work", &[])) {
        give_up(connection);
        return Err(cause);
    }
    outcome
}

fn perform(connection: &Connection, work: &Work) -> Result<bool> {
    match work {
        Work::Batch(batch) => apply(connection, batch).map(|_| true),
        Work::Script(script) => Ok(connection.execute_batch(script).map(|()| true)?),
        Work::Step { claim, script } => {
            let mine = apply(connection, claim)? == 1;
            if mine {
                connection.execute_batch(script)?;
            }
            Ok(mine)
        }
    }
}

/// Says how many rows changed altogether.
fn apply(connection: &Connection, batch: &Batch) -> Result<u64> {
    batch.0.iter().try_fold(0, |total, statement| {
        let changed = statement::execute(connection, &statement.sql, &statement.params)?;
        match statement.expect {
            Some(expected) if expected != changed => Err(Error::Guard),
            _ => Ok(total + changed),
        }
    })
}

/// After this the connection has no transaction, whatever state it was in.
fn give_up(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(cause) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%cause, "a transaction could not be rolled back");
    }
}
