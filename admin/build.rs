//! The console's files are embedded by a macro that cargo cannot see into: one that is built anew must rebuild the crate.

fn main() {
    println!("cargo:rerun-if-changed=../dashboard/dist");
}
