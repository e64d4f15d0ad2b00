//! Functions that are compiled to the same instructions are kept once, where the linker can do that: code counts as memory
//! at rest. Only in release builds for Linux with glibc, whose default linker (LLD) knows how.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    let lld = is("TARGET", "x86_64-unknown-linux-gnu");
    if lld && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
    }
}
