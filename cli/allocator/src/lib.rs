//! The allocator of the native programs. mimalloc gives memory back to the system after a second, so that a step of
//! training, which frees gigabytes and asks for them again, would wait for the system to clear them each time.

use std::ffi::c_long;

use libmimalloc_sys::{mi_collect, mi_option_get, mi_option_set, mi_option_t};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of mimalloc 3, which its Rust crate does not name: milliseconds until free memory is given back.
const PURGE_DELAY: mi_option_t = 15;

/// mimalloc's own value.
const BEFORE: c_long = 1_000;

/// Longer than a step takes.
const DELAY: c_long = 60_000;

/// Keeps free memory for a minute, unless the environment variable `MIMALLOC_PURGE_DELAY` says how long.
pub fn keep_memory() {
    if delay() == BEFORE && std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: sets a number of the allocator, which may be done from any thread and at any time.
        unsafe { mi_option_set(PURGE_DELAY, DELAY) }
    }
}

/// Gives free memory back to the system now: what training steps have freed, before a checkpoint asks for pieces of other
/// sizes, and what the checkpoint has freed.
pub fn give_back() {
    // SAFETY: frees what is free already, which may be done from any thread and at any time.
    unsafe { mi_collect(true) }
}

fn delay() -> c_long {
    // SAFETY: reads a number of the allocator.
    unsafe { mi_option_get(PURGE_DELAY) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Red where a version of mimalloc numbers its options in another way.
    #[test]
    fn the_option_is_the_delay_and_is_set() {
        assert_eq!(delay(), BEFORE);
        keep_memory();
        assert_eq!(delay(), DELAY);
    }
}
