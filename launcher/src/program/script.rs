//! The first line of a script, read as the kernel's `load_script` (fs/binfmt_script.c) reads it.

/// How much of a file the kernel looks at (`BINPRM_BUF_SIZE`).
pub const HEAD: usize = 256;

/// What a script names on its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The program that runs it.
    pub interpreter: Vec<u8>,
    /// All that follows, as one argument.
    pub argument: Option<Vec<u8>>,
}

/// Reads the first [`HEAD`] bytes of a file, or all if it has less. `None` if it is no script, or one that the kernel does
/// not take (ENOEXEC): one without an interpreter, or whose name may be cut off.
pub fn read(head: &[u8]) -> Option<Line> {
    // The kernel has zeroes behind a short file.
    let mut bytes = [0; HEAD];
    let length = head.len().min(HEAD);
    bytes.get_mut(..length)?.copy_from_slice(head.get(..length)?);
    let text = bytes.strip_prefix(b"#!")?;
    let line = match text.iter().position(|byte| matches!(byte, b'\n' | 0)).filter(|at| text.get(*at) == Some(&b'\n')) {
        Some(end) => text.get(..end)?,
        // Without its end in sight, the name of the interpreter must have one: a blank or a zero.
        None => {
            let name = text.iter().position(|byte| !is_blank(byte))?;
            text.get(name..)?.iter().find(|byte| is_end(byte))?;
            // The kernel writes its zero over the last byte.
            text.get(..text.len() - 1)?
        }
    };
    let line = line.get(..line.iter().rposition(|byte| !is_blank(byte))? + 1)?;
    let line = line.get(line.iter().position(|byte| !is_blank(byte))?..)?;
    let (interpreter, rest) = line.split_at(line.iter().position(is_end).unwrap_or(line.len()));
    let argument = match rest.first() {
        None | Some(0) => None,
        Some(_) => rest.iter().position(|byte| !is_blank(byte)).and_then(|at| rest.get(at..)),
    };
    let argument = argument.and_then(|argument| argument.split(|byte| *byte == 0).next());
    Some(Line { interpreter: interpreter.to_vec(), argument: argument.map(<[u8]>::to_vec) })
}

fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_end(byte: &u8) -> bool {
    is_blank(byte) || *byte == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(head: &[u8]) -> Option<(String, Option<String>)> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        read(head).map(|line| (text(line.interpreter), line.argument.map(text)))
    }

    fn names(head: &[u8], interpreter: &str, argument: Option<&str>) {
        assert_eq!(line(head), Some((interpreter.to_owned(), argument.map(str::to_owned))), "{head:?}");
    }

    #[test]
    fn interpreters_and_arguments() {
        names(b"#!/bin/sh\n", "/bin/sh", None);
        names(b"#!/bin/sh", "/bin/sh", None);
        names(b"#! \t/bin/sh \t \n", "/bin/sh", None);
        names(b"#!/usr/bin/env -S python3 -u  \nx", "/usr/bin/env", Some("-S python3 -u"));
        names(b"#!/bin/sh\t-e", "/bin/sh", Some("-e"));
        names(b"#!/bin/sh -e\0-x\n", "/bin/sh", Some("-e"));
        names(b"#!/bin/sh\0 -e\n", "/bin/sh", None);
        // The carriage return of another system is a part of the name.
        names(b"#!/bin/sh\r\n", "/bin/sh\r", None);
        // An empty name is one, which nothing has.
        names(b"#!", "", None);
        names(b"#!\0\n", "", None);
    }

    #[test]
    fn not_taken() {
        for head in [&b""[..], b"#", b"!#/bin/sh\n", b" #!/bin/sh\n", b"#!\n", b"#! \t \n", b"#! \t \n/bin/sh\n"] {
            assert_eq!(line(head), None, "{head:?}");
        }
    }

    #[test]
    fn what_is_cut_off() {
        let name = |length: usize| "/".repeat(length);
        let script = |length: usize, rest: &str| format!("#!{}{rest}", name(length)).into_bytes();
        // With its end within the first 256 bytes, or followed by a blank there, a name is whole.
        names(&script(253, "\n"), &name(253), None);
        names(&script(253, " -x\n"), &name(253), None);
        names(&script(252, " -x\n"), &name(252), None);
        names(&script(251, " -x\n"), &name(251), Some("-"));
        assert_eq!(line(&script(254, "\n")), None);
        assert_eq!(line(&script(300, "\n")), None);
        assert_eq!(line(&[b"#!".to_vec(), vec![b' '; 254]].concat()), None);
        assert_eq!(line(&[b"#!".to_vec(), vec![b' '; 253], b"/x\n".to_vec()].concat()), None);
    }
}
