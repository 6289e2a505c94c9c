//! A mirror of a repository on loopback, in this process, that can be changed while it's served, and fail as servers do.
//! What is in the files is the repository's affair.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::Files;
use crate::http::{self, Asked, answer};

/// A running mirror; it ends when it's dropped.
pub struct Mirror {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What goes wrong with one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It answers with that status.
    Status(u16),
    /// It says nothing, and holds on.
    Hangs,
    /// It ends in the middle of the file.
    CutOff,
    /// It sends the file without an end.
    Floods,
    /// It sends the asker elsewhere.
    Redirects,
}

struct Shared {
    files: Mutex<Files>,
    fault: Mutex<Option<(String, Fault)>>,
    asked: AtomicU32,
    ended: AtomicBool,
}

impl Mirror {
    /// Serves files.
    ///
    /// # Panics
    /// If the machine has no loopback address to listen on.
    #[must_use]
    pub fn of(files: Files) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a loopback address");
        let address = listener.local_addr().expect("an address");
        let shared =
            Arc::new(Shared { files: Mutex::new(files), fault: Mutex::new(None), asked: AtomicU32::new(0), ended: AtomicBool::new(false) });
        let served = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if served.ended.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&served);
                if let Ok(stream) = stream {
                    thread::spawn(move || shared.serve(stream));
                }
            }
        });
        Self { address, shared }
    }

    /// Serves other files from now on.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn serve(&self, files: Files) {
        *self.shared.files.lock().expect("a lock") = files;
    }

    /// Fails from now on whenever somebody asks for a file whose path ends so, there or not.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn fail(&self, path: &str, fault: Fault) {
        *self.shared.fault.lock().expect("a lock") = Some((path.to_owned(), fault));
    }

    /// Fails no more.
    ///
    /// # Panics
    /// If another test has panicked with the lock in its hands.
    pub fn mend(&self) {
        *self.shared.fault.lock().expect("a lock") = None;
    }

    /// Returns how often anything was asked for.
    #[must_use]
    pub fn asked(&self) -> u32 {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/tuf", self.address)
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees that it's over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = Asked::read(&mut stream) else { return };
        self.asked.fetch_add(1, Ordering::SeqCst);
        let Some(path) = asked.path.strip_prefix("/tuf/") else { return answer(&mut stream, 404, &[], b"") };
        let file = self.files.lock().expect("a lock").get(path).cloned();
        let fault = self.fault.lock().expect("a lock").as_ref().filter(|(ending, _)| path.ends_with(ending)).map(|(_, fault)| *fault);
        match (fault, file) {
            (Some(Fault::Status(status)), _) => answer(&mut stream, status, &[("retry-after", "0")], b""),
            (Some(Fault::Hangs), _) => http::hang(&mut stream, &self.ended),
            (Some(Fault::Floods), _) => http::flood(&mut stream),
            (Some(Fault::Redirects), _) => answer(&mut stream, 302, &[("location", "/tuf/elsewhere")], b""),
            (Some(Fault::CutOff), Some(file)) => http::cut_off(&mut stream, 200, &file),
            (None, Some(file)) => answer(&mut stream, 200, &[], &file),
            (_, None) => answer(&mut stream, 404, &[], b""),
        }
    }
}
