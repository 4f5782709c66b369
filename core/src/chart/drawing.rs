//! A finished chart.

use super::axis::Ruler;
use super::numbers::Numbers;

/// A chart, the numbers in it, and where its horizontal axis lies, for whoever wants to know what a pointer points at.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    pub svg: String,
    pub numbers: Numbers,
    /// In pixels.
    pub width: f64,
    pub height: f64,
    pub(super) x: Option<Ruler>,
}

impl Drawing {
    /// The value of the horizontal axis at a fraction of the chart's whole width; nothing outside the axis, and where there
    /// is none.
    pub fn x_at(&self, fraction: f64) -> Option<f64> {
        self.x.as_ref()?.value_at(fraction * self.width)
    }

    /// The drawing as a file: with a size of its own, on white paper, since programs that show it may have a dark one and
    /// none of a page's colours.
    pub fn file(&self) -> String {
        let (width, height) = (self.width, self.height);
        let size = format!("<svg width=\"{width}\" height=\"{height}\" ");
        let paper = format!("</desc><rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>");
        self.svg.replacen("<svg ", &size, 1).replacen("</desc>", &paper, 1)
    }
}
