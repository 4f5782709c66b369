//! The page: what runs in the browser's window.

fn main() {
    #[cfg(target_family = "wasm")]
    promot_app::page::run();
}
