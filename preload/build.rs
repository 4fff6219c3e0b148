//! How the shared object is linked.

fn main() {
    // Neither start files nor the compiler's library: what is left is the C library, whichever the program has.
    println!("cargo::rustc-cdylib-link-arg=-nostdlib");
    println!("cargo::rerun-if-changed=build.rs");
}
