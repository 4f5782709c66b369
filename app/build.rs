//! Linker arguments of the page and its worker.
//!
//! The tensor library registers its operations in constructors. As long as nobody names the function that calls them
//! all, the linker takes the module for a program that is called once, and puts that call in front of every exported
//! function: each event of the browser would run thousands of constructors. Naming the function ends that.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_FAMILY").as_deref() == Ok("wasm") {
        // The page computes nothing and never calls it, so that the library itself is left out, too.
        println!("cargo:rustc-link-arg-bin=promot-page=--undefined=__wasm_call_ctors");
        // The worker calls it once, when it starts; the tests do the same.
        println!("cargo:rustc-link-arg-bin=promot-worker=--export=__wasm_call_ctors");
        println!("cargo:rustc-link-arg-tests=--export=__wasm_call_ctors");
    }
}
