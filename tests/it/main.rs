//! The whole server in process: HTTP and security tests. Modules mirror the URLs.

#![cfg(test)]

mod support;

mod management;
mod security;
