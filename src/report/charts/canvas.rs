//! A sheet that shapes and text are put on, and how it becomes an SVG and the PNG of that same SVG.
//!
//! Coordinates are points, real-valued, from the upper left corner. Plotters' back end takes whole pixels, so the sheet
//! is drawn eight times as large and shrunk by its view box. Fonts are embedded and no others are looked at: the same
//! input gives the same bytes everywhere.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use plotters::prelude::*;
use plotters::style::Color as _;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use resvg::{tiny_skia, usvg};

use super::ChartError;
use super::theme::{self, Color, Stroke};

/// Back-end pixels a point.
const OVERSIZE: f64 = 8.0;
/// Distance between the feet of a hatching's lines, points.
const HATCH: f64 = 6.0;
/// PNG pixels a point.
const PIXELS_PER_POINT: f32 = 2.0;
/// Plotters divides every font size by this before it writes it.
const PLOTTERS_FONT_FACTOR: f64 = 1.24;
/// The embedded family; the generic name is for viewers of the SVG that lack it.
const FONT_FAMILY: &str = "Open Sans, sans-serif";
const REGULAR: &[u8] = include_bytes!("fonts/OpenSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("fonts/OpenSans-Bold.ttf");

/// A point of the sheet.
pub type Point = (f64, f64);

/// Which end of a text stands at its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The beginning.
    Start,
    /// The middle.
    Middle,
    /// The end.
    End,
}

/// One line of text, centred vertically on its position.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What it says.
    pub content: String,
    /// Where.
    pub at: Point,
    /// Which end stands there.
    pub anchor: Anchor,
    /// Size of the type, points.
    pub size: f64,
    /// Whether in bold.
    pub bold: bool,
    /// Its colour.
    pub color: Color,
    /// Whether it reads upwards.
    pub upwards: bool,
}

impl Text {
    /// A plain line of text in the size of labels.
    pub fn new(content: impl Into<String>, at: Point, anchor: Anchor, color: Color) -> Text {
        let (size, content) = (theme::LABEL_SIZE, content.into());
        Text { content, at, anchor, size, bold: false, color, upwards: false }
    }

    /// In another size.
    pub fn size(self, size: f64) -> Text {
        Text { size, ..self }
    }

    /// In bold.
    pub fn bold(self) -> Text {
        Text { bold: true, ..self }
    }

    /// Reading upwards.
    pub fn upwards(self) -> Text {
        Text { upwards: true, ..self }
    }

    /// Its width as drawn, points.
    pub fn width(&self) -> f64 {
        text_width(&self.content, self.size, self.bold)
    }
}

/// What can be put on the sheet.
#[derive(Clone, Debug)]
enum Shape {
    Line { points: Vec<Point>, stroke: Stroke },
    Area { points: Vec<Point>, color: Color },
    Text(Text),
}

/// The sheet: shapes in the order in which they are drawn.
#[derive(Debug, Default)]
pub struct Canvas {
    shapes: Vec<Shape>,
}

impl Canvas {
    /// An empty sheet.
    pub fn new() -> Canvas {
        Canvas::default()
    }

    /// Puts a line through these points; fewer than two draw nothing.
    pub fn line(&mut self, points: Vec<Point>, stroke: Stroke) {
        match stroke.dash {
            None => self.solid_line(points, stroke),
            Some((dash, gap)) => {
                for piece in dashes(&points, dash, gap) {
                    self.solid_line(piece, stroke);
                }
            }
        }
    }

