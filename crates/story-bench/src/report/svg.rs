//! Plain plots as SVG, readable on a light and on a dark page.

use std::fmt::Write as _;

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
/// Where the plot ends and the legend begins.
const RIGHT: f64 = 500.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 320.0;

const STYLE: &str = "<style>text{font:13px sans-serif;fill:#222}.a{stroke:#999;stroke-opacity:.45}.t{font-size:15px;font-weight:bold}\
.s0{stroke:#777;fill:#777}.s1{stroke:#d6336c;fill:#d6336c}.s2{stroke:#1c7ed6;fill:#1c7ed6}.s3{stroke:#2f9e44;fill:#2f9e44}\
.s4{stroke:#e67700;fill:#e67700}.s5{stroke:#7048e8;fill:#7048e8}.s6{stroke:#0c8599;fill:#0c8599}.l{fill:none;stroke-width:2}\
.b{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#ddd}.b{fill:#16181d}.s0{stroke:#aaa;fill:#aaa}}</style>";

/// A line for each contender, over places on the x axis that are as far apart as their logarithms.
pub struct Lines<'a> {
    pub title: &'a str,
    pub x: &'a str,
    /// Places on the x axis and what is written there.
    pub places: &'a [(f64, &'a str)],
    /// Whether the y axis is logarithmic; else it begins at 0.
    pub is_log: bool,
    pub values: Vec<(String, Vec<Option<f64>>)>,
}

/// A bar for each contender, logarithmic.
pub struct Bars<'a> {
    pub title: &'a str,
    pub bars: Vec<(String, f64)>,
}

fn head(title: &str, height: f64) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{title}\">\n{STYLE}\n<rect class=\"b\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"t\" x=\"12\" y=\"24\">{title}</text>\n"
    )
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    writeln!(
        out,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"
    )
    .expect("a string takes all");
}

fn rule(out: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    writeln!(
        out,
        "<line class=\"a\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
    )
    .expect("a string takes all");
}

/// The values at which a line is drawn: powers of ten, or tenths of a round number.
fn ticks(low: f64, high: f64, is_log: bool) -> Vec<f64> {
    if is_log {
        let mut ticks = vec![10_f64.powf(low.log10().floor())];
        while ticks[ticks.len() - 1] < high {
            ticks.push(ticks[ticks.len() - 1] * 10.0);
        }
        return ticks;
    }
    let step = if high > 1.0 { 0.5 } else { 0.2 };
    let mut ticks = vec![0.0];
    while ticks[ticks.len() - 1] < high {
        ticks.push(ticks[ticks.len() - 1] + step);
    }
    ticks
}

/// A tick as it is written: no digits behind the point that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Lines<'_> {
    pub fn svg(&self) -> String {
        let mut out = head(self.title, BOTTOM + 56.0);
        let values = self.values.iter().flat_map(|line| line.1.iter().flatten());
        let (low, high) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(low, high), it| {
            (low.min(*it), high.max(*it))
        });
        let ticks = ticks(low, high, self.is_log);
        let scale = |value: f64| if self.is_log { value.log10() } else { value };
        let (from, to) = (scale(ticks[0]), scale(ticks[ticks.len() - 1]));
        let y = |value: f64| BOTTOM - (scale(value) - from) / (to - from) * (BOTTOM - TOP);
        let (first, last) = (self.places[0].0, self.places[self.places.len() - 1].0);
        let x = |place: f64| LEFT + (place / first).ln() / (last / first).ln() * (RIGHT - LEFT);
        for tick in ticks {
            rule(&mut out, (LEFT, y(tick)), (RIGHT, y(tick)));
            text(&mut out, (LEFT - 8.0, y(tick) + 4.0), "end", &short(tick));
        }
        for (place, words) in self.places {
            rule(&mut out, (x(*place), TOP), (x(*place), BOTTOM));
            text(&mut out, (x(*place), BOTTOM + 20.0), "middle", words);
        }
        text(
            &mut out,
            (f64::midpoint(LEFT, RIGHT), BOTTOM + 42.0),
            "middle",
            self.x,
        );
        let mut legend = TOP + 6.0;
        for (at, (name, values)) in self.values.iter().enumerate() {
            let mut points = String::new();
            let class = at % 7;
            for ((place, _), value) in self.places.iter().zip(values) {
                let Some(value) = value else { continue };
                let (x, y) = (x(*place), y(*value));
                write!(points, "{x:.1},{y:.1} ").expect("a string takes all");
                writeln!(
                    out,
                    "<circle class=\"s{class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"
                )
                .expect("a string takes all");
            }
            let points = points.trim_end();
            writeln!(
                out,
                "<polyline class=\"s{class} l\" style=\"fill:none\" points=\"{points}\"/>\n\
                 <rect class=\"s{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"12\" height=\"12\"/>",
                RIGHT + 16.0,
                legend - 10.0,
            )
            .expect("a string takes all");
            text(&mut out, (RIGHT + 34.0, legend), "start", name);
            legend += 22.0;
        }
        out + "</svg>\n"
    }
}

impl Bars<'_> {
    pub fn svg(&self) -> String {
        const ROW: f64 = 26.0;
        const NAMES: f64 = 290.0;
        let rows = u16::try_from(self.bars.len()).map_or(0.0, f64::from);
        let mut out = head(self.title, TOP + rows * ROW + 12.0);
        let most = self.bars.iter().fold(1.0, |most: f64, bar| most.max(bar.1));
        let mut y = TOP;
        for (name, value) in &self.bars {
            // From a tenth on, so that what is below the floor has a bar too.
            let width =
                (value.max(0.11) * 10.0).log10() / (most * 10.0).log10() * (WIDTH - NAMES - 70.0);
            let class = if name.starts_with("story") {
                "s1"
            } else if name.contains("floor") {
                "s0"
            } else {
                "s2"
            };
            text(&mut out, (NAMES - 8.0, y + 14.0), "end", name);
            writeln!(
                out,
                "<rect class=\"{class}\" x=\"{NAMES}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"18\"/>"
            )
            .expect("a string takes all");
            let figure = super::table::figure(Some(*value));
            text(&mut out, (NAMES + width + 6.0, y + 14.0), "start", &figure);
            y += ROW;
        }
        out + "</svg>\n"
    }
}
