//! The functions that execute programs, with the types of the C library (exec(3), posix_spawn(3)). In a child of vfork(2) they
//! run on the memory of the parent: nothing here outlives the call.

use super::call::raw;
use super::errno::failed;
use super::next::{self, Texts};
use super::{Path, as_it_is, number};
use crate::exec::{Before, before};
use crate::program::find;
use chbind_policy::wire::VARIABLE;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr::null;
use libc::{E2BIG, ENOSYS, pid_t};

/// The most texts that fit into arrays of ours.
const TEXTS_MAX: usize = 1024;

unsafe extern "C" {
    static environ: Texts;
}

fn own_environment() -> Texts {
    // SAFETY: the C library's own.
    unsafe { environ }
}

/// Where execvp(3) looks.
fn own_path<'a>() -> Option<&'a [u8]> {
    // SAFETY: the environment is an array of texts (environ(7)).
    unsafe { value(own_environment(), b"PATH") }
}

/// Finds the file as execvp(3) does.
///
/// # Safety
///
/// `file` is null or ends with a zero byte.
unsafe fn found(file: *const c_char) -> Option<Path> {
    // SAFETY: as the caller promises.
    find(unsafe { text(file) }, own_path(), is_executable)
}

/// The bytes of a text; empty where there is none.
///
/// # Safety
///
/// `text` is null or ends with a zero byte.
unsafe fn text<'a>(text: *const c_char) -> &'a [u8] {
    if text.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}

/// The texts of an array.
///
/// # Safety
///
/// `texts` is null or ends with a null pointer.
unsafe fn each(texts: Texts) -> impl Iterator<Item = *const c_char> {
    let mut at = texts;
    core::iter::from_fn(move || {
        if at.is_null() {
            return None;
        }
        // SAFETY: as the caller promises: the last one was not null.
        let text = unsafe { at.read() };
        // SAFETY: the same.
        at = unsafe { at.add(1) };
        if text.is_null() { None } else { Some(text) }
    })
}

/// # Safety
///
/// `environment` as execve(2) asks for.
unsafe fn value<'a>(environment: Texts, name: &[u8]) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    let mut all = unsafe { each(environment) };
    // SAFETY: texts of an environment end with zero bytes.
    all.find_map(|entry| unsafe { text(entry) }.strip_prefix(name)?.strip_prefix(b"="))
}

/// Executes with the environment that goes with the program.
///
/// # Safety
///
/// `environment` as execve(2) asks for.
unsafe fn prepared(
    path: Option<&Path>,
    environment: Texts,
    execute: impl FnOnce(Texts) -> c_int,
) -> Result<c_int, c_int> {
    // SAFETY: as the caller promises.
    let is_named = unsafe { value(environment, VARIABLE.as_bytes()) }.is_some();
    if before(path, is_named) == Before::Nothing {
        return Ok(execute(environment));
    }
    let mut kept = [null(); TEXTS_MAX];
    let mut len = 0;
    // SAFETY: as the caller promises.
    for entry in unsafe { each(environment) } {
        // SAFETY: texts of an environment end with zero bytes.
        let is_context =
            unsafe { text(entry) }.strip_prefix(VARIABLE.as_bytes()).is_some_and(|rest| rest.starts_with(b"="));
        if !is_context {
            // The last one stays null.
            *kept.get_mut(..TEXTS_MAX - 1).and_then(|kept| kept.get_mut(len)).ok_or(E2BIG)? = entry;
            len += 1;
        }
    }
    Ok(execute(kept.as_ptr()))
}

fn is_executable(path: &Path) -> bool {
    let args = [number(libc::AT_FDCWD), path.as_c_str().as_ptr() as usize, number(libc::X_OK), 0, 0, 0];
    // SAFETY: the kernel reads the path up to its zero byte.
    unsafe { raw(libc::SYS_faccessat, args) }.is_ok()
}

/// # Safety
///
/// As execve(2) asks for.
unsafe fn run(path: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: as the caller promises.
    let found = Path::new(unsafe { text(path) });
    let execute = |environment: Texts| match next::execve() {
        // SAFETY: as the caller promises.
        Some(next) => unsafe { next(path, arguments, environment) },
        None => failed(ENOSYS),
    };
    // SAFETY: as the caller promises.
    unsafe { prepared(found.as_ref(), environment, execute) }.unwrap_or_else(failed)
}

