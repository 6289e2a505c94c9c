//! The table as it stands in the document: what a cell can say, and how it's written between two markers and read again.
//! What the cells come to is found out elsewhere.

use std::fmt::Write as _;

use super::others::OTHERS;
use super::{CONTENTS, Content, SIGNERS, Signer};

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// It verifies, and doesn't where another signer is expected.
    Yes,
    /// Somebody refuses, for that reason, which was found in the words of the refusal.
    Refuses(&'static str),
    /// There is no way to ask.
    Cannot(&'static str),
}

impl Cell {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Yes => "yes".to_owned(),
            Self::Refuses(why) => format!("refuses: {why}"),
            Self::Cannot(why) => format!("can't: {why}"),
        }
    }
}

/// Who verifies whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// They verify ours.
    Ours,
    /// They sign, and we verify.
    Theirs,
}

impl Direction {
    pub(super) fn says(self, other: &str) -> String {
        match self {
            Self::Ours => format!("{other} verifies ours:"),
            Self::Theirs => format!("we verify that of {other}:"),
        }
    }

    const fn heading(self) -> &'static str {
        match self {
            Self::Ours => "Others verify what we sign",
            Self::Theirs => "We verify what others sign",
        }
    }
}

type Place = (Direction, Content, Signer, &'static str);

/// Cells by their places, as texts.
#[derive(Default)]
pub(super) struct Table(Vec<(Place, String)>);

impl Table {
    /// Reads the table out of the document.
    pub(super) fn documented(document: &str) -> Result<Self, String> {
        let (_, rest) = document.split_once(BEGIN).ok_or("the document has no table")?;
        let (text, _) = rest.split_once(END).ok_or("the document's table has no end")?;
        let mut cells = Vec::new();
        for direction in DIRECTIONS {
            let part = text.split("## ").find_map(|part| part.strip_prefix(direction.heading())).unwrap_or_default();
            for (content, signer) in rows() {
                let Some(row) = part.lines().find_map(|line| line.strip_prefix(&head(content, signer))) else { continue };
                let said = row.split('|').map(str::trim);
                cells.extend(OTHERS.iter().zip(said).map(|(other, said)| ((direction, content, signer, other.name), said.to_owned())));
            }
        }
        Ok(Self(cells))
    }

    /// Puts a cell in, and compares it with what is documented.
    pub(super) fn insert(&mut self, place: Place, cell: Cell, documented: &Self) -> Result<(), String> {
        let text = cell.text();
        let told = documented.at(place).unwrap_or("nothing");
        let agrees = if told == text { Ok(()) } else { Err(format!("the documentation says `{told}`, and it's `{text}`")) };
        self.0.push((place, text));
        agrees
    }

    fn at(&self, place: Place) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == place).map(|(_, text)| text.as_str())
    }

    /// Writes it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for direction in DIRECTIONS {
            let names: Vec<_> = OTHERS.iter().map(|other| format!("{} {}", other.name, other.version)).collect();
            let _ = writeln!(
                text,
                "\n## {}\n\n| what | signed by | {} |\n|---|---|{}",
                direction.heading(),
                names.join(" | "),
                "---|".repeat(names.len())
            );
            for (content, signer) in rows() {
                let said = OTHERS.iter().map(|other| self.at((direction, content, signer, other.name)).unwrap_or("not asked"));
                let _ = writeln!(text, "{} {} |", head(content, signer), said.collect::<Vec<_>>().join(" | "));
            }
        }
        text
    }
}

/// Puts a table where another stands.
pub(super) fn replaced(document: &str, table: &str) -> Result<String, String> {
    let (before, rest) = document.split_once(BEGIN).ok_or("the document has no table")?;
    let (_, after) = rest.split_once(END).ok_or("the document's table has no end")?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

fn rows() -> impl Iterator<Item = (Content, Signer)> {
    CONTENTS.into_iter().flat_map(|content| SIGNERS.map(|signer| (content, signer)))
}

fn head(content: Content, signer: Signer) -> String {
    format!("| {} | {} |", content.name(), signer.name())
}

const DIRECTIONS: [Direction; 2] = [Direction::Ours, Direction::Theirs];
const BEGIN: &str = "<!-- written by `cargo xtask peers`: begin -->";
const END: &str = "<!-- written by `cargo xtask peers`: end -->";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_sees_what_differs() {
        let empty = format!("before\n{BEGIN}\n{END}\nafter\n");
        let place = (Direction::Theirs, Content::File, Signer::Vault, OTHERS[1].name);
        let mut table = Table::default();
        let nothing = table.insert(place, Cell::Refuses("a reason"), &Table::documented(&empty).unwrap());
        assert!(nothing.unwrap_err().contains("says `nothing`"));
        let document = replaced(&empty, &table.text()).unwrap();
        assert!(document.starts_with("before\n") && document.ends_with("\nafter\n"));
        let documented = Table::documented(&document).unwrap();
        Table::default().insert(place, Cell::Refuses("a reason"), &documented).unwrap();
        let other = Table::default().insert(place, Cell::Yes, &documented).unwrap_err();
        assert_eq!(other, "the documentation says `refuses: a reason`, and it's `yes`");
        // Written again it stays as it is.
        assert_eq!(replaced(&document, &table.text()).unwrap(), document);
    }
}
