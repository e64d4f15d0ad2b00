#![cfg(test)]
#[path = "../it/crash/mod.rs"]
mod crash;
