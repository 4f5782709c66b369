//! Messages: a queue of commands from the page, and events to it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

use js_sys::{Array, Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

use crate::failure::Failure;
use crate::protocol::{Command, Event};

/// Commands that were not executed yet.
#[derive(Default)]
pub struct Inbox {
    queue: RefCell<VecDeque<Command>>,
    waker: RefCell<Option<Waker>>,
}

impl Inbox {
    /// Collects the page's commands from now on.
    pub fn listen() -> Rc<Self> {
        let inbox = Rc::new(Self::default());
        let into = Rc::clone(&inbox);
        let listener = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().as_string().map(|text| serde_json::from_str(&text)) {
                Some(Ok(command)) => into.push(command),
                Some(Err(error)) => {
                    fail(Failure::other(format!("The worker cannot read a command: {error}")));
                }
                None => fail(Failure::other("The worker got a command that is not text.")),
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

    /// A command that is to be executed later is the oldest one again.
    pub fn put_back(&self, command: Command) {
        self.queue.borrow_mut().push_front(command);
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

pub fn fail(failure: Failure) {
    post(&Event::Failed(failure));
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

/// Reports panics to the page before the module traps.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        let text = info.payload_as_str().unwrap_or("no message");
        fail(Failure::of_panic(text));
    }));
}

thread_local! {
    static CHANNEL: MessageChannel = MessageChannel::new().expect("workers have message channels");
}

/// Lets the event loop deliver messages, by a message to itself: browsers delay timers by four milliseconds, and a
/// resolved promise is continued before any message. One caller at a time: the command loop.
pub async fn yield_now() {
    let turn = Promise::new(&mut |resolve: Function, _| {
        CHANNEL.with(|channel| {
            channel.port1().set_onmessage(Some(&resolve));
            // A port that was just made cannot refuse.
            let _ = channel.port2().post_message(&JsValue::NULL);
        });
    });
    let _ = JsFuture::from(turn).await;
}

/// The message of a JavaScript error.
pub fn text_of(error: &JsValue) -> String {
    match error.dyn_ref::<js_sys::Error>() {
        Some(error) => String::from(error.message()),
        None => match js_sys::Reflect::get(error, &"message".into()).ok().and_then(|text| text.as_string()) {
            Some(text) => text,
            None => format!("{error:?}"),
        },
    }
}
