//! From values to pixels, and the round values that an axis names.

/// How an axis spreads its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    #[default]
    Linear,
    /// By ln(1 + x): training steps, whose first ones matter most; step 0 has a place.
    Log,
}

impl Scale {
    fn forward(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Log => value.max(0.0).ln_1p(),
        }
    }

    fn back(self, value: f64) -> f64 {
        match self {
            Scale::Linear => value,
            Scale::Log => value.exp_m1(),
        }
    }
}

/// A value that an axis names, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub value: f64,
    /// With the decimals that tell it from its neighbours, so that a label never lies beside its place.
    pub label: String,
}

/// One axis: values between two ends, pixels between two others.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    scale: Scale,
    range: (f64, f64),
    pixels: (f64, f64),
    /// Only whole numbers are named.
    whole: bool,
}

impl Ruler {
    pub fn new(scale: Scale, (low, high): (f64, f64), pixels: (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { scale, range: (low, high), pixels, whole: false }
    }

    /// An axis of whole numbers, such as steps: none between them is named.
    pub fn whole(self, whole: bool) -> Self {
        Self { whole, ..self }
    }

    /// The pixel of a value; one outside the axis is put on its end.
    pub fn at(&self, value: f64) -> f64 {
        let [low, high, value] = [self.range.0, self.range.1, value].map(|value| self.scale.forward(value));
        let fraction = ((value - low) / (high - low)).clamp(0.0, 1.0);
        self.pixels.0 + fraction * (self.pixels.1 - self.pixels.0)
    }

    pub fn value_at(&self, pixel: f64) -> Option<f64> {
        let fraction = (pixel - self.pixels.0) / (self.pixels.1 - self.pixels.0);
        let (low, high) = (self.scale.forward(self.range.0), self.scale.forward(self.range.1));
        (0.0..=1.0).contains(&fraction).then(|| self.scale.back(low + fraction * (high - low)))
    }

    /// Round values within the axis, at most about `most` of them.
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        let tick = |value: f64, decimals: usize| Tick { value, label: format!("{value:.decimals$}") };
        match self.scale {
            Scale::Linear => {
                let step = self.step(most);
                let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
                let (first, last) =
                    ((self.range.0 / step).ceil() as i64, (self.range.1 / step + 1e-9).floor() as i64);
                (first..=last).map(|multiple| tick(multiple as f64 * step, decimals)).collect()
            }
            Scale::Log => {
                let powers = (0..).map(|power| 10_f64.powi(power)).take_while(|power| *power <= self.range.1);
                let values = std::iter::once(0.0).chain(powers).filter(|value| *value >= self.range.0);
                values.map(|value| tick(value, 0)).collect()
            }
        }
    }

    /// 1, 2 or 5 times a power of ten.
    fn step(&self, most: usize) -> f64 {
        let rough = (self.range.1 - self.range.0) / most.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power);
        let step = round.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power);
        if self.whole { step.max(1.0) } else { step }
    }
}

/// A range with 0 and all values in it, and a little room above.
pub fn around(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low == high { (0.0, 1.0) } else { (low * 1.05, high * 1.05) }
}
