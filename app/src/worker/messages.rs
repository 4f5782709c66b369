//! Messages: commands in, in their order; events out.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

use crate::advice;
use crate::protocol::{Command, Event};

/// Commands that nobody has taken yet.
#[derive(Default)]
pub struct Inbox {
    queue: RefCell<VecDeque<Command>>,
    waker: RefCell<Option<Waker>>,
}

impl Inbox {
    /// Takes in what the page sends, for as long as the worker lives.
    pub fn listen() -> Rc<Self> {
        let inbox = Rc::new(Self::default());
        let into = Rc::clone(&inbox);
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().as_string().map(|text| serde_json::from_str(&text)) {
                Some(Ok(command)) => into.push(command),
                Some(Err(error)) => fail(format!("a command that cannot be read: {error}"), None, false),
                None => fail("a command that is no text".into(), None, false),
            }
        });
        scope().set_onmessage(Some(listener.as_ref().unchecked_ref()));
        listener.forget();
        inbox
    }

    fn push(&self, command: Command) {
        self.queue.borrow_mut().push_back(command);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    /// The oldest command, if there is one.
    pub fn take(&self) -> Option<Command> {
        self.queue.borrow_mut().pop_front()
    }

    /// The oldest command, waited for.
    pub async fn next(&self) -> Command {
        poll_fn(|context| match self.take() {
            Some(command) => Poll::Ready(command),
            None => {
                self.waker.replace(Some(context.waker().clone()));
                Poll::Pending
            }
        })
        .await
    }

    /// Whether a waiting command ends question `id`.
    pub fn ends(&self, id: u64) -> bool {
        self.queue.borrow().iter().any(|command| match command {
            Command::Cancel { id: cancelled } => *cancelled == id,
            Command::Ask { .. } => true,
            _ => false,
        })
    }
}

fn scope() -> DedicatedWorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// Seconds since the worker started.
pub fn now() -> f64 {
    scope().performance().map_or(0.0, |clock| clock.now() / 1000.0)
}

pub fn post(event: &Event) {
    send(event, None);
}

/// An event with the bytes that belong to it; they are moved, not copied again.
pub fn post_file(event: &Event, bytes: &[u8]) {
    send(event, Some(&Uint8Array::from(bytes).buffer()));
}

/// Tells what went wrong. A lost graphics device ends everything, wherever it was noticed first.
pub fn fail(message: String, advice: Option<String>, fatal: bool) {
    let (message, advice, fatal) = match advice::lost(&message) {
        Some((message, advice)) => (message, Some(advice), true),
        None => (message, advice, fatal),
    };
    post(&Event::Failed { message, advice, fatal });
}

fn send(event: &Event, buffer: Option<&js_sys::ArrayBuffer>) {
    let text = serde_json::to_string(event).expect("events are plain data");
    let message = Array::of1(&text.into());
    let transfer = Array::new();
    if let Some(buffer) = buffer {
        message.push(buffer);
        transfer.push(buffer);
    }
    // A closed page is the only reason for an error here, and then nobody is left to hear of it.
    let _ = scope().post_message_with_transfer(&message, &transfer);
}

/// Tells the page before the module traps: after a panic nothing here can be trusted any more.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let text = info.payload_as_str().unwrap_or("no message");
        let (message, advice) = advice::panicked(text);
        fail(message, advice, true);
    }));
}

thread_local! {
    static CHANNEL: MessageChannel = MessageChannel::new().expect("workers have message channels");
}

/// Lets the event loop deliver messages. A message to oneself, since timers are held back for four milliseconds and
/// a resolved promise lets no message in. One caller at a time: the engine's loop.
pub async fn breathe() {
    let turn = Promise::new(&mut |resolve: Function, _| {
        CHANNEL.with(|channel| {
            channel.port1().set_onmessage(Some(&resolve));
            // A port that was just made cannot refuse.
            let _ = channel.port2().post_message(&JsValue::NULL);
        });
    });
    let _ = JsFuture::from(turn).await;
}

/// What a JavaScript error says.
pub fn text_of(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => match js_sys::Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string()) {
            Some(text) => text,
            None => format!("{error:?}"),
        },
    }
}
