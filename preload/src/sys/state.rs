//! What the shim knows: read once from the environment, never changed after that.

use super::line::damaged;
use super::process::end;
use super::{cancel, musl, next, secret};
use chbind_policy::bpf::{self, Instruction};
use chbind_policy::wire::{self, ParseError, Room, ShimConfig};
use chbind_policy::{Family, wildcard_filter};
use core::cell::UnsafeCell;
use core::ffi::{CStr, c_char};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicU8, Ordering};

/// The longest text: one string of an environment can have 128 KiB (`MAX_ARG_STRLEN`, linux/binfmts.h).
const TEXT_MAX: usize = 128 * 1024;

/// What is known.
pub(crate) struct Shim {
    /// What the launcher wrote.
    pub(crate) config: ShimConfig<'static>,
    /// The filter for wildcards; empty where it is too long.
    pub(crate) wildcard_filter: &'static [Instruction],
    /// The family of the only address, if nothing needs more: sockets have that address or none of the context's.
    pub(crate) single: Option<Family>,
}

impl Shim {
    /// Whether there is a supervisor to ask.
    pub(crate) fn is_hybrid(&self) -> bool {
        self.config.secret.is_some()
    }
}

/// Written by whoever reads the environment first, read by all others after that.
struct Once<T>(UnsafeCell<MaybeUninit<T>>);

// SAFETY: `STATE` orders the one write before all reads.
unsafe impl<T: Sync> Sync for Once<T> {}

impl<T> Once<T> {
    /// # Safety
    ///
    /// It must have been written, and not be written again.
    unsafe fn get(&self) -> &T {
        // SAFETY: as the caller promises.
        let cell = unsafe { &*self.0.get() };
        // SAFETY: as the caller promises.
        unsafe { cell.assume_init_ref() }
    }

    const fn new() -> Self {
        Once(UnsafeCell::new(MaybeUninit::uninit()))
    }
}

struct Static<T>(UnsafeCell<T>);

// SAFETY: as above.
unsafe impl<T: Sync> Sync for Static<T> {}

static TEXT: Static<[u8; TEXT_MAX]> = Static(UnsafeCell::new([0; TEXT_MAX]));
static ROOM: Static<Room> = Static(UnsafeCell::new(Room::new()));
static WILDCARD_FILTER: Static<[Instruction; bpf::INSTRUCTIONS_MAX]> =
    Static(UnsafeCell::new([Instruction { code: 0, jt: 0, jf: 0, k: 0 }; bpf::INSTRUCTIONS_MAX]));
static SHIM: Once<Shim> = Once::new();

const UNREAD: u8 = 0;
const BEING_READ: u8 = 1;
const READ: u8 = 2;
static STATE: AtomicU8 = AtomicU8::new(UNREAD);

/// What is known. Other libraries may call before our constructor has run.
#[inline]
pub(crate) fn shim() -> &'static Shim {
    if STATE.load(Ordering::Acquire) != READ {
        prepare();
    }
    // SAFETY: READ is set after the only write.
    unsafe { SHIM.get() }
}

#[used]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = prepare;

#[cold]
extern "C" fn prepare() {
    match STATE.compare_exchange(UNREAD, BEING_READ, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        Err(READ) => return,
        Err(_) => {
            // Another thread is at it: programs have no others this early, but libraries may.
            while STATE.load(Ordering::Acquire) != READ {
                core::hint::spin_loop();
            }
            return;
        }
    }
    match read() {
        Ok(shim) => {
            secret::keep(shim.config.secret.unwrap_or_default());
            // SAFETY: BEING_READ: nobody else writes, and nobody reads before READ.
            unsafe { (*SHIM.0.get()).write(shim) };
            next::find();
            cancel::find();
            musl::find();
            STATE.store(READ, Ordering::Release);
        }
        Err(damage) => {
            damaged(damage);
            end(125);
        }
    }
}

/// `None`: there is no such variable.
fn read() -> Result<Shim, Option<ParseError>> {
    let found = variable(wire::VARIABLE.as_bytes()).ok_or(None)?;
    // SAFETY: BEING_READ: this is the only reference, and is never a mutable one again.
    let text = unsafe { &mut *TEXT.0.get() };
    // A program may write over its environment later.
    let copy = text.get_mut(..found.len()).ok_or(Some(ParseError::TooMany))?;
    copy.copy_from_slice(found);
    let text = core::str::from_utf8(copy).map_err(|_| Some(ParseError::Sum))?;
    // SAFETY: as above.
    let room = unsafe { &mut *ROOM.0.get() };
    let config = wire::read(text, room).map_err(Some)?;
    let context = &config.context;
    let only = if let [only] = context.addresses { Some(Family::of(only.ip())) } else { None };
    let rules = &context.rules;
    let is_free = rules.allow_connect.is_empty() && rules.deny_connect.is_empty() && context.keeps_one;
    // SAFETY: as above.
    let filter = unsafe { &mut *WILDCARD_FILTER.0.get() };
    let mut len = 0;
    for instruction in wildcard_filter::program(context) {
        match filter.get_mut(len) {
            Some(place) => *place = instruction,
            None => {
                len = 0;
                break;
            }
        }
        len += 1;
    }
    Ok(Shim { config, wildcard_filter: filter.get(..len).unwrap_or_default(), single: only.filter(|_| is_free) })
}

unsafe extern "C" {
    static environ: *const *const c_char;
}

/// The value of an environment variable.
fn variable(name: &[u8]) -> Option<&'static [u8]> {
    // SAFETY: the C library's own, set before constructors run.
    let mut at = unsafe { environ };
    if at.is_null() {
        return None;
    }
    loop {
        // SAFETY: the environment is an array of texts that ends with a null pointer (environ(7)).
        let entry = unsafe { *at };
        if entry.is_null() {
            return None;
        }
        // SAFETY: as above; the constructor runs before the program could change it.
        let entry = unsafe { CStr::from_ptr(entry) }.to_bytes();
        if let Some(value) = entry.strip_prefix(name).and_then(|rest| rest.strip_prefix(b"=")) {
            return Some(value);
        }
        // SAFETY: this was not the last one.
        at = unsafe { at.add(1) };
    }
}
