//! TAR, strictly: ustar with the extensions of POSIX (`x`) and GNU (long names). Kinds of entries that
//! are not files, folders or links are refused, and so is a size or name that is said twice, differently.
//! Source: POSIX.1-2017 `pax`, and GNU tar's manual, "Basic Tar Format".

use super::limits::Limits;
use super::names::{Kind, Names, shown, target};
use super::{ArchiveError, Item};
use lambuild_digest::RelPath;

const BLOCK: usize = 512;

/// Reads a tar; see [`super::read`].
pub fn read<E>(
    bytes: &[u8],
    limits: &Limits,
    take: &mut dyn FnMut(&RelPath, Item) -> Result<(), E>,
) -> Result<(), ArchiveError<E>> {
    let refused = ArchiveError::Refused;
    let mut blocks = Blocks { rest: bytes };
    let mut names = Names::new(limits);
    let (mut left, mut total) = (Vec::new(), 0u64);
    while let Some(entry) = next(&mut blocks).map_err(refused)? {
        total = total.saturating_add(entry.content.len() as u64);
        if total > limits.bytes {
            return Err(refused(format!("it unpacks to more than {} bytes", limits.bytes)));
        }
        match item(entry, &mut names).map_err(refused)? {
            Some((path, item @ Item::Link { .. })) => left.push((path, item)),
            Some((path, item)) => take(&path, item).map_err(ArchiveError::Taker)?,
            None => {}
        }
    }
    names.judge_links().map_err(refused)?;
    left.into_iter()
        .try_for_each(|(path, item)| take(&path, item).map_err(ArchiveError::Taker))
}

/// What is not read yet.
struct Blocks<'b> {
    rest: &'b [u8],
}

impl<'b> Blocks<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it is cut off")?;
        self.rest = rest;
        Ok(taken)
    }

    /// The content of an entry and the zeros that fill its last block.
    fn content(&mut self, size: u64) -> Result<&'b [u8], String> {
        let size = usize::try_from(size).map_err(|_| "it is cut off".to_owned())?;
        let content = self.take(size)?;
        self.take(size.next_multiple_of(BLOCK) - size)?;
        Ok(content)
    }
}

/// An entry with all that headers before it said.
struct Entry<'b> {
    name: String,
    link: String,
    kind: u8,
    mode: u64,
    content: &'b [u8],
}

/// What extension headers say of the entry that follows.
#[derive(Default)]
struct Said {
    name: Option<String>,
    link: Option<String>,
    size: Option<u64>,
}

impl Said {
    fn set<T>(place: &mut Option<T>, value: T, what: &str) -> Result<(), String> {
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(format!("two headers give one entry a {what}")),
        }
    }
}

fn next<'b>(blocks: &mut Blocks<'b>) -> Result<Option<Entry<'b>>, String> {
    let mut said = Said::default();
    loop {
        let Some(header) = header(blocks)? else {
            return match said {
                Said {
                    name: None,
                    link: None,
                    size: None,
                } => Ok(None),
                _ => Err("it ends after a header that belongs to an entry".to_owned()),
            };
        };
        let name = shown(&header.name);
        match header.kind {
            b'L' => Said::set(&mut said.name, gnu_name(blocks.content(header.size)?)?, "name")?,
            b'K' => Said::set(&mut said.link, gnu_name(blocks.content(header.size)?)?, "link")?,
            b'x' => extended(blocks.content(header.size)?, &mut said)?,
            // What holds for all entries may be a comment, and nothing that decides what is unpacked.
            b'g' => {
                let mut all = Said::default();
                extended(blocks.content(header.size)?, &mut all)?;
                if all.name.is_some() || all.link.is_some() || all.size.is_some() {
                    return Err("one header gives all entries a name or a size".to_owned());
                }
            }
            kind => {
                let size = said.size.unwrap_or(header.size);
                // Readers that do not know the extension would see other entries in the same bytes.
                if size != header.size && !(header.size == 0 && size > LARGEST_OCTAL) {
                    return Err(format!("`{name}` has two sizes, {} and {size}", header.size));
                }
                let has_content = matches!(kind, b'0' | 0 | b'7');
                if !has_content && size != 0 {
                    return Err(format!("`{name}` is no file and has a content"));
                }
                return Ok(Some(Entry {
                    name: said.name.unwrap_or(header.name),
                    link: said.link.unwrap_or(header.link),
                    kind,
                    mode: header.mode,
                    content: blocks.content(size)?,
                }));
            }
        }
    }
}

/// Larger sizes have no room in a header.
const LARGEST_OCTAL: u64 = 0o77_777_777_777;

struct Header {
    name: String,
    link: String,
    kind: u8,
    mode: u64,
    size: u64,
}

/// The next header; `None` at the end, which is two blocks of zeros and nothing but zeros behind them.
fn header(blocks: &mut Blocks<'_>) -> Result<Option<Header>, String> {
    let block = blocks.take(BLOCK)?;
    if block.iter().all(|byte| *byte == 0) {
        let second = blocks.take(BLOCK)?;
        let clean = second.iter().chain(blocks.rest).all(|byte| *byte == 0);
        return match clean {
            true => Ok(None),
            false => Err("there are bytes behind its end".to_owned()),
        };
    }
    let field = |start: usize, length: usize| block.get(start..start + length).unwrap_or_default();
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(place, byte)| {
            if (148..156).contains(&place) {
                32
            } else {
                u64::from(*byte)
            }
        })
        .sum();
    if number(field(148, 8))? != sum {
        return Err("a header is damaged: its checksum is wrong".to_owned());
    }
    let (magic, prefix) = (field(257, 8), field(345, 155));
    let name = text(field(0, 100))?;
    let name = match magic {
        b"ustar\x0000" if prefix.first() != Some(&0) => format!("{}/{name}", text(prefix)?),
        b"ustar\x0000" | b"ustar  \0" => name,
        _ => return Err(format!("`{}` has a header of an unknown kind", shown(&name))),
    };
    Ok(Some(Header {
        name,
        link: text(field(157, 100))?,
        kind: field(156, 1).first().copied().unwrap_or_default(),
        mode: number(field(100, 8))?,
        size: number(field(124, 12))?,
    }))
}

