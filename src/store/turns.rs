//! The order of writing between the processes that share a SQLite database.
//!
//! SQLite gives its lock to the process that tries at the right moment. A process that waits tries only now and then,
//! so a process that commits again and again without a pause is always quicker. So our processes first wait in a queue
//! of two places, which are locks on two files next to the database. A process takes the place *next*, waits there for
//! the place *writing*, and then frees *next* for another process. A process that has just written must take *next*
//! again, behind those that waited longer.
//!
//! Only fairness depends on this. The database's own lock keeps writers apart. A process that finds no place within
//! half of its patience, because another is stopped in the queue, writes without one. The locks are the kernel's, and
//! end with their process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep, timeout_at};

/// How often a process checks whether a place has become free.
const LOOKED: Duration = Duration::from_millis(1);

/// The queue of a database's writers; shared by the clones.
#[derive(Debug, Clone)]
pub struct Turns {
    /// The waiting changes of this process, in the order in which they arrived.
    queue: Arc<Mutex<()>>,
    places: Option<Arc<Places>>,
}

#[derive(Debug)]
struct Places {
    next: File,
    writing: File,
    /// The file of `writing` again, to check whether it is locked. A lock belongs to one opening of the file, and this
    /// one has no lock.
    looked_at: File,
    /// What this process writes into `writing` while it holds it.
    name: String,
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    places: Option<Arc<Places>>,
    _queued: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(places) = &self.places {
            // If it cannot be unlocked, it was not locked.
            drop(places.writing.unlock());
        }
    }
}

impl Turns {
    /// A queue for this process alone.
    pub fn of_one_process() -> Self {
        Self { queue: Arc::default(), places: None }
    }

    /// The queue of all processes that write a database's file; of this process alone if files cannot be created next
    /// to it.
    pub fn beside(database: &Path) -> Self {
        let places = Places::beside(database).map(Arc::new);
        Self { places: places.ok(), ..Self::of_one_process() }
    }

    /// Waits for the turn until a deadline; `None` if others of this process wrote until then.
    pub async fn take(&self, deadline: Instant) -> Option<Turn> {
        let queued = timeout_at(deadline, Arc::clone(&self.queue).lock_owned()).await.ok()?;
        let Some(places) = &self.places else { return Some(Turn { places: None, _queued: queued }) };
        let now = Instant::now();
        let patience = now + deadline.saturating_duration_since(now) / 2;
        let has_it = taken(&places.next, patience).await && {
            // Released in every case, also if this future is dropped while it waits.
            let _next = Unlocked(&places.next);
            taken(&places.writing, patience).await
        };
        if has_it {
            places.sign();
        }
        Some(Turn { places: has_it.then(|| Arc::clone(places)), _queued: queued })
    }

    /// The name of another process of ours that has the turn, if there is one.
    pub fn writer(&self) -> Option<String> {
        let places = self.places.as_ref()?;
        match places.looked_at.try_lock() {
            Err(TryLockError::WouldBlock) => places.signed().filter(|name| name != places.name.trim_end()),
            Ok(()) => {
                drop(places.looked_at.unlock());
                None
            }
            Err(TryLockError::Error(_)) => None,
        }
    }
}

struct Unlocked<'a>(&'a File);

impl Drop for Unlocked<'_> {
    fn drop(&mut self) {
        drop(self.0.unlock());
    }
}

/// Waits for a lock; returns whether it was taken.
async fn taken(file: &File, deadline: Instant) -> bool {
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::Error(_)) => return false,
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return false,
            Err(TryLockError::WouldBlock) => sleep(LOOKED).await,
        }
    }
}

/// The space for the name of a process.
const NAME_BYTES: usize = 64;

impl Places {
    fn beside(database: &Path) -> std::io::Result<Self> {
        let open = |ending: &str| {
            let mut name = database.as_os_str().to_owned();
            name.push(ending);
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            options.open(PathBuf::from(name))
        };
        let command: Vec<String> = std::env::args().skip(1).take_while(|word| !word.starts_with('-')).take(2).collect();
        let name = format!("process {}, kurskoll {}", std::process::id(), command.join(" "));
        let name: String = name.trim_end().chars().filter(char::is_ascii).take(NAME_BYTES).collect();
        let (next, writing, looked_at) = (open("-next")?, open("-writing")?, open("-writing")?);
        Ok(Self { next, writing, looked_at, name: format!("{name:NAME_BYTES$}") })
    }

    fn sign(&self) {
        #[cfg(unix)]
        drop(std::os::unix::fs::FileExt::write_all_at(&self.writing, self.name.as_bytes(), 0));
    }

    fn signed(&self) -> Option<String> {
        let mut name = String::new();
        let mut file = &self.looked_at;
        file.seek(SeekFrom::Start(0)).ok()?;
        file.read_to_string(&mut name).ok()?;
        Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    /// Two queues on one database, as two processes have them.
    fn two(folder: &tempfile::TempDir) -> (Turns, Turns) {
        let file = folder.path().join("kurskoll.db");
        let mut other = Places::beside(&file).expect("two files");
        other.name = format!("{:NAME_BYTES$}", "process 0, kurskoll serve");
        (Turns::beside(&file), Turns { places: Some(Arc::new(other)), ..Turns::of_one_process() })
    }

    #[tokio::test]
    async fn who_writes_without_a_pause_lets_another_process_have_its_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        let (busy, other) = two(&folder);
        let first = busy.take(soon()).await.expect("a turn");
        let waiting = tokio::spawn(async move { other.take(soon()).await.map(drop) });
        drop(first);
        // Although the busy one requests the next turn at once.
        let mut turns = 0;
        while !waiting.is_finished() {
            drop(busy.take(soon()).await.expect("a turn"));
            turns += 1;
            tokio::task::yield_now().await;
            assert!(turns < 100_000, "the other has not had its turn");
        }
        assert_eq!(waiting.await.expect("ended"), Some(()));
    }

    #[tokio::test]
    async fn whoever_has_the_turn_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = two(&folder);
        assert_eq!(other.writer(), None);
        let turn = one.take(soon()).await.expect("a turn");
        let name = other.writer().expect("somebody writes");
        assert!(name.starts_with(&format!("process {}, kurskoll", std::process::id())), "{name}");
        assert_eq!(one.writer(), None, "nobody else");
        drop(turn);
        assert_eq!(other.writer(), None);
    }

    #[tokio::test]
    async fn a_process_that_is_stopped_in_the_queue_keeps_nobody_from_trying() {
        let folder = tempfile::tempdir().expect("a folder");
        let (stopped, other) = two(&folder);
        let turn = stopped.take(soon()).await.expect("a turn");
        let begun = Instant::now();
        let without = other.take(begun + Duration::from_millis(40)).await.expect("no place, and yet a try");
        assert!(without.places.is_none() && begun.elapsed() >= Duration::from_millis(20));
        drop(turn);
    }
}
