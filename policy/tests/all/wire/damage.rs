//! What is wrong with a text: said by its kind, whatever the sum.

use super::*;
use ParseError::{Field, Missing, Sum, TooMany, Version};
use chbind_policy::wire::{ADDRESSES_MAX, HOST_MAX, RULES_MAX};

const LEAST: [&str; 5] = ["N=web", "a=10.0.0.1/24", "l=127.3.232.1", "o=r", "f="];

fn damage(text: &str) -> Option<ParseError> {
    read_in(text).err()
}

/// Of a text with the least that it must have, and these fields, and a right sum.
fn of_fields(more: &str) -> Option<ParseError> {
    damage(&with_sum(&format!("1;{};{more}", LEAST.join(";"))))
}

#[test]
fn another_version() {
    let good = with_sum(&format!("1;{}", LEAST.join(";")));
    assert_eq!(damage(&good), None);
    let rest = LEAST.join(";");
    for start in ["", "2;", "01;", "11;", "1", " 1;", "1 ;", ";1;", "1.0;", "\u{661};"] {
        assert_eq!(damage(&with_sum(&format!("{start}{rest}"))), Some(Version), "{start:?}");
    }
    for text in ["", "1", ";", "x", "no context at all"] {
        assert_eq!(damage(text), Some(Version), "{text:?}");
    }
}

#[test]
fn another_sum() {
    let fields = format!("1;{}", LEAST.join(";"));
    let sum = format!("{:016x}", fnv(&fields));
    for wrong in [
        "".to_owned(),
        sum[1..].to_owned(),
        sum[..15].to_owned(),
        format!("0{sum}"),
        format!("{sum} "),
        format!("+{}", &sum[1..]),
        format!("{:016x}", fnv(&fields) ^ 1),
        format!("{:016x}", 0),
        "g".repeat(16),
        "é".repeat(8),
    ] {
        assert_eq!(damage(&format!("{fields};x={wrong}")), Some(Sum), "{wrong:?}");
    }
    assert_eq!(damage(&fields), Some(Sum));
    assert_eq!(damage(&format!("{fields};y={sum}")), Some(Sum));
    assert_eq!(damage("1;"), Some(Sum));
    assert_eq!(damage("1;x="), Some(Sum));
}

/// There is one way to write a sum, as the launcher does.
#[test]
fn a_sum_in_capital_letters() {
    let secrets = (0..64).map(|n| with_sum(&format!("1;{};s={n:016x}", LEAST.join(";"))));
    let text = secrets.into_iter().find(|text| fnv(&text[..text.len() - 19]) & 0xf > 9).unwrap();
    let (fields, sum) = text.rsplit_once(";x=").unwrap();
    let capital = format!("{fields};x={}", sum.to_ascii_uppercase());
    assert_ne!(capital, text);
    assert_eq!(damage(&capital), Some(Sum), "{capital}");
}

#[test]
fn a_field_is_missing() {
    for without in 0..LEAST.len() {
        let fields: Vec<_> = LEAST.iter().enumerate().filter(|(n, _)| *n != without).map(|(_, field)| *field).collect();
        assert_eq!(damage(&with_sum(&format!("1;{}", fields.join(";")))), Some(Missing), "{fields:?}");
    }
}

#[test]
fn a_field_is_there_twice() {
    for field in LEAST.into_iter().filter(|field| !field.starts_with('a')) {
        assert_eq!(of_fields(field), Some(Field), "{field}");
    }
    for field in ["L=::1", "e=1:2", "s=0123456789abcdef"] {
        assert_eq!(of_fields(field), None, "{field}");
        assert_eq!(of_fields(&format!("{field};{field}")), Some(Field), "{field}");
    }
    // Of these there may be any number.
    for field in ["a=10.0.0.1/24", "p=80", "d=::1", "B=t80-80", "b=*0-65535", "C=u53-53@10.0.0.0/8", "c=*1-2@*"] {
        assert_eq!(of_fields(&format!("{field};{field}")), None, "{field}");
    }
}

