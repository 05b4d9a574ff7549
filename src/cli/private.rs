//! The files of the register are their owner's alone.

use std::path::Path;

/// Whatever this process makes from here on is its owner's alone, whatever the machine's umask.
pub fn by_default() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Takes what others may do with the files of a SQLite register away from them, and says so.
#[cfg(unix)]
pub fn narrow(register: &Path) {
    use std::os::unix::fs::PermissionsExt;
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut name = register.as_os_str().to_owned();
        name.push(suffix);
        let file = Path::new(&name);
        let Ok(metadata) = file.metadata() else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 == 0 {
            continue;
        }
        let file = file.display();
        match std::fs::set_permissions(&name, PermissionsExt::from_mode(mode & 0o700)) {
            Ok(()) => eprintln!("{file} was open to others on this machine ({mode:o}); it is not any more."),
            Err(error) => eprintln!(
                "{file} is open to others on this machine ({mode:o}), and cannot be closed to them: {error}. It holds \
                 personal data and secrets: have its owner run chmod 600 on it."
            ),
        }
    }
}

/// Elsewhere, who may read a file is not a matter of its mode.
#[cfg(not(unix))]
pub fn narrow(_: &Path) {}
