//! The text by which a context reaches the shim: whatever it is nothing panics, and what is taken means, written again, the
//! same. No input has a right sum by chance, so that is added to each as well.
#![no_main]

use chbind_fuzz::input::Input;
use chbind_fuzz::parts::Parts;
use chbind_fuzz::world;
use chbind_policy::wire::{Name, Room, ShimConfig, read, write};
use std::cell::RefCell;

thread_local! {
    /// It is large.
    static ROOMS: RefCell<[Box<Room>; 2]> = RefCell::default();
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    ROOMS.with_borrow_mut(|rooms| {
        if let Ok(text) = std::str::from_utf8(data) {
            understood(text, rooms);
            understood(&with_sum(text), rooms);
            understood(&with_sum(&format!("1;N=web;a=10.0.0.1/24;l=127.3.232.1;o=r;f=;{text}")), rooms);
        }
        let mut input = Input(data);
        let parts = world::any(&mut input);
        if !parts.addresses.is_empty() {
            told(&parts, &mut input, rooms);
        }
    });
});

/// FNV-1a (draft-eastlake-fnv).
fn with_sum(fields: &str) -> String {
    let step = |sum: u64, byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let sum = fields.bytes().fold(0xcbf2_9ce4_8422_2325, step);
    format!("{fields};x={sum:016x}")
}

fn text_of(config: &ShimConfig) -> String {
    let mut text = String::new();
    write(config, &mut text).expect("a text takes all");
    text
}

/// All that it says; its name by its bytes, for it is another when it is encoded.
fn meaning(config: &ShimConfig) -> String {
    let ShimConfig { context, name, hides_interfaces, quiet, verbose, stderr, secret } = *config;
    let name: Vec<u8> = name.bytes().collect();
    format!("{context:?} {name:?} {hides_interfaces} {quiet} {verbose} {stderr:?} {secret:?}")
}

fn understood(text: &str, [room, other]: &mut [Box<Room>; 2]) {
    match read(text, room) {
        Ok(config) => {
            let own = config.context.addresses.iter().map(|own| own.ip());
            let peers = [config.context.rules.allow_connect, config.context.rules.deny_connect].concat();
            let peers = peers.into_iter().filter_map(|rule| rule.peers).map(|net| net.addr());
            assert!(own.chain(peers).all(|ip| ip == ip.to_canonical()), "{text}");
            assert!(!config.context.addresses.is_empty() && config.context.rules.granted.is_empty(), "{text}");
            let again = text_of(&config);
            let meant = read(&again, other).map(|config| meaning(&config));
            assert_eq!(meant, Ok(meaning(&config)), "{text} was written {again}");
        }
        Err(damage) => assert!(!damage.to_string().is_empty()),
    }
}

/// What a launcher could write is read, and one wrong byte in it is found.
fn told(parts: &Parts, input: &mut Input, [room, _]: &mut [Box<Room>; 2]) {
    let flags = input.byte();
    let numbers = [(); 3].map(|()| u64::from_le_bytes(input.array()));
    let (at, byte) = (input.number() as usize, input.byte());
    let name = String::from_utf8_lossy(input.bytes(64)).into_owned();
    let config = ShimConfig {
        context: parts.context(),
        name: Name::Plain(&name),
        hides_interfaces: flags & 1 != 0,
        quiet: flags & 2 != 0,
        verbose: flags & 4 != 0,
        stderr: (flags & 8 != 0).then_some((numbers[0], numbers[1])),
        secret: (flags & 16 != 0).then_some(numbers[2]),
    };
    let text = text_of(&config);
    assert_eq!(read(&text, room).map(|config| meaning(&config)), Ok(meaning(&config)), "{text}");
    let mut changed = text.clone().into_bytes();
    let at = at % changed.len();
    changed[at] = byte;
    if let Ok(changed) = String::from_utf8(changed)
        && changed != text
        // The sum is a number, in letters of either size.
        && !changed.eq_ignore_ascii_case(&text)
    {
        assert!(read(&changed, room).is_err(), "{changed}");
    }
}