#[test]
fn a_field_that_says_nothing() {
    let bad = [
        // Letters.
        "",
        ";",
        "z=1",
        "A=10.0.0.1/24",
        "n=web",
        "aa=10.0.0.1/24",
        "a",
        "=",
        "=1",
        "x=0",
        " a=10.0.0.1/24",
        "é=1",
        // Names are in LEAST, and so are the others that are there once.
        "a=",
        "a=10.0.0.1",
        "a=10.0.0.1/",
        "a=10.0.0.1/33",
        "a=fd00::1/129",
        "a=10.0.0.1/+8",
        "a=10.0.0.1/-8",
        "a=10.0.0.1/256",
        "a=10.0.0.1/8/8",
        "a=10.0.0/8",
        "a=10.0.0.01/8",
        "a=[fd00::1]/64",
        "a=::ffff:10.0.0.1/128",
        "a=::ffff:10.0.0.1/24",
        "a=fe80::1%2/64",
        "a=fe80::1/64%",
        "a=fe80::1/64%0",
        "a=fe80::1/64%+2",
        "a=fe80::1/64%4294967296",
        "a=fe80::1/64%2%2",
        "a=fe80::1/64%lo",
        "a=10.0.0.1/24 ",
        "L=",
        "L=127.0.0.1",
        "L=::1%1",
        "L=::1/128",
        "L=x",
        "p=",
        "p=65536",
        "p=+1",
        "p=-1",
        "p= 1",
        "p=0x50",
        "p=1-2",
        "p=99999999999999999999999",
        "d=",
        "d=10.0.0",
        "d=10.0.0.1/8",
        "d=::1%1",
        "d=name",
        "B=",
        "B=80",
        "B=80-80",
        "B=t",
        "B=t80",
        "B=t80-",
        "B=t-80",
        "B=t90-80",
        "B=t+80-90",
        "B=t80-+90",
        "B=t1-65536",
        "B=x1-2",
        "B=T1-2",
        "B=tu1-2",
        "B=t1-2-3",
        "B=t1-2@*",
        "B=é1-2",
        "b=t90-80",
        "b=",
        "C=",
        "C=*0-1",
        "C=*0-1@",
        "C=@*",
        "C=*1-0@*",
        "C=*0-1@10.0.0.0",
        "C=*0-1@10.0.0.0/33",
        "C=*0-1@**",
        "C=*0-1@::ffff:10.0.0.0/104",
        "C=*0-1@::/129",
        "C=*0-1@10.0.0.0/8@*",
        "C=*0-65536@*",
        "c=*0-1",
        "c=x0-1@*",
        "e=",
        "e=1",
        "e=1:",
        "e=:1",
        "e=g:1",
        "e=1:+1",
        "e=1:2:3",
        "e=0x1:2",
        "e=10000000000000000:1",
        "e=-1:1",
        "s=",
        "s=0123456789abcde",
        "s=0123456789abcdef0",
        "s=+123456789abcdef",
        "s=0123456789abcdeg",
        "s=ééééaaaaaaaa",
    ];
    for field in bad {
        assert_eq!(of_fields(field), Some(Field), "{field:?}");
    }
    // In place of what must be there once.
    for (n, bad) in [
        (0, &["N=a b", "N=%", "N=%1", "N=%+1", "N=%g0", "N=%1é", "N=ä", "N=a/b", "N=a=b"][..]),
        (2, &["l=", "l=::1", "l=127.1", "l=127.0.0.1/8", "l=127.0.0.01", "l=+127.0.0.1"]),
        (3, &["o=", "o=x", "o=R", "o=rr", "o=r "]),
        (4, &["f=z", "f=M", "f=m,n", "f= ", "f=é"]),
    ] {
        for bad in bad {
            let mut fields = LEAST;
            fields[n] = bad;
            assert_eq!(damage(&with_sum(&format!("1;{}", fields.join(";")))), Some(Field), "{bad:?}");
        }
    }
}

/// All addresses of a context are canonical.
#[test]
fn v4_mapped_addresses_besides_those_of_the_context() {
    for field in ["d=::ffff:127.0.0.53", "L=::ffff:127.3.232.1"] {
        assert_eq!(of_fields(field), Some(Field), "{field:?}");
    }
}

#[test]
fn as_many_as_there_is_room_for() {
    // LEAST has an address.
    for (field, most) in [
        ("a=fd00::1/64", ADDRESSES_MAX - 1),
        ("p=80", HOST_MAX),
        ("d=::1", HOST_MAX),
        ("B=t1-2", RULES_MAX),
        ("b=t1-2", RULES_MAX),
        ("C=t1-2@*", RULES_MAX),
        ("c=t1-2@*", RULES_MAX),
    ] {
        assert_eq!(of_fields(&vec![field; most].join(";")), None, "{field}");
        assert_eq!(of_fields(&vec![field; most + 1].join(";")), Some(TooMany), "{field}");
    }
}

#[test]
fn words_for_each() {
    let said = [Version, Sum, Field, Missing, TooMany].map(|damage| damage.to_string());
    assert!(said.iter().all(|words| words.starts_with("it ") || words.starts_with("a part ")), "{said:?}");
    assert!((1..said.len()).all(|n| !said[..n].contains(&said[n])), "{said:?}");
}