/// A text that ends with its field or with a zero, behind which there are zeros only.
fn text(field: &[u8]) -> Result<String, String> {
    let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
    let (text, rest) = field.split_at_checked(end).unwrap_or((field, &[]));
    if rest.iter().any(|byte| *byte != 0) {
        return Err("a name goes on behind its end".to_owned());
    }
    String::from_utf8(text.to_vec()).map_err(|_| "a name is not UTF-8".to_owned())
}

/// An octal number, with blanks before and a blank or zero behind it.
fn number(field: &[u8]) -> Result<u64, String> {
    let wrong = || "a header has a number that is none".to_owned();
    let text = std::str::from_utf8(field).map_err(|_| wrong())?;
    let text = text.trim_matches([' ', '\0']);
    match text {
        "" => Ok(0),
        text if text.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) => {
            u64::from_str_radix(text, 8).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

fn gnu_name(content: &[u8]) -> Result<String, String> {
    text(content)
}

/// The records of an extended header: `LENGTH KEY=VALUE` and a newline, each as long as it says.
fn extended(mut content: &[u8], said: &mut Said) -> Result<(), String> {
    let wrong = || "an extended header is damaged".to_owned();
    while !content.is_empty() {
        let blank = content.iter().position(|byte| *byte == b' ').ok_or_else(wrong)?;
        let digits = content
            .get(..blank)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        let (record, rest) = content.split_at_checked(length).ok_or_else(wrong)?;
        let record = record
            .get(blank + 1..)
            .and_then(|record| record.strip_suffix(b"\n"));
        let record = record.ok_or_else(wrong)?;
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(wrong)?;
        let (key, value) = (
            record.get(..equals).unwrap_or_default(),
            record.get(equals + 1..).unwrap_or_default(),
        );
        say(key, value, said)?;
        content = rest;
    }
    Ok(())
}

fn say(key: &[u8], value: &[u8], said: &mut Said) -> Result<(), String> {
    let name = || {
        let text = String::from_utf8(value.to_vec()).map_err(|_| "a name is not UTF-8".to_owned());
        text.and_then(|text| match text.contains('\0') {
            true => Err("a name holds a zero".to_owned()),
            false => Ok(text),
        })
    };
    match key {
        b"path" => Said::set(&mut said.name, name()?, "name"),
        b"linkpath" => Said::set(&mut said.link, name()?, "link"),
        b"size" => {
            let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            Said::set(
                &mut said.size,
                size.ok_or("an extended header has a size that is none")?,
                "size",
            )
        }
        key if key.starts_with(b"GNU.sparse") => Err("it has sparse files, which are not known".to_owned()),
        _ => Ok(()),
    }
}

fn item(entry: Entry<'_>, names: &mut Names<'_>) -> Result<Option<(RelPath, Item)>, String> {
    let plain = entry.name.trim_end_matches('/');
    // `./` in front is what `tar -C folder .` writes; the folder itself says nothing.
    let name = plain.strip_prefix("./").unwrap_or(plain);
    if entry.kind == b'5' && (name == "." || plain == ".") {
        return Ok(None);
    }
    let is_folder = entry.kind == b'5';
    if entry.name.ends_with('/') && !is_folder {
        return Err(format!(
            "`{}` is a folder by its name and not by its kind",
            shown(&entry.name)
        ));
    }
    let again = hard_link(&entry, names)?;
    let path = names.add(name, |path| {
        Ok(match entry.kind {
            b'0' | 0 | b'7' | b'1' => Kind::File,
            b'5' => Kind::Folder,
            b'2' => Kind::Link(target(path, &entry.link)?),
            _ => {
                return Err(format!(
                    "`{}` is neither a file nor a folder nor a link",
                    shown(&entry.name)
                ));
            }
        })
    })?;
    let item = match (entry.kind, again) {
        (_, Some(of)) => Item::Again { of },
        (b'5', _) => Item::Folder,
        (b'2', _) => Item::Link { target: entry.link },
        _ => Item::File {
            executable: entry.mode & 0o111 != 0,
            content: entry.content.to_vec(),
        },
    };
    Ok(path.map(|path| (path, item)))
}

/// The file that a hard link is another name of; it must have come before.
fn hard_link(entry: &Entry<'_>, names: &Names<'_>) -> Result<Option<RelPath>, String> {
    if entry.kind != b'1' {
        return Ok(None);
    }
    let written = entry.link.strip_prefix("./").unwrap_or(&entry.link);
    let of = RelPath::new(written).ok().filter(|of| names.is_file(of));
    of.map(Some).ok_or_else(|| {
        format!(
            "`{}` is another name of `{}`, which is no file before it",
            shown(&entry.name),
            shown(&entry.link)
        )
    })
}
