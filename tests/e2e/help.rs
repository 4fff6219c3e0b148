//! What both commands say of how they are used: help that fits a screen, and hints for what was mistyped.

use crate::messages::refused;
use chbind_tests::{Case, Outcome, Test, cases, ensure, ensure_eq};

pub(crate) fn cases() -> Vec<Case> {
    cases![both: version, pages, headings, one_screen, lone_word, mistyped_options, wrong_values, mistyped_tasks]
}

const HEADINGS: [&str; 6] = ["Addresses:", "Loopback:", "Rules:", "Enforcement:", "Process:", "Messages:"];

fn shown(t: &Test, words: &str) -> Outcome<String> {
    let done = t.native(words).run()?.ok()?;
    ensure!(done.stderr.is_empty(), "{done}");
    Ok(done.stdout)
}

fn version(t: &Test) -> Outcome {
    for option in ["--version", "-V"] {
        let version = shown(t, &format!("chbind {option}"))?;
        ensure!(version.starts_with("chbind ") && version.lines().count() == 1, "{version}");
    }
    Ok(())
}

/// No page has a line that an ordinary terminal breaks.
fn pages(t: &Test) -> Outcome {
    let of_chbindctl = ["chbindctl --help", "chbindctl -h", "chbindctl help inspect", "chbindctl find --help"];
    for words in ["chbind --help", "chbind -h"].into_iter().chain(of_chbindctl) {
        let page = shown(t, words)?;
        let longest = page.lines().map(|line| line.chars().count()).max().unwrap_or_default();
        ensure!(longest <= 100, "{words}: a line of {longest}\n{page}");
        ensure!(!page.lines().any(|line| line.ends_with(' ')), "{words}: blanks at the end of a line\n{page}");
        ensure!(page.contains("Usage: "), "{words}: {page}");
    }
    Ok(())
}

/// Each option stands under a heading, and under each heading there is an example.
fn headings(t: &Test) -> Outcome {
    let page = shown(t, "chbind --help")?;
    let (mut heading, mut found, mut with_example) = ("", Vec::new(), Vec::new());
    for line in page.lines() {
        match line.trim_start().split(' ').next().unwrap_or_default() {
            _ if HEADINGS.contains(&line) => heading = line,
            "" => heading = "",
            "Example:" => with_example.push(heading),
            word if word.starts_with('-') && line.starts_with("  ") => {
                ensure!(!heading.is_empty(), "under no heading: {line}");
                found.extend(line.split_whitespace().find(|word| word.starts_with("--")));
            }
            _ => {}
        }
    }
    ensure_eq!(with_example, HEADINGS);
    for option in ["--ip", "--nid", "--lback", "--loopback", "--host-loopback", "--process", "--strict", "--help"] {
        ensure!(found.contains(&option), "--help says nothing of {option}");
    }
    Ok(())
}

fn one_screen(t: &Test) -> Outcome {
    let page = shown(t, "chbind -h")?;
    ensure!(page.lines().count() <= 24, "{} lines:\n{page}", page.lines().count());
    for word in ["--ip", "--strict", "Example: ", "chbind --help"] {
        ensure!(page.contains(word), "-h says nothing of {word}");
    }
    Ok(())
}

/// `help` alone asks for it; with options it is a command as any other.
fn lone_word(t: &Test) -> Outcome {
    ensure_eq!(shown(t, "chbind help")?, shown(t, "chbind --help")?);
    ensure_eq!(shown(t, "chbindctl help")?, shown(t, "chbindctl --help")?);
    ensure_eq!(shown(t, "chbindctl help inspect")?, shown(t, "chbindctl inspect --help")?);
    for words in ["chbind --ip 10.0.0.1 help", "chbind --ip 10.0.0.1 -- help"] {
        t.native(words).run()?.exited(127)?.printed("")?.told(&["chbind: 'help': command not found"])?;
    }
    for words in ["chbind help help", "chbind -- help"] {
        t.native(words).run()?.exited(125)?.printed("")?.told(&["chbind: no addresses given"])?;
    }
    Ok(())
}

/// What chbind says of options that it cannot use: a sentence, and a hint on a line of its own.
fn unusable(t: &Test, options: &str, sentence: &str, hint: &str) -> Outcome {
    let options = format!("--ip 10.0.0.1 {options}");
    refused(t, &options, &[&format!("chbind: {sentence}")])?;
    refused(t, &options, &[&format!("hint: {hint}")])
}

const USAGE: &str = "'chbind --help' shows how it is used";

fn mistyped_options(t: &Test) -> Outcome {
    for (typed, hint) in [
        ("--ipp", "did you mean --ip?"),
        ("--lopback", "did you mean --loopback?"),
        ("--alow-bind", "did you mean --allow-bind?"),
        ("--xyzzy", USAGE),
        ("-x", USAGE),
    ] {
        unusable(t, typed, &format!("'{typed}': no such option"), hint)?;
    }
    unusable(t, "--lopback=deny", "'--lopback': no such option", "did you mean --loopback?")
}

/// The values that there are, and the one that may have been meant.
fn wrong_values(t: &Test) -> Outcome {
    for (typed, sentence, hint) in [
        ("--loopback maybe", "--loopback 'maybe': not one of remap, host, deny", USAGE),
        ("--enforce sec", "--enforce 'sec': not one of seccomp, hybrid, preload", "did you mean --enforce seccomp?"),
        ("--process parents", "--process 'parents': not one of exec, parent", "did you mean --process parent?"),
        ("--host-loopback 70000", "--host-loopback '70000': not a port from 1 to 65535", USAGE),
        ("--host-loopback http", "--host-loopback 'http': not a port from 1 to 65535", USAGE),
        ("--strict=yes", "--strict takes no value", USAGE),
        ("--nid 2 --nid 3", "--nid is given twice", USAGE),
        ("-v -q", "--verbose and --quiet exclude each other", USAGE),
        ("--loopback=", "--loopback: a value is missing", "write it as --loopback MODE"),
    ] {
        unusable(t, typed, sentence, hint)?;
    }
    t.native("chbind --ip").run()?.exited(125)?.told(&["chbind: --ip: a value is missing"])?;
    Ok(())
}

fn mistyped_tasks(t: &Test) -> Outcome {
    for (words, sentence, hint) in [
        ("inspct true", "'inspct': no such task", "did you mean inspect?"),
        ("xyzzy", "'xyzzy': no such task", "'chbindctl --help' shows how it is used"),
        ("find a b", "'b': one word too many", "'chbindctl --help' shows how it is used"),
        ("find --helpp", "'--helpp': no such option", "did you mean --help?"),
    ] {
        let done = t.native("chbindctl").words(words).run()?.exited(125)?.printed("")?;
        done.told(&[&format!("chbindctl: {sentence}")])?.told(&[&format!("hint: {hint}")])?;
    }
    Ok(())
}