/// # Safety
///
/// As execvpe(3) asks for.
unsafe fn run_found(file: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: as above, or as the caller promises.
    let found = unsafe { found(file) };
    let execute = |environment: Texts| match next::execvpe() {
        // SAFETY: as the caller promises.
        Some(next) => unsafe { next(file, arguments, environment) },
        None => failed(ENOSYS),
    };
    // SAFETY: as the caller promises.
    unsafe { prepared(found.as_ref(), environment, execute) }.unwrap_or_else(failed)
}

/// execve(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn execve(path: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: execve(2) asks for the same.
    unsafe { run(path, arguments, environment) }
}

/// execv(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execv(path: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: execv(3) asks for the same.
    unsafe { run(path, arguments, own_environment()) }
}

/// execvp(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execvp(file: *const c_char, arguments: Texts) -> c_int {
    // SAFETY: execvp(3) asks for the same.
    unsafe { run_found(file, arguments, own_environment()) }
}

/// execvpe(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn execvpe(file: *const c_char, arguments: Texts, environment: Texts) -> c_int {
    // SAFETY: execvpe(3) asks for the same.
    unsafe { run_found(file, arguments, environment) }
}

/// What an open file is called, as far as /proc says.
fn named(fd: c_int) -> Option<Path> {
    let mut bytes = *b"/proc/self/fd/\0\0\0\0\0\0\0\0\0\0";
    let mut rest = u32::try_from(fd).ok()?;
    let digits = 1 + rest.checked_ilog10().unwrap_or(0) as usize;
    for place in bytes.get_mut(14..14 + digits)?.iter_mut().rev() {
        *place = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Path::new(bytes.get(..14 + digits)?)
}

/// fexecve(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn fexecve(fd: c_int, arguments: Texts, environment: Texts) -> c_int {
    let execute = |environment: Texts| match next::fexecve() {
        // SAFETY: fexecve(3) asks for the same.
        Some(next) => unsafe { next(fd, arguments, environment) },
        None => failed(ENOSYS),
    };
    // SAFETY: fexecve(3) asks for the same.
    unsafe { prepared(named(fd).as_ref(), environment, execute) }.unwrap_or_else(failed)
}

/// execveat(2)
#[unsafe(no_mangle)]
unsafe extern "C" fn execveat(
    fd: c_int,
    path: *const c_char,
    arguments: Texts,
    environment: Texts,
    flags: c_int,
) -> c_int {
    // SAFETY: execveat(2) asks for the same.
    let written = unsafe { text(path) };
    let found = match written {
        [] => named(fd),
        written if written.starts_with(b"/") || fd == libc::AT_FDCWD => Path::new(written),
        _ => None,
    };
    let execute = |environment: Texts| {
        let args = [number(fd), path as usize, arguments as usize, environment as usize, number(flags), 0];
        as_it_is(libc::SYS_execveat, args).map_or_else(failed, |_| 0)
    };
    // SAFETY: execveat(2) asks for the same.
    unsafe { prepared(found.as_ref(), environment, execute) }.unwrap_or_else(failed)
}

/// posix_spawn(3): the answer is an errno.
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawn(
    pid: *mut pid_t,
    path: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    // SAFETY: posix_spawn(3) asks for the same.
    let found = Path::new(unsafe { text(path) });
    let spawn = |environment: Texts| match next::posix_spawn() {
        // SAFETY: as above.
        Some(next) => unsafe { next(pid, path, actions, attributes, arguments, environment) },
        None => ENOSYS,
    };
    // SAFETY: as above.
    unsafe { prepared(found.as_ref(), environment, spawn) }.unwrap_or_else(|errno| errno)
}

/// posix_spawnp(3)
#[unsafe(no_mangle)]
unsafe extern "C" fn posix_spawnp(
    pid: *mut pid_t,
    file: *const c_char,
    actions: *const c_void,
    attributes: *const c_void,
    arguments: Texts,
    environment: Texts,
) -> c_int {
    // SAFETY: as above, or as the caller promises.
    let found = unsafe { found(file) };
    let spawn = |environment: Texts| match next::posix_spawnp() {
        // SAFETY: as above.
        Some(next) => unsafe { next(pid, file, actions, attributes, arguments, environment) },
        None => ENOSYS,
    };
    // SAFETY: as above.
    unsafe { prepared(found.as_ref(), environment, spawn) }.unwrap_or_else(|errno| errno)
}

