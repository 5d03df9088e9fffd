//! Rule files are embedded by a macro that cargo cannot see into: a file that is added must rebuild the crate too.

fn main() {
    println!("cargo:rerun-if-changed=rules");
}
