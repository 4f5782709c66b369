//! The worker: a queue of commands, an async loop that executes them (`serve`), and events to the page. Everything that
//! takes long lets messages in between (`messages::yield_now`), so that a pause or a new question is noticed.

mod ask;
pub mod autotune_cache;
mod batch;
pub mod device;
mod engine;
mod export;
pub mod gpu;
mod inspect;
mod keep;
mod messages;
mod models;
mod serve;
pub mod storage;
mod training;
mod weigh;

/// Runs the constructors in which the tensor library registers its operations, once and before anything else of it
/// (see build.rs). Through the module's exports, since a call of a foreign function would be unsafe code.
pub fn construct() {
    use wasm_bindgen::JsCast;
    let found = js_sys::Reflect::get(&wasm_bindgen::exports(), &"__wasm_call_ctors".into());
    let constructors: js_sys::Function =
        found.and_then(JsCast::dyn_into).expect("the linker exports __wasm_call_ctors, as build.rs says");
    constructors.call0(&wasm_bindgen::JsValue::NULL).expect("constructors only register");
}

/// Starts the worker: it posts `Ready` and then executes commands.
pub fn run() {
    messages::report_panics();
    construct();
    let inbox = messages::Inbox::listen();
    messages::post(&crate::protocol::Event::Ready);
    wasm_bindgen_futures::spawn_local(serve::run(inbox));
}