    fn solid_line(&mut self, points: Vec<Point>, stroke: Stroke) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line { points, stroke });
        }
    }

    /// Puts an interval with caps at its ends, level or upright, unless it has no length; white around it keeps it visible on dark bars.
    pub fn whisker(&mut self, one: Point, other: Point) {
        if one == other {
            return;
        }
        let cap = |at: Point| {
            let half = 4.0;
            if one.1 == other.1 {
                vec![(at.0, at.1 - half), (at.0, at.1 + half)]
            } else {
                vec![(at.0 - half, at.1), (at.0 + half, at.1)]
            }
        };
        let lines = [vec![one, other], cap(one), cap(other)];
        for stroke in [Stroke::solid(theme::PAPER, 2.4), theme::WHISKER_STROKE] {
            for line in &lines {
                self.line(line.clone(), stroke);
            }
        }
    }

    /// Fills the polygon of these corners; fewer than three draw nothing.
    pub fn area(&mut self, points: Vec<Point>, color: Color) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area { points, color });
        }
    }

    /// Fills a circle.
    pub fn disc(&mut self, middle: Point, radius: f64, color: Color) {
        self.area(arc(middle, radius, 0.0, 1.0), color);
    }

    /// Fills the rectangle between two corners.
    pub fn rectangle(&mut self, one: Point, other: Point, color: Color) {
        self.area(vec![one, (other.0, one.1), other, (one.0, other.1)], color);
    }

    /// Puts rising lines over the rectangle between two corners.
    pub fn hatch(&mut self, one: Point, other: Point, stroke: Stroke) {
        let (left, right) = (one.0.min(other.0), one.0.max(other.0));
        let (top, bottom) = (one.1.min(other.1), one.1.max(other.1));
        let height = bottom - top;
        let lines = ((right - left + height) / HATCH).floor() as usize;
        for line in 1..=lines {
            // Where the line meets the level of the lower edge; it rises by as much as it goes to the right.
            let foot = left - height + line as f64 * HATCH;
            let (from, to) = (foot.max(left), (foot + height).min(right));
            if from < to {
                self.line(vec![(from, bottom - (from - foot)), (to, bottom - (to - foot))], stroke);
            }
        }
    }

    /// Puts a line of text; what XML cannot hold becomes a space.
    pub fn text(&mut self, text: Text) {
        let content = printable(&text.content);
        if !content.trim().is_empty() {
            self.shapes.push(Shape::Text(Text { content, ..text }));
        }
    }

    /// The sheet as SVG.
    ///
    /// # Errors
    /// When the drawing library refuses, which no data should bring about.
    pub fn to_svg(&self) -> Result<String, ChartError> {
        let (width, height) = (pixels(theme::WIDTH), pixels(theme::HEIGHT));
        let mut svg = String::new();
        {
            let backend = SVGBackend::with_string(&mut svg, (width as u32, height as u32));
            let area = backend.into_drawing_area();
            area.fill(&WHITE).map_err(ChartError::drawing)?;
            for shape in &self.shapes {
                draw(&area, shape)?;
            }
            area.present().map_err(ChartError::drawing)?;
        }
        let drawn = format!("width=\"{width}\" height=\"{height}\"");
        let shown =
            format!("width=\"{}\" height=\"{}\" stroke-linejoin=\"round\"", theme::WIDTH as u32, theme::HEIGHT as u32);
        Ok(svg.replacen(&drawn, &shown, 1))
    }
}

/// The points of a part of a circle, from and to these shares of a turn.
pub fn arc(middle: Point, radius: f64, from: f64, to: f64) -> Vec<Point> {
    const CORNERS: u32 = 28;
    let corner = |i: u32| {
        let angle = std::f64::consts::TAU * (from + (to - from) * f64::from(i) / f64::from(CORNERS));
        (middle.0 + radius * angle.cos(), middle.1 + radius * angle.sin())
    };
    (0..=CORNERS).map(corner).collect()
}

/// A length in the back end's pixels.
fn pixels(points: f64) -> i32 {
    (points * OVERSIZE).round() as i32
}

fn pixel(point: &Point) -> (i32, i32) {
    (pixels(point.0), pixels(point.1))
}

fn rgb(color: Color) -> RGBColor {
    RGBColor(color.0, color.1, color.2)
}

