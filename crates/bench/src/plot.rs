//! The picture: how good each row is on one scale, and how long its requests took.
//!
//! Rows are drawn on the scale of their own marks (floor, good, stretch), because ratios of different rows have nothing to do
//! with each other. Dots are rounds, the bar is the median.

use crate::error::BenchError;
use crate::report::Report;
use crate::row::Row;
use crate::verdict::Grade;
use plotters::coord::Shift;
use plotters::prelude::*;

const WIDTH: u32 = 1_000;
const HEAD: u32 = 60;
const PER_ROW: u32 = 30;
const LABELS: u32 = 150;
const BELOW: RGBColor = RGBColor(196, 60, 48);
const FLOOR: RGBColor = RGBColor(214, 150, 40);
const GOOD: RGBColor = RGBColor(80, 150, 90);
const STRETCH: RGBColor = RGBColor(40, 110, 160);

/// The report as an SVG.
pub(crate) fn draw(report: &Report) -> Result<String, BenchError> {
    let count = u32::try_from(report.rows.len()).unwrap_or_default().max(1);
    let panel = HEAD * 2 + count * PER_ROW;
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, panel * 2)).into_drawing_area();
        let failed = |error: String| BenchError::failed(format!("cannot draw: {error}"));
        area.fill(&WHITE).map_err(|error| failed(error.to_string()))?;
        let (upper, lower) = area.split_vertically(panel);
        grades(report, &upper).and_then(|()| latencies(report, &lower)).map_err(failed)?;
        area.present().map_err(|error| failed(error.to_string()))?;
    }
    Ok(svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

fn grades(report: &Report, area: &Area<'_>) -> Result<(), String> {
    let rows = places(report);
    let bottom = f64::from(u32::try_from(report.rows.len()).unwrap_or_default());
    let mut chart = ChartBuilder::on(area)
        .caption(format!("Grades, {}", report.date.chars().take(10).collect::<String>()), ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(LABELS)
        .build_cartesian_2d(0.0..4.0, bottom..0.0)
        .map_err(|error| error.to_string())?;
    let mark = |x: &f64| match format!("{x:.0}").as_str() {
        "1" => "floor".to_owned(),
        "2" => "good".to_owned(),
        "3" => "stretch".to_owned(),
        _ => String::new(),
    };
    let name = |y: &f64| label_at(&rows, *y);
    let mut mesh = chart.configure_mesh();
    let ticks = report.rows.len() * 2 + 1;
    mesh.disable_y_mesh().max_light_lines(0).x_labels(5).y_labels(ticks).x_label_formatter(&mark).y_label_formatter(&name);
    mesh.draw().map_err(|error| error.to_string())?;
    for (middle, row) in &rows {
        let colour = match row.grade {
            Grade::Below => BELOW,
            Grade::Floor => FLOOR,
            Grade::Good => GOOD,
            Grade::Stretch => STRETCH,
        };
        let end = row.marks.position(row.ratio);
        let bar = Rectangle::new([(0.0, middle - 0.3), (end, middle + 0.3)], colour.filled());
        chart.draw_series(std::iter::once(bar)).map_err(|error| error.to_string())?;
        let dots = row.rounds.iter().map(|round| Circle::new((row.marks.position(round.ratio), *middle), 3, BLACK.filled()));
        chart.draw_series(dots).map_err(|error| error.to_string())?;
        let text = if row.ratio.is_finite() { format!("{:.2}", row.ratio) } else { "not measured".to_owned() };
        let label = Text::new(text, (end.max(0.0) + 0.04, middle - 0.2), ("sans-serif", 13).into_font());
        chart.draw_series(std::iter::once(label)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn latencies(report: &Report, area: &Area<'_>) -> Result<(), String> {
    let rows = places(report);
    let bottom = f64::from(u32::try_from(report.rows.len()).unwrap_or_default());
    let longest = report.rows.iter().filter_map(|row| row.p999_ms).fold(1.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .caption("Latency of the subject in ms: p50, p99, p99.9", ("sans-serif", 20))
        .margin(12)
        .x_label_area_size(30)
        .y_label_area_size(LABELS)
        .build_cartesian_2d((0.01..longest * 1.5).log_scale(), bottom..0.0)
        .map_err(|error| error.to_string())?;
    let name = |y: &f64| label_at(&rows, *y);
    let mut mesh = chart.configure_mesh();
    mesh.disable_y_mesh().y_labels(report.rows.len() * 2 + 1).y_label_formatter(&name);
    mesh.draw().map_err(|error| error.to_string())?;
    for (middle, row) in &rows {
        for (ms, colour) in [(row.p50_ms, GOOD), (row.p99_ms, FLOOR), (row.p999_ms, BELOW)] {
            let dot = ms.map(|ms| Circle::new((ms.max(0.01), *middle), 5, colour.filled()));
            chart.draw_series(dot).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Every row with where its middle is drawn.
fn places(report: &Report) -> Vec<(f64, &Row)> {
    (0u32..).zip(&report.rows).map(|(workdir, row)| (f64::from(workdir) + 0.5, row)).collect()
}

fn label_at(rows: &[(f64, &Row)], y: f64) -> String {
    rows.iter().find(|(middle, _)| (middle - y).abs() < 0.01).map(|(_, row)| row.id.to_owned()).unwrap_or_default()
}
