//! Leases and waiters as tables for people. Pure.

use lease::{Lease, Mode, Present, Scope, Standing, Waiter};

use crate::durations::rough;
use crate::queries::cells::{cut, pad, width};
use crate::terminal::{Canvas, Style, escape_line};

/// Blanks between two columns.
const GAP: usize = 2;

/// No column but the last two grows beyond this. Chosen.
const WIDEST: usize = 24;

/// The leases, one a line.
pub fn leases(leases: &[&Lease], present: &Present<'_>, canvas: Canvas) -> String {
    let rows: Vec<_> = leases
        .iter()
        .map(|lease| {
            [
                lease
                    .token
                    .map_or_else(|| "-".to_owned(), |token| token.to_string()),
                escape_line(lease.agent.as_str()).into_owned(),
                left(lease, present),
                paths(&lease.scope, lease.mode),
                lease
                    .task
                    .as_deref()
                    .map(escape_line)
                    .unwrap_or_default()
                    .into_owned(),
            ]
        })
        .collect();
    render(["TOKEN", "AGENT", "LEFT", "PATHS", "TASK"], &rows, canvas)
}

/// The waiters, one a line, in order.
pub fn waiters(waiters: &[&Waiter], present: &Present<'_>, canvas: Canvas) -> String {
    let rows: Vec<_> = waiters
        .iter()
        .enumerate()
        .map(|(index, waiter)| {
            [
                (index + 1).to_string(),
                escape_line(waiter.agent.as_str()).into_owned(),
                rough(present.since(waiter.since)),
                paths(&waiter.scope, waiter.mode),
                format!("pid {}", waiter.process.pid),
            ]
        })
        .collect();
    render(
        ["PLACE", "AGENT", "WAITED", "PATHS", "PROCESS"],
        &rows,
        canvas,
    )
}

fn left(lease: &Lease, present: &Present<'_>) -> String {
    match lease.standing(present) {
        Standing::Live => rough(present.until(lease.expires_at)),
        Standing::Expired => "expired".to_owned(),
        Standing::OwnerGone => "ended".to_owned(),
        Standing::TooOld => "too old".to_owned(),
        Standing::FromTheFuture => "in future".to_owned(),
    }
}

fn paths(scope: &Scope, mode: Mode) -> String {
    let mark = match mode {
        Mode::Exclusive => "",
        Mode::Shared => " (shared)",
    };
    escape_line(&format!("{scope}{mark}")).into_owned()
}

/// The last two columns share what the others leave; nothing is cut where the result does not go to a terminal's width.
fn render(headings: [&str; 5], rows: &[[String; 5]], canvas: Canvas) -> String {
    let mut widths = [0; 5];
    for (column, heading) in headings.iter().enumerate() {
        let widest = rows.iter().map(|row| width(&row[column])).max();
        widths[column] = widest.unwrap_or_default().max(heading.len());
    }
    for width in &mut widths[..3] {
        *width = (*width).min(WIDEST);
    }
    let taken: usize = widths[..3].iter().map(|width| width + GAP).sum();
    let room = canvas.width.saturating_sub(taken + GAP);
    if widths[3] + widths[4] > room {
        widths[4] = widths[4].min(room / 3).max(headings[4].len());
        widths[3] = room.saturating_sub(widths[4]).max(headings[3].len());
    }
    let line = |cells: [&str; 5]| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            text.push_str(&pad(&cut(cell, width), width + GAP));
        }
        text.trim_end().to_owned()
    };
    let mut text = canvas.paint(Style::Heading, &line(headings));
    text.push('\n');
    for row in rows {
        text.push_str(&line(row.each_ref().map(String::as_str)));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn render_cuts_the_last_columns_to_the_canvas_and_never_a_number() {
        let rows = [[
            "1764000000000".to_owned(),
            "worker-1".to_owned(),
            "59 min 3 s".to_owned(),
            "backend/pkg/integrations/stripe/, docs/integrations/stripe.md".to_owned(),
            "a new endpoint for refunds".to_owned(),
        ]];
        for columns in [60, 80, 120] {
            let canvas = Canvas {
                width: columns,
                has_colour: false,
            };
            let text = render(["TOKEN", "AGENT", "LEFT", "PATHS", "TASK"], &rows, canvas);
            assert!(
                text.lines().all(|line| width(line) <= columns),
                "not wider than {columns}:\n{text}"
            );
            assert!(
                text.contains("1764000000000"),
                "the token is whole:\n{text}"
            );
        }
    }
}
