//! What was seen in a program file, a fact on each line.

use super::program::{because, shown};
use crate::program::{Inspection, SYSCALL, Step, Why};
use std::fmt::Display;

/// The facts, and what they come to for each enforcement.
pub(in crate::cli) fn text(of: &Inspection) -> String {
    let elf = &of.elf;
    let mut lines: Vec<(&str, String)> = of.chain.iter().map(|step| ("script", script(step))).collect();
    let loader = elf.interpreter.as_ref().map(|loader| {
        let missing = if of.lacks_loader { ", which cannot be executed here" } else { "" };
        shown(loader) + missing
    });
    let linking = match (&loader, elf.movable) {
        (Some(_), _) => "dynamic",
        (None, false) => "static",
        (None, true) => "static, at any address",
    };
    let set_id = [("user", of.set_user_id), ("group", of.set_group_id)];
    let set_id = set_id.iter().filter_map(|(kind, id)| id.map(|id| format!("{kind} {id}")));
    // A file can have an empty set of them, which is not the same as none.
    let capabilities = of.capabilities.as_ref().map(|names| list(names, "an empty set"));
    lines.extend([
        ("program", shown(&of.path)),
        ("class", elf.class.to_string()),
        ("machine", elf.machine.to_string()),
        ("linking", linking.to_owned()),
        ("loader", loader.unwrap_or_else(none)),
        ("C library", of.libc().map_or_else(none, |libc| libc.to_string())),
        ("libraries", list(elf.needed.iter().map(shown), "none")),
        ("set-id", list(set_id, "none")),
        ("capabilities", capabilities.unwrap_or_else(none)),
        ("imports", list(&elf.imports, "none")),
    ]);
    lines.extend(enforcements(of));
    lines.iter().map(|(key, value)| format!("{key}: {value}\n")).collect()
}

fn none() -> String {
    "none".to_owned()
}

fn list(names: impl IntoIterator<Item = impl Display>, without: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() { without.to_owned() } else { names.join(", ") }
}

fn script(step: &Step) -> String {
    let argument = step.argument.as_ref().map(|argument| format!(" with '{}'", shown(argument))).unwrap_or_default();
    let why = if step.by_shell { ", for the kernel takes it for no program" } else { "" };
    format!("{}, run by {}{argument}{why}", shown(&step.script), shown(&step.interpreter))
}

/// Whether each enforcement works, and why not.
fn enforcements(of: &Inspection) -> [(&'static str, String); 3] {
    const OUTSIDE: &str = "every checked call meets the supervisor";
    const NO_SOCKETS: &str = "32-bit programs have no sockets";
    let yes = |but: &str| format!("yes{but}");
    let why = of.obstacle().map(|obstacle| obstacle.why);
    let seccomp = match &why {
        Some(why @ Why::NoLoader(_)) => format!("no: {}", because(why)),
        Some(Why::OtherMachine(machine)) => format!("no: this host does not run programs for {machine}"),
        Some(Why::OtherClass(_)) => yes(&format!(", but {NO_SOCKETS}")),
        Some(Why::SetId { .. }) => yes(", but without the rights of its file if chbind is run by an ordinary user"),
        Some(Why::FileCapabilities(_)) => yes(
            ", but without the rights of its file if chbind is run by an ordinary user; root may need --keep-cap for it",
        ),
        Some(Why::Static | Why::UnknownLibc(_) | Why::Go) | None => yes(""),
    };
    let hybrid = match &why {
        Some(Why::NoLoader(_) | Why::OtherMachine(_)) => seccomp.clone(),
        Some(Why::OtherClass(_)) => yes(&format!(", but nothing of it runs inside the process: {NO_SOCKETS}")),
        Some(Why::SetId { .. } | Why::FileCapabilities(_)) => yes(&format!(
            ", but nothing of it runs inside the process while that has the rights of its file: {OUTSIDE}"
        )),
        Some(Why::Static | Why::UnknownLibc(_)) => {
            yes(&format!(", but nothing of it runs inside the process: {OUTSIDE}"))
        }
        Some(Why::Go) => yes(&format!(", but the program calls nothing of it: {OUTSIDE}")),
        None if calls_by_itself(of) => yes("; system calls of its own (syscall) meet the supervisor"),
        None => yes(""),
    };
    let preload = match &why {
        Some(Why::OtherMachine(_) | Why::NoLoader(_)) => seccomp.clone(),
        Some(why) => format!("no: {}; use --enforce seccomp", because(why)),
        None if calls_by_itself(of) => {
            yes(", but it makes system calls of its own (syscall): seen under hybrid and seccomp only")
        }
        None => yes(""),
    };
    [("seccomp", seccomp), ("hybrid", hybrid), ("preload", preload)]
}

fn calls_by_itself(of: &Inspection) -> bool {
    of.elf.imports.contains(&SYSCALL)
}
