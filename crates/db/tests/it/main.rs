//! Both engines, held to one list of promises.

#![cfg(test)]

mod migrations;
mod postgres;
mod promises;
mod sqlite;
mod stage;
