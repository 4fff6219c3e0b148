//! The text by which a context reaches the shim: what was written is read again, what was changed is not taken.

mod damage;
mod told;

use crate::common::*;
use chbind_policy::Context;
use chbind_policy::wire::{Name, ParseError, Room, ShimConfig, VARIABLE, read, write};
use proptest::prelude::*;
use told::{Told, any_told};

/// What is not optimised is slow.
const CASES: u32 = if cfg!(debug_assertions) { 500 } else { 10_000 };

fn text_of(config: &ShimConfig) -> String {
    let mut text = String::new();
    write(config, &mut text).unwrap();
    text
}

/// All that a config says. Its name by its bytes: it is encoded in the text.
fn meaning(config: &ShimConfig) -> String {
    let ShimConfig { context, name, hides_interfaces, quiet, verbose, stderr, secret } = *config;
    let name: Vec<u8> = name.bytes().collect();
    format!("{context:?} {name:?} {hides_interfaces} {quiet} {verbose} {stderr:?} {secret:?}")
}

/// What is read in a text.
fn read_in(text: &str) -> Result<String, ParseError> {
    read(text, &mut Room::default()).map(|config| meaning(&config))
}

/// FNV-1a, from its description (draft-eastlake-fnv), byte by byte.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(14_695_981_039_346_656_037, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(1_099_511_628_211))
}

/// These fields with the sum that goes with them.
fn with_sum(fields: &str) -> String {
    format!("{fields};x={:016x}", fnv(fields))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(told in any_told()) {
        let config = told.config();
        let text = text_of(&config);
        prop_assert_eq!(read_in(&text), Ok(meaning(&config)), "{}", text);
        // It goes through an environment and past shells.
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()), "{}", text);
        // The room may have held something before.
        let mut room = Room::default();
        let other = text_of(&Told::of(fullest()).config());
        read(&other, &mut room).unwrap();
        prop_assert_eq!(read(&text, &mut room).map(|config| meaning(&config)), Ok(meaning(&config)));
    }

    #[test]
    fn what_was_read_is_written_the_same_way(told in any_told()) {
        let text = text_of(&told.config());
        let mut room = Room::default();
        prop_assert_eq!(text_of(&read(&text, &mut room).unwrap()), text);
    }

    #[test]
    fn what_was_changed_is_not_taken(told in any_told(), at: prop::sample::Index, byte: u8) {
        let text = text_of(&told.config());
        let at = at.index(text.len());
        let mut changed = text.clone().into_bytes();
        changed[at] = byte;
        if let Ok(changed) = String::from_utf8(changed)
            && changed != text
        {
            prop_assert!(read_in(&changed).is_err(), "{}", changed);
        }
        prop_assert!(read_in(&text[..at]).is_err(), "{}", &text[..at]);
    }

    #[test]
    fn noise_is_not_taken(text in ".*", fields in "(;?[A-Za-z]=?[0-9a-f.:%/*@-]{0,12}){0,8}") {
        prop_assert!(read_in(&text).is_err());
        let fields = format!("1{fields}");
        prop_assert!(read_in(&fields).is_err());
    }

    #[test]
    fn fields_that_anybody_wrote_mean_what_they_say(fields in "1;N=[a-z%0-9]{0,4};a=10.0.0.1/24(;[aldpoBbCces]=[tu*a-f0-9.:%/@+-]{0,12}){0,3};l=127.3.232.1;o=[rhd];f=[minqv]{0,2}") {
        let text = with_sum(&fields);
        if let Ok(meaning) = read_in(&text) {
            let mut room = Room::default();
            let again = text_of(&read(&text, &mut room).unwrap());
            prop_assert_eq!(read_in(&again), Ok(meaning), "{} and {}", text, again);
        }
    }
}

/// A context that has something of everything.
fn fullest() -> Context<'static> {
    *contexts().last().unwrap()
}

#[test]
fn the_form_is_that_of_the_description() {
    let told = Told { name: "web 1".to_owned(), ..Told::of(s()) };
    assert_eq!(text_of(&told.config()), with_sum("1;N=web%201;a=10.0.0.1/24;l=127.3.232.1;o=r;f="));
    let context = Context { host_loopback: &[5432], ..with_lback6(context(&["10.0.0.1/24", "fe80::1/64%3"])) };
    let told = Told { stderr: Some((0x1a, 0x2b)), secret: Some(0xc0f_fee0), quiet: true, ..Told::of(context) };
    let fields = "1;N=web;a=10.0.0.1/24;a=fe80::1/64%3;l=127.3.232.1;L=fd00:1::99;o=r;p=5432;f=q;e=1a:2b";
    assert_eq!(text_of(&told.config()), with_sum(&format!("{fields};s=000000000c0ffee0")));
    assert_eq!(VARIABLE, "CHBIND_CONTEXT");
}

/// Every one of them, where a property tries some.
#[test]
fn no_other_byte_no_end_and_no_more() {
    for context in contexts() {
        let told = Told { stderr: Some((1, 2)), secret: Some(0xdead_beef_0bad_cafe), ..Told::of(context) };
        let text = text_of(&told.config());
        let mut room = Room::default();
        let mut is_taken = |text: &str| read(text, &mut room).is_ok();
        assert!(is_taken(&text));
        for at in 0..text.len() {
            assert!(!is_taken(&text[..at]), "{}", &text[..at]);
            assert!(!is_taken(&text[at + 1..]), "{}", &text[at + 1..]);
            for byte in (0..128u8).filter(|byte| *byte != text.as_bytes()[at]) {
                let mut changed = text.clone().into_bytes();
                changed[at] = byte;
                let changed = String::from_utf8(changed).unwrap();
                assert!(!is_taken(&changed), "{changed:?}");
                let longer = format!("{}{}{}", &text[..at], char::from(byte), &text[at..]);
                assert!(!is_taken(&longer), "{longer:?}");
            }
            let shorter = format!("{}{}", &text[..at], &text[at + 1..]);
            assert!(!is_taken(&shorter), "{shorter:?}");
        }
        for byte in 0..128u8 {
            assert!(!is_taken(&format!("{text}{}", char::from(byte))));
        }
        for more in [";", ";f=", ";x=", &text, &with_sum(&text)[text.len()..]] {
            assert!(!is_taken(&format!("{text}{more}")), "{more:?} after it");
        }
    }
}

#[test]
fn names_of_any_bytes() {
    let all: String = (0..=255u8).map(|byte| format!("%{byte:02x}")).collect();
    for name in ["", "web", "a.b_c-d", "%", "%41", "%zz", "a;x=1", "ein ä 名", "\u{0}\n\u{7f}", "=;=;"] {
        let told = Told { name: name.to_owned(), ..Told::of(s()) };
        let text = text_of(&told.config());
        let mut room = Room::default();
        assert_eq!(read(&text, &mut room).unwrap().name.bytes().collect::<Vec<_>>(), name.as_bytes(), "{text}");
    }
    let told = Told::of(s());
    for (encoded, bytes) in [(all.as_str(), (0..=255).collect::<Vec<u8>>()), ("%fF%00a", vec![0xff, 0, b'a'])] {
        let text = text_of(&ShimConfig { name: Name::Encoded(encoded), ..told.config() });
        let mut room = Room::default();
        assert_eq!(read(&text, &mut room).unwrap().name.bytes().collect::<Vec<_>>(), bytes, "{text}");
    }
}
