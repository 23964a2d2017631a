//! Which files a program of this machine needs to run elsewhere: the loader that it
//! names and every library that the loader would find for it, as `ld.so(8)` says.

use super::elf::{self, Elf};
use super::{HostView, cache};
use std::collections::{BTreeMap, VecDeque};

/// What was found for some programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closure {
    /// Name on `PATH` → file, for programs that need nothing.
    pub alone: BTreeMap<String, String>,
    /// Name on `PATH` → file, for programs that are started through the loader.
    pub loaded: BTreeMap<String, String>,
    /// Name as others ask for it → file.
    pub libraries: BTreeMap<String, String>,
    /// The loader's file.
    pub loader: Option<String>,
}

/// Why a program cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is on no folder of `PATH`.
    #[error("this machine has no program `{0}` on PATH")]
    NotFound(String),
    /// It begins with `#!`.
    #[error(
        "`{program}` is a script for `{interpreter}` ({file}), not a program that can be taken by itself"
    )]
    Script {
        /// Its name.
        program: String,
        /// Its file.
        file: String,
        /// What would run it.
        interpreter: String,
    },
    /// It is not of the kind that this kernel starts.
    #[error("`{program}` ({file}) is no program for Linux of 64 bits")]
    Foreign {
        /// Its name.
        program: String,
        /// Its file.
        file: String,
    },
    /// A library is nowhere.
    #[error("`{program}` needs the library `{library}`, which this machine does not have")]
    Library {
        /// Who needs it: a program or a library.
        program: String,
        /// What.
        library: String,
    },
    /// Two programs of one toolchain do not get along.
    #[error("`{program}` needs another `{what}` ({one}) than the programs beside it ({other})")]
    Clash {
        /// The second one.
        program: String,
        /// A library's name, or `loader`.
        what: String,
        /// The one that it needs.
        one: String,
        /// The one that is there.
        other: String,
    },
}

/// Where the loader looks when nothing else says where; on Debian the architecture has folders of its own.
const DEFAULT: &[&str] = &["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"];

/// Everything that these programs need.
///
/// # Errors
/// The first one that cannot be taken.
pub fn closure<'n>(
    programs: impl IntoIterator<Item = &'n str>,
    host: &dyn HostView,
) -> Result<Closure, Refusal> {
    let mut search = Search {
        host,
        cache: None,
        found: Closure::default(),
    };
    for program in programs {
        search.program(program)?;
    }
    Ok(search.found)
}

struct Search<'h> {
    host: &'h dyn HostView,
    /// The loader's cache, read when first needed.
    cache: Option<Vec<u8>>,
    found: Closure,
}

/// A library or program whose needs are still to be looked up, and the search
/// paths of those that led to it.
struct Waiting {
    name: String,
    file: String,
    elf: Elf,
    inherited: Vec<String>,
}

