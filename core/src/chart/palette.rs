//! Which method has which colour. None is red or green: these are the colours of wrong and right.

/// The colours themselves, light and dark, and what else page and report draw alike: one stylesheet for both. An element
/// with `data-series="2"` has the third colour as `--series`.
pub const SHARED_STYLE: &str = include_str!("shared.css");

/// By series, where the page gives no variables: those of `SHARED_STYLE` on light paper.
pub const COLOURS: [&str; 8] =
    ["#3a6ea5", "#c2650a", "#7b4fb5", "#14808f", "#c13a94", "#8a6d1f", "#4b8fd0", "#8f5b45"];

/// The methods that everything compares have the same colour everywhere; the others share what is left.
const FIXED: [&str; 4] = ["pretrained", "fine-tuning", "promot", "prompt-tuning"];

/// The colours of several methods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// The methods without a fixed colour, in the order in which they get one.
    others: Vec<String>,
}

impl Palette {
    pub fn new<'a>(methods: impl IntoIterator<Item = &'a str>) -> Self {
        let mut others: Vec<String> = Vec::new();
        for method in methods {
            if fixed(method).is_none() && !others.iter().any(|known| known == method) {
                others.push(method.to_owned());
            }
        }
        Self { others }
    }

    /// The number of a method's colour and marker.
    pub fn of(&self, method: &str) -> usize {
        let free = COLOURS.len() - FIXED.len();
        let place = || self.others.iter().position(|known| known == method).unwrap_or(0);
        fixed(method).unwrap_or_else(|| FIXED.len() + place() % free)
    }
}

fn fixed(method: &str) -> Option<usize> {
    FIXED.iter().position(|known| *known == method)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_keeps_its_colour_whatever_stands_beside_it() {
        let few = Palette::new(["pretrained", "promot"]);
        let many =
            Palette::new(["l2-sp", "prompt-tuning", "promot", "lora", "fine-tuning", "l2-sp", "pretrained"]);
        for method in ["pretrained", "fine-tuning", "promot", "prompt-tuning"] {
            assert_eq!(few.of(method), many.of(method), "{method}");
        }
        assert_eq!([many.of("l2-sp"), many.of("lora")], [4, 5]);
        let names: Vec<String> = (0..9).map(|index| format!("method {index}")).collect();
        let crowded = Palette::new(names.iter().map(String::as_str));
        assert!(names.iter().all(|name| (4..8).contains(&crowded.of(name))));
    }

    /// Red, green and blue in [0, 1].
    fn rgb(colour: &str) -> [f64; 3] {
        [1, 3, 5].map(|at| f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0)
    }

    /// In degrees: 0 is red, 120 green, 240 blue.
    fn hue(colour: &str) -> f64 {
        let [r, g, b] = rgb(colour);
        let (most, least) = (r.max(g).max(b), r.min(g).min(b));
        let chroma = most - least;
        let sixth = match most {
            _ if most == r => ((g - b) / chroma).rem_euclid(6.0),
            _ if most == g => (b - r) / chroma + 2.0,
            _ => (r - g) / chroma + 4.0,
        };
        sixth * 60.0
    }

    /// As WCAG counts it.
    fn luminance(colour: &str) -> f64 {
        let linear =
            |part: f64| if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) };
        let [r, g, b] = rgb(colour).map(linear);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    fn variables(style: &str) -> Vec<&str> {
        let values = style.split("--s").skip(1).filter_map(|rest| rest.split_once(": #"));
        values.filter(|(name, _)| name.len() == 1).map(|(_, rest)| rest.split(';').next().unwrap()).collect()
    }

    #[test]
    fn no_series_is_red_or_green_and_all_can_be_seen_on_their_paper() {
        let colours: Vec<String> = variables(SHARED_STYLE).iter().map(|value| format!("#{value}")).collect();
        assert_eq!(colours.len(), 2 * COLOURS.len(), "light, then dark");
        assert_eq!(colours[..COLOURS.len()], COLOURS);
        for (at, colour) in colours.iter().enumerate() {
            let hue = hue(colour);
            assert!(
                (14.0..70.0).contains(&hue) || (175.0..335.0).contains(&hue),
                "{colour} has hue {hue:.0}"
            );
            let paper = if at < COLOURS.len() { "#f7f6f3" } else { "#1b1f24" };
            let (one, other) = (luminance(colour) + 0.05, luminance(paper) + 0.05);
            let contrast = (one / other).max(other / one);
            assert!(contrast >= 3.0, "{colour} on {paper}: {contrast:.1}");
        }
    }
}
