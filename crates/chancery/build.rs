//! Builds the crate anew when the dashboard was built: the files that are embedded are not named in any source.

fn main() {
    println!("cargo::rerun-if-changed=../../ui/dashboard/dist");
}
