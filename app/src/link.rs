//! The page's end of the message channel: starts the worker, sends commands, receives events.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer};
use wasm_bindgen::prelude::*;
use web_sys::{ErrorEvent, MessageEvent, Worker};

use crate::failure::Failure;
use crate::protocol::{Command, DeviceWish, Event};

/// The script that loads the worker's code and tells of a download that fails; it lies beside the page.
const SCRIPT: &str = "./worker.js";

/// The connection to one worker, or to its successor after a restart. Clones are the same connection.
#[derive(Clone)]
pub struct Link {
    inner: Rc<Inner>,
}

type OnEvent = Box<dyn Fn(Event, Option<ArrayBuffer>)>;

struct Inner {
    worker: RefCell<Option<Running>>,
    on_event: OnEvent,
    ready: Cell<bool>,
    /// The device is open: a failure from then on is not one of opening it.
    opened: Cell<bool>,
    failed: Cell<bool>,
    /// Sent before the worker was ready.
    waiting: RefCell<Vec<Command>>,
    /// Why the CPU replaces WebGPU, if it does.
    fallen: RefCell<Option<String>>,
    /// The device that was asked for.
    wish: Cell<DeviceWish>,
}

/// A worker with its listeners, which live as long as it does.
struct Running {
    worker: Worker,
    _on_message: Closure<dyn Fn(MessageEvent)>,
    _on_error: Closure<dyn Fn(ErrorEvent)>,
}

impl Link {
    /// Starts the worker. `on_event` gets every event, with the bytes that came with it.
    pub fn start(on_event: impl Fn(Event, Option<ArrayBuffer>) + 'static) -> Self {
        let inner = Inner {
            worker: RefCell::new(None),
            on_event: Box::new(on_event),
            ready: Cell::new(false),
            opened: Cell::new(false),
            failed: Cell::new(false),
            waiting: RefCell::default(),
            fallen: RefCell::default(),
            wish: Cell::default(),
        };
        let link = Self { inner: Rc::new(inner) };
        link.spawn();
        link
    }

    /// Sends a command; until the worker is ready, it is queued.
    pub fn send(&self, command: &Command) {
        let mut command = command.clone();
        if let Command::Start { device, .. } = &mut command {
            self.inner.wish.set(*device);
            if *device == DeviceWish::Auto && self.inner.fallen.borrow().is_some() {
                *device = DeviceWish::Cpu;
            }
        }
        if self.inner.ready.get() {
            self.post(&command);
        } else {
            self.inner.waiting.borrow_mut().push(command);
        }
    }

    /// Ends the worker, whatever it is doing, and starts a new one. That posts `Ready` and needs `Start` like the first one;
    /// it offers the saved run again with `Event::Saved`.
    pub fn restart(&self) {
        if let Some(running) = self.inner.worker.take() {
            running.worker.terminate();
        }
        self.inner.ready.set(false);
        self.inner.opened.set(false);
        self.inner.failed.set(false);
        self.inner.waiting.borrow_mut().clear();
        self.spawn();
    }

    /// The device's reason from the next start on, where the user has given WebGPU up.
    pub fn explain_cpu(&self, reason: &str) {
        self.inner.fallen.replace(Some(reason.to_owned()));
    }

    fn spawn(&self) {
        let worker = match Worker::new(SCRIPT) {
            Ok(worker) => worker,
            Err(_) => return self.fail(Failure::other("This browser refused to start the page's worker.")),
        };
        let link = self.clone();
        let on_message =
            Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| link.receive(&message.data()));
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let link = self.clone();
        let on_error = Closure::<dyn Fn(ErrorEvent)>::new(move |_error: ErrorEvent| {
            link.fail(if link.inner.ready.get() {
                Failure::out_of_memory(
                    "The worker stopped without a message. Most likely it ran out of memory.",
                )
            } else {
                Failure::other("The worker cannot be loaded.")
            });
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        let running = Running { worker, _on_message: on_message, _on_error: on_error };
        self.inner.worker.replace(Some(running));
    }

    fn receive(&self, data: &JsValue) {
        let parts = Array::from(data);
        let text = parts.get(0).as_string().unwrap_or_default();
        let mut event: Event = match serde_json::from_str(&text) {
            Ok(event) => event,
            Err(error) => {
                return self.fail(Failure::other(format!("The worker sent an unknown message ({error}).")));
            }
        };
        match &mut event {
            Event::Ready => {
                self.inner.ready.set(true);
                for command in self.inner.waiting.take() {
                    self.post(&command);
                }
            }
            Event::Device { info, .. } => {
                self.inner.opened.set(true);
                if let Some(reason) = self.inner.fallen.borrow().clone() {
                    info.reason = reason;
                }
            }
            Event::Failed(failure) if failure.fatal => {
                if self.inner.failed.replace(true) {
                    return; // One failure causes others; the first one has the reason.
                }
                if self.falls_back(&failure.message) {
                    return;
                }
            }
            _ => {}
        }
        (self.inner.on_event)(event, parts.get(1).dyn_into().ok());
    }

    /// A graphics driver that fails while it is opened ends the worker: a new one computes on the CPU, unless the device
    /// was asked for by name.
    fn falls_back(&self, message: &str) -> bool {
        let auto = self.inner.wish.get() == DeviceWish::Auto;
        if !auto || self.inner.opened.get() || !self.inner.ready.get() || self.inner.fallen.borrow().is_some()
        {
            return false;
        }
        let reason = format!("WebGPU failed when it was opened: {message}");
        self.inner.fallen.replace(Some(reason));
        // The listener of the old worker is running this very code: end it from the event loop.
        let link = self.clone();
        gloo::timers::callback::Timeout::new(0, move || link.restart()).forget();
        true
    }

    fn fail(&self, failure: Failure) {
        if self.inner.failed.replace(true) || self.falls_back(&failure.message) {
            return;
        }
        (self.inner.on_event)(Event::Failed(failure.fatal()), None);
    }

    fn post(&self, command: &Command) {
        let text = serde_json::to_string(command).expect("commands are plain data");
        if let Some(running) = self.inner.worker.borrow().as_ref() {
            // Text can always be cloned.
            let _ = running.worker.post_message(&text.into());
        }
    }
}