impl Search<'_> {
    fn program(&mut self, program: &str) -> Result<(), Refusal> {
        let folders = self.host.path().iter();
        let file = folders
            .filter_map(|folder| self.host.resolve(&format!("{folder}/{program}")))
            .next()
            .ok_or_else(|| Refusal::NotFound(program.to_owned()))?;
        let Some(elf) = self.read(&file) else {
            return Err(self.no_program(program, file));
        };
        let Some(loader) = &elf.loader else {
            self.found.alone.insert(program.to_owned(), file);
            return Ok(());
        };
        let missing = || Refusal::Library {
            program: program.to_owned(),
            library: loader.clone(),
        };
        let loader = self.host.resolve(loader).ok_or_else(missing)?;
        let known = self.found.loader.get_or_insert_with(|| loader.clone());
        if *known != loader {
            return Err(clash(program, "loader", &loader, known));
        }
        self.found.loaded.insert(program.to_owned(), file.clone());
        self.libraries(program, file, elf)
    }

    fn no_program(&self, program: &str, file: String) -> Refusal {
        let program = program.to_owned();
        let start = self.host.read(&file, 0, 256).unwrap_or_default();
        let first = String::from_utf8_lossy(&start);
        match first.strip_prefix("#!") {
            Some(line) => Refusal::Script {
                program,
                file,
                interpreter: line.lines().next().unwrap_or_default().trim().to_owned(),
            },
            None => Refusal::Foreign { program, file },
        }
    }

    fn libraries(&mut self, program: &str, file: String, elf: Elf) -> Result<(), Refusal> {
        let machine = elf.machine;
        let mut waiting = VecDeque::from([Waiting {
            name: program.to_owned(),
            file,
            elf,
            inherited: Vec::new(),
        }]);
        // Of this program alone: a library that is here already may be another one for it.
        let mut seen: BTreeMap<String, String> = BTreeMap::new();
        while let Some(user) = waiting.pop_front() {
            let (own, inherited) = folders(&user);
            for needed in &user.elf.needed {
                if seen.contains_key(needed) || self.is_loader(needed) {
                    continue;
                }
                let found = self.library(needed, &own, machine);
                let (file, elf) = found.ok_or_else(|| Refusal::Library {
                    program: user.name.clone(),
                    library: needed.clone(),
                })?;
                seen.insert(needed.clone(), file.clone());
                self.keep(program, needed, &file)?;
                waiting.push_back(Waiting {
                    name: needed.clone(),
                    file,
                    elf,
                    inherited: inherited.clone(),
                });
            }
        }
        Ok(())
    }

    /// Whether this is the loader by its own name, which libc asks for and which is there already.
    fn is_loader(&self, needed: &str) -> bool {
        let loader = self.found.loader.as_deref().unwrap_or_default();
        needed.starts_with("ld-linux")
            || needed.starts_with("libc.musl-")
            || loader.ends_with(&format!("/{needed}"))
    }

    fn keep(&mut self, program: &str, name: &str, file: &str) -> Result<(), Refusal> {
        let known = self
            .found
            .libraries
            .entry(name.to_owned())
            .or_insert_with(|| file.to_owned());
        if known == file {
            return Ok(());
        }
        Err(clash(program, name, file, known))
    }

    /// The first library of this name that is for the right processor.
    fn library(&mut self, name: &str, folders: &[String], machine: u16) -> Option<(String, Elf)> {
        if name.contains('/') {
            return self.fits(name, machine);
        }
        let host = self.host;
        let cache = self.cache.get_or_insert_with(|| read_all(host, cache::PLACE));
        let cached = cache::find(cache, name);
        let own = folders.iter().map(|folder| format!("{folder}/{name}"));
        let default = DEFAULT.iter().map(|folder| format!("{folder}/{name}"));
        let debian = debian(machine).map(|triplet| format!("/usr/lib/{triplet}/{name}"));
        let all: Vec<String> = own.chain(cached).chain(default).chain(debian).collect();
        all.iter().find_map(|path| self.fits(path, machine))
    }

    fn fits(&self, path: &str, machine: u16) -> Option<(String, Elf)> {
        let file = self.host.resolve(path)?;
        let elf = self.read(&file)?;
        (elf.machine == machine).then_some((file, elf))
    }

    fn read(&self, file: &str) -> Option<Elf> {
        elf::read(&|offset, length| self.host.read(file, offset, length))
    }
}

fn clash(program: &str, what: &str, one: &str, other: &str) -> Refusal {
    let [program, what, one, other] = [program, what, one, other].map(str::to_owned);
    Refusal::Clash {
        program,
        what,
        one,
        other,
    }
}

/// Where the libraries of this object are looked for first, and what of it goes on to
/// those of its libraries: an rpath does, a runpath does not and turns rpaths off.
fn folders(user: &Waiting) -> (Vec<String>, Vec<String>) {
    let origin = user.file.rsplit_once('/').map_or("", |(folder, _)| folder);
    let list = |text: &str| -> Vec<String> {
        let parts = text.split(':').filter(|part| !part.is_empty());
        parts
            .map(|part| part.replace("${ORIGIN}", origin).replace("$ORIGIN", origin))
            .collect()
    };
    match (&user.elf.runpath, &user.elf.rpath) {
        (Some(runpath), _) => (list(runpath), user.inherited.clone()),
        (None, rpath) => {
            let mut own = rpath.as_deref().map(list).unwrap_or_default();
            own.extend(user.inherited.iter().cloned());
            (own.clone(), own)
        }
    }
}

fn debian(machine: u16) -> Option<&'static str> {
    match machine {
        62 => Some("x86_64-linux-gnu"),
        183 => Some("aarch64-linux-gnu"),
        _ => None,
    }
}

/// The whole file, or nothing; the cache of a big system has some 100 KB.
fn read_all(host: &dyn HostView, path: &str) -> Vec<u8> {
    host.read(path, 0, 64 << 20).unwrap_or_default()
}

#[cfg(test)]
mod tests;
