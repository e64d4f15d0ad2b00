//! The binary and what it is assembled from, on both engines.

#![cfg(test)]

mod certificates;
mod command_line;
mod deploy;
mod dev_mode;
mod figures;
mod harness;
mod hostile;
mod master_key;
mod people;
mod process;
mod seeding;
mod shutdown;
