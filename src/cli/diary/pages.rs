//! The diary on paper: plain text in pages for A4 landscape, a form feed between pages, no colours.
//!
//! It knows lines and columns, no printer. 130 characters and 42 lines fit on A4 landscape at 12 characters and
//! 6 lines an inch, half an inch of margin all round. Pitfall: nothing of a row is lost on
//! paper but the tail of a very long text, because nobody can scroll there; so cells wrap, and a row is never
//! parted by the end of a page.

use super::rows::{self, Row};
use crate::cli::{Failure, page_break, say};
use crate::engine::{Diary, DiaryDay};
use domain::plain::plain;
use domain::time::LONDON;
use std::io::Write;

/// Characters of a line.
pub const LINE_CHARS: usize = 130;
/// Lines of a page.
pub const PAGE_LINES: usize = 42;
/// Most lines one row takes.
const ROW_LINES_MAX: usize = 5;
/// Lines at the head of a page: who and page, day and time of printing, one empty.
const HEAD_LINES: usize = 3;

/// Columns and their widths; with one space between, they fill a line.
const COLUMNS: [(&str, usize); 7] =
    [("Time", 11), ("Status", 9), ("Patient", 26), ("NHS number", 10), ("Born", 10), ("Contact", 24), ("Reason", 34)];

/// Writes the pages of every day.
///
/// # Errors
/// [`Failure`].
pub fn write(diary: &Diary, cancelled: bool, out: &mut dyn Write) -> Result<(), Failure> {
    let mut first = true;
    for day in &diary.days {
        let pages = paged(&blocks(diary, day, cancelled));
        let count = pages.len();
        for (at, page) in pages.iter().enumerate() {
            if !first {
                page_break(out)?;
            }
            first = false;
            let [who, when] = head(diary, day, at + 1, count);
            say(out, &who)?;
            say(out, &when)?;
            say(out, "")?;
            for line in page {
                say(out, line)?;
            }
        }
    }
    Ok(())
}

fn head(diary: &Diary, day: &DiaryDay, page: usize, pages: usize) -> [String; 2] {
    let services = diary.services.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
    let who = [diary.providers.join(", "), services].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ");
    let printed = format!("as of {}", diary.now.local(LONDON).format("%Y-%m-%d %H:%M"));
    [ends(&plain(&who), &format!("page {page} of {pages}")), ends(&day.day.format("%A, %-d %B %Y").to_string(), &printed)]
}

/// A line with something at both ends; the left one gives way.
fn ends(left: &str, right: &str) -> String {
    let room = LINE_CHARS.saturating_sub(right.chars().count() + 2);
    let left = clipped(left, room);
    format!("{left:<room$}  {right}")
}

/// Lines that stay together, and the heading they stand under, which a new page repeats.
struct Block {
    heading: Vec<String>,
    lines: Vec<String>,
}

/// A day's blocks: its schedules one after the other, then what it comes to.
fn blocks(diary: &Diary, day: &DiaryDay, cancelled: bool) -> Vec<Block> {
    let rows = rows::of(diary, day);
    let mut blocks = Vec::new();
    for shown in &diary.schedules {
        let id = shown.schedule.id.as_str();
        let of_schedule: Vec<&Row> = rows.iter().filter(|row| row.schedule_id == id).collect();
        if of_schedule.is_empty() {
            continue;
        }
        let parts = [Some(shown.schedule.name.as_str()), shown.clinician.as_deref(), shown.place.as_deref()];
        let title = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" - ");
        let title = clipped(&plain(&title), LINE_CHARS);
        let heading = vec![title, line(COLUMNS.map(|(name, _)| name.to_owned())), "-".repeat(LINE_CHARS)];
        blocks.extend(of_schedule.into_iter().map(|row| Block { heading: heading.clone(), lines: lines(row) }));
    }
    let told = if rows.is_empty() { "No slots on this day.".to_owned() } else { rows::summary(&rows, cancelled) };
    blocks.push(Block { heading: Vec::new(), lines: vec![String::new(), told] });
    blocks
}

/// Blocks into pages. A heading is written where it changes and at the top of a page, never alone at its foot.
fn paged(blocks: &[Block]) -> Vec<Vec<String>> {
    let room = PAGE_LINES - HEAD_LINES;
    let mut pages: Vec<Vec<String>> = Vec::new();
    let mut page: Vec<String> = Vec::new();
    let mut under: &[String] = &[];
    for block in blocks {
        let new_heading = !block.heading.is_empty() && block.heading != under;
        // One empty line before a heading in the middle of a page.
        let heading = if new_heading { block.heading.len() + usize::from(!page.is_empty()) } else { 0 };
        let fits = page.len() + heading + block.lines.len() <= room;
        if !fits && !page.is_empty() {
            pages.push(std::mem::take(&mut page));
            page.extend(block.heading.iter().cloned());
        } else if new_heading {
            if !page.is_empty() {
                page.push(String::new());
            }
            page.extend(block.heading.iter().cloned());
        }
        under = &block.heading;
        page.extend(block.lines.iter().cloned());
    }
    pages.push(page);
    pages
}

/// The lines of a row, its cells wrapped.
fn lines(row: &Row) -> Vec<String> {
    let cells: [&str; 7] = [&row.time, row.status, &row.patient, &row.nhs_number, &row.born, &row.contact, &row.reason];
    let wrapped: Vec<Vec<String>> = cells.into_iter().zip(COLUMNS).map(|(cell, (_, width))| wrapped(&plain(cell), width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(1).max(1);
    (0..height)
        .map(|at| {
            let mut cells = wrapped.iter().map(|cell| cell.get(at).cloned().unwrap_or_default());
            line(std::array::from_fn(|_| cells.next().unwrap_or_default()))
        })
        .collect()
}

fn line(cells: [String; 7]) -> String {
    let padded = cells.into_iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}"));
    padded.collect::<Vec<_>>().join(" ").trim_end().to_owned()
}

/// A text in lines of at most `width` characters, parted between words where there are any; at most
/// [`ROW_LINES_MAX`] lines.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut now = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        if !now.is_empty() && now.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut now));
        }
        while word.chars().count() > width {
            lines.push(word.chars().take(width).collect());
            word = word.chars().skip(width).collect();
        }
        if !now.is_empty() && !word.is_empty() {
            now.push(' ');
        }
        now.push_str(&word);
    }
    if !now.is_empty() {
        lines.push(now);
    }
    if lines.len() > ROW_LINES_MAX {
        lines.truncate(ROW_LINES_MAX);
        if let Some(last) = lines.last_mut() {
            *last = last.chars().take(width - 1).chain(['…']).collect();
        }
    }
    lines
}

fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width { text.to_owned() } else { text.chars().take(width.saturating_sub(1)).chain(['…']).collect() }
}
