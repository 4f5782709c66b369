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

/// One axis: values between two ends, pixels between two others.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruler {
    scale: Scale,
    range: (f64, f64),
    pixels: (f64, f64),
}

impl Ruler {
    pub fn new(scale: Scale, (low, high): (f64, f64), pixels: (f64, f64)) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { scale, range: (low, high), pixels }
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

    /// Round values within the axis, about `most` of them.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = self.step(most);
                let (first, last) =
                    ((self.range.0 / step).ceil() as i64, (self.range.1 / step + 1e-9) as i64);
                (first..=last).map(|multiple| multiple as f64 * step).collect()
            }
            Scale::Log => {
                let powers = (0..).map(|power| 10_f64.powi(power)).take_while(|power| *power <= self.range.1);
                std::iter::once(0.0).chain(powers).filter(|tick| *tick >= self.range.0).collect()
            }
        }
    }

    pub fn label(&self, tick: f64) -> String {
        let decimals = match self.scale {
            Scale::Linear => (-self.step(6).log10().floor()).clamp(0.0, 6.0) as usize,
            Scale::Log => 0,
        };
        format!("{tick:.decimals$}")
    }

    /// 1, 2 or 5 times a power of ten.
    fn step(&self, most: usize) -> f64 {
        let rough = (self.range.1 - self.range.0) / most.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power);
        round.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power)
    }
}

/// A range with 0 and all values in it, and a little room above.
pub fn around(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    if low == high { (0.0, 1.0) } else { (low * 1.05, high * 1.05) }
}