/// execl(3), execlp(3) and execle(3) have their arguments one by one: five in registers, the others on the stack.
#[cfg(target_arch = "x86_64")]
mod listed {
    use super::{TEXTS_MAX, Texts, failed, own_environment, run, run_found};
    use core::arch::naked_asm;
    use core::ffi::{c_char, c_int};
    use core::ptr::null;

    const IN_REGISTERS: usize = 5;

    /// Where the arguments after the path are.
    struct Listed {
        registers: Texts,
        stack: Texts,
    }

    impl Listed {
        /// # Safety
        ///
        /// There must be so many.
        unsafe fn at(&self, n: usize) -> *const c_char {
            match n.checked_sub(IN_REGISTERS) {
                // SAFETY: as the caller promises.
                Some(n) => unsafe { *self.stack.wrapping_add(n) },
                // SAFETY: the trampoline has put five there.
                None => unsafe { *self.registers.wrapping_add(n) },
            }
        }

        /// Copies them up to the null pointer. How many there are before it.
        ///
        /// # Safety
        ///
        /// A null pointer ends them.
        unsafe fn copy(&self, to: &mut [*const c_char; TEXTS_MAX]) -> Option<usize> {
            for (n, place) in to.iter_mut().enumerate() {
                // SAFETY: none before was null.
                *place = unsafe { self.at(n) };
                if place.is_null() {
                    return Some(n);
                }
            }
            None
        }
    }

    unsafe extern "C" fn path(path: *const c_char, registers: Texts, stack: Texts) -> c_int {
        let mut texts = [null(); TEXTS_MAX];
        // SAFETY: execl(3) asks for it.
        match unsafe { Listed { registers, stack }.copy(&mut texts) } {
            // SAFETY: as above.
            Some(_) => unsafe { run(path, texts.as_ptr(), own_environment()) },
            None => failed(libc::E2BIG),
        }
    }

    unsafe extern "C" fn file(file: *const c_char, registers: Texts, stack: Texts) -> c_int {
        let mut texts = [null(); TEXTS_MAX];
        // SAFETY: execlp(3) asks for it.
        match unsafe { Listed { registers, stack }.copy(&mut texts) } {
            // SAFETY: as above.
            Some(_) => unsafe { run_found(file, texts.as_ptr(), own_environment()) },
            None => failed(libc::E2BIG),
        }
    }

    unsafe extern "C" fn path_environment(path: *const c_char, registers: Texts, stack: Texts) -> c_int {
        let mut texts = [null(); TEXTS_MAX];
        let listed = Listed { registers, stack };
        // SAFETY: execle(3) asks for it.
        match unsafe { listed.copy(&mut texts) } {
            Some(n) => {
                // SAFETY: the environment comes after the null pointer.
                let environment = unsafe { listed.at(n + 1) };
                // SAFETY: as above.
                unsafe { run(path, texts.as_ptr(), environment.cast()) }
            }
            None => failed(libc::E2BIG),
        }
    }

    /// Puts the five behind each other, before the return address and the others, and says where both are. Five times eight
    /// bytes and the return address leave the stack aligned (System V ABI, 3.2.2).
    macro_rules! trampoline {
        ($name:ident, $to:ident, $page:literal) => {
            #[doc = $page]
            #[unsafe(no_mangle)]
            #[unsafe(naked)]
            unsafe extern "C" fn $name() {
                naked_asm!(
                    "push r9", "push r8", "push rcx", "push rdx", "push rsi",
                    "mov rsi, rsp", "lea rdx, [rsp + 48]",
                    "call {to}",
                    "add rsp, 40", "ret",
                    to = sym $to,
                )
            }
        };
    }

    trampoline!(execl, path, "execl(3)");
    trampoline!(execlp, file, "execlp(3)");
    trampoline!(execle, path_environment, "execle(3)");
}
