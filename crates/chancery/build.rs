//! Builds the crate anew when the dashboard was built: the files that are embedded are not named in any source. And keeps
//! functions that are compiled to the same instructions once, and the table of addresses to adjust at the start in a fortieth
//! of its size, where the linker can do that: code counts as memory at rest. That is in release builds for Linux with glibc
//! (2.36 or later, of 2022), whose default linker (LLD) knows how.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dashboard/dist");
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    if is("TARGET", "x86_64-unknown-linux-gnu") && is("PROFILE", "release") {
        println!("cargo::rustc-link-arg-bins=-Wl,--icf=all");
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