fn draw(area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, shape: &Shape) -> Result<(), ChartError> {
    match shape {
        Shape::Line { points, stroke } => {
            let style = rgb(stroke.color).stroke_width(pixels(stroke.width).max(1) as u32);
            area.draw(&PathElement::new(points.iter().map(pixel).collect::<Vec<_>>(), style))
        }
        Shape::Area { points, color } => {
            area.draw(&Polygon::new(points.iter().map(pixel).collect::<Vec<_>>(), rgb(*color).filled()))
        }
        Shape::Text(text) => {
            let style = if text.bold { FontStyle::Bold } else { FontStyle::Normal };
            let size = text.size * OVERSIZE * PLOTTERS_FONT_FACTOR;
            let mut font = FontDesc::new(FontFamily::Name(FONT_FAMILY), size, style);
            if text.upwards {
                font = font.transform(FontTransform::Rotate270);
            }
            let horizontal = match text.anchor {
                Anchor::Start => HPos::Left,
                Anchor::Middle => HPos::Center,
                Anchor::End => HPos::Right,
            };
            let color = rgb(text.color);
            let style = TextStyle::from(font).color(&color).pos(Pos::new(horizontal, VPos::Center));
            area.draw(&plotters::element::Text::new(text.content.clone(), pixel(&text.at), style))
        }
    }
    .map_err(ChartError::drawing)
}

/// Cuts a line into dashes of this length with this gap between them.
fn dashes(points: &[Point], dash: f64, gap: f64) -> Vec<Vec<Point>> {
    let mut pieces = Vec::new();
    let mut piece: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, dash);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let share = done / length;
            let point = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            if drawing {
                piece.push(point);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![point];
            }
            drawing = !drawing;
            left = if drawing { dash } else { gap };
        }
        left -= length - done;
        if drawing {
            piece.push(to);
        }
    }
    if drawing {
        pieces.push(piece);
    }
    pieces
}

/// The text with every character that XML 1.0 forbids, and every line break, replaced by a space.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

/// Options of the SVG reader with the embedded fonts and no others.
pub fn options() -> usvg::Options<'static> {
    static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
        let mut fonts = usvg::fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        for set_family in [
            usvg::fontdb::Database::set_sans_serif_family,
            usvg::fontdb::Database::set_serif_family,
            usvg::fontdb::Database::set_monospace_family,
        ] {
            set_family(&mut fonts, "Open Sans");
        }
        Arc::new(fonts)
    });
    usvg::Options { fontdb: FONTS.clone(), font_family: "Open Sans".to_owned(), ..usvg::Options::default() }
}

/// An SVG made here as it is drawn.
///
/// # Errors
/// When the drawing library refuses, which no data should bring about.
pub fn read(svg: &str) -> Result<usvg::Tree, ChartError> {
    usvg::Tree::from_str(svg, &options()).map_err(ChartError::drawing)
}

/// The SVG to hand out: every letter is an outline, so that it looks the same in a browser, a slide or a drawing program
/// that has other fonts; what it says stands beside the picture for those who cannot see it.
pub fn outlined(tree: &usvg::Tree, alt_text: &str) -> String {
    let settings = usvg::WriteOptions {
        // A hundredth of a point: the sheet is drawn in eighths of one.
        coordinates_precision: 1,
        transforms_precision: 6,
        indent: usvg::Indent::None,
        attributes_indent: usvg::Indent::None,
        ..usvg::WriteOptions::default()
    };
    let said = escaped(alt_text);
    let opening = format!("<svg role=\"img\" aria-label=\"{said}\" ");
    let svg = tree.to_string(&settings).replacen("<svg ", &opening, 1);
    match svg.find('>') {
        Some(end) => format!("{}<desc>{said}</desc>{}\n", &svg[..=end], &svg[end + 1..]),
        None => svg,
    }
}

/// Text as XML takes it, also between double quotes.
fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The PNG of a drawing.
///
/// # Errors
/// When the drawing library refuses, which no data should bring about.
pub fn rasterize(tree: &usvg::Tree) -> Result<Vec<u8>, ChartError> {
    let (width, height) = (theme::WIDTH as f32 * PIXELS_PER_POINT, theme::HEIGHT as f32 * PIXELS_PER_POINT);
    let mut pixmap = tiny_skia::Pixmap::new(width as u32, height as u32).ok_or(ChartError::Size)?;
    let scale = tiny_skia::Transform::from_scale(PIXELS_PER_POINT, PIXELS_PER_POINT);
    resvg::render(tree, scale, &mut pixmap.as_mut());
    pixmap.encode_png().map_err(ChartError::drawing)
}

thread_local! {
    /// Widths of what was measured before, at a size of 100: charts ask for the same words again and again.
    static WIDTHS: RefCell<HashMap<(String, bool), f64>> = RefCell::default();
}

/// The width of a line of text as the renderer shapes it, points.
pub fn text_width(content: &str, size: f64, bold: bool) -> f64 {
    let key = (content.to_owned(), bold);
    let known = WIDTHS.with_borrow(|widths| widths.get(&key).copied());
    let width = known.unwrap_or_else(|| {
        let width = shaped_width(content, bold);
        WIDTHS.with_borrow_mut(|widths| widths.insert(key, width));
        width
    });
    width * size / 100.0
}

/// The width at a size of 100.
fn shaped_width(content: &str, bold: bool) -> f64 {
    let escaped = escaped(content);
    let weight = if bold { "bold" } else { "normal" };
    let svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"><text font-family=\"Open Sans\" \
         font-size=\"100\" font-weight=\"{weight}\">{escaped}</text></svg>"
    );
    let Ok(tree) = usvg::Tree::from_str(&svg, &options()) else { return 0.0 };
    f64::from(tree.root().bounding_box().width())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_leave_gaps_and_end_with_the_line() {
        let pieces = dashes(&[(0.0, 0.0), (6.0, 0.0), (12.0, 0.0)], 5.0, 3.0);
        assert_eq!(pieces, vec![vec![(0.0, 0.0), (5.0, 0.0)], vec![(8.0, 0.0), (12.0, 0.0)]]);
    }

    #[test]
    fn text_is_as_wide_as_the_fonts_own_advances() {
        // Every digit of Open Sans advances 1169 of 2048 units.
        let width = text_width("0000000000", 10.0, false);
        assert!((width - 100.0 * 1169.0 / 2048.0).abs() < 0.5, "{width}");
        assert!(text_width("bold", 10.0, true) > text_width("bold", 10.0, false));
    }

    #[test]
    fn a_hatching_stays_inside_its_rectangle() {
        let mut canvas = Canvas::new();
        canvas.hatch((10.0, 20.0), (50.0, 30.0), theme::GRID_STROKE);
        assert_eq!(canvas.shapes.len(), 8);
        for shape in &canvas.shapes {
            let Shape::Line { points, .. } = shape else { panic!("{shape:?}") };
            assert!(
                points.iter().all(|at| (10.0..=50.0).contains(&at.0) && (20.0..=30.0).contains(&at.1)),
                "{points:?}"
            );
        }
    }

    #[test]
    fn the_svg_to_hand_out_holds_no_font_and_says_what_it_shows() {
        let mut canvas = Canvas::new();
        canvas.text(Text::new("P99 < 2 s", (100.0, 100.0), Anchor::Start, theme::INK));
        let drawing = read(&canvas.to_svg().expect("an SVG")).expect("a drawing");
        let svg = outlined(&drawing, "P99 is < 2 s & \"so\"");
        assert!(!svg.contains("<text") && !svg.contains("font") && svg.contains("<path"), "{svg}");
        assert!(
            svg.contains("<desc>P99 is &lt; 2 s &amp; &quot;so&quot;</desc>") && svg.contains("role=\"img\""),
            "{svg}"
        );
        let again = read(&svg).expect("it can be read again");
        assert_eq!((again.size().width(), again.size().height()), (theme::WIDTH as f32, theme::HEIGHT as f32));
    }

    #[test]
    fn characters_that_xml_forbids_do_not_reach_the_file() {
        let mut canvas = Canvas::new();
        canvas.text(Text::new("a\u{1}<b>\n&\u{ffff}", (100.0, 100.0), Anchor::Start, theme::INK));
        let svg = canvas.to_svg().expect("a picture");
        assert!(svg.contains("a &lt;b&gt; &amp; "), "{svg}");
    }
}
